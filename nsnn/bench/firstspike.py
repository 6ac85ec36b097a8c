"""An epoch of a first-spike network, with both kinds of input; measured in child processes."""

import numpy as np

from nsnn.bench import CLASSES
from nsnn.bench.child import Job, compare
from nsnn.bench.environment import epoch_timed
from nsnn.errors import UserError

DENSITY = 103_040 / 635_200  # of 784-800-10 with ε = 60
INPUTS = {"binary input": 0.0, "noisy input": 0.15}  # σ of the delays of input spikes
_BRIGHT = 0.13  # share of the pixels of MNIST that are
_LEARNING_RATE = 1e-3


def check(kind: str, against: str | None) -> None:
    """Raise UserError for what cannot be measured of these networks."""
    if kind == "step":
        raise UserError("first-spike networks are measured by the epoch: use nsnn bench epoch")
    if against not in (None, "torch"):
        raise UserError(f"--against {against} has no first-spike network: use --against torch")


def compared(job: Job, repeats: int, against: str | None, samples: int) -> dict[str, dict]:
    """By the name of the input: what `nsnn.bench.child.compare` returns."""
    functions = "nsnn.bench.firstspike:measure", "nsnn.bench.firstspike_torch:measure"
    return {
        name: compare("epoch", job, repeats, against, functions=functions, delay=delay,
                      samples=samples)
        for name, delay in INPUTS.items()
    }  # fmt: skip


def random_data(job: Job, samples: int):
    """Images (samples, 1, 28, 28) uint8, as many pixels bright as in MNIST, and labels."""
    rng = np.random.default_rng([job.seed, 1])
    images = (rng.random((samples, 1, 28, 28), np.float32) < _BRIGHT).astype(np.uint8)
    return 255 * images, rng.integers(0, CLASSES, samples)


def measure(job: dict, samples: int, delay: float) -> dict:
    """Time one epoch, the delays drawn anew for each batch; as `nsnn.bench.epoch.measure`."""
    from nsnn import metrics, parallel
    from nsnn.data import Split, augment, batches
    from nsnn.streams import stream

    job = Job(**job)
    parallel.set_threads(job.threads)
    network, optimiser = trainee(job)
    data, kind = Split(*random_data(job, samples)), "spike-delay" if delay else "none"

    def late(shuffled):
        return augment.augmented(shuffled, kind, stream(job.seed, "augment"), delay)

    def step(batch):
        network.loss_and_backward(batch)
        optimiser.step(_LEARNING_RATE)

    first = next(iter(late(batches(data, job.batch, drop_last=True))))
    shuffled = late(batches(data, job.batch, stream(job.seed, "order"), drop_last=True))
    return epoch_timed(step, first, shuffled) | {
        "memory": metrics.peak_memory(),
        "density": metrics.density(network.parameters()).density,
        "spike_rate": network.measures().spike_rate,
    }


def trainee(job: Job):
    """The network of a job, sparse at random positions, and its optimiser."""
    from nsnn.sparsity.distribution import layer_counts, random_positions
    from nsnn.streams import stream
    from nsnn.training.build import make_network, make_optimiser
    from nsnn.training.config_file import from_options

    options = {"model.name": job.model, "optim.name": "adam", "optim.weight_decay": 0.0}
    config = from_options(options | {"train.seed": job.seed}, "nsnn bench")
    network = make_network(config, (1, 28, 28), CLASSES)
    parameters, rng = network.parameters(), stream(job.seed, "topology")
    counts = layer_counts(job.distribution, [p.dims for p in parameters], job.density)
    for p, count in zip(parameters, counts, strict=True):
        if count < p.size:
            p.sparsify(random_positions(p.shape, count, rng))
    network.sparse_start()
    return network, make_optimiser(config.optim, parameters)
