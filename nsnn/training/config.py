"""The configuration of a run: one frozen dataclass a table, each option with its limits."""

import dataclasses
import math
import types
import typing
from dataclasses import dataclass, field

from nsnn.data.augment import AUGMENTATIONS
from nsnn.errors import UserError
from nsnn.losses import LOSSES
from nsnn.methods import METHODS
from nsnn.models import POOLS
from nsnn.neuron import PRESETS
from nsnn.optim import SCHEDULES
from nsnn.surrogate import SURROGATES

_LARGEST = 3.4028235e38  # of float32, in which networks train

# How a message calls a type, in TOML's words.
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def option(default, **limits):
    """A field with limits: `choices`, `at_least`, `above`, `below`; None means "by the preset"."""
    return field(default=default, metadata=limits)


@dataclass(frozen=True)
class DataConfig:
    """Table [data]: which images or events, and how many at a time."""

    name: str = "glyphs"
    dir: str = ""  # empty: $NSNN_DATA, then the user cache
    batch: int = option(64, at_least=1)
    validation: float = option(0.0, at_least=0, below=1)  # fraction taken from the training data
    augment: str = option("none", choices=AUGMENTATIONS)  # training batches: nsnn.data.augment


@dataclass(frozen=True)
class ModelConfig:
    """Table [model]: the network and how it is stored."""

    name: str = "sdsnn-mnist"  # a key of nsnn.models.MODELS
    layers: str = ""  # architecture notation such as "15C3-AP2-300", for name = "custom"
    width: float = option(1.0, above=0)  # factor of all channels and hidden neurons
    pool: str | None = option(None, choices=tuple(POOLS))  # None: the model's own
    # resnet19: of the first block of each stage; None: 2,2,2
    strides: str | None = option(None, choices=("2,2,2", "1,2,2"))
    # of sparse weights; dense: full arrays and a mask, the same numbers without the savings
    storage: str = option("csr", choices=("csr", "auto", "dense"))
    # active_fan_in: initial weights scaled up for the inputs that a sparse start leaves out
    init: str = option("fan_in", choices=("fan_in", "active_fan_in"))
    # batch: batch normalisation of the current before every LIF
    norm: str = option("batch", choices=("none", "batch"))


@dataclass(frozen=True)
class NeuronConfig:
    """Table [neuron]: see `nsnn.neuron.Neuron`; None stands for the preset's value."""

    preset: str = option("ndsnn", choices=tuple(PRESETS))
    decay: float | None = option(None, at_least=0, at_most=1)
    gain: float | None = option(None, above=0)
    threshold: float | None = option(None, above=0)
    reset: str | None = option(None, choices=("subtract", "zero"))
    detach_reset: bool | None = None
    surrogate: str | None = option(None, choices=tuple(SURROGATES))
    surrogate_width: float | None = option(None, above=0)
    time_steps: int = option(4, at_least=1, at_most=1_000_000)


@dataclass(frozen=True)
class MethodConfig:
    """Table [method]: the method's name and the options that this method has."""

    name: str
    options: object  # METHODS[name].Config


@dataclass(frozen=True)
class OptimConfig:
    """Table [optim]: optimiser, learning rate and its schedule over the run."""

    name: str = option("sgd", choices=("sgd", "adam"))
    lr: float = option(0.1, above=0)
    momentum: float = option(0.9, at_least=0, below=1)  # sgd
    weight_decay: float = option(5e-4, at_least=0)
    nesterov: bool = False  # sgd
    beta1: float = option(0.9, at_least=0, below=1)  # adam
    beta2: float = option(0.999, at_least=0, below=1)  # adam
    eps: float = option(1e-8, above=0)  # adam
    schedule: str = option("cosine", choices=SCHEDULES)
    lr_end: float = option(1e-4, above=0)  # exponential: at the end of the run
    period: int = option(1000, at_least=1)  # step: optimiser steps between two reductions
    gamma: float = option(0.1, above=0)  # step: factor of each reduction
    clip: float = option(0.0, at_least=0)  # largest norm of the gradient; 0: no clipping


