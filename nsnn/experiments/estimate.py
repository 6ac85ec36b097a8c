"""Hours and memory of cells before they are trained: measured steps and the method's plan."""

import contextlib
import math
from typing import NamedTuple

import numpy as np

from nsnn import parallel, text
from nsnn.data import Batch, load, source
from nsnn.data.augment import augmented
from nsnn.errors import UserError
from nsnn.experiments.cells import TO_TRAIN, Cell
from nsnn.experiments.results import digest
from nsnn.methods import METHODS, RunLength
from nsnn.sparsity.distribution import layer_counts, random_positions
from nsnn.training.build import make_network, make_optimiser
from nsnn.training.config import Config
from nsnn.training.stopwatch import repeat

# The densities at which steps are measured; time is taken as linear between them.
_DENSITIES = (1.0, 0.2, 0.05)
# The batch grows until a step takes this long (seconds), so that no measurement is large.
_LONG_ENOUGH = 0.5
# Bytes of a weight with gradient and momentum, dense and in CSR (with its indices).
_DENSE_BYTES, _SPARSE_BYTES = 12, 24
# Of a position in the topology log: it is joined into one array when it is written.
_LOG_BYTES = 8
_PROCESS_BYTES = 150 << 20  # Python, NumPy and the compiled kernels


class CellEstimate(NamedTuple):
    """What a cell will take: seconds in its process, and the bytes of that process."""

    seconds: float
    bytes: int


class DataSize(NamedTuple):
    """What a data set is before any file of it is read."""

    shape: tuple[int, ...]  # of a sample, (C, H, W); of events (T, C, H, W)
    classes: int
    train: int  # samples
    test: int


class Measured(NamedTuple):
    """Of one network: seconds a sample of a training step by density, bytes of its activations."""

    seconds: dict[float, float]
    buffers: float  # a sample
    weights: int


def estimate(cells: list[Cell], finished, threads: int) -> dict[str, CellEstimate]:
    """What each cell that is to be trained will take, by slug; each network is measured once.

    Of `finished`, records of finished cells, one with another seed gives its real time and memory.
    `threads` are those of a process; 0: all cores. Cells that cannot be made are left out.
    """
    twins = {digest(record["config"], seed=False): record for record in finished}
    measured, found, before = {}, {}, parallel.get_threads()
    parallel.set_threads(threads)
    try:
        for cell in (cell for cell in cells if cell.state in TO_TRAIN):
            if twin := twins.get(cell.setting):
                found[cell.slug] = CellEstimate(twin["seconds"], twin["bytes_process_peak"])
                continue
            with contextlib.suppress(UserError):
                config, size = cell.config, data_size(cell.config)
                step = config.data.batch, config.data.augment, config.train.loss, config.optim.name
                key = size, config.model, config.neuron, step
                if key not in measured:
                    measured[key] = measure(config, size)
                found[cell.slug] = cell_estimate(config, size, measured[key])
    finally:
        parallel.set_threads(before)
    return found


def total(estimates: dict[str, CellEstimate], jobs: int) -> str:
    """Time and memory of all cells that are to be trained, in a line."""
    seconds = [e.seconds for e in estimates.values()]
    # The largest processes may run at the same time.
    largest = sorted(e.bytes for e in estimates.values())[-jobs:]
    at_a_time = "one process" if jobs == 1 else f"{jobs} processes at a time"
    longest = text.duration(max(sum(seconds) / jobs, *seconds))
    time = f"to train: {text.plural(len(estimates), 'cell')}, about {longest} with {at_a_time}"
    return f"{time}, memory up to about {sum(largest) / (1 << 30):.1f} GiB"


def data_size(config: Config) -> DataSize:
    """As the registry tells it; users' own arrays, whose size it cannot know, are loaded."""
    known = source(config.data.name)
    if known.shape is None or known.sizes is None:
        data = load(config.data.name, config.data.dir)
        return DataSize(data.train.images.shape[1:], data.classes, len(data.train), len(data.test))
    frames = (config.time_steps,) if known.events and config.time_steps else ()
    return DataSize((*frames, *known.shape), known.classes, *known.sizes)


def cell_estimate(config: Config, size: DataSize, measured: Measured) -> CellEstimate:
    """What a run will take whose network was measured: its samples at the method's densities."""
    batch, epochs = config.data.batch, config.train.epochs
    validation = round(size.train * config.data.validation)
    trained = config.data.samples or size.train - validation
    # A batch larger than the data is refused by the training of this cell, not here.
    length = RunLength(max(trained // batch, 1), epochs)
    plan = METHODS[config.method.name].cost_plan(config.method.options, length)
    seconds = np.interp(plan.density, *zip(*sorted(measured.seconds.items()), strict=True))
    # A sample that is only predicted counts for a third: it has no backward.
    samples = length.steps_per_epoch * batch + validation / 3
    spent = float(seconds.sum()) * samples + float(seconds[-1]) * size.test / 3
    peak = float(plan.density.max())
    weight = _DENSE_BYTES if peak == 1.0 else _SPARSE_BYTES * peak
    weight += 4 * plan.dense_arrays + _LOG_BYTES * plan.logged
    held = measured.weights * weight + measured.buffers * batch
    held += (size.train + size.test) * math.prod(size.shape)  # a byte a value
    return CellEstimate(spent, round(_PROCESS_BYTES + held))


def measure(config: Config, size: DataSize) -> Measured:
    """Time steps of a network on random images, dense and at random positions shared out by ERK."""
    batch, seconds, buffers, rng = 1, {}, 0.0, np.random.default_rng(0)
    for density in _DENSITIES:
        network = make_network(config, size.shape[-3:], size.classes)
        weights = [p for p in network.parameters() if p.prunable]
        counts = layer_counts("erk", [p.dims for p in weights], density)
        for p, count in zip(weights, counts, strict=True):
            if count < p.size:  # layers that ERK leaves dense stay so
                p.sparsify(random_positions(p.shape, count, rng))
        spent = _step(network, config, size, batch)
        while density == 1.0 and spent < _LONG_ENOUGH and batch < config.data.batch:
            batch = min(4 * batch, config.data.batch)
            spent = _step(network, config, size, batch)
        seconds[density] = spent / batch
        buffers = max(buffers, network.bytes_held()["buffers"] / batch)
    return Measured(seconds, buffers, sum(p.size for p in weights))


def _step(network, config: Config, size: DataSize, batch: int) -> float:
    """Seconds of a training step: augmentation, forward, backward and update."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch, *size.shape), dtype=np.uint8)
    data = Batch(images, rng.integers(0, size.classes, batch))
    optimiser = make_optimiser(config.optim, network.parameters())

    def step():
        (changed,) = augmented([data], config.data.augment, rng)
        network.loss_and_backward(changed)
        optimiser.step(0.0)

    return min(repeat(step, 2))
