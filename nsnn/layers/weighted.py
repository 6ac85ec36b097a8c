"""What linear layers and convolutions share: weight and bias, first values, the backward."""

import abc

import numpy as np

from nsnn import parallel
from nsnn.csr import CSRMatrix, MaskedMatrix
from nsnn.errors import UserError
from nsnn.kernels.bias import bias_gradient
from nsnn.kernels.count import row_uses
from nsnn.layers.base import Layer, pixels
from nsnn.layers.parameter import Parameter


def uniform_fan_in(shape, fan_in: int, rng, dtype) -> np.ndarray:
    """U(-1/√fan_in, 1/√fan_in): PyTorch's default for linear layers and convolutions."""
    bound = 1 / np.sqrt(fan_in)
    return rng.uniform(-bound, bound, shape).astype(dtype)


def scale_to_active_fan_in(parameters) -> None:
    """Scale each row of a sparse weight by √(fan-in / active fan-in): init = "active_fan_in".

    The weights were drawn for a full fan-in; a row that keeps few of them receives as little
    current as few of them carry. To be called once, after the method has made the network sparse.
    """
    for p in (p for p in parameters if p.topology is not None):
        rows, cols = p.shape
        row = p.positions() // cols
        active = np.bincount(row, minlength=rows)
        factor = np.sqrt(cols / np.maximum(active, 1)).astype(p.data.dtype)
        p.assign(p.values() * factor[row])