@dataclass(frozen=True)
class TrainConfig:
    """Table [train]: how long, on which loss, with which seed."""

    epochs: int = option(5, at_least=1)
    loss: str = option("cross_entropy", choices=tuple(LOSSES))
    tet_lambda: float = option(0.0, at_least=0, at_most=1)  # of loss = "tet", see nsnn.losses.tet
    seed: int = option(0, at_least=0)
    threads: int = option(0, at_least=0)  # 0: all cores that this process may use
    dense_run: str = ""  # folder of a dense run: its spike rates are R_d of the relative cost


@dataclass(frozen=True)
class Config:
    """A whole configuration; made by `nsnn.training.config_file.load_config`."""

    data: DataConfig
    model: ModelConfig
    neuron: NeuronConfig
    method: MethodConfig
    optim: OptimConfig
    train: TrainConfig


TABLES = {
    "data": DataConfig,
    "model": ModelConfig,
    "neuron": NeuronConfig,
    "method": MethodConfig,
    "optim": OptimConfig,
    "train": TrainConfig,
}
DEFAULT_METHOD = "ndsnn"

# Names that changed, old to new; and options that are gone, with the default they had. Files of
# an older nsnn are read by these: config.toml, checkpoints, the records of finished cells.
RENAMED = {"neuron.surrogate_scale": "neuron.surrogate_width", "optim.epsilon": "optim.eps"}
REMOVED = {"method.exclude_dropped": False}

# These cannot change a result: a resumed run may find its data elsewhere and use other cores.
FREE = ("data.dir", "train.threads")


def translated(options: dict) -> dict:
    """Options by "table.key" as an older nsnn wrote them, by today's names.

    Raises
    ------
    UserError
        For an option that is gone and was set: the run cannot be made any more.
    """
    for name in options.keys() & REMOVED.keys():
        if options[name] != REMOVED[name]:
            raise UserError(f"{name} = {options[name]!r}: nsnn has no such option any more")
    return {RENAMED.get(k, k): value for k, value in options.items() if k not in REMOVED}


def table_options(table: str, method: str) -> dict[str, dataclasses.Field]:
    """The options of a table by name; those of [method] depend on the method."""
    if table != "method":
        return {f.name: f for f in dataclasses.fields(TABLES[table])}
    return {f.name: f for f in dataclasses.fields(METHODS[method].Config)}


def option_kinds(table: str, method: str) -> dict[str, type]:
    """The type of each option of a table; `X | None` counts as X."""
    owner = METHODS[method].Config if table == "method" else TABLES[table]
    kinds = {}
    for name, hint in typing.get_type_hints(owner).items():
        if isinstance(hint, types.UnionType):
            hint = next(kind for kind in typing.get_args(hint) if kind is not types.NoneType)
        kinds[name] = hint
    return kinds


def _is_utf8(text: str) -> bool:
    """False for a name of a file whose bytes are not UTF-8: config.toml could not hold it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def typed(value, kind: type, where: str):
    """`value` as `kind`: a whole number passes for a number, true and false for neither.

    Raises
    ------
    UserError
        For another type, and for nan and inf: no option has a use for them.
    """
    if kind is float and type(value) is int:
        value = float(value) if abs(value) <= _LARGEST else math.inf
    if type(value) is not kind:
        got = _WORDS.get(type(value), type(value).__name__)
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        raise UserError(f"{where}: expected {_WORDS[kind]}, got {shown} ({got})")
    if kind is float and not abs(value) <= _LARGEST:  # nan fails as well
        beyond = ", too large for float32" if math.isfinite(value) else ""
        raise UserError(f"{where}: expected a finite number, got {value}{beyond}")
    if kind is str and not _is_utf8(value):
        raise UserError(f"{where}: expected UTF-8 text, got {value!r}")
    return value


def check_limits(value, limits: dict, where: str) -> None:
    """Compare a value with the limits of its option; `where` names both.

    Raises
    ------
    UserError
    """
    if "choices" in limits and value not in limits["choices"]:
        raise UserError(f"{where}: use one of {', '.join(limits['choices'])}")
    comparisons = {
        "at_least": (lambda limit: value >= limit, "at least"),
        "above": (lambda limit: value > limit, "above"),
        "at_most": (lambda limit: value <= limit, "at most"),
        "below": (lambda limit: value < limit, "below"),
    }
    for name, (holds, words) in comparisons.items():
        if name in limits and not holds(limits[name]):
            raise UserError(f"{where}: must be {words} {limits[name]}")
