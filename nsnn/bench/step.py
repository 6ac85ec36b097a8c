"""In a child process: one training step of nsnn, part by part, with drop and grow; an epoch."""

import itertools
import statistics
import time

import numpy as np

from nsnn import metrics, parallel
from nsnn.bench import BRIGHT, CLASSES, LEARNING_RATE, MOMENTUM
from nsnn.bench.child import Job
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
from nsnn.training.stopwatch import repeat

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
    options |= {"model.name": job.model, "optim.weight_decay": 0.0}
    if network_class(job.model).has_neurons:
        options |= {f"model.{key}": getattr(job, key) for key in ("width", "norm", "storage")}
        options |= {"neuron.time_steps": job.time_steps}
        options |= {"optim.lr": LEARNING_RATE, "optim.momentum": MOMENTUM}
    else:
        options |= {"optim.name": "adam", "optim.lr": 1e-3}
    return from_options(options, "nsnn bench")


class Trainee:
    """A job's network in training."""

    def __init__(self, job: Job):
        parallel.set_threads(job.threads)
        config = configuration(job)
        shape = usual_input(job.model)
        self.network = make_network(config, shape, CLASSES)
        self.network.normalise([0.5] * shape[0], [0.29] * shape[0])
        self.method = METHODS[config.method.name](config.method.options)
        length, rng = RunLength(_ROUNDS, 1), stream(0, "topology")
        self.method.prepare(self.network, length, rng, TopologyLog())
        self.network.sparse_start()
        self.optimiser = make_optimiser(config.optim, self.network.parameters())
        self.learning_rate = config.optim.lr

    def train(self, batch, step: int = 0) -> None:
        """Train on a batch, as at a step of the run: at all but the first there is a round."""
        self.method.before_backward(step)
        self.network.loss_and_backward(batch)
        self.method.update(step, self.optimiser, self.learning_rate)


def random_data(job: Job, samples: int) -> Split:
    """Images uint8 and labels, all values equally likely; for first spikes, black and white."""
    rng, shape = stream(0, "data"), (samples, *usual_input(job.model))
    if network_class(job.model).has_neurons:
        images = rng.integers(0, 256, shape, dtype=np.uint8)
    else:
        images = np.where(rng.random(shape, np.float32) < BRIGHT, np.uint8(255), np.uint8(0))
    return Split(images, rng.integers(0, CLASSES, samples))


def measure_epoch(job: Job) -> dict:
    """Time an epoch over shuffled random images, after a step that is not counted.

    With a delay input spikes come late, by other times in each batch. Returns "seconds", a list for
    "epoch", and "memory", the most that the process has held, in bytes.
    """
    trainee, data = Trainee(job), random_data(job, job.samples)
    kind = "spike-delay" if job.delay else "none"

    def shuffled():
        parts = batches(data, job.batch, stream(0, "order"), drop_last=True)
        return augmented(parts, kind, stream(0, "augment"), job.delay)

    trainee.train(next(shuffled()))
    start = time.perf_counter()
    for batch in shuffled():
        trainee.train(batch)
    seconds = {"epoch": [time.perf_counter() - start]}
    return {"seconds": seconds, "memory": metrics.peak_memory()}


def measure_step(job: Job) -> dict:
    """Time training steps on one batch, then drop-and-grow rounds; the first of each do not count.

    A dense network has no rounds. Returns "seconds": lists for "step", its parts "forward" (and
    loss), "backward", "update", and "rewire" (what a round takes beyond forward and backward);
    "memory" before the rounds, in bytes; "work" (multiply-adds relative to dense); "layers": their
    `layer_table`, if the job asks for it.
    """
    trainee, batch = Trainee(job), random_data(job, job.batch)
    clocks = watched(trainee.network.body, "backward"), watched(trainee.optimiser, "step")
    steps = repeat(lambda: trainee.train(batch), job.steps)
    backward, update = (clock[1:] for clock in clocks)  # without the first, as `repeat`
    forward = (np.array(steps) - backward - update).tolist()
    seconds = {"step": steps, "forward": forward, "backward": backward, "update": update}
    found = {"seconds": seconds, "memory": metrics.peak_memory()}
    weighted = [x for x in trainee.network.layers() if isinstance(x, Conv2d | Linear)]
    useful, dense = (
        sum((2 + layer.input_gradient) * product_flops(layer, whole) for layer in weighted)
        for whole in (False, True)
    )
    table = layer_table(trainee, batch, job.steps) if job.layers else []
    if job.rounds and job.density < 1:
        middle = itertools.count(_ROUNDS // 2)
        rounds = repeat(lambda: trainee.train(batch, next(middle)), job.rounds)
        beside = statistics.median(forward) + statistics.median(backward)
        seconds["rewire"] = [max(0.0, whole - beside) for whole in rounds]
    return found | {"work": useful / dense, "layers": table}


def layer_table(trainee, batch, steps: int) -> list[dict]:
    """Seconds of each layer of the network, in order of execution; fused layers share a line.

    Each has "name", "forward" and "backward", median seconds over the steps (None for a backward
    that nobody calls), with weights also "density" and "forward_operations", "backward_operations".
    """
    units = _units(trainee.network.body)
    clocks = [[watched(unit, name) for name in ("forward", "backward")] for unit in units]
    for _ in range(steps):
        trainee.train(batch)
    rows = []
    for unit, calls in zip(units, clocks, strict=True):
        del unit.forward, unit.backward  # its own methods are back
        forward, backward = (statistics.median(each) if each else None for each in calls)
        name = "+".join(part.name for part in unit.layers())
        rows.append({"name": name, "forward": forward, "backward": backward})
        if isinstance(unit, Conv2d | Linear):
            rows[-1] |= {
                "density": unit.weight.active / unit.weight.size,
                "forward_operations": product_flops(unit),
                "backward_operations": (1 + unit.input_gradient) * product_flops(unit),
            }
    return rows


def _units(layer) -> list:
    """What is timed as one, in order of execution: a layer, or layers fused into one pass."""
    if isinstance(layer, Sequential | Residual):
        return [unit for part in layer.inner() for unit in _units(part)]
    return [layer]


def watched(thing, name: str) -> list:
    """Put a clock around a method; returns where each call leaves its seconds."""
    method, seconds = getattr(thing, name), []

    def call(*arguments, **options):
        start = time.perf_counter()
        result = method(*arguments, **options)
        seconds.append(time.perf_counter() - start)
        return result

    setattr(thing, name, call)
    return seconds


def plan(job: Job) -> tuple[list[dict], tuple[int, ...]]:
    """A job's network as plain data that a peer builds the same from: layers, input (C, H, W).

    The layers are those of `nsnn.export.network_tree`; one with a weight has "active" as well, the
    number of positions that a mask keeps, None where all are. Raises UserError for a network with a
    layer that has no counterpart there.
    """
    network = Trainee(job).network
    layers, weights = network_tree(network)["layers"], {p.name: p for p in network.parameters()}
    for item in layers:
        if item["kind"] not in _COMMON:
            raise UserError(f"--against: {item['name']} has no counterpart in other libraries")
        weight = weights.get(f"{item['name']}.weight")
        if weight is not None:
            item["active"] = None if weight.active == weight.size else weight.active
    return layers, network.input_shape
