"""In a child process: one training step of nsnn, part by part, with drop and grow; an epoch."""

import statistics
import time

import numpy as np

from nsnn import metrics, parallel
from nsnn.bench import BRIGHT, CLASSES, LEARNING_RATE, MOMENTUM
from nsnn.bench.child import Job
from nsnn.bench.environment import epoch_timed
from nsnn.bench.kernels import product_flops
from nsnn.data import Split, batches
from nsnn.data.augment import augmented
from nsnn.errors import UserError
from nsnn.export import network_tree
from nsnn.layers import Conv2d, Linear, Residual, Sequential
from nsnn.methods import METHODS, RunLength
from nsnn.models import network_class, usual_input
from nsnn.sparsity.log import TopologyLog
from nsnn.streams import stream
from nsnn.training.build import make_network, make_optimiser
from nsnn.training.config_file import from_options

# A run of 200 rounds at constant sparsity: the one in the middle drops and grows a quarter.
_ROUNDS = 200
# The layers that peers have as well.
_COMMON = (
    "Conv2d", "Linear", "Integrator", "BatchNorm", "LIF", "MaxPool2d", "AvgPool2d", "Flatten",
)  # fmt: skip


def configuration(job: Job):
    """The `Config` that trains as a job says; the method is the default one."""
    method = {"distribution": job.distribution, "update_every": 1, "end_fraction": 1.0}
    method |= dict.fromkeys(("initial_sparsity", "final_sparsity"), 1 - job.density)
    options = {f"method.{key}": value for key, value in method.items()}
    options |= {"model.name": job.model, "optim.weight_decay": 0.0, "train.seed": job.seed}
    if network_class(job.model).has_neurons:
        options |= {f"model.{key}": getattr(job, key) for key in ("width", "norm", "storage")}
        options |= {"neuron.time_steps": job.time_steps, "optim.momentum": MOMENTUM}
        options |= {"optim.lr": LEARNING_RATE}
    else:
        options |= {"optim.name": "adam", "optim.lr": 1e-3}
    return from_options(options, "nsnn bench")


class Trainee:
    """A job's network in training, its steps timed by part."""

    def __init__(self, job: Job):
        parallel.set_threads(job.threads)
        config = configuration(job)
        shape = usual_input(job.model)
        self.network = make_network(config, shape, CLASSES)
        self.network.normalise([0.5] * shape[0], [0.29] * shape[0])
        self.method = METHODS[config.method.name](config.method.options)
        topology = stream(job.seed, "topology")
        self.method.prepare(self.network, RunLength(_ROUNDS, 1), topology, TopologyLog())
        self.network.sparse_start()
        self.optimiser = make_optimiser(config.optim, self.network.parameters())
        self.learning_rate = config.optim.lr

    def step(self, batch, number: int | None = None) -> dict[str, float]:
        """Train on a batch; seconds of "forward", "backward" and "update".

        With the `number` of a step, the method does what it does there: a round of drop and grow.
        """
        times = [time.perf_counter()]
        if number is not None:
            self.method.before_backward(number)
        times.append(time.perf_counter())
        x = self.network.encode(batch.images)
        outputs = self.network.body.forward(x, training=True)
        times.append(time.perf_counter())
        _, d_outputs = self.network.loss(outputs, batch.labels)
        self.network.body.backward(d_outputs)
        times.append(time.perf_counter())
        if number is None:
            self.optimiser.step(self.learning_rate)
        else:
            self.method.update(number, self.optimiser, self.learning_rate)
        times.append(time.perf_counter())
        before, forward, backward, update = np.diff(times).tolist()
        return {"forward": forward, "backward": backward, "update": before + update}

    def train(self, batch) -> None:
        """As `step`, of whatever kind the network is."""
        self.network.loss_and_backward(batch)
        self.optimiser.step(self.learning_rate)


def random_data(job: Job, samples: int) -> Split:
    """Images uint8 and labels, all values equally likely; for first spikes, black and white."""
    rng, shape = stream(job.seed, "data"), (samples, *usual_input(job.model))
    if network_class(job.model).has_neurons:
        images = rng.integers(0, 256, shape, dtype=np.uint8)
    else:
        images = np.where(rng.random(shape, np.float32) < BRIGHT, np.uint8(255), np.uint8(0))
    return Split(images, rng.integers(0, CLASSES, samples))


