"""Two-dimensional convolution, dense or sparse."""

import numpy as np

from nsnn import parallel
from nsnn.csr import CSRMatrix, MaskedMatrix
from nsnn.errors import UserError
from nsnn.kernels.conv import conv_csr_gradient, conv_csr_matmul, conv_csr_transposed_matmul
from nsnn.layers import dense_conv
from nsnn.layers.base import Layer
from nsnn.layers.growth import full_rows, largest_gradients
from nsnn.layers.linear import uniform_fan_in
from nsnn.layers.parameter import Parameter


class Conv2d(Layer):
    """y[t] = W * x[t] + b, on activations (channels, H, W, T, B).

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel : int
        Side of the square kernel.
    rng : numpy.random.Generator
    stride, padding : int
    dtype, bias, name
        As for `Linear`; fan-in = inputs·kernel².

    Attributes
    ----------
    weight : Parameter, (outputs, inputs·kernel·kernel)
        Row o holds the kernel of output channel o, in the order (channel, dy, dx).
    bias : Parameter or None
    input_gradient : bool
        False for a network's first layer: `backward` then returns None.
    """

    def __init__(
        self, inputs, outputs, kernel, rng, stride=1, padding=0, dtype=np.float32, bias=True,
        name="conv",
    ):  # fmt: skip
        super().__init__()
        self.name = name
        self.input_gradient = True
        self.geometry = (kernel, kernel, stride, padding)
        fan_in = inputs * kernel * kernel
        W = uniform_fan_in((outputs, fan_in), fan_in, rng, dtype)
        dims = (outputs, inputs, kernel, kernel)
        self.weight = Parameter(f"{name}.weight", W, dims, prunable=True)
        self.bias = None
        if bias:
            b = uniform_fan_in(outputs, fan_in, rng, dtype)
            self.bias = Parameter(f"{name}.bias", b, decay=False)

    def parameters(self):
        return [self.weight] if self.bias is None else [self.weight, self.bias]

    def output_shape(self, height, width) -> tuple[int, int, int]:
        """(channels, height, width) of the output for an image of `height` x `width`."""
        kh, kw, stride, padding = self.geometry
        Ho = (height + 2 * padding - kh) // stride + 1
        Wo = (width + 2 * padding - kw) // stride + 1
        if Ho < 1 or Wo < 1:
            raise UserError(f"{self.name}: a {kh}x{kw} kernel does not fit {height}x{width} pixels")
        return self.weight.shape[0], Ho, Wo

    def forward(self, x, training=False):
        """x (C, H, W, T, B) uint8 or float -> y (O, Ho, Wo, T, B)."""
        self._require("channels", x.shape[0], self.weight.dims[1])
        self._x = x
        T, B = x.shape[3:]
        shape = (*self.output_shape(*x.shape[1:3]), T, B)
        y = self._buffer("y", shape, self.weight.data.dtype)
        rows_x, rows_y = _rows(x), _rows(y)
        W = self.weight.topology
        if isinstance(W, CSRMatrix):
            parallel.run(
                conv_csr_matmul, W.shape[0], self._work(W.nnz, y),
                W.data, W.indices, W.indptr, rows_x, *self.geometry, T * B, rows_y,
                indptr=W.indptr,
            )  # fmt: skip
        else:
            dense_conv.conv_matmul(self.weight.data, rows_x, self.geometry, T * B, rows_y)
        if self.bias is not None:
            y += self.bias.data[:, None, None, None, None]
        return y

    def backward(self, dy):
        """dy = ε (O, Ho, Wo, T, B) -> dL/dx (C, H, W, T, B). Source: NDSNN Eq. 2a, Eq. 2c."""
        x, epsilon, K = _rows(self._x), _rows(dy), dy.shape[3] * dy.shape[4]
        if self.bias is not None:
            self.bias.gradient[...] = dy.reshape(dy.shape[0], -1).sum(axis=1)
        W = self.weight.topology
        if isinstance(W, CSRMatrix):
            parallel.run(
                conv_csr_gradient, W.shape[0], self._work(W.nnz, dy),
                W.indices, W.indptr, epsilon, x, *self.geometry, K, self.weight.gradient,
                indptr=W.indptr,
            )  # fmt: skip
        else:
            dense_conv.conv_gradient(epsilon, x, self.geometry, K, self.weight.gradient)
            if isinstance(W, MaskedMatrix):
                self.weight.gradient *= W.mask
        self.weight.answer_growth(lambda k, excluded: self._candidates(k, excluded, epsilon, x, K))
        if not self.input_gradient:
            return None
        dx = self._buffer("dx", self._x.shape, dy.dtype)
        if isinstance(W, CSRMatrix):
            parallel.run(
                conv_csr_transposed_matmul, dx.shape[0], self._work(W.nnz, dy),
                W.data, W.t_indices, W.t_indptr, W.t_perm, epsilon, *self.geometry, K, _rows(dx),
            )  # fmt: skip
        else:
            dense_conv.conv_transposed_matmul(
                self.weight.data, epsilon, self.geometry, K, _rows(dx)
            )
        return dx

    def _candidates(self, k, excluded, epsilon, x, K):
        """Growth candidates, by blocks of output channels of the dense gradient."""
        cols = self.weight.shape[1]

        def rows(first, last, out):
            indices, indptr = full_rows(last - first, cols)
            parallel.run(
                conv_csr_gradient, last - first, out.size * epsilon[0].size,
                indices, indptr, epsilon[first:last], x, *self.geometry, K, out.reshape(-1),
            )  # fmt: skip

        return largest_gradients(rows, self.weight.shape, k, excluded, epsilon.dtype)

    @staticmethod
    def _work(nnz, y):
        """Multiply-adds of one product: every synapse meets every output pixel, step and sample."""
        return nnz * (y.size // y.shape[0])


def _rows(image):
    """(C, H, W, T, B) seen as (C, H, W·T·B): what the kernels take."""
    return image.reshape(*image.shape[:2], -1)
