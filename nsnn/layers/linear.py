"""Fully connected layer, dense or sparse."""

import numpy as np

from nsnn import parallel
from nsnn.csr import CSRMatrix
from nsnn.kernels.csr import csr_backward, csr_gradient, csr_matmul
from nsnn.layers.weighted import Weighted

FEW = 32  # outputs up to which a dense layer fed with spikes uses the sparse kernels


class Linear(Weighted):
    """y[t] = W x[t] + b, on activations (features, T, B).

    Parameters
    ----------
    inputs, outputs : int
    rng, dtype, bias, name
        As for `Weighted`; drawn from U(-1/√inputs, 1/√inputs).
    """

    def __init__(self, inputs, outputs, rng, dtype=np.float32, bias=True, name="linear"):
        super().__init__((outputs, inputs), rng, dtype, bias, name)
        self._every = None

    def forward(self, x, training=False):
        """x (in, T, B) uint8 or float -> y (out, T, B)."""
        rows, cols = self.weight.stored_shape
        self._require("features", x.shape[0], cols)
        self.x, self._converted = x, None
        y = self._buffer("y", (rows, *x.shape[1:]), self.weight.data.dtype)
        flat_x, flat_y = self._flat(x), self._flat(y)
        W = self._csr()
        if W is not None:
            parallel.launch(
                csr_matmul, W.shape[0], self._work(W.nnz, flat_y),
                W.data, W.indices, W.indptr, self._bias(), flat_x, flat_y, indptr=W.indptr,
            )  # fmt: skip
        else:
            parallel.matmul(self.weight.data, self._real(flat_x), flat_y)
            flat_y += self._bias()[:, None]
        return y

    def _csr_gradient(self, W, epsilon, x):
        parallel.launch(
            csr_gradient, W.shape[0], self._work(W.nnz, epsilon),
            W.indices, W.indptr, epsilon, x, self.weight.gradient.reshape(-1), indptr=W.indptr,
        )  # fmt: skip

    def _csr_backward(self, W, epsilon, x, dx):
        parallel.launch(
            csr_backward, W.shape[1], 2 * self._work(W.nnz, epsilon), W.data, W.t_indices,
            W.t_indptr, W.t_perm, epsilon, x, dx, self.weight.gradient.reshape(-1),
            indptr=W.t_indptr,
        )  # fmt: skip

    def _dense_gradient(self, epsilon, x, gradient):
        parallel.matmul(epsilon, self._real(x).T, gradient)

    def _dense_transposed(self, epsilon, dx):
        parallel.matmul(self.weight.data.T, epsilon, dx)

    def _csr(self):
        """The weight's own CSR matrix, or all positions of a dense readout that spikes feed.

        For few outputs BLAS would spend its time on converting the spikes to real numbers.
        """
        W, shape = self.weight, self.weight.stored_shape
        if W.topology is not None or shape[0] > FEW or self.x.dtype != np.uint8:
            return super()._csr()
        data = W.data.reshape(-1)
        if self._every is None or self._every.shape != shape:
            self._every = CSRMatrix.from_positions(shape, np.arange(data.size), data)
        self._every.data = data
        return self._every

    def _flat(self, array):
        """(features, T, B) seen as (features, T·B)."""
        return np.ascontiguousarray(array).reshape(array.shape[0], -1)

    def _real(self, x):
        """`x`, or some rows of it, in the weights' type for BLAS; all of it is converted once."""
        dtype = self.weight.data.dtype
        if x.dtype == dtype or x.shape[0] < self.weight.stored_shape[1]:
            return x.astype(dtype, copy=False)
        if self._converted is None:
            self._converted = self._buffer("x", x.shape, dtype)
            self._converted[...] = x
        return self._converted


class Integrator(Linear):
    """Readout: O[t] = W s[t] + b at each step, no decay, no firing, no running sum.

    The prediction is `decide(O)`, the class with the largest mean over time.
    """


def decide(outputs) -> np.ndarray:
    """Predicted classes, int64 (B,), of outputs O (classes, T, B): argmax of mean_t O[t]."""
    return outputs.mean(axis=1).argmax(axis=0)
