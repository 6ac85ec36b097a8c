"""The configuration of a run: one frozen dataclass a table, each option with limits and meaning."""

import dataclasses
from dataclasses import dataclass

from nsnn.data.augment import AUGMENTATIONS
from nsnn.data.events import FRAMES
from nsnn.errors import UserError
from nsnn.losses import LOSSES
from nsnn.methods import METHODS, Method
from nsnn.models import MODELS, network_class
from nsnn.neuron import PRESETS, Neuron
from nsnn.optim import SCHEDULES
from nsnn.options import kinds, option
from nsnn.timestepped import TimeSteppedNetwork


@dataclass(frozen=True)
class DataConfig:
    """Table [data]: which images or events, and how many at a time."""

    name: str = option("glyphs", "data set: see nsnn data list")
    dir: str = option("", "where its files are; empty: $NSNN_DATA, then the user cache")
    batch: int = option(64, "samples in an optimiser step", at_least=1)
    validation: float = option(0.0, "share of training data to validate on", at_least=0, below=1)
    samples: int = option(0, "training samples that are used, drawn by seed; 0: all", at_least=0)
    frames: str = option("count", "events: parts of equal count, or of equal time", choices=FRAMES)
    augment: str = option("none", "changes of training images", choices=AUGMENTATIONS)
    delay: float = option(0.15, "σ of spike-delay, in units of the membrane's time", at_least=0)


@dataclass(frozen=True)
class OptimConfig:
    """Table [optim]: optimiser, learning rate and its schedule over the run."""

    name: str = option("sgd", "optimiser", choices=("sgd", "adam"))
    lr: float = option(0.1, "learning rate at the start", above=0)
    momentum: float = option(0.9, "of sgd", at_least=0, below=1)
    weight_decay: float = option(5e-4, "pull of weights towards 0, times the weight", at_least=0)
    nesterov: bool = option(False, "Nesterov's momentum, of sgd")
    beta1: float = option(0.9, "decay of the mean gradient, of adam", at_least=0, below=1)
    beta2: float = option(0.999, "decay of the mean square, of adam", at_least=0, below=1)
    eps: float = option(1e-8, "added to the root of the mean square, of adam", above=0)
    schedule: str = option("cosine", "how the learning rate falls", choices=SCHEDULES)
    lr_end: float = option(1e-4, "exponential: learning rate at the end of the run", above=0)
    period: int = option(1000, "step: optimiser steps between two reductions", at_least=1)
    gamma: float = option(0.1, "step: factor of each reduction", above=0)
    clip: float = option(0.0, "largest norm of the gradient; 0: no clipping", at_least=0)


@dataclass(frozen=True)
class TrainConfig:
    """Table [train]: how long, on which loss, with which seed."""

    epochs: int = option(5, "passes over the training data", at_least=1)
    loss: str = option("cross_entropy", "what is minimised", choices=tuple(LOSSES))
    tet_lambda: float = option(0.0, "λ of the loss tet", at_least=0, at_most=1)
    seed: int = option(0, "of all random streams", at_least=0)
    threads: int = option(0, "0: all cores that the process may use", at_least=0)
    keep: str = option(
        "last",
        "network that the run ends with: of the last epoch, or of that as sparse as asked which is "
        "best on the validation split",
        choices=("last", "best"),
    )
    start: str = option("", "folder of a run whose weights and topology this one begins with")
    dense_run: str = option("", "folder of a dense run, whose spike rates the cost compares with")


def _neuron_config() -> type:
    """Table [neuron]: a preset, and the options of `Neuron`, of which None is the preset's."""
    fields = [("preset", str, option("ndsnn", "neuron of a paper", choices=tuple(PRESETS)))]
    types_of = kinds(Neuron)
    for f in dataclasses.fields(Neuron):
        free = f.name != "time_steps"  # no preset has these
        kind = types_of[f.name] | None if free else types_of[f.name]
        fields.append((f.name, kind, option(None if free else f.default, **f.metadata)))
    namespace = {"__doc__": _neuron_config.__doc__, "__module__": __name__}
    return dataclasses.make_dataclass("NeuronConfig", fields, frozen=True, namespace=namespace)


NeuronConfig = _neuron_config()


@dataclass(frozen=True)
class Choice:
    """Table [model] or [method]: a name, and the options that this model or method has."""

    name: str
    options: object  # network_class(name).Config, METHODS[name].Config


@dataclass(frozen=True)
class Config:
    """A whole configuration; made by `nsnn.training.config_file.load_config`.

    `neuron` is None where the model has no neurons of this table.
    """

    data: DataConfig
    model: Choice
    neuron: NeuronConfig | None
    method: Choice
    optim: OptimConfig
    train: TrainConfig

    @property
    def time_steps(self) -> int | None:
        """T; None where the network is not time-stepped."""
        return None if self.neuron is None else self.neuron.time_steps


TABLES = tuple(field.name for field in dataclasses.fields(Config))

# The tables whose options depend on a name, and the names that the configuration starts from.
CHOICES = {"model": (MODELS, "sdsnn-mnist"), "method": (METHODS, "ndsnn")}

# Names that changed, old to new; and options that are gone, with the default they had. Files of
# an older nsnn are read by these: config.toml, checkpoints, the records of finished cells.
RENAMED = {"neuron.surrogate_scale": "neuron.surrogate_width", "optim.epsilon": "optim.eps"}
REMOVED = {"method.exclude_dropped": False}

# These cannot change a result: a resumed run may find its data elsewhere and use other cores.
FREE = ("data.dir", "train.threads")


def option_classes(model: str, method: str) -> dict[str, type]:
    """The class of each table's options, by table; [neuron] only where the model has neurons.

    A method that is not registered, such as a plug-in's, stands for one without options, such a
    model for a time-stepped network.
    """
    network = network_class(model) if model in MODELS else TimeSteppedNetwork
    return {
        "data": DataConfig,
        "model": network.Config,
        **({"neuron": NeuronConfig} if network.has_neurons else {}),
        "method": METHODS.get(method, Method).Config,
        "optim": OptimConfig,
        "train": TrainConfig,
    }


def defaults(model: str, method: str) -> dict:
    """The defaults of all options by "table.key", without method.name (see `option_classes`)."""
    found = {"model.name": CHOICES["model"][1]}
    for table, owner in option_classes(model, method).items():
        found |= {f"{table}.{f.name}": f.default for f in dataclasses.fields(owner)}
    return found


def translated(options: dict) -> dict:
    """Options by "table.key" as an older nsnn wrote them, by today's names.

    Raises UserError for an option that is gone and was set: the run cannot be made any more.
    """
    for name in options.keys() & REMOVED.keys():
        if options[name] != REMOVED[name]:
            raise UserError(f"{name} = {options[name]!r}: nsnn has no such option any more")
    return {RENAMED.get(k, k): value for k, value in options.items() if k not in REMOVED}
