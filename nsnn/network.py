"""What every network answers to training, evaluation and checkpoints; the time-stepped one."""

import abc
from dataclasses import dataclass

import numpy as np

from nsnn.encoding import encode
from nsnn.errors import UserError
from nsnn.layers import LIF, decide
from nsnn.layers.gradients import GradientPair
from nsnn.layers.groups import NeuronGroup, neuron_groups, silence
from nsnn.layers.parameter import part_of
from nsnn.layers.stored import STORAGES
from nsnn.losses import cross_entropy
from nsnn.operations import Measures, measure
from nsnn.options import option


class Network(abc.ABC):
    """A network as the training loop, evaluation, plots and checkpoints see it.

    How it encodes its input, decides and regularises is its own business.

    Parameters
    ----------
    input_shape : tuple of int
        (C, H, W).
    classes : int
    dtype : float32 or float64

    Attributes
    ----------
    has_neurons : bool
        Whether the options of table [neuron] apply to this kind of network.
    mean, std : ndarray of float64, (C,)
        What the input is normalised with, see `normalise`.
    silent : dict of str to ndarray of bool
        Members of neuron groups that are left out at present, see `silence`.
    """

    has_neurons = False

    @dataclass(frozen=True)
    class Config:
        """Options of the `[model]` table for this kind of network.

        Attributes
        ----------
        storage : "csr", "auto" or "dense"
            How sparse weights are held, see `Parameter.storage`.
        """

        storage: str = option(
            "csr",
            "of sparse weights; dense: full arrays and a mask, the same numbers without savings",
            choices=STORAGES,
        )

    def __init__(self, input_shape, classes, dtype):
        self.input_shape = tuple(input_shape)
        self.classes = classes
        self.dtype = np.dtype(dtype)
        self.silent = {}
        self.normalise(np.zeros(input_shape[0]), np.ones(input_shape[0]))

    def normalise(self, mean, std) -> None:
        """Set the mean and standard deviation (C,) that images are normalised with."""
        self.mean, self.std = np.array(mean, np.float64), np.array(std, np.float64)

    @abc.abstractmethod
    def layers(self) -> list:
        """All layers without parts, in order of execution."""

    def parameters(self) -> list:
        """All trainable parameters, in order of execution."""
        return [parameter for layer in self.layers() for parameter in layer.parameters()]

    def neurons(self) -> list[NeuronGroup]:
        """The groups of hidden neurons; none unless the network can tell what feeds them."""
        return []

    def silence(self, silent) -> None:
        """Leave silent neurons out of all arrays: they cost no time any more.

        Activations, weights, biases, norm parameters, gradients and optimiser state have live
        members only from now on. The synapses that lead out of silent members are parked: they
        are kept as they are and count as existing. Whoever wants to rewire, observe or restore a
        parameter calls `wake` first, and `silence` again after that.

        Parameters
        ----------
        silent : dict of str to ndarray of bool, (size,)
            True for the members of a group of `neurons()` that are to be left out. They have no
            input synapses, and bias, γ and β are 0. Members that were left out before and are not
            named here come back.
        """
        self.silent = silence(self.neurons(), silent)

    def wake(self) -> dict[str, np.ndarray]:
        """Bring all silent neurons back, bit for bit; returns who it was, for `silence`."""
        silent = self.silent
        self.silence({})
        return silent

    @abc.abstractmethod
    def is_connected(self) -> bool:
        """Whether any path from input to output has synapses in each of its weights."""

    @abc.abstractmethod
    def loss_and_backward(self, batch) -> tuple[float, np.ndarray]:
        """One forward and backward in training mode; fills the gradient of every parameter.

        Returns
        -------
        loss : float
        predictions : ndarray of int64, (B,)
        """

    @abc.abstractmethod
    def scores(self, images, batch_size=128) -> np.ndarray:
        """A score for each class, the largest that of the predicted one; float (n, classes).

        Parameters
        ----------
        images : ndarray
            (n, C, H, W) or (n, H, W) uint8 or float in [0, 1], or events (n, T, C, H, W).
        batch_size : int
            Samples handled at a time.
        """

    def predict(self, images, batch_size=128) -> np.ndarray:
        """Predicted classes, int64 (n,), of images as `scores` takes them."""
        return self.scores(images, batch_size).argmax(axis=1)

    @abc.abstractmethod
    def measures(self) -> Measures:
        """Spike rates and synaptic operations of the last forward."""

    def first_non_finite(self) -> str | None:
        """Name of the first layer whose parameters or output hold a NaN or an infinity.

        Gradients do not count: a backward spreads a NaN to all of them.
        """
        for layer in self.layers():
            arrays = [parameter.data for parameter in layer.parameters()]
            if any(not np.isfinite(array).all() for array in (*arrays, *layer.outputs())):
                return layer.name
        return None

    def bytes_held(self) -> dict[str, int]:
        """Bytes in memory: weights, gradients, optimiser, indices, and buffers (activations)."""
        total = {"weights": 0, "gradients": 0, "optimiser": 0, "indices": 0}
        for parameter in self.parameters():
            for key, count in parameter.bytes_held().items():
                total[key] += count
        return total | {"buffers": sum(layer.buffer_bytes() for layer in self.layers())}

    def bytes_dense(self) -> int:
        """Bytes of weights, gradients and optimiser state if every position were stored."""
        arrays = sum((2 + len(p.slots)) * p.size for p in self.parameters())
        return self.dtype.itemsize * arrays

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint needs, as copies in plain arrays named such as "conv1.weight/data"."""
        state = {"normalisation/mean": self.mean, "normalisation/std": self.std}
        state |= {f"silent/{name}": members for name, members in self.silent.items()}
        for part in (*self.parameters(), *self.layers()):
            state |= {f"{part.name}/{key}": array for key, array in part.state().items()}
        return {key: array.copy() for key, array in state.items()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over what `state` returned."""
        self.wake()
        self.normalise(state["normalisation/mean"], state["normalisation/std"])
        for part in (*self.parameters(), *self.layers()):
            part.restore(part_of(state, f"{part.name}/"))
        self.silence(part_of(state, "silent/"))

    def as_images(self, images) -> np.ndarray:
        """Images or events as an array with an axis of channels.

        Raises
        ------
        UserError
            If they do not fit the network, or there are none.
        """
        images = np.asarray(images)
        if images.ndim == 3 and self.input_shape[0] == 1:
            images = images[:, None]
        if images.shape[-3:] != self.input_shape:
            raise UserError(
                f"images of shape {images.shape[-3:]}, but the network takes {self.input_shape} "
                "(channels, height, width)"
            )
        return images

    def check_labels(self, labels) -> None:
        """Raise UserError for a label that is no class of this network."""
        if labels.size and not 0 <= labels.min() <= labels.max() < self.classes:
            raise UserError(
                f"labels from {labels.min()} to {labels.max()}, but the network has classes "
                f"0 to {self.classes - 1}"
            )


