"""One epoch of nsnn on random images; this runs in a child process."""

import time

from nsnn import metrics
from nsnn.bench.job import Job
from nsnn.bench.step import Trainee, random_data
from nsnn.bench.timing import peak_memory
from nsnn.data import Split, batches
from nsnn.streams import stream

SAMPLES = 60_000  # as MNIST
_WARM_UP = 3  # steps


def measure(job: dict, samples: int) -> dict:
    """Time one epoch over shuffled batches, after a few steps that are not counted.

    Parameters
    ----------
    job : dict
        Fields of `Job`.
    samples : int
        A last, smaller batch is left out.

    Returns
    -------
    dict
        "seconds": {"epoch": [one number]}; "steps", "memory", "density", "spike_rate".
    """
    job = Job(**job)
    trainee = Trainee(job)
    data = Split(*random_data(job, samples))
    first = next(batches(data, job.batch, drop_last=True))
    for _ in range(_WARM_UP):
        trainee.step(first)
    start, steps = time.perf_counter(), 0
    for batch in batches(data, job.batch, stream(job.seed, "order"), drop_last=True):
        trainee.step(batch)
        steps += 1
    return {
        "seconds": {"epoch": [time.perf_counter() - start]},
        "steps": steps,
        "memory": peak_memory(),
        "density": metrics.density(trainee.network.parameters()).density,
        "spike_rate": metrics.spike_rates(trainee.network).mean,
    }
