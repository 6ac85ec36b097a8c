"""The network whose neurons integrate and fire for T time steps."""

from dataclasses import dataclass

import numpy as np

from nsnn.encoding import encode
from nsnn.errors import UserError
from nsnn.layers import LIF, BatchNorm, decide
from nsnn.layers.base import GradientPair
from nsnn.layers.groups import NeuronGroup, neuron_groups
from nsnn.layers.weighted import scale_to_active_fan_in
from nsnn.losses import cross_entropy
from nsnn.network import Network
from nsnn.operations import Measures, synaptic_operations
from nsnn.options import option


class TimeSteppedNetwork(Network):
    """A stack of layers of leaky integrate-and-fire neurons that runs for T time steps.

    Parameters
    ----------
    body : Sequential
        From encoded input (C, H, W, T or 1, B) to outputs (classes, T, B).
    input_shape, classes, dtype
        As for `Network`.
    neuron : Neuron

    Attributes
    ----------
    loss : callable
        loss(outputs (classes, T, B), labels (B,)) -> (value, d_outputs); at first `cross_entropy`.
    init : str
        See `Config`.
    """

    has_neurons = True

    @dataclass(frozen=True)
    class Config(Network.Config):
        """Options of the `[model]` table for time-stepped networks.

        `init`: "active_fan_in" scales initial weights up for the inputs that a sparse start leaves
        out. `norm`: batch normalisation stands before every LIF.
        """

        layers: str = option("", 'notation such as 15C3-AP2-300, for model.name = "custom"')
        width: float = option(1.0, "factor of all channels and hidden neurons", above=0)
        pool: str | None = option(None, "None: the model's own", choices=("average", "max"))
        strides: str | None = option(None, "of the stages of resnet19", choices=("2,2,2", "1,2,2"))
        init: str = option(
            "fan_in", "by all inputs, or active ones", choices=("fan_in", "active_fan_in")
        )
        norm: str = option("batch", "normalisation of the current", choices=("none", "batch"))

    def __init__(self, body, input_shape, classes, neuron, dtype=np.float32):
        super().__init__(input_shape, classes, dtype)
        self.body = body
        self._gradients = GradientPair()
        body.share_gradients(self._gradients)
        self.neuron = neuron
        self.time_steps = neuron.time_steps
        self.loss = cross_entropy
        self.init = "fan_in"

    def layers(self) -> list:
        return self.body.layers()

    def neurons(self) -> list[NeuronGroup]:
        """The groups of the LIF layers; see `nsnn.layers.groups.NeuronGroup`."""
        return neuron_groups(self.body)

    def is_connected(self) -> bool:
        return self.body.is_connected()

    def sparse_start(self) -> None:
        """Scale the weights of a sparse start, if `init` says so; UserError for a dense one."""
        if self.init != "active_fan_in":
            return
        if all(p.topology is None for p in self.parameters()):
            raise UserError(
                "model.init = 'active_fan_in' scales the weights of a sparse start, but the method "
                "starts dense: set model.init = 'fan_in'"
            )
        scale_to_active_fan_in(self.parameters())

    def forward(self, batch) -> np.ndarray:
        """Outputs O (classes, T, B) of a `Batch`, in evaluation mode; valid until the next."""
        return self._outputs(batch.images, training=False)

    def loss_and_backward(self, batch) -> tuple[float, np.ndarray]:
        """One forward and backward in training mode; see `Network.loss_and_backward`."""
        self.check_labels(batch.labels)
        outputs = self._outputs(batch.images, training=True)
        loss, d_outputs = self.loss(outputs, batch.labels)
        self.body.backward(d_outputs)
        return loss, decide(outputs)

    def scores_of(self, images) -> np.ndarray:
        """mean_t O[t] of each class, float (b, classes)."""
        return self._outputs(images, training=False).mean(axis=1).T

    def measures(self) -> Measures:
        """Spike rates of the LIF layers and synaptic operations of the last forward."""
        rates = self.spike_rates()
        neurons = {layer.name: layer.capacity for layer in self.layers() if layer.name in rates}
        spikes = sum(rate * neurons[name] for name, rate in rates.items())
        mean = spikes / max(1, sum(neurons.values()))
        return Measures(mean, rates, synaptic_operations(self))

    def spike_rates(self) -> dict[str, float]:
        """Spikes per neuron and time step of each LIF layer in the last forward."""
        return {layer.name: layer.rate() for layer in self.layers() if isinstance(layer, LIF)}

    def currents(self) -> dict[str, list[float]]:
        """Deviations of the current by normalisation: a tenth, and half, of its channels are below.

        Of the running variances that are finite; to be held against √eps, which is added to them.
        """
        norms = [layer for layer in self.layers() if isinstance(layer, BatchNorm)]
        variances = {each.name: np.quantile(each.running_variance, (0.1, 0.5)) for each in norms}
        finite = {name: found for name, found in variances.items() if np.isfinite(found).all()}
        return {name: np.sqrt(found).tolist() for name, found in finite.items()}

    def bytes_held(self) -> dict[str, int]:
        return super().bytes_held() | {"buffers": self.body.buffer_bytes() + self._gradients.nbytes}

    def encode(self, images) -> np.ndarray:
        """Input of the first layer, (C, H, W, T or 1, B), of images or events as users give them.

        Raises UserError if the images or the number of time steps do not fit the network.
        """
        images = self.as_images(images)
        if images.shape[0] == 0:
            raise UserError("no images: the first dimension, that of the samples, is 0")
        if images.ndim == 5 and images.shape[1] != self.time_steps:
            raise UserError(
                f"events of {images.shape[1]} time steps, but neuron.time_steps = "
                f"{self.time_steps}: set them equal"
            )
        return encode(images, self.mean, self.std, self.dtype)

    def _outputs(self, images, training):
        outputs = self.body.forward(self.encode(images), training)
        # A model of a plug-in may be anything.
        if outputs.ndim != 3 or outputs.shape[0] != self.classes:
            raise UserError(
                f"the model gives outputs of shape {outputs.shape}, expected ({self.classes} "
                "classes, T, B): end it with a readout to so many classes"
            )
        return outputs
