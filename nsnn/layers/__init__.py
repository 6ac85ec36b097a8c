"""Layers with hand-written forward and backward passes.

Shapes are `(C, H, W, T, B)` or `(N, T, B)`: each neuron owns one contiguous block with its whole
history for the whole batch. `Linear` and `Conv2d` are the same layer dense or sparse.
"""

from nsnn.layers.base import Layer
from nsnn.layers.batchnorm import BatchNorm
from nsnn.layers.container import BatchNormLIF, Residual, Sequential
from nsnn.layers.conv import Conv2d
from nsnn.layers.lif import LIF
from nsnn.layers.linear import Integrator, Linear, decide
from nsnn.layers.parameter import Parameter
from nsnn.layers.pool import AvgPool2d, Flatten, GlobalAvgPool2d, MaxPool2d

__all__ = [
    "LIF", "AvgPool2d", "BatchNorm", "BatchNormLIF", "Conv2d", "Flatten", "GlobalAvgPool2d",
    "Integrator", "Layer", "Linear", "MaxPool2d", "Parameter", "Residual", "Sequential", "decide",
]  # fmt: skip
