"""Fully connected layer, dense or sparse."""

import numpy as np

from nsnn import parallel
from nsnn.csr import CSRMatrix, MaskedMatrix
from nsnn.kernels.csr import csr_gradient, csr_matmul, csr_transposed_matmul
from nsnn.layers.base import Layer
from nsnn.layers.growth import full_rows, largest_gradients
from nsnn.layers.parameter import Parameter


def uniform_fan_in(shape, fan_in: int, rng, dtype) -> np.ndarray:
    """U(-1/√fan_in, 1/√fan_in): PyTorch's default for linear layers and convolutions."""
    bound = 1 / np.sqrt(fan_in)
    return rng.uniform(-bound, bound, shape).astype(dtype)


class Linear(Layer):
    """y[t] = W x[t] + b, on activations (features, T, B).

    Parameters
    ----------
    inputs, outputs : int
    rng : numpy.random.Generator
        Draws the weights, then the bias: U(-1/√inputs, 1/√inputs).
    dtype : float32 or float64
    bias : bool
    name : str

    Attributes
    ----------
    weight : Parameter, (outputs, inputs)
        Its topology says how it is stored and multiplied: dense (BLAS), masked, or CSR.
    bias : Parameter or None
    input_gradient : bool
        False for a network's first layer: nobody needs dL/dx there, and `backward` returns None.
    """

    def __init__(self, inputs, outputs, rng, dtype=np.float32, bias=True, name="linear"):
        super().__init__()
        self.name = name
        self.input_gradient = True
        W = uniform_fan_in((outputs, inputs), inputs, rng, dtype)
        self.weight = Parameter(f"{name}.weight", W, prunable=True)
        self.bias = None
        if bias:
            b = uniform_fan_in(outputs, inputs, rng, dtype)
            self.bias = Parameter(f"{name}.bias", b, decay=False)

    def parameters(self):
        return [self.weight] if self.bias is None else [self.weight, self.bias]

    def forward(self, x, training=False):
        """x (in, T, B) uint8 or float -> y (out, T, B)."""
        self._require("features", x.shape[0], self.weight.shape[1])
        self._x = x
        dtype = self.weight.data.dtype
        y = self._buffer("y", (self.weight.shape[0], *x.shape[1:]), dtype)
        flat_x, flat_y = x.reshape(x.shape[0], -1), y.reshape(y.shape[0], -1)
        W = self.weight.topology
        if isinstance(W, CSRMatrix):
            work = W.nnz * flat_x.shape[1]
            parallel.run(
                csr_matmul, W.shape[0], work, W.data, W.indices, W.indptr, flat_x, flat_y,
                indptr=W.indptr,
            )  # fmt: skip
        else:
            parallel.matmul(self.weight.data, self._real(flat_x), flat_y)
        if self.bias is not None:
            flat_y += self.bias.data[:, None]
        return y

    def backward(self, dy):
        """dy = ε (out, T, B) -> Wᵀ ε (in, T, B). Source: NDSNN Eq. 2a, Eq. 2c."""
        x, epsilon = self._x.reshape(self._x.shape[0], -1), dy.reshape(dy.shape[0], -1)
        if self.bias is not None:
            self.bias.gradient[...] = epsilon.sum(axis=1)  # ∂L/∂b = Σ_t ε[t]
        self._weight_gradient(epsilon, x)
        self.weight.answer_growth(lambda k, excluded: self._candidates(k, excluded, epsilon, x))
        if not self.input_gradient:
            return None
        dx = self._buffer("dx", self._x.shape, dy.dtype)
        flat_dx = dx.reshape(x.shape)
        W = self.weight.topology
        if isinstance(W, CSRMatrix):
            parallel.run(
                csr_transposed_matmul, W.shape[1], W.nnz * x.shape[1],
                W.data, W.t_indices, W.t_indptr, W.t_perm, epsilon, flat_dx, indptr=W.t_indptr,
            )  # fmt: skip
        else:
            parallel.matmul(self.weight.data.T, epsilon, flat_dx)
        return dx

    def _weight_gradient(self, epsilon, x):
        """∂L/∂W = Σ_t ε[t] x[t]ᵀ, at the active positions. Source: NDSNN Eq. 2c."""
        W = self.weight.topology
        if isinstance(W, CSRMatrix):
            parallel.run(
                csr_gradient, W.shape[0], W.nnz * x.shape[1],
                W.indices, W.indptr, epsilon, x, self.weight.gradient, indptr=W.indptr,
            )  # fmt: skip
            return
        parallel.matmul(epsilon, self._real(x).T, self.weight.gradient)
        if isinstance(W, MaskedMatrix):
            self.weight.gradient *= W.mask

    def _candidates(self, k, excluded, epsilon, x):
        """Growth candidates, by blocks of rows of the dense gradient."""
        cols = self.weight.shape[1]

        def rows(first, last, out):
            indices, indptr = full_rows(last - first, cols)
            parallel.run(
                csr_gradient, last - first, out.size * x.shape[1],
                indices, indptr, epsilon[first:last], x, out.reshape(-1),
            )  # fmt: skip

        return largest_gradients(rows, self.weight.shape, k, excluded, epsilon.dtype)

    def _real(self, x):
        """`x` in the weights' type, for BLAS: uint8 spikes are converted into a buffer."""
        if x.dtype == self.weight.data.dtype:
            return x
        real = self._buffer("x", x.shape, self.weight.data.dtype)
        real[...] = x
        return real


class Integrator(Linear):
    """Readout: O[t] = W s[t] + b at each step, no decay, no firing, no running sum.

    The prediction is `decide(O)`, the class with the largest mean over time.
    """


def decide(outputs) -> np.ndarray:
    """Predicted classes, int64 (B,), of outputs O (classes, T, B): argmax of mean_t O[t]."""
    return outputs.mean(axis=1).argmax(axis=0)
