"""NDSNN's schedule, but chance says which weights go: does it tell how small a weight is?

A method of its own in a few lines, and the control of papers/ndsnn.md for pruning by size.

    nsnn reproduce tutorials/ndsnn-random-pruning.toml --profile long \\
        --plugin tutorials/random_pruning.py
"""

import numpy as np

from nsnn.methods import METHODS, NDSNN


class RandomPruning(NDSNN):
    """As many weights at every step as NDSNN, from the same start; with its options.

    Source: NDSNN Eqs. 4-9 for the counts; ArgDrop of Algorithm 1 is replaced.
    """

    title = "random pruning"

    def choose_drop(self, p, count):
        """Any `count` of the active weights, each as likely as the others."""
        drop = np.zeros(p.active, dtype=bool)
        drop[self.rng.choice(p.active, count, replace=False)] = True
        return drop


METHODS["random-pruning"] = RandomPruning
