"""Time and memory of a run, measured on one step before it starts."""

import time
from dataclasses import dataclass

_MIB = 1 << 20


@dataclass(frozen=True)
class Estimate:
    """What a run will take.

    Attributes
    ----------
    seconds_compiling : float
        The first step took this much longer than the second: Numba compiles or reads its cache.
    seconds_per_step : float
    steps : int
        Left to do.
    bytes_parameters, bytes_buffers, bytes_data : int
        Weights, gradients, optimiser state and indices; activations; the data set.
    """

    seconds_compiling: float
    seconds_per_step: float
    steps: int
    bytes_parameters: int
    bytes_buffers: int
    bytes_data: int

    def __str__(self):
        total = self.bytes_parameters + self.bytes_buffers + self.bytes_data
        return (
            f"estimate: {_duration(self.steps * self.seconds_per_step)} for {self.steps} steps of "
            f"{1e3 * self.seconds_per_step:.0f} ms (kernels ready in "
            f"{self.seconds_compiling:.1f} s); memory {_mib(total)}: parameters "
            f"{_mib(self.bytes_parameters)}, activations {_mib(self.bytes_buffers)}, "
            f"data {_mib(self.bytes_data)}"
        )


def estimate(run) -> Estimate:
    """Time one step of a run without changing the run.

    Two backward passes on the first batch: the first one compiles the kernels, the second is
    timed. Drop-and-grow, evaluation and the falling density are left out: it says "about".

    Parameters
    ----------
    run : Run
        Ready to train.
    """
    batch = next(run.batches(run.epoch))
    before = run.network.state()  # the running statistics of BatchNorm move
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        run.network.loss_and_backward(batch)
        seconds.append(time.perf_counter() - start)
    run.network.restore(before)
    held = run.network.bytes_held()
    splits = [run.data.train, run.data.validation, run.data.test]
    return Estimate(
        seconds_compiling=max(0.0, seconds[0] - seconds[1]),
        seconds_per_step=seconds[1],
        steps=run.length.total_steps - run.step,
        bytes_parameters=sum(held.values()) - held["buffers"],
        bytes_buffers=held["buffers"],
        bytes_data=sum(split.images.nbytes for split in splits if split is not None),
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"about {seconds:.0f} s"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} minutes"
    return f"about {seconds / 3600:.1f} hours"


def _mib(size: int) -> str:
    return f"{size / _MIB:.1f} MiB"
