"""LeNet-5, the network of the ADMM comparison."""

from nsnn.layers import Sequential
from nsnn.models.builder import POOLS
from nsnn.models.notation import from_notation

FULL_SIZE = 32  # pixels a side: LeNet-5's own


def lenet5(neuron, input_shape, classes, rng, width, norm, dtype, pool="average") -> Sequential:
    """6C5-P2-16C5-P2-120-84: 61,770 weights for images of 3 x 32 x 32 and 10 classes.

    Parameters
    ----------
    pool : "average" or "max"
        LeNet-5 averages; no paper says what the spiking one does.
    neuron, input_shape, classes, rng, width, norm, dtype
        See `nsnn.models.build`.

    Notes
    -----
    The 5 x 5 convolutions have no padding, 32 x 32 pixels become 5 x 5. Images smaller than that,
    such as MNIST's 28 x 28, get a border of 2 pixels in the first convolution, as LeNet-5 did with
    them. Source: NDSNN Table II (which calls the network so, and gives no layers).
    """
    padded = min(input_shape[1:]) < FULL_SIZE
    notation = f"6C5{'' if padded else 'V'}-P2-16C5V-P2-120-84".replace("P", POOLS[pool])
    return from_notation(
        notation, neuron, input_shape, classes, rng, width, norm, dtype,
        what="model.name = 'lenet5'",
    )  # fmt: skip
