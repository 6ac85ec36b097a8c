"""What is measured of a network: accuracy, confusion, density, memory, training cost."""

import resource
import sys
from dataclasses import dataclass

import numpy as np


def accuracy(predicted, labels) -> float:
    """Fraction of equal entries of `predicted` and `labels`, both int64 (n,).

    Examples
    --------
    >>> accuracy(np.array([0, 1, 1, 0]), np.array([0, 1, 1, 1]))
    0.75
    """
    return float(np.mean(predicted == labels))


def confusion_matrix(predicted, labels, classes: int) -> np.ndarray:
    """How often each class (row) was taken for each (column); int64 (classes, classes).

    `predicted` and `labels` are int64 (n,).

    Examples
    --------
    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)
    array([[1, 1],
           [0, 1]])
    """
    pairs = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return pairs.reshape(classes, classes)


@dataclass(frozen=True)
class Density:
    """Active weights of the prunable parameters, in all and by parameter."""

    active: int
    size: int
    layers: dict  # name: (active, size)

    @property
    def density(self) -> float:
        """Active over all positions, 1 when nothing can be pruned."""
        return self.active / self.size if self.size else 1.0


def density(parameters) -> Density:
    """Count the active weights of a list of Parameter; as in the papers, of prunable ones only."""
    layers = {p.name: (p.active, p.size) for p in parameters if p.prunable}
    active = sum(active for active, _ in layers.values())
    return Density(active, sum(size for _, size in layers.values()), layers)


def paper_bytes(parameters, time_steps: int) -> float:
    """Memory of the sparse weights and their gradients by the paper's count, in bytes.

    Parameters
    ----------
    parameters : list of Parameter
        The prunable ones count.
    time_steps : int
        T. The paper keeps one gradient for each time step; this engine keeps one in all.

    Notes
    -----
    Source: NDSNN III-D. ``(1−θ)·((1+T)·N·b_w + N·b_idx) + Σ_l (F_l+1)·b_idx`` bits, with N the
    prunable positions, θ their sparsity, F_l the rows of layer l, b_w = 32 and (ours) b_idx = 32.
    """
    weights = [p for p in parameters if p.prunable]
    active = sum(p.active for p in weights)  # (1−θ)·N
    rows = sum(p.shape[0] + 1 for p in weights)  # Σ_l (F_l+1)
    b_w = b_idx = 32
    return (active * ((1 + time_steps) * b_w + b_idx) + rows * b_idx) / 8


def relative_cost(spike_rate: float, density: float, dense_spike_rate: float) -> float:
    """Training cost of an epoch relative to a dense network's.

    Parameters
    ----------
    spike_rate, dense_spike_rate : float
        R_s and R_d: average spikes per neuron and step of the sparse and the dense network.
    density : float
        1 − θ; the paper prints "Sparsity" where the density is meant.

    Notes
    -----
    Source: NDSNN IV-C. ``R_s·density/R_d``, 0 where R_d is; of a run the mean over its epochs.
    """
    return spike_rate * density / dense_spike_rate if dense_spike_rate else 0.0


def peak_memory() -> int:
    """The most memory that this program has held so far, in bytes."""
    try:
        # Not `getrusage`: on Linux its peak outlives exec, so that a child starts with its
        # parent's.
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:  # not Linux
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, BSD KiB