class TimeSteppedNetwork(Network):
    """A stack of layers of leaky integrate-and-fire neurons that runs for T time steps.

    Parameters
    ----------
    body : Sequential
        From encoded input (C, H, W, T or 1, B) to outputs (classes, T, B).
    input_shape : tuple of int
        (C, H, W).
    classes : int
    neuron : Neuron
    dtype : float32 or float64

    Attributes
    ----------
    loss : callable
        loss(outputs (classes, T, B), labels (B,)) -> (value, d_outputs); cross-entropy of the time
        mean unless set otherwise.
    """

    has_neurons = True

    @dataclass(frozen=True)
    class Config(Network.Config):
        """Options of the `[model]` table for time-stepped networks.

        Attributes
        ----------
        layers : str
            Architecture notation such as "15C3-AP2-300", for name = "custom".
        width : float
            Factor of all channels and hidden neurons.
        pool : "average", "max" or None
            None: the model's own.
        strides : str or None
            Of the first block of each stage of a residual network; None: its own.
        init : "fan_in" or "active_fan_in"
            The latter scales initial weights up for the inputs that a sparse start leaves out.
        norm : "none" or "batch"
            "batch": batch normalisation of the current before every LIF.
        """

        layers: str = option("", 'notation such as 15C3-AP2-300, for model.name = "custom"')
        width: float = option(1.0, "factor of all channels and hidden neurons", above=0)
        pool: str | None = option(None, "None: the model's own", choices=("average", "max"))
        strides: str | None = option(
            None, "of the first block of each stage, for resnet19", choices=("2,2,2", "1,2,2")
        )
        init: str = option(
            "fan_in", "initial weights: by all inputs, or by the active ones",
            choices=("fan_in", "active_fan_in"),
        )  # fmt: skip
        norm: str = option("batch", "normalisation of the current", choices=("none", "batch"))

    def __init__(self, body, input_shape, classes, neuron, dtype=np.float32):
        super().__init__(input_shape, classes, dtype)
        self.body = body
        self._gradients = GradientPair()
        body.share_gradients(self._gradients)
        self.neuron = neuron
        self.time_steps = neuron.time_steps
        self.loss = cross_entropy

    def layers(self) -> list:
        """All layers without parts, in order of execution."""
        return self.body.layers()

    def neurons(self) -> list[NeuronGroup]:
        """The groups of the LIF layers; see `nsnn.layers.groups.NeuronGroup`."""
        return neuron_groups(self.body)

    def is_connected(self) -> bool:
        """Whether any path from input to output has synapses in each of its weights."""
        return self.body.is_connected()

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

    def scores(self, images, batch_size=128) -> np.ndarray:
        """mean_t O[t] of each class, float (n, classes); see `Network.scores`."""
        images = self.as_images(images)
        starts = range(0, len(images), batch_size)
        parts = [
            self._outputs(images[i : i + batch_size], training=False).mean(axis=1).T for i in starts
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self.classes), self.dtype)

    def measures(self) -> Measures:
        """Spike rates of the LIF layers and synaptic operations of the last forward."""
        return measure(self)

    def spike_rates(self) -> dict[str, float]:
        """Spikes per neuron and time step of each LIF layer in the last forward."""
        return {layer.name: layer.rate() for layer in self.layers() if isinstance(layer, LIF)}

    def bytes_held(self) -> dict[str, int]:
        """Bytes in memory: weights, gradients, optimiser, indices, and buffers (activations)."""
        return super().bytes_held() | {"buffers": self.body.buffer_bytes() + self._gradients.nbytes}

    def encode(self, images) -> np.ndarray:
        """Input of the first layer, (C, H, W, T or 1, B), of images or events as users give them.

        Raises
        ------
        UserError
            If the images or the number of time steps do not fit the network.
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
