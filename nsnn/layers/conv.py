"""Two-dimensional convolution, dense or sparse."""

import numpy as np

from nsnn import parallel
from nsnn.kernels.conv import conv_csr_backward, conv_csr_gradient, conv_csr_matmul
from nsnn.layers import dense_conv
from nsnn.layers.weighted import Weighted


class Conv2d(Weighted):
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
    """

    def __init__(
        self, inputs, outputs, kernel, rng, stride=1, padding=0, dtype=np.float32, bias=True,
        name="conv",
    ):  # fmt: skip
        super().__init__((outputs, inputs, kernel, kernel), rng, dtype, bias, name)
        self.geometry = (kernel, kernel, stride, padding)

    def forward(self, x, training=False):
        """x (C, H, W, T, B) uint8 or float -> y (O, Ho, Wo, T, B)."""
        kh, kw = self.geometry[:2]
        self._require("channels", x.shape[0], self.weight.stored_shape[1] // (kh * kw))
        self.x = x
        self._K = x.shape[3] * x.shape[4]
        shape = (*self.output_shape(*x.shape[1:3]), *x.shape[3:])
        y = self._buffer("y", shape, self.weight.data.dtype)
        flat_x, flat_y = self._flat(x), self._flat(y)
        W = self._csr()
        if W is not None:
            parallel.launch(
                conv_csr_matmul, W.shape[0], self._work(W.nnz, y), W.data, W.indices, W.indptr,
                self._bias(), flat_x, *self.geometry, self._K, flat_y, indptr=W.indptr,
            )  # fmt: skip
        else:
            dense_conv.conv_matmul(self.weight.data, flat_x, self.geometry, self._K, flat_y)
            y += self._bias()[:, None, None, None, None]
        return y

    def _csr_gradient(self, W, epsilon, x):
        parallel.launch(
            conv_csr_gradient, W.shape[0], self._work(W.nnz, epsilon), W.indices, W.indptr,
            epsilon, x, *self.geometry, self._K, self.weight.gradient, indptr=W.indptr,
        )  # fmt: skip

    def _csr_backward(self, W, epsilon, x, dx):
        kh, kw = self.geometry[:2]
        parallel.launch(
            conv_csr_backward, x.shape[0], 2 * self._work(W.nnz, epsilon), W.data, W.t_indices,
            W.t_indptr, W.t_perm, epsilon, x, *self.geometry, self._K, dx, self.weight.gradient,
            indptr=W.t_indptr[:: kh * kw],
        )  # fmt: skip

    def _dense_gradient(self, epsilon, x, gradient):
        dense_conv.conv_gradient(epsilon, x, self.geometry, self._K, gradient)

    def _dense_transposed(self, epsilon, dx):
        dense_conv.conv_transposed_matmul(self.weight.data, epsilon, self.geometry, self._K, dx)

    def _flat(self, array):
        """(C, H, W, T, B) seen as (C, H, W·T·B)."""
        return np.ascontiguousarray(array).reshape(*array.shape[:2], -1)