def measure_epoch(job: Job, samples: int, delay: float = 0.0) -> dict:
    """What `epoch_timed` says of an epoch over shuffled random images, and peak "memory" in bytes.

    With `delay`, σ of "spike-delay", input spikes come late, by other times in each batch.
    """
    trainee, data = Trainee(job), random_data(job, samples)
    order, kind = stream(job.seed, "order"), "spike-delay" if delay else "none"
    first, shuffled = (
        augmented(parts, kind, stream(job.seed, "augment"), delay)
        for parts in (batches(data, job.batch), batches(data, job.batch, order, drop_last=True))
    )
    timed = epoch_timed(trainee.train, next(first), shuffled)
    return timed | {"memory": metrics.peak_memory()}


def measure_step(job: Job, steps: int, rounds: int = 0, layers: bool = False) -> dict:
    """Time training steps on one batch, then drop-and-grow rounds; the first of each do not count.

    A dense network has no rounds. Returns "seconds": lists for "forward", "backward", "update",
    "step" and "rewire" (what a round takes beyond forward and backward); "memory" before the
    rounds, in bytes; "work" (multiply-adds relative to dense); "layers": with `layers` their
    `layer_table`.
    """
    trainee, batch = Trainee(job), random_data(job, job.batch)
    _, *times = [trainee.step(batch) for _ in range(1 + steps)]
    seconds = {part: [t[part] for t in times] for part in times[0]}
    seconds["step"] = [sum(t.values()) for t in times]
    found = {"seconds": seconds, "memory": metrics.peak_memory()}
    weighted = [x for x in trainee.network.layers() if isinstance(x, Conv2d | Linear)]
    useful, dense = (
        sum((2 + layer.input_gradient) * product_flops(layer, whole) for layer in weighted)
        for whole in (False, True)
    )
    table = layer_table(trainee, batch, steps) if layers else []
    if rounds and job.density < 1:
        plain = statistics.median(seconds["backward"])
        middle = range(_ROUNDS // 2, _ROUNDS // 2 + rounds + 1)
        times = [trainee.step(batch, number) for number in middle][1:]
        seconds["rewire"] = [t["update"] + max(0.0, t["backward"] - plain) for t in times]
    return found | {"work": useful / dense, "layers": table}


def layer_table(trainee, batch, steps: int) -> list[dict]:
    """Seconds of each layer of the network, in order of execution; fused layers share a line.

    Each has "name", "forward" and "backward", median seconds over the steps (None for a backward
    that nobody calls), with weights also "density", "forward_gflops" and "backward_gflops".
    """
    units = _units(trainee.network.body)
    clocks = [[_watched(unit, name) for name in ("forward", "backward")] for unit in units]
    for _ in range(steps):
        trainee.step(batch)
    rows = []
    for unit, calls in zip(units, clocks, strict=True):
        del unit.forward, unit.backward  # its own methods are back
        forward, backward = (statistics.median(each) if each else None for each in calls)
        name = "+".join(part.name for part in unit.layers())
        rows.append({"name": name, "forward": forward, "backward": backward})
        if isinstance(unit, Conv2d | Linear):
            flops = product_flops(unit) / 1e9
            rows[-1] |= {
                "density": unit.weight.active / unit.weight.size,
                "forward_gflops": flops / forward,
                "backward_gflops": (1 + unit.input_gradient) * flops / backward,
            }
    return rows


def _units(layer) -> list:
    """What is timed as one, in order of execution: a layer, or layers fused into one pass."""
    if isinstance(layer, Sequential):
        return [unit for part in layer.parts for unit in _units(part)]
    if isinstance(layer, Residual):
        return _units(layer.body) + (_units(layer.shortcut) if layer.shortcut else [])
    return [layer]


def _watched(layer, name: str) -> list:
    """Put a clock around a method; returns where each call leaves its seconds."""
    method, seconds = getattr(layer, name), []

    def call(*arguments, **options):
        start = time.perf_counter()
        result = method(*arguments, **options)
        seconds.append(time.perf_counter() - start)
        return result

    setattr(layer, name, call)
    return seconds


def plan(job: Job) -> dict:
    """A job's network as plain data that a peer builds the same from.

    "layers" are those of `nsnn.export.network_tree`; one with a weight has "active" as well, the
    number of positions that a mask keeps, None where all are. "input_shape" is (C, H, W). Raises
    UserError for a network with a layer that has no counterpart there.
    """
    network = Trainee(job).network
    layers, weights = network_tree(network)["layers"], {p.name: p for p in network.parameters()}
    for item in layers:
        if item["kind"] not in _COMMON:
            raise UserError(f"--against: {item['name']} has no counterpart in other libraries")
        weight = weights.get(f"{item['name']}.weight")
        if weight is not None:
            item["active"] = None if weight.active == weight.size else weight.active
    return {"layers": layers, "input_shape": network.input_shape}