class Weighted(Layer):
    """A layer with a weight matrix, dense, masked or CSR, and a bias.

    Parameters
    ----------
    dims : tuple of int
        (out, in) or (out, in, kh, kw).
    rng : numpy.random.Generator
        Draws the weights, then the bias.
    dtype : float32 or float64
    bias : bool
    name : str

    Attributes
    ----------
    weight : Parameter, (out, in·kh·kw)
        Its topology says how it is stored and multiplied.
    bias : Parameter or None
    x : ndarray, (…, T or 1, B) uint8 or float
        Input of the last forward.
    input_gradient : bool
        False for a network's first layer: nobody needs dL/dx there, and `backward` returns None.
    spiking : LIF or None
        The neurons that this layer's output drives directly; `Sequential` sets it.
    geometry : tuple of int
        (kernel, kernel, stride, padding); a linear layer is a convolution of one pixel.
    row_uses : ndarray of int64, (out, kernel²), or None
        The nonzero ε that dL/dx of the last backward took up: see `nsnn.kernels.count.row_uses`.
    dense_gradients : int
        How many dense gradients the last backward has made for observers.
    """

    geometry = (1, 1, 1, 0)

    def __init__(self, dims, rng, dtype, bias, name):
        super().__init__()
        self.name = name
        self.input_gradient = True
        self.spiking = None
        self.row_uses, self.dense_gradients = None, 0
        out, fan_in = dims[0], int(np.prod(dims[1:]))
        W = uniform_fan_in((out, fan_in), fan_in, rng, dtype)
        self.weight = Parameter(f"{name}.weight", W, dims, prunable=True)
        self.bias = None
        if bias:
            b = uniform_fan_in(out, fan_in, rng, dtype)
            self.bias = Parameter(f"{name}.bias", b, decayed=False)

    def parameters(self):
        return [self.weight] if self.bias is None else [self.weight, self.bias]

    def output_shape(self, height, width) -> tuple[int, int, int]:
        """(channels, height, width) of the output for an image of `height` x `width`."""
        kh, kw, stride, padding = self.geometry
        Ho = (height + 2 * padding - kh) // stride + 1
        Wo = (width + 2 * padding - kw) // stride + 1
        if Ho < 1 or Wo < 1:
            raise UserError(f"{self.name}: a {kh}x{kw} kernel does not fit {height}x{width} pixels")
        return self.weight.stored_shape[0], Ho, Wo

    def backward(self, dy):
        """dy = dL/dI (g ε, or what batch normalisation makes of it) -> dL/dx; fills the gradients.

        Source: NDSNN Eq. 2a, corrected (the paper omits the transpose). Source: NDSNN Eq. 2c.
        """
        x, epsilon = self._flat(self.x), self._flat(dy)
        self.row_uses, self.dense_gradients, self.block_bytes = None, 0, 0
        self._show_delta(x)  # before dL/dx takes its place
        if self.bias is not None:  # ∂L/∂b = Σ_t ε[t]
            rows = epsilon.reshape(epsilon.shape[0], -1)
            parallel.launch(bias_gradient, rows.shape[0], rows.size, rows, self.bias.gradient)
        dx, flat_dx = None, None
        if self.input_gradient:
            self._count(dy)
            dx = self._gradient(dy, self.x.shape, dy.dtype)
            flat_dx = self._flat(dx)
        W = self._csr()
        if W is None:
            self._dense_gradient(epsilon, x, self.weight.gradient)
            if dx is not None:
                self._dense_transposed(epsilon, flat_dx)
            if isinstance(self.weight.topology, MaskedMatrix):
                self.weight.gradient *= self.weight.topology.mask
        elif dx is None:
            self._csr_gradient(W, epsilon, x)
        else:
            self._csr_backward(W, epsilon, x, flat_dx)
        self._show(self.weight.take_observers("gradient"), epsilon, x)
        self._show(self.weight.take_observers("scaled"), epsilon, x, scaled=True)
        return dx

    def _count(self, dy) -> None:
        """Count the nonzero ε that dL/dx takes up."""
        epsilon, sides = pixels(dy), pixels(self.x).shape[1:3]
        self.row_uses = np.empty((epsilon.shape[0], self.geometry[0] * self.geometry[1]), np.int64)
        parallel.launch(
            row_uses, epsilon.shape[0], epsilon.size / 8, epsilon, *self.geometry, *sides,
            self.row_uses,
        )  # fmt: skip

    def _show_delta(self, x) -> None:
        """Show Σ_t δ[t] s[t]ᵀ to those who have asked for it; δ is what the neurons received."""
        observers = self.weight.take_observers("delta")
        if not observers:
            return
        if self.spiking is None:
            raise UserError(
                f"{self.weight.name}: no neurons follow it directly, so it has no delta"
            )
        delta = self.spiking.delta
        if self.x.shape[-2] == 1:  # a constant input: Σ_t over δ alone
            delta = delta.sum(axis=-2, keepdims=True)
        self._show(observers, self._flat(delta), x)

    def _show(self, observers, epsilon, x, scaled=False) -> None:
        """Make the dense gradient for all observers together, see `Parameter.show`.

        `scaled`: with each neuron's ε divided by its own rms, which is constant in a row.
        """
        if not observers:
            return
        self.dense_gradients += 1
        if scaled:
            own = epsilon.reshape(epsilon.shape[0], -1)
            squares = np.einsum("ij,ij->i", own, own, dtype=np.float64)  # in float32 they underflow
            rms = np.sqrt(squares / own.shape[1]).astype(own.dtype)[:, None]
            rms[rms == 0] = 1

        def make(span, block):
            self._dense_gradient(epsilon, x[span], block)
            if scaled:
                block /= rms

        self.block_bytes = self.weight.show(observers, x.shape[0], make)

    def _csr(self) -> CSRMatrix | None:
        """The sparse matrix that is multiplied with, None for BLAS."""
        W = self.weight.topology
        return W if isinstance(W, CSRMatrix) else None

    def _bias(self):
        """The bias, or zeros."""
        if self.bias is None:
            return np.zeros(self.weight.stored_shape[0], self.weight.data.dtype)
        return self.bias.data

    def _work(self, nnz, epsilon):
        """Multiply-adds of one product: each synapse meets each value of an output neuron."""
        return nnz * (epsilon.size // max(1, epsilon.shape[0]))

    @abc.abstractmethod
    def _flat(self, array):
        """An activation in the shape that the kernels take, in C order."""

    @abc.abstractmethod
    def _csr_gradient(self, W, epsilon, x):
        """Weight gradient at the stored positions only, where nobody needs dL/dx."""

    @abc.abstractmethod
    def _csr_backward(self, W, epsilon, x, dx):
        """Input and weight gradient in one pass over ε."""

    @abc.abstractmethod
    def _dense_gradient(self, epsilon, x, gradient):
        """Weight gradient by BLAS, for all or some of the inputs."""

    @abc.abstractmethod
    def _dense_transposed(self, epsilon, dx):
        """Input gradient by BLAS."""
