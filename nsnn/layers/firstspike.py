"""Layers of neurons that fire once, in the z-domain: z = e^t."""

from typing import NamedTuple

import numpy as np

from nsnn import parallel
from nsnn.csr import CSRMatrix
from nsnn.kernels import firstspike as kernels
from nsnn.kernels.csr import csr_gradient, csr_matmul
from nsnn.layers.base import Layer
from nsnn.layers.parameter import Parameter


class BinaryTimes(NamedTuple):
    """Input spikes at two times only: what a neuron has to wait for is a product with bytes."""

    early: np.ndarray  # uint8 (in, B), 1 where the input fires first
    first: float  # the two z
    last: float

    @property
    def z(self) -> np.ndarray:
        """The times themselves, float32 (in, B)."""
        return np.where(self.early, np.float32(self.first), np.float32(self.last))

    @property
    def shape(self) -> tuple[int, int]:
        """(in, B)."""
        return self.early.shape


class FirstSpike(Layer):
    """Neurons that fire once: z_j = Σ_C w z / (Σ_C w − 1) over the inputs before z_j.

    Parameters
    ----------
    inputs, outputs : int
    rng : numpy.random.Generator
    initial_sum : float
        Mean of Σ_i w_ij at the start; weights are uniform from 0, so that neurons fire.
    dtype : float32 or float64
    name : str

    Attributes
    ----------
    weight : Parameter, (outputs, inputs)
    z : ndarray of float, (outputs, B)
        Times of the last forward; infinity where a neuron did not fire.

    Notes
    -----
    Source: ESL Eqs. 3-5
    """

    def __init__(self, inputs, outputs, rng, initial_sum, dtype=np.float32, name="linear"):
        super().__init__()
        self.name, self.dtype = name, np.dtype(dtype)
        W = rng.uniform(0, 2 * initial_sum / inputs, (outputs, inputs)).astype(dtype)
        self.weight = Parameter(f"{name}.weight", W, prunable=True)
        self.input_gradient = True

    def parameters(self):
        return [self.weight]

    def forward(self, x, training=False):
        """z of the inputs, (in, B) with infinity allowed or `BinaryTimes` -> z (out, B)."""
        self._require("features", x.shape[0], self.weight.shape[1])
        self.x = x
        self.z = self._buffer("z", (self.weight.shape[0], x.shape[1]), self.dtype)
        self._margin = self._buffer("margin", self.z.shape, self.dtype)
        if isinstance(x, BinaryTimes):
            self._binary_forward(x)
        else:
            self._ordered_forward(x)
        return self.z

    def _ordered_forward(self, x):
        """One input after another, in the order of their times."""
        W, B = self.weight.topology, x.shape[1]

        def by_time(span):
            """Inputs of some samples by rising z; (samples, in)."""
            return np.argsort(np.ascontiguousarray(x[:, slice(*span)].T), axis=1).astype(np.int32)

        order = np.concatenate(parallel.tasks(by_time, parallel.bounds(B, parallel.CHUNKS)))
        if W is None:
            columns = np.ascontiguousarray(self.weight.data.T)
            common = (columns, order, x, self.z, self._margin)
            parallel.launch(kernels.first_spikes_dense, B, B * columns.size, *common)
        else:
            columns = (W.data[W.t_perm], W.t_indices, W.t_indptr)
            common = (*columns, order, x, self.z, self._margin)
            parallel.launch(kernels.first_spikes, B, B * W.nnz, *common)

    def _binary_forward(self, x):
        """Fires on the early inputs alone, or else on all of them, or never."""
        first, last = self.dtype.type(x.first), self.dtype.type(x.last)
        S = self._product(x.early)  # Σ w of the early inputs
        all_S = self.row_sums().astype(self.dtype)[:, None]
        over = S - 1
        early = (over >= kernels.TINY) & (S * first <= last * over)
        self._waited = ~early & (all_S - 1 >= kernels.TINY)  # for all of its inputs
        margin = np.where(early, over, np.where(self._waited, all_S - 1, 0))
        N = np.where(early, S * first, S * first + (all_S - S) * last)
        self._margin[...] = margin
        self.z.fill(np.inf)
        np.divide(N, margin, out=self.z, where=margin > 0)

    def backward(self, dy):
        """dL/dz of the neurons (out, B) -> dL/dz of the inputs; fills the weight's gradient."""
        fired = np.isfinite(self.z)
        z_out = np.where(fired, self.z, self.dtype.type(0))
        slope = np.divide(dy, self._margin, out=np.zeros_like(z_out), where=fired)
        p, W = self.weight, self.weight.topology
        self.block_bytes = 0
        if isinstance(self.x, BinaryTimes):
            self._binary_gradient(z_out, slope)
        elif W is None:
            self._dense_gradient(self.x, z_out, slope, p.gradient)
        else:
            parallel.launch(
                kernels.first_spike_gradient, p.shape[0], self._work(),
                W.indices, W.indptr, self.x, z_out, slope, p.gradient, indptr=W.indptr,
            )  # fmt: skip
        observers = p.take_observers("gradient")
        if observers:
            z = self.x.z if isinstance(self.x, BinaryTimes) else self.x

            def make(span, block):
                self._dense_gradient(z[span], z_out, slope, block)

            self.block_bytes = p.show(observers, len(z), make)
        return self._input_gradient_of(z_out, slope, dy) if self.input_gradient else None

    def _binary_gradient(self, z_out, slope):
        """Σ_b slope (z_i − z_j): a product for the early inputs, a number a neuron for the late."""
        p, W, x = self.weight, self.weight.topology, self.x
        late = np.where(self._waited, slope * (self.dtype.type(x.last) - z_out), 0)
        early = slope * (self.dtype.type(x.first) - z_out) - late
        of_late = late.sum(axis=1)
        if W is None:
            parallel.matmul(early, x.early.T.astype(self.dtype), p.gradient)
            p.gradient += of_late[:, None]
        else:
            common = (W.indices, W.indptr, early, x.early, p.gradient)
            parallel.launch(csr_gradient, p.shape[0], self._work(), *common, indptr=W.indptr)
            p.gradient += np.repeat(of_late, np.diff(W.indptr))

    def _input_gradient_of(self, z_out, slope, dy):
        p, W = self.weight, self.weight.topology
        if W is None:
            W = CSRMatrix.from_positions(p.shape, p.positions(), p.values())
        dz = self._gradient(dy, self.x.shape, self.dtype)
        parallel.launch(
            kernels.first_spike_input_gradient, dz.shape[0], self._work(),
            W.data[W.t_perm], W.t_indices, W.t_indptr, self.x, z_out, slope, dz,
            indptr=W.t_indptr,
        )  # fmt: skip
        return dz

    def operations(self) -> int:
        """Pairs of a sample and a synapse whose input came before the spike; last forward."""
        p, W = self.weight, self.weight.topology
        if isinstance(self.x, BinaryTimes):
            late = self._waited | ~np.isfinite(self.z)
            stored = np.full(p.shape[0], p.shape[1]) if W is None else np.diff(W.indptr)
            return self._early_pairs(~late) + int(late.sum(axis=1) @ stored)
        if W is None:
            in_order = np.sort(self.x, axis=0)
            ranks = [np.searchsorted(in_order[:, b], z) for b, z in enumerate(self.z.T)]
            return int(np.sum(ranks))
        count = np.zeros(p.shape[0], np.int64)
        common = (W.indices, W.indptr, self.x, self.z, count)
        parallel.launch(kernels.causal_pairs, p.shape[0], self._work(), *common, indptr=W.indptr)
        return int(count.sum())

    def _early_pairs(self, early):
        """Synapses and samples where input and neuron, `early` (out, B), both fire at first."""
        W, inputs = self.weight.topology, self.x.early
        if W is None:
            return int(inputs.sum(axis=0, dtype=np.int64) @ early.sum(axis=0))
        both = np.packbits(inputs, axis=1)[W.indices] & np.packbits(early, axis=1)[W.rows()]
        return int(np.bitwise_count(both).sum(dtype=np.int64))

    def _product(self, early):
        """Σ_i w_ji early_i, (out, B): the sparse product with spikes, or BLAS."""
        p, W = self.weight, self.weight.topology
        out = np.empty(self.z.shape, self.dtype)
        if W is None:
            parallel.matmul(p.data, early.astype(self.dtype), out)
        else:
            zero = np.zeros(p.shape[0], self.dtype)
            common = (p.data, W.indices, W.indptr, zero, early, out)
            parallel.launch(csr_matmul, p.shape[0], self._work(), *common, indptr=W.indptr)
        return out

    def row_sums(self) -> np.ndarray:
        """Σ_i w_ij of each neuron, (out,); float64 of a sparse weight."""
        p, W = self.weight, self.weight.topology
        if W is None:
            return p.data.sum(axis=1)
        return np.bincount(W.rows(), p.data, p.shape[0])

    def _work(self):
        return self.z.shape[1] * self.weight.active

    def _dense_gradient(self, z, z_out, slope, gradient):
        """The gradient at all positions of some inputs."""
        work = gradient.size * z.shape[1]
        parallel.launch(
            kernels.first_spike_gradient_dense, gradient.shape[0], work, z, z_out, slope, gradient
        )
