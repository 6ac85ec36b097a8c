"""Hours and memory of cells before they are trained, from a few measured steps."""

import time
from dataclasses import astuple, dataclass

import numpy as np

from nsnn import metrics, parallel
from nsnn.data import Batch
from nsnn.data.augment import augmented
from nsnn.experiments.expand import digest_without_seed, options
from nsnn.experiments.workload import DataSize, data_size, densities, logged, passes
from nsnn.sparsity.distribution import layer_counts, random_positions
from nsnn.training.build import make_network, make_optimiser
from nsnn.training.config import Config
from nsnn.training.totals import EpochTotals

# The densities at which sparse steps are measured; time is taken as linear in density.
_LOW, _HIGH = 0.05, 0.2
# The batch grows until a step takes this long (seconds), so that no measurement is large.
_LONG_ENOUGH = 0.5
# Bytes of a weight with gradient and momentum, dense and in CSR (with its indices).
_DENSE_BYTES, _SPARSE_BYTES = 12, 24
# Of a position in the topology log: it is joined into one array when it is written.
_LOG_BYTES = 8
# Python, NumPy and the compiled kernels.
_PROCESS_BYTES = 150 << 20


@dataclass(frozen=True)
class CellEstimate:
    """What a cell will take: seconds in its process, and the bytes of that process."""

    seconds: float
    bytes: int


@dataclass(frozen=True)
class _Measured:
    """Seconds of a training step per sample, and bytes, of one network."""

    dense: float
    low: float  # at density _LOW
    high: float  # at density _HIGH
    buffers: float  # bytes of activations per sample
    weights: int

    def seconds(self, density: float) -> float:
        """Of a step with sparse storage."""
        slope = (self.high - self.low) / (_HIGH - _LOW)
        return max(self.low + slope * (density - _LOW), 0.5 * self.low)


class Estimator:
    """Estimates cells; each network is measured once.

    Parameters
    ----------
    finished : iterable of dict
        Records of finished cells: one with another seed gives its real time and memory.
    threads : int
        Of a training process; 0: all cores.
    """

    def __init__(self, finished, threads: int):
        self._finished = {digest_without_seed(r["config"]): r for r in finished}
        self._threads = threads
        self._measured = {}

    def estimate(self, config: Config) -> CellEstimate:
        """The estimate of one cell."""
        twin = self._finished.get(digest_without_seed(options(config)))
        if twin is not None:
            return CellEstimate(twin["seconds"], twin["bytes_process_peak"])
        size, d = data_size(config), densities(config)
        measured = self._measure(config, size)
        dense, sparse = measured.dense, measured.seconds(d.sparse_density)
        storage = config.model.options.storage
        if storage != "csr":
            sparse = dense if storage == "dense" else min(dense, sparse)
        per_sample = d.dense_share * dense + (1.0 - d.dense_share) * sparse
        weights = _DENSE_BYTES if d.peak == 1.0 else _SPARSE_BYTES * d.peak
        log = _LOG_BYTES * logged(config, size)
        parameters = measured.weights * (weights + 4 * d.extra + log)
        buffers = measured.buffers * config.data.batch
        total = _PROCESS_BYTES + parameters + buffers + size.bytes
        return CellEstimate(per_sample * passes(config, size), round(total))

    def _measure(self, config: Config, size) -> _Measured:
        o = config.model.options
        model = (config.model.name, o.layers, o.width, o.norm)
        step = (config.data.batch, config.data.augment, config.train.loss, config.optim.name)
        key = (size.shape, *model, *step, *astuple(config.neuron))
        if key not in self._measured:
            before = parallel.get_threads()
            parallel.set_threads(self._threads)
            try:
                self._measured[key] = _measure(config, size)
            finally:
                parallel.set_threads(before)
        return self._measured[key]


def _measure(config: Config, size) -> _Measured:
    """Time steps of a network on random images, dense and sparse."""
    network = make_network(config, size.shape, size.classes)
    weights = [p for p in network.parameters() if p.prunable]
    batch = 1
    dense = _step(network, config, size, batch)
    while dense < _LONG_ENOUGH and batch < config.data.batch:
        batch = min(4 * batch, config.data.batch)
        dense = _step(network, config, size, batch)
    buffers = network.bytes_held()["buffers"] / batch
    sparse = []
    for density in (_HIGH, _LOW):
        network = make_network(config, size.shape, size.classes)
        _sparsify(network, density)
        sparse.append(_step(network, config, size, batch))
    high, low = sparse
    total = sum(p.size for p in weights)
    return _Measured(dense / batch, low / batch, max(high, low) / batch, buffers, total)


def random_batch(size: DataSize, batch: int) -> Batch:
    """Random images and labels of a data set's shape."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch, *size.shape), dtype=np.uint8)
    return Batch(images, rng.integers(0, size.classes, batch))


def _step(network, config: Config, size: DataSize, batch: int) -> float:
    """Seconds of a training step, the shortest of three if it is short; one before makes buffers.

    All that `training.loop` does in a step, but drop and grow.
    """
    data, rng = random_batch(size, batch), np.random.default_rng(0)
    optimiser = make_optimiser(config.optim, network.parameters())
    totals = EpochTotals()

    def step():
        (changed,) = augmented([data], config.data.augment, rng)
        loss, outputs = network.loss_and_backward(changed)
        totals.add_measures(network.measures())
        optimiser.step(0.0)
        totals.add(loss, outputs, changed.labels, metrics.density(network.parameters()))

    step()
    seconds = []
    while len(seconds) < 3 and sum(seconds) < _LONG_ENOUGH:
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _sparsify(network, density: float) -> None:
    weights = [p for p in network.parameters() if p.prunable]
    counts = layer_counts("erk", [p.dims for p in weights], density)
    rng = np.random.default_rng(0)
    for p, count in zip(weights, counts, strict=True):
        if count < p.size:
            p.sparsify(random_positions(p.shape, count, rng))
