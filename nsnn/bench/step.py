"""One training step of nsnn: forward, backward, update, and a round of drop and grow.

This runs in a child process; `nsnn.bench.compare` starts it.
"""

import statistics
import time

import numpy as np

from nsnn import metrics, parallel
from nsnn.bench.flops import product_flops
from nsnn.bench.job import CLASSES, LEARNING_RATE, MOMENTUM, Job
from nsnn.bench.timing import peak_memory
from nsnn.data import Batch
from nsnn.layers import Conv2d, Linear, Residual, Sequential
from nsnn.methods import NDSNN, RunLength
from nsnn.models import architecture, build
from nsnn.neuron import from_preset
from nsnn.optim import SGD
from nsnn.sparsity.log import TopologyLog
from nsnn.streams import stream

# A run of 200 rounds at constant sparsity: the one in the middle drops and grows a quarter.
_ROUNDS = 200


def build_network(job: Job):
    """The network of a job and the method that rewires it (None for a dense one)."""
    network = build(
        architecture(job.model),
        from_preset("ndsnn", time_steps=job.time_steps),
        job.input_shape,
        CLASSES,
        stream(job.seed, "init"),
        width=job.width,
        norm=job.norm,
        storage=job.storage,
        name=job.model,
    )
    network.normalise([0.5] * job.input_shape[0], [0.29] * job.input_shape[0])
    if job.density == 1:
        return network, None
    sparsity = 1 - job.density
    config = NDSNN.Config(
        initial_sparsity=sparsity,
        final_sparsity=sparsity,
        distribution=job.distribution,
        update_every=1,
        end_fraction=1.0,
    )
    config.validate()
    method = NDSNN(config)
    method.prepare(
        network, RunLength(_ROUNDS, 1), stream(job.seed, "topology"), TopologyLog(), job.storage
    )
    return network, method


