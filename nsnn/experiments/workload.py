"""How much work a cell's training is: samples, and the share of it at which density."""

import math
from dataclasses import dataclass, replace

import numpy as np

from nsnn.data import load, source
from nsnn.sparsity.prune import ladder_counts
from nsnn.sparsity.schedule import death_ratio_at, plan_rounds, sparsity_at
from nsnn.training.config import Config

_MANY = 1_000_000_000


@dataclass(frozen=True)
class DataSize:
    """What a data set is before any file of it is read.

    Attributes
    ----------
    shape : tuple of int
        (C, H, W) of a sample.
    classes : int
    train, test : int
        Samples.
    bytes : int
        In memory, as uint8.
    """

    shape: tuple[int, int, int]
    classes: int
    train: int
    test: int
    bytes: int


def data_size(config: Config) -> DataSize:
    """The size of the configuration's data set, as the registry tells it.

    Users' own arrays, whose size the registry cannot know, are loaded.
    """
    known = source(config.data.name)
    if known.shape is not None and known.sizes is not None:
        train, test = known.sizes
        held = (train + test) * math.prod(known.shape)
        return DataSize(known.shape, known.classes, train, test, held)
    data = load(config.data.name, config.data.dir or None)
    held = data.train.images.nbytes + data.test.images.nbytes
    return DataSize(data.shape, data.classes, len(data.train.labels), len(data.test.labels), held)


def passes(config: Config, size: DataSize) -> float:
    """Samples that the run takes through a forward and a backward.

    One that is only predicted counts for a third: it has no backward.
    """
    predicted = _validation(config, size) * config.train.epochs + size.test
    return _steps_per_epoch(config, size) * config.data.batch * config.train.epochs + predicted / 3


def logged(config: Config, size: DataSize) -> float:
    """Positions in the topology log at the end of the run, per weight: an upper bound.

    Those of the start, and those that each round drops and grows.
    """
    d, o = densities(config), config.method.options
    if not d.moved:
        return 0.0
    per_epoch = _steps_per_epoch(config, size)
    every = o.update_every or (per_epoch if config.method.name == "set" else 0)
    rounds = plan_rounds(per_epoch * config.train.epochs, o.end_fraction, every)
    return d.peak + 2.0 * d.moved * rounds.count


def _validation(config: Config, size: DataSize) -> int:
    return round(size.train * config.data.validation)


def _steps_per_epoch(config: Config, size: DataSize) -> int:
    return (size.train - _validation(config, size)) // config.data.batch


@dataclass(frozen=True)
class Densities:
    """What a method's schedule means for time and memory.

    Attributes
    ----------
    dense_share : float
        Share of the run with dense arrays.
    sparse_density : float
        Mean density of the rest.
    peak : float
        Largest density.
    extra : int
        Dense arrays that the method holds beside the network's, at its largest.
    moved : float
        Share of all weights that a round of drop and grow drops, the mean over the rounds.
    """

    dense_share: float
    sparse_density: float
    peak: float
    extra: int = 0
    moved: float = 0.0


def densities(config: Config) -> Densities:
    """The densities of a run; a method that is not known here counts as dense."""
    known = {
        "ndsnn": _ndsnn,
        "set": _set,
        "rigl": _rigl,
        "lth": _lth,
        "admm": _admm,
    }
    method = known.get(config.method.name)
    return method(config) if method else Densities(1.0, 1.0, 1.0)


def _set(config: Config) -> Densities:
    o = config.method.options
    d = 1.0 - o.final_sparsity
    return Densities(0.0, d, d, moved=o.drop_fraction * d)


def _rigl(config: Config) -> Densities:
    """The mean of its cosine is 1/2."""
    d = _set(config)
    return replace(d, moved=d.moved / 2)


def _ndsnn(config: Config) -> Densities:
    """Source: NDSNN Eq. 4; the mean of (1 − x)³ over its rounds is 1/4."""
    o = config.method.options
    first, last = 1.0 - o.initial_sparsity, 1.0 - o.final_sparsity
    x = np.linspace(0.0, 1.0, 101)
    active = 1.0 - sparsity_at(x, 1.0, o.initial_sparsity, o.final_sparsity)
    moved = float(np.mean(death_ratio_at(x, 1.0, o.death_ratio, o.death_ratio_min) * active))
    return Densities(0.0, last + (first - last) * o.end_fraction / 4, first, moved=moved)


def _lth(config: Config) -> Densities:
    """Rounds k = 0…n with ever fewer weights; the last has what is left of the epochs."""
    o, epochs = config.method.options, config.train.epochs
    # Of a network so large that rounding does not matter.
    left = ladder_counts(_MANY, o.prune_fraction, o.final_sparsity) / _MANY
    if not left.size:
        return Densities(1.0, 1.0, 1.0)
    length = o.round_epochs or (epochs - o.rewind_epochs) // (left.size + 1)
    dense = o.rewind_epochs + length
    lengths = np.full(left.size, length)
    lengths[-1] = epochs - dense - lengths[:-1].sum()
    return Densities(dense / epochs, float(lengths @ left / lengths.sum()), 1.0, extra=1)


def _admm(config: Config) -> Densities:
    o = config.method.options
    dense_share = o.dense_fraction + o.admm_fraction
    return Densities(dense_share, 1.0 - o.final_sparsity, 1.0, extra=2)
