"""A job's network in SpikingJelly or snnTorch, and its training.

Imports PyTorch: only a process that measures a peer imports this file. Activations are
(T, B, …) in SpikingJelly's multi-step mode, and (T·B, …) with a loop over time in the neurons
only in snnTorch: the faster of the usual ways to write it, and the only one in which batch
normalisation sees all time steps, as it does here.
"""

import time

import torch
from torch import nn

from nsnn import metrics
from nsnn.bench import CLASSES, LEARNING_RATE, MOMENTUM
from nsnn.bench.child import Job
from nsnn.bench.environment import epoch_timed, steps_timed

DECAY, THRESHOLD = 0.5, 1.0


class SnnTorchLIF(nn.Module):
    """snnTorch's `Leaky` in a loop over time, on (T·B, …)."""

    def __init__(self, time_steps: int):
        import snntorch

        super().__init__()
        self.time_steps = time_steps
        arctan = snntorch.surrogate.atan(alpha=2.0)
        self.neuron = snntorch.Leaky(beta=DECAY, threshold=THRESHOLD, spike_grad=arctan)

    def forward(self, current):
        steps, spikes = current.unflatten(0, (self.time_steps, -1)), []
        v = torch.zeros_like(steps[0])
        for I_t in steps:
            fired, v = self.neuron(I_t, v)
            spikes.append(fired)
        return torch.cat(spikes)


class Peer(nn.Sequential):
    """Layers that see the image T times, (T·B, …), to outputs (T, B, classes).

    SpikingJelly's, with its `reset` before each batch, keep time and samples apart: (T, B, …).
    """

    def __init__(self, modules, time_steps, reset=None):
        super().__init__(*modules)
        self.time_steps, self._reset = time_steps, reset

    def forward(self, images):
        repeated = images.unsqueeze(0).repeat(self.time_steps, *(1,) * images.dim())
        if self._reset is None:
            return super().forward(repeated.flatten(0, 1)).unflatten(0, (self.time_steps, -1))
        self._reset(self)
        return super().forward(repeated)


def spikingjelly_lif(reset: str = "subtract"):
    """SpikingJelly's neuron: α = 0.5, ϑ = 1, arctan, detached reset.

    Its subtraction comes before the decay, v[t] = α (v[t-1] - ϑ o[t-1]) + I[t]: the same work as
    nsnn's, not the same numbers. Its reset to zero is nsnn's.
    """
    from spikingjelly.activation_based import neuron, surrogate

    return neuron.LIFNode(
        tau=1 / DECAY,
        decay_input=False,
        v_threshold=THRESHOLD,
        v_reset=None if reset == "subtract" else 0.0,
        surrogate_function=surrogate.ATan(),
        detach_reset=True,
    )


def build(layers: list[dict], library: str, time_steps: int, lif=None) -> nn.Module:
    """A network of "spikingjelly" or "snntorch"; images (B, C, H, W) to (T, B, classes).

    Of `layers` as `nsnn.bench.step.describe` gives them; `lif()` makes a neuron layer, by default
    that of the library.
    """
    kinds, multi_step = nn, library == "spikingjelly"
    if multi_step:
        from spikingjelly.activation_based import functional
        from spikingjelly.activation_based import layer as kinds
    lif = lif or (spikingjelly_lif if multi_step else lambda: SnnTorchLIF(time_steps))
    modules = [
        lif() if item["kind"] == "LIF" else getattr(kinds, item["kind"])(*item["arguments"])
        for item in layers
    ]
    if not multi_step:
        return Peer(modules, time_steps)
    network = Peer(modules, time_steps, functional.reset_net)
    functional.set_step_mode(network, "m")
    return network


class Trainee:
    """A peer's network in training, its steps timed by part."""

    def __init__(self, job: Job, layers, library: str):
        torch.set_num_threads(job.threads)
        self.generator = torch.Generator().manual_seed(job.seed)
        self.network = build(layers, library, job.time_steps)
        self.masks = list(self._random_masks(layers))
        self.optimiser = torch.optim.SGD(
            self.network.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM
        )
        self._mask()

    def _random_masks(self, layers):
        """A (weight, mask) for each weight that is not dense, positions drawn at random."""
        modules = [m for m in self.network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        active = [item["active"] for item in layers if "active" in item]
        for module, count in zip(modules, active, strict=True):
            if count is not None:
                mask = torch.zeros(module.weight.numel())
                mask[torch.randperm(mask.numel(), generator=self.generator)[:count]] = 1
                yield module.weight, mask.view_as(module.weight)

    def data(self, input_shape, samples: int):
        """Normalised images (samples, C, H, W) and labels (samples,)."""
        images = torch.randn(samples, *input_shape, generator=self.generator)
        return images, torch.randint(0, CLASSES, (samples,), generator=self.generator)

    def step(self, batch) -> dict[str, float]:
        """Train on (images, labels); seconds of "forward", "backward" and "update"."""
        images, labels = batch
        start = time.perf_counter()
        outputs = self.network(images).mean(0)
        loss = torch.nn.functional.cross_entropy(outputs, labels)
        forward = time.perf_counter()
        self.optimiser.zero_grad()
        loss.backward()
        backward = time.perf_counter()
        self.optimiser.step()
        self._mask()
        end = time.perf_counter()
        return {"forward": forward - start, "backward": backward - forward,
                "update": end - backward}  # fmt: skip

    @torch.no_grad()
    def _mask(self):
        """Dense weights times masks: what mask-based sparse training does after each update."""
        for weight, mask in self.masks:
            weight.mul_(mask)


def measure_step(job: dict, layers, input_shape, library: str, steps: int) -> dict:
    """As `nsnn.bench.step.measure_step`: "seconds" and "memory"."""
    job = Job(**job)
    trainee = Trainee(job, layers, library)
    batch = trainee.data(input_shape, job.batch)
    seconds = steps_timed(lambda: trainee.step(batch), steps)
    return {"seconds": seconds, "memory": metrics.peak_memory()}


def measure_epoch(job: dict, layers, input_shape, library: str, samples: int) -> dict:
    """As `nsnn.bench.step.measure_epoch`: "seconds", "steps" and "memory"."""
    job = Job(**job)
    trainee = Trainee(job, layers, library)
    images, labels = trainee.data(input_shape, samples)
    order = torch.randperm(samples, generator=trainee.generator)
    order = order[: samples - samples % job.batch]
    shuffled = ((images[index], labels[index]) for index in order.split(job.batch))
    first = (images[: job.batch], labels[: job.batch])
    return epoch_timed(trainee.step, first, shuffled) | {"memory": metrics.peak_memory()}
