"""What is measured: a network, its density, a batch, threads."""

from dataclasses import dataclass

from nsnn.errors import UserError

# Images of the data set that a model is used with, 10 classes; MNIST's where nothing is said.
CIFAR, MNIST = (3, 32, 32), (1, 28, 28)
INPUTS = {
    "vgg16": CIFAR,
    "resnet19": CIFAR,
    "lenet5": CIFAR,
    "sdsnn-cifar": CIFAR,
    "vggsnn": (2, 48, 48),
}
CLASSES = 10
LEARNING_RATE, MOMENTUM = 0.01, 0.9


@dataclass(frozen=True)
class Job:
    """One training job, the same for nsnn and for its peers.

    Attributes
    ----------
    model : str
        A key of `nsnn.models.MODELS` other than "custom".
    width : float
        Factor of all channels and hidden neurons.
    norm : "batch" or "none"
    density : float
        Active share of all prunable weights, in (0, 1]; 1 is the dense network.
    distribution : "erk", "er" or "uniform"
        How the density is shared among the layers.
    storage : str
        How nsnn holds sparse weights, see `nsnn.layers.Parameter.sparsify`.
    batch, time_steps : int
        B and T.
    threads : int
    seed : int
        Of weights, topology and data.
    """

    model: str = "vgg16"
    width: float = 1.0
    norm: str = "batch"
    density: float = 1.0
    distribution: str = "erk"
    storage: str = "csr"
    batch: int = 128
    time_steps: int = 5
    threads: int = 1
    seed: int = 0

    def __post_init__(self):
        if not 0.0 < self.density <= 1.0:
            raise UserError(f"density {self.density:g}: use a number above 0, up to 1 (dense)")
        for name in ("batch", "time_steps", "threads"):
            if getattr(self, name) < 1:
                flag = name.replace("_", "-")
                raise UserError(f"--{flag} {getattr(self, name)}: must be at least 1")
        if self.width <= 0:
            raise UserError(f"--width {self.width:g}: must be positive")

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images."""
        return INPUTS.get(self.model, MNIST)

    def __str__(self):
        text = "dense" if self.density == 1 else f"{self.distribution} density {self.density:g}"
        return f"{self.model}, {text}, {self.threads} thread{'s' * (self.threads > 1)}"
