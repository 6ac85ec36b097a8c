"""How batches are cut from a split."""

from collections.abc import Iterator

import numpy as np

from nsnn.data.dataset import Split
from nsnn.errors import UserError

Batch = Split
"""A few samples that a network sees at once: images (B, C, H, W) or (B, T, C, H, W)."""


def batches(
    split: Split, size: int, rng: np.random.Generator | None = None, drop_last: bool = False
) -> Iterator[Batch]:
    """Cut a split into batches of `size` samples, once through.

    `rng` shuffles the samples; without it they come in their own order, as views. `drop_last`
    leaves out the last batch when it is not full, as training does. Raises UserError if `size` is
    below 1, or if it exceeds the split and `drop_last` would leave nothing.
    """
    n = len(split)
    if size < 1:
        raise UserError(f"a batch of {size} samples: data.batch must be at least 1")
    if drop_last and size > n:
        raise UserError(
            f"a batch of {size} samples is larger than the data ({n} samples): "
            f"set data.batch to {n} or less"
        )
    stop = n - n % size if drop_last else n
    order = None if rng is None else rng.permutation(n)
    spans = (slice(start, min(start + size, stop)) for start in range(0, stop, size))
    return (split.take(span if order is None else order[span]) for span in spans)
