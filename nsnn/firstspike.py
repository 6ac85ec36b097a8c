"""The first-spike network of Mostafa (2018), as ESL trains it: each neuron fires once, or never.

Times are z = e^t. A layer maps the times of its inputs to those of its neurons, exactly, and its
gradient is exact too: no surrogate. Class scores are −z: the neuron that fires first decides.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from nsnn.errors import UserError
from nsnn.layers.firstspike import BinaryTimes, FirstSpike
from nsnn.network import Network
from nsnn.operations import Measures, Operations
from nsnn.options import option


def loss(z_out, labels, cap) -> tuple[float, np.ndarray]:
    """L = −ln softmax(−z)[g], mean over the batch, and dL/dz. Source: ESL Eq. 6

    Parameters
    ----------
    z_out : ndarray of float, (classes, B)
        Infinity where an output neuron did not fire: probability 0.
    labels : ndarray of int64, (B,)
    cap : float
        The loss of a sample whose target neuron did not fire, though others did.

    Returns
    -------
    value : float
        A sample without any output spike counts ln(classes).
    dz : ndarray like `z_out`
        0 for a sample whose target did not fire: its loss is a constant.
    """
    classes, B = z_out.shape
    fired, columns = np.isfinite(z_out), np.arange(B)
    decided = fired.any(axis=0)
    first = np.where(decided, z_out.min(axis=0), 0).astype(np.float64)
    # e^(min z − z), with which nothing overflows
    e = np.exp(np.where(fired, first - np.where(fired, z_out, first), -np.inf))
    p = e / np.where(decided, e.sum(axis=0), 1)
    on_target = fired[labels, columns]
    late = np.where(on_target, z_out[labels, columns], first) - first
    # −ln softmax(−z)[g] = (z_g − min z) + ln Σ e^(min z − z)
    each = np.where(on_target, late + np.log(np.where(decided, e.sum(axis=0), 1)), cap)
    each[~decided] = np.log(classes)
    # ∂L/∂z_k = 1[k = g] − softmax(−z)_k
    dz = -p
    dz[labels, columns] += 1
    dz *= on_target
    return float(each.mean()), (dz / B).astype(z_out.dtype)


class FirstSpikeNetwork(Network):
    """Fully connected layers of neurons that fire once.

    Parameters
    ----------
    sizes : sequence of int
        Hidden neurons of each layer.
    input_shape, classes, dtype
        As for `Network`.
    config : FirstSpikeNetwork.Config
    rng : numpy.random.Generator
    weight_decay : float
        2λ; the optimiser applies it.

    Notes
    -----
    The order of a step: loss, gradient of each layer rescaled where it is large, K-term, then the
    optimiser. The reported loss is that of Eq. 6, the K-term and λ Σ w². Source: ESL Eqs. 3-6
    """

    takes_delays = True

    @dataclass(frozen=True)
    class Config(Network.Config):
        """Options of the `[model]` table for first-spike networks.

        `input`: binary: a pixel above ½ fires at z = 1, any other at z = dark (Mostafa: 6, so that
        t = ln 6); grey: at dark^(1 − x). `k_term`: K of the penalty K Σ_j max(0, 1 − Σ_i w_ij).
        `largest_gradient`: of a layer's gradient, norm / inputs; a larger one is scaled down.
        """

        layers: str = option("800", "hidden neurons of each layer, such as 400-200")
        storage: str = option("csr", "of sparse weights", choices=("csr",))
        input: str = option("binary", "times of pixels", choices=("binary", "grey"))
        dark: float = option(6.0, "z of a black pixel", above=1)
        initial_sum: float = option(4.0, "mean sum of a neuron's weights at the start", above=1)
        k_term: float = option(100.0, "K of the K-term; with Adam 0.01", at_least=0)
        largest_gradient: float = option(10.0, "norm of a layer's gradient per input", above=0)
        loss_cap: float = option(20.0, "loss where the target does not fire", above=0)

    def __init__(
        self, sizes, input_shape, classes, config, rng, dtype=np.float32, weight_decay=0.0
    ):
        super().__init__(input_shape, classes, dtype)
        self.config, self.weight_decay = config, weight_decay
        sizes = [int(np.prod(input_shape)), *sizes, classes]
        self._layers = [
            FirstSpike(n_in, n_out, rng, config.initial_sum, dtype, f"linear{i + 1}")
            for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes))
        ]
        self._layers[0].input_gradient = False

    @classmethod
    def from_config(cls, config, input_shape, classes, rng):
        """The network of a whole configuration."""
        options = config.model.options
        try:
            sizes = [int(size) for size in options.layers.split("-")]
        except ValueError:
            sizes = [0]
        if min(sizes) < 1:
            raise UserError(
                f"model.layers = {options.layers!r}: write the hidden neurons of each layer, "
                "such as 800 or 400-200"
            )
        decay = config.optim.weight_decay
        return cls(sizes, input_shape, classes, options, rng, weight_decay=decay)

    def layers(self):
        return self._layers

    def sparse_start(self) -> None:
        """Scale the weights of a sparse start so that their sums are those of the dense one."""
        for layer in self._layers:
            p = layer.weight
            if p.topology is not None:
                active = np.diff(p.topology.indptr)
                p.data *= np.repeat(p.shape[1] / np.maximum(active, 1), active).astype(self.dtype)

    def encode(self, images, delays=None):
        """Times z (pixels, B) of images (B, C, H, W); delays like them multiply z by e^delay."""
        images = self.as_images(images)
        if images.ndim != 4:
            raise UserError("model.name = firstspike takes images, not events: set data.name")
        x = np.ascontiguousarray(images.reshape(len(images), -1).T)
        white, dark = (255 if x.dtype == np.uint8 else 1), self.dtype.type(self.config.dark)
        if self.config.input == "binary":
            bright = x > 0.5 * white
            if delays is None:
                return BinaryTimes(bright.view(np.uint8), 1.0, self.config.dark)
            z = np.where(bright, self.dtype.type(1), dark)
        else:
            z = dark ** (1 - x.astype(self.dtype) / white)
        if delays is not None:
            z *= np.exp(delays.reshape(len(images), -1).T.astype(self.dtype))
        return z

    def forward(self, batch) -> np.ndarray:
        """Times of the output neurons (classes, B); valid until the next."""
        return self._times(batch.images, batch.delays)

    def _times(self, images, delays=None):
        z = self.encode(images, delays)
        for layer in self._layers:
            z = layer.forward(z)
        return z

    def loss_and_backward(self, batch) -> tuple[float, np.ndarray]:
        """One forward and backward; see `Network.loss_and_backward`."""
        self.check_labels(batch.labels)
        z_out = self.forward(batch)
        value, dz = loss(z_out, batch.labels, self.config.loss_cap)
        for layer in reversed(self._layers):
            dz = layer.backward(dz)
        for layer in self._layers:
            self._rescale(layer.weight)
            value += self._k_term(layer)
            w = layer.weight.data
            value += self.weight_decay / 2 * float(np.square(w, dtype=np.float64).sum())
        return value, z_out.argmin(axis=0)

    def _rescale(self, p) -> None:
        """Scale a layer's gradient down where ‖∂L/∂W‖ / inputs is above the largest allowed."""
        norm = np.sqrt(np.square(p.gradient, dtype=np.float64).sum()) / p.shape[1]
        if norm > self.config.largest_gradient:
            p.gradient *= self.dtype.type(self.config.largest_gradient / norm)

    def _k_term(self, layer) -> float:
        """K Σ_j max(0, 1 − Σ_i w_ij); adds its gradient, −K at each synapse of such a neuron."""
        p, sums, K = layer.weight, layer.row_sums(), self.config.k_term
        weak = (sums < 1)[:, None] if p.topology is None else (sums < 1)[p.topology.rows()]
        p.gradient -= self.dtype.type(K) * weak
        return float(K * np.maximum(0, 1 - sums).sum())

    def scores_of(self, images) -> np.ndarray:
        """−z of each class, float (b, classes)."""
        return -self._times(images).T

    def undecided(self, scores) -> int:
        """Samples for which no output neuron fires: class 0 is predicted."""
        return int(np.count_nonzero(np.isneginf(scores).all(axis=1)))

    def measures(self) -> Measures:
        """Share of the neurons that fired, and the operations of the last forward."""
        rates = {layer.name: float(np.isfinite(layer.z).mean()) for layer in self._layers}
        sizes = np.array([layer.z.size for layer in self._layers])
        mean = float(np.array(list(rates.values())) @ sizes / sizes.sum())
        operations = {layer.weight.name: layer.operations() for layer in self._layers}
        return Measures(mean, rates, Operations(operations, 0))
