"""Spiking residual networks: shortcuts add to the current, before the neurons fire."""

from nsnn.layers import LIF, GlobalAvgPool2d, Residual, Sequential
from nsnn.models.builder import Builder


def resnet19(
    neuron, input_shape, classes, rng, width, norm, dtype, strides=(2, 2, 2)
) -> Sequential:
    """ResNet-19: with norm = "batch" and 10 classes, 12,630,858 parameters.

    Source: NDSNN IV-A1 (which names the network and gives no layers)

    Parameters
    ----------
    strides : tuple of int
        Of the first block of each stage; (1, 2, 2), without the first reduction, is TET's.
    neuron, input_shape, classes, rng, width, norm, dtype
        See `nsnn.models.build`.
    """
    stages = ((128, 3), (256, 3), (512, 2))
    return resnet(
        neuron, input_shape, classes, rng, width, norm, dtype, stages, strides, stem=64, hidden=256
    )


def resnet(
    neuron, input_shape, classes, rng, width, norm, dtype, stages, strides, stem, hidden
) -> Sequential:
    """Convolution, stages of basic blocks, global average, a hidden layer, the readout.

    Parameters
    ----------
    stages : sequence of (int, int)
        Channels and number of blocks.
    strides : sequence of int
        Of the first block of each stage.
    stem, hidden : int
        Channels of the first convolution, neurons of the fully connected layer.
    neuron, input_shape, classes, rng, width, norm, dtype
        See `nsnn.models.build`.

    Notes
    -----
    Convolutions have no bias: batch normalisation has one. Only norm = "none" gives them theirs.
    The fully connected layer is not normalised.
    """
    builder = Builder(neuron, input_shape, rng, width, norm, dtype)
    bias = norm == "none"
    builder.convolution(stem, 3, padding=1, bias=bias)
    builder.spike()
    index = 0
    for (channels, blocks), stride in zip(stages, strides, strict=True):
        for block in range(blocks):
            index += 1
            _basic_block(builder, f"block{index}", channels, stride if block == 0 else 1, bias)
    builder.parts.append(GlobalAvgPool2d(dtype, builder.name("pool")))
    builder.shape = builder.shape[:1]
    builder.linear(hidden)
    builder.spike(norm=False)
    return builder.finish(classes)


def _basic_block(builder, name, channels, stride, bias):
    """I = conv-LIF-conv(s) + shortcut(s), then LIF; the shortcut is s itself where it fits."""
    body = builder.branch(f"{name}.")
    body.convolution(channels, 3, stride, padding=1, bias=bias)
    body.spike()
    body.convolution(channels, 3, padding=1, bias=bias)
    body.normalise()
    shortcut = None
    if body.shape != builder.shape:
        branch = builder.branch(f"{name}.shortcut.")
        branch.convolution(channels, 1, stride, bias=bias)
        branch.normalise()
        shortcut = Sequential(branch.parts)
    lif = LIF(builder.neuron, builder.dtype, body.name("lif"))
    builder.parts += [Residual(Sequential(body.parts), shortcut, name), lif]
    builder.shape = body.shape
