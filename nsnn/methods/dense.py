"""Dense training: the baseline, every weight active from the first step to the last."""

from nsnn.methods.base import Method


class Dense(Method):
    """No sparsity: no moment does anything."""

    title = "dense"
