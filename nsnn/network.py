"""A spiking network: layers, a loss, and what training, evaluation and checkpoints ask of them."""

import numpy as np

from nsnn.encoding import encode
from nsnn.errors import UserError
from nsnn.layers import LIF, decide
from nsnn.layers.gradients import GradientPair
from nsnn.losses import cross_entropy


class Network:
    """A stack of layers between images and class scores.

    Parameters
    ----------
    body : Sequential
        From encoded input (C, H, W, T or 1, B) to outputs (classes, T, B).
    input_shape : tuple of int
        (C, H, W).
    classes : int
    neuron : Neuron
    dtype : float32 or float64
    storage : "csr", "auto" or "dense"
        How sparse weights are held, see `Parameter.sparsify`.

    Attributes
    ----------
    loss : callable
        loss(outputs (classes, T, B), labels (B,)) -> (value, d_outputs); cross-entropy of the time
        mean unless set otherwise.
    mean, std : ndarray of float64, (C,)
        What the input is normalised with, see `normalise`.
    """

    def __init__(self, body, input_shape, classes, neuron, dtype=np.float32, storage="csr"):
        self.body = body
        self._gradients = GradientPair()
        body.share_gradients(self._gradients)
        self.input_shape = tuple(input_shape)
        self.classes = classes
        self.neuron = neuron
        self.time_steps = neuron.time_steps
        self.dtype = np.dtype(dtype)
        self.storage = storage
        self.loss = cross_entropy
        self.normalise(np.zeros(input_shape[0]), np.ones(input_shape[0]))

    def normalise(self, mean, std) -> None:
        """Set the mean and standard deviation (C,) that images are normalised with."""
        self.mean, self.std = np.array(mean, np.float64), np.array(std, np.float64)

    def layers(self) -> list:
        """All layers without parts, in order of execution."""
        return self.body.layers()

    def parameters(self) -> list:
        """All trainable parameters, in order of execution."""
        return self.body.parameters()

    def conducts(self) -> bool:
        """Whether any path from input to output has synapses in each of its weights."""
        return self.body.conducts()

    def forward(self, batch) -> np.ndarray:
        """Outputs O (classes, T, B) of a `Batch`, in evaluation mode; valid until the next."""
        return self._outputs(batch.images, training=False)

    def loss_and_backward(self, batch) -> tuple[float, np.ndarray]:
        """One forward and backward in training mode; fills the gradient of every parameter.

        Returns
        -------
        loss : float
        outputs : ndarray of float, (classes, T, B)
        """
        labels = batch.labels
        if labels.size and not 0 <= labels.min() <= labels.max() < self.classes:
            raise UserError(
                f"labels from {labels.min()} to {labels.max()}, but the network has classes "
                f"0 to {self.classes - 1}"
            )
        outputs = self._outputs(batch.images, training=True)
        loss, d_outputs = self.loss(outputs, labels)
        self.body.backward(d_outputs)
        return loss, outputs

    def predict(self, images, batch_size=128) -> np.ndarray:
        """Predicted classes, int64 (n,).

        Parameters
        ----------
        images : ndarray
            (n, C, H, W) or (n, H, W) uint8 or float in [0, 1], or events (n, T, C, H, W).
        batch_size : int
            Samples handled at a time.
        """
        images = np.asarray(images)
        if images.ndim == 3 and self.input_shape[0] == 1:
            images = images[:, None]
        starts = range(0, len(images), batch_size)
        parts = [decide(self._outputs(images[i : i + batch_size], False)) for i in starts]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def spike_rates(self) -> dict[str, float]:
        """Spikes per neuron and time step of each LIF layer in the last forward."""
        return {layer.name: layer.rate() for layer in self.layers() if isinstance(layer, LIF)}

    def first_non_finite(self) -> str | None:
        """Name of the first layer whose parameters or output hold a NaN or an infinity.

        Gradients do not count: a backward spreads a NaN to all of them.
        """
        for layer in self.layers():
            arrays = [parameter.data for parameter in layer.parameters()]
            arrays += [a for key, a in layer._buffers.items() if key == "y"]
            if any(not np.isfinite(array).all() for array in arrays):
                return layer.name
        return None

    def bytes_held(self) -> dict[str, int]:
        """Bytes in memory: weights, gradients, optimiser, indices, and buffers (activations)."""
        total = {"weights": 0, "gradients": 0, "optimiser": 0, "indices": 0}
        for parameter in self.parameters():
            for key, count in parameter.bytes_held().items():
                total[key] += count
        return total | {"buffers": self.body.buffer_bytes() + self._gradients.nbytes}

    def bytes_dense(self) -> int:
        """Bytes of weights, gradients and optimiser state if every position were stored."""
        arrays = sum((2 + len(p.slots)) * p.size for p in self.parameters())
        return self.dtype.itemsize * arrays

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint needs, as copies in plain arrays named such as "conv1.weight/data"."""
        state = {"normalisation/mean": self.mean, "normalisation/std": self.std}
        for part in (*self.parameters(), *self.layers()):
            state |= {f"{part.name}/{key}": array for key, array in part.state().items()}
        return {key: array.copy() for key, array in state.items()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over what `state` returned."""
        self.normalise(state["normalisation/mean"], state["normalisation/std"])
        for parameter in self.parameters():
            parameter.restore(_part(state, parameter.name), self.storage)
        for layer in self.layers():
            layer.restore(_part(state, layer.name))

    def encode(self, images) -> np.ndarray:
        """Input of the first layer, (C, H, W, T or 1, B), of images or events as users give them.

        Raises
        ------
        UserError
            If the images or the number of time steps do not fit the network.
        """
        if images.shape[-3:] != self.input_shape:
            raise UserError(
                f"images of shape {images.shape[-3:]}, but the network takes {self.input_shape} "
                "(channels, height, width)"
            )
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


def _part(state, name):
    """The entries of one parameter or layer, without its name."""
    prefix = f"{name}/"
    return {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}
