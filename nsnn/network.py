"""What every network answers to training, evaluation and checkpoints."""

import abc
import threading
from dataclasses import dataclass

import numpy as np

from nsnn.encoding import check_pixels
from nsnn.errors import UserError
from nsnn.layers.groups import NeuronGroup, silence
from nsnn.layers.parameter import part_of
from nsnn.layers.stored import STORAGES
from nsnn.operations import Measures
from nsnn.options import option
from nsnn.text import percent, table


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
    takes_delays : bool
        Whether its input is spikes that a batch may delay, see `nsnn.data.augment`.
    mean, std : ndarray of float64, (C,)
        What the input is normalised with, see `normalise`.
    silent : dict of str to ndarray of bool
        Members of neuron groups that are left out at present, see `silence`.
    """

    has_neurons = False
    takes_delays = False

    @dataclass(frozen=True)
    class Config:
        """Options of the `[model]` table for this kind of network; see `Parameter.storage`."""

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
        self._lock = threading.RLock()
        self.normalise(np.zeros(input_shape[0]), np.ones(input_shape[0]))

    def __repr__(self):
        """A table of the layers: kind, shape of the weight, how much of it is active."""
        rows = []
        for layer in self.layers():
            p = next((p for p in layer.parameters() if p.prunable), None)
            cells = ("", "", "")
            if p is not None:
                cells = (" × ".join(map(str, p.dims)), f"{p.active:,}", percent(p.active / p.size))
            rows.append((layer.name, type(layer).__name__, *cells))
        shape = " × ".join(map(str, self.input_shape))
        head = ("layer", "kind", "weight", "active", "density")
        title = f"{type(self).__name__}: {shape} -> {self.classes} classes"
        return f"{title}\n\n{table(head, rows, left=2)}"

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state):
        vars(self).update(state, _lock=threading.RLock())  # a copy has its own

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
            input synapses, and bias, γ and β are 0. All others come back.
        """
        self.silent = silence(self.neurons(), silent)

    def wake(self) -> dict[str, np.ndarray]:
        """Bring all silent neurons back, bit for bit; returns who it was, for `silence`."""
        silent = self.silent
        self.silence({})
        return silent

    def is_connected(self) -> bool:
        """Whether any path from input to output has synapses in each of its weights."""
        return all(layer.is_connected() for layer in self.layers())

    def sparse_start(self) -> None:  # noqa: B027 - most need nothing
        """What initial weights need once the method has made its first topology."""

    @abc.abstractmethod
    def loss_and_backward(self, batch) -> tuple[float, np.ndarray]:
        """One forward and backward in training mode; fills the gradient of every parameter.

        Returns the loss, and the predicted classes, int64 (B,).
        """

    @abc.abstractmethod
    def scores_of(self, images) -> np.ndarray:
        """As `scores`, float (b, classes), of a batch of images that have been checked."""

    def scores(self, images, batch_size=128) -> np.ndarray:
        """A score for each class, the largest that of the predicted one; float (n, classes).

        Safe from several threads, which take turns: layers write into their own buffers.

        Parameters
        ----------
        images : ndarray
            (n, C, H, W) or (n, H, W) uint8 or float in [0, 1], or events (n, T, C, H, W).
        batch_size : int
            Samples handled at a time.

        Raises
        ------
        UserError
            For images or a batch size that are not so.
        """
        if not isinstance(batch_size, int | np.integer) or batch_size < 1:
            raise UserError(f"batch_size = {batch_size!r}: needs a whole number, at least 1")
        images = self.as_images(images)
        if not len(images):
            return np.zeros((0, self.classes), self.dtype)
        check_pixels(images, "the input")
        with self._lock:
            starts = range(0, len(images), batch_size)
            return np.concatenate([self.scores_of(images[i : i + batch_size]) for i in starts])

    def predict(self, images, batch_size=128) -> np.ndarray:
        """Predicted classes, int64 (n,), of images as `scores` takes them."""
        return self.scores(images, batch_size).argmax(axis=1)

    def currents(self) -> dict[str, list[float]]:
        """How strong the current before each normalisation is; {} where there is none."""
        return {}

    def undecided(self, scores) -> int | None:
        """How many samples have no answer, by their scores (n, classes); None where all have."""
        return None

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
        """Bytes in memory: weights, gradients, optimiser, indices, and buffers (activations).

        And of the largest of the "blocks" that the last backward made for observers.
        """
        total = {"weights": 0, "gradients": 0, "optimiser": 0, "indices": 0}
        total["blocks"] = max((layer.block_bytes for layer in self.layers()), default=0)
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
        """Images or events as an array with an axis of channels; UserError if they do not fit."""
        images = np.asarray(images)
        if images.ndim == 3 and self.input_shape[0] == 1:
            images = images[:, None]
        if images.shape[-3:] != self.input_shape:
            raise UserError(
                f"images of shape {images.shape}, but the network takes (samples, "
                f"{', '.join(map(str, self.input_shape))}): samples, channels, height, width"
            )
        return images

    def check_labels(self, labels) -> None:
        """Raise UserError for a label that is no class of this network."""
        if labels.size and not 0 <= labels.min() <= labels.max() < self.classes:
            raise UserError(
                f"labels from {labels.min()} to {labels.max()}, but the network has classes "
                f"0 to {self.classes - 1}"
            )