def random_data(job: Job, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (samples, C, H, W) uint8 and labels (samples,), all values equally likely."""
    rng = stream(job.seed, "data")
    images = rng.integers(0, 256, (samples, *job.input_shape), dtype=np.uint8)
    return images, rng.integers(0, CLASSES, samples)


class Trainee:
    """A network in training, its steps timed by part.

    Parameters
    ----------
    job : Job
    """

    def __init__(self, job: Job):
        parallel.set_threads(job.threads)
        self.network, self.method = build_network(job)
        self.optimiser = SGD(self.network.parameters(), MOMENTUM)

    def step(self, batch) -> dict[str, float]:
        """Train on a batch; seconds of "forward", "backward" and "update"."""
        times = [time.perf_counter()]
        outputs = self._forward(batch)
        times.append(time.perf_counter())
        self._backward(outputs, batch)
        times.append(time.perf_counter())
        self.optimiser.step(LEARNING_RATE)
        times.append(time.perf_counter())
        return dict(zip(("forward", "backward", "update"), np.diff(times).tolist(), strict=True))

    def round(self, batch, step: int) -> dict[str, float]:
        """A drop-and-grow step; seconds of "decide", "backward" (with growth) and "rewire"."""
        start = time.perf_counter()
        self.method.before_backward(step)
        decide = time.perf_counter() - start
        outputs = self._forward(batch)
        times = [time.perf_counter()]
        self._backward(outputs, batch)
        times.append(time.perf_counter())
        self.method.before_update(step)
        times.append(time.perf_counter())
        backward, rewire = np.diff(times).tolist()
        return {"decide": decide, "backward": backward, "rewire": rewire}

    def _forward(self, batch):
        return self.network.body.forward(self.network.encode(batch.images), training=True)

    def _backward(self, outputs, batch):
        _, d_outputs = self.network.loss(outputs, batch.labels)
        self.network.body.backward(d_outputs)


def measure(job: dict, steps: int, rounds: int = 0, layers: bool = False) -> dict:
    """Time training steps on one batch, after a step that is not counted.

    Parameters
    ----------
    job : dict
        Fields of `Job`.
    steps : int
    rounds : int
        Drop-and-grow rounds, after one that is not counted; none in a dense network.
    layers : bool
        Time each layer as well, in further steps.

    Returns
    -------
    dict
        "seconds": lists for "forward", "backward", "update", "step" and "rewire" (what a round
        takes beyond forward and backward); "memory": the process's peak in bytes before the
        rounds; "density", "work" (multiply-adds relative to dense), "spike_rate"; "layers".
    """
    trainee = Trainee(Job(**job))
    batch = Batch(*random_data(Job(**job), job["batch"]))
    trainee.step(batch)
    times = [trainee.step(batch) for _ in range(steps)]
    seconds = {part: [t[part] for t in times] for part in times[0]}
    seconds["step"] = [sum(t.values()) for t in times]
    network = trainee.network
    result = {
        "seconds": seconds,
        "memory": peak_memory(),
        "density": metrics.density(network.parameters()).density,
        "spike_rate": metrics.spike_rates(network).mean,
    }
    table = layer_table(trainee, batch, steps if layers else 1)
    useful, dense = (sum(row.get(key, 0) for row in table) for key in ("flops", "dense_flops"))
    result["work"] = useful / dense
    result["layers"] = table if layers else []
    if rounds and trainee.method:
        seconds["rewire"] = _rewire(trainee, batch, rounds, statistics.median(seconds["backward"]))
    return result


def _rewire(trainee, batch, rounds: int, backward: float) -> list[float]:
    """Seconds of each round beyond an ordinary forward and backward."""
    first = _ROUNDS // 2
    times = [trainee.round(batch, first + i) for i in range(rounds + 1)][1:]
    return [t["decide"] + t["rewire"] + max(0.0, t["backward"] - backward) for t in times]


def layer_table(trainee, batch, steps: int) -> list[dict]:
    """Seconds of each layer of the network, in order of execution; fused layers share a line.

    Returns
    -------
    list of dict
        "name"; "forward" and "backward": median seconds over the steps; for a layer with weights
        also "density", "flops" and "dense_flops" of all its products in a step, useful ones, and
        the rates "forward_gflops" and "backward_gflops".
    """
    watches = [_Watch(unit) for unit in _units(trainee.network.body)]
    for _ in range(steps):
        trainee.step(batch)
    for watch in watches:
        watch.stop()
    return [watch.row() for watch in watches]


def _units(layer) -> list:
    """What is timed as one, in order of execution: a layer, or layers fused into one pass."""
    if isinstance(layer, Sequential):
        return [unit for part in layer.parts for unit in _units(part)]
    if isinstance(layer, Residual):
        return _units(layer.body) + (_units(layer.shortcut) if layer.shortcut else [])
    return [layer]


class _Watch:
    """Times the calls of one unit's `forward` and `backward`, in place of its own methods."""

    def __init__(self, layer):
        self.layer, self.input_shape = layer, None
        self.seconds = {"forward": [], "backward": []}
        layer.forward, layer.backward = self._timed("forward"), self._timed("backward")

    def _timed(self, name):
        method = getattr(self.layer, name)

        def call(array, *arguments, **options):
            if name == "forward":
                self.input_shape = array.shape
            start = time.perf_counter()
            result = method(array, *arguments, **options)
            self.seconds[name].append(time.perf_counter() - start)
            return result

        return call

    def stop(self):
        """Give the layer its own methods back."""
        del self.layer.forward, self.layer.backward

    def row(self) -> dict:
        """A line of the table; nobody calls the backward of what precedes all weights."""
        medians = {n: statistics.median(s) if s else None for n, s in self.seconds.items()}
        row = {"name": "+".join(layer.name for layer in self.layer.layers()), **medians}
        if not isinstance(self.layer, Conv2d | Linear):
            return row
        weight, backward = self.layer.weight, 1 + self.layer.input_gradient
        flops = product_flops(self.layer, self.input_shape)
        dense_flops = product_flops(self.layer, self.input_shape, dense=True)
        return row | {
            "density": weight.active / weight.size,
            "flops": (1 + backward) * flops,
            "dense_flops": (1 + backward) * dense_flops,
            "forward_gflops": flops / medians["forward"] / 1e9,
            "backward_gflops": backward * flops / medians["backward"] / 1e9,
        }
