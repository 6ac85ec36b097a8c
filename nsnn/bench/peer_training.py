"""Training a peer library's network on the same job; this runs in a child process."""

import time

import torch

from nsnn.bench import peer_networks
from nsnn.bench.job import CLASSES, LEARNING_RATE, MOMENTUM, Job
from nsnn.bench.timing import peak_memory

_WARM_UP = 3  # steps before an epoch


class Trainee:
    """A peer's network in training, its steps timed by part.

    Parameters
    ----------
    job : Job
    plan : list of dict
    library : str
        A key of `nsnn.bench.peers.PEERS`. With "torch" the network is dense, without masks.
    """

    def __init__(self, job: Job, plan, library: str):
        torch.set_num_threads(job.threads)
        self.generator = torch.Generator().manual_seed(job.seed)
        self.network = peer_networks.build(plan, library, job.time_steps)
        self.masks = []
        if library != "torch":
            self.masks = peer_networks.random_masks(plan, self.network, self.generator)
        self.optimiser = torch.optim.SGD(
            self.network.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM
        )
        self._mask()

    def data(self, job: Job, samples: int):
        """Normalised images (samples, C, H, W) and labels (samples,)."""
        images = torch.randn(samples, *job.input_shape, generator=self.generator)
        return images, torch.randint(0, CLASSES, (samples,), generator=self.generator)

    def step(self, images, labels) -> dict[str, float]:
        """Train on a batch; seconds of "forward", "backward" and "update"."""
        start = time.perf_counter()
        outputs = self.network(images).mean(0)
        loss = torch.nn.functional.cross_entropy(outputs, labels)
        forward = time.perf_counter()
        self.optimiser.zero_grad()
        loss.backward()
        backward = time.perf_counter()
        self.optimiser.step()
        self._mask()
        update = time.perf_counter()
        return {"forward": forward - start, "backward": backward - forward,
                "update": update - backward}  # fmt: skip

    @torch.no_grad()
    def _mask(self):
        """Dense weights times masks: what mask-based sparse training does after each update."""
        for weight, mask in self.masks:
            weight.mul_(mask)


def measure_step(job: dict, plan: list, library: str, steps: int) -> dict:
    """As `nsnn.bench.step.measure`: "seconds" and "memory"."""
    job = Job(**job)
    trainee = Trainee(job, plan, library)
    images, labels = trainee.data(job, job.batch)
    trainee.step(images, labels)
    times = [trainee.step(images, labels) for _ in range(steps)]
    seconds = {part: [t[part] for t in times] for part in times[0]}
    seconds["step"] = [sum(t.values()) for t in times]
    return {"seconds": seconds, "memory": peak_memory()}


def measure_epoch(job: dict, plan: list, library: str, samples: int) -> dict:
    """As `nsnn.bench.epoch.measure`: "seconds", "steps" and "memory"."""
    job = Job(**job)
    trainee = Trainee(job, plan, library)
    images, labels = trainee.data(job, samples)
    for _ in range(_WARM_UP):
        trainee.step(images[: job.batch], labels[: job.batch])
    start = time.perf_counter()
    order = torch.randperm(samples, generator=trainee.generator)
    steps = samples // job.batch
    for index in order[: steps * job.batch].split(job.batch):
        trainee.step(images[index], labels[index])
    return {
        "seconds": {"epoch": [time.perf_counter() - start]},
        "steps": steps,
        "memory": peak_memory(),
    }
