"""A job's network in SpikingJelly or, of first spikes, in PyTorch alone, and its training.

Imports PyTorch: only a process that measures a peer imports this file. Activations are
(T, B, …) in SpikingJelly's multi-step mode, the faster of its two ways, and the only one in which
batch normalisation sees all time steps, as it does here.
"""

import math

import torch
from torch import nn

from nsnn import metrics
from nsnn.bench import BRIGHT, CLASSES, LEARNING_RATE, MOMENTUM
from nsnn.bench.child import Job
from nsnn.training.stopwatch import repeat

DECAY, THRESHOLD = 0.5, 1.0
# Of first-spike networks.
EARLY, LATE, CAP, K = 1.0, 6.0, 20.0, 100.0


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


def build(layers: list[dict], lif=spikingjelly_lif) -> nn.Module:
    """The network of `layers`, as of `nsnn.bench.step.plan`; `lif()` makes its neurons."""
    from spikingjelly.activation_based import functional, layer

    network, pixels = nn.Sequential(), True
    for item in layers:
        match item["kind"]:
            case "LIF":
                module = lif()
            case "Conv2d":
                sizes = item["window"], item["stride"], item["padding"]
                module = layer.Conv2d(*item["channels"], *sizes)
            case "BatchNorm":
                module = (layer.BatchNorm2d if pixels else layer.BatchNorm1d)(item["channels"])
            case "MaxPool2d" | "AvgPool2d" as kind:
                module = getattr(layer, kind)(item["stride"])
            case "Flatten":
                module, pixels = layer.Flatten(), False
            case _:  # the readout is linear, too
                module = layer.Linear(*item["features"])
        network.append(module)
    functional.set_step_mode(network, "m")
    return network


def outputs_of(network, images, time_steps: int):
    """(T, B, classes) of images (B, C, H, W), each of which the network sees T times."""
    from spikingjelly.activation_based import functional

    functional.reset_net(network)
    return network(images.unsqueeze(0).repeat(time_steps, *(1,) * images.dim()))


def training(job: Job, layers: list[dict]):
    """The network of `layers`, and a function that trains it on images and labels.

    Of a layer that is not dense, positions drawn at random stay: dense weights are multiplied with
    masks after each update, as mask-based sparse training does.
    """
    network, masks = build(layers), []
    modules = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    active = [item["active"] for item in layers if "active" in item]
    for module, count in zip(modules, active, strict=True):
        if count is not None:
            mask = torch.zeros(module.weight.numel())
            mask[torch.randperm(mask.numel())[:count]] = 1
            masks.append((module.weight, mask.view_as(module.weight)))
    optimiser = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)

    @torch.no_grad()
    def prune():
        for weight, mask in masks:
            weight.mul_(mask)

    def step(images, labels):
        outputs = outputs_of(network, images, job.time_steps).mean(0)
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(outputs, labels).backward()
        optimiser.step()
        prune()

    prune()
    return network, step


def measure(job: Job, layers, input_shape) -> dict:
    """Time steps of the network of `layers`: a list of "seconds", and "memory" as of our own."""
    torch.set_num_threads(job.threads)
    torch.manual_seed(0)
    _, step = training(job, layers)
    images, labels = torch.randn(job.batch, *input_shape), torch.randint(CLASSES, (job.batch,))
    return timed(lambda: step(images, labels), job)


def timed(step, job: Job) -> dict:
    """As `measure`; short steps are repeated for a second."""
    seconds = repeat(step, job.steps, at_least=1.0)
    return {"seconds": seconds, "memory": metrics.peak_memory()}


# First-spike networks as one writes them in PyTorch, with masks; autograd does the rest. Arrays are
# (B, neurons).


def by_sorting(z, W):
    """The usual way: sort, cumulative sums over all inputs × outputs, the first that holds."""
    z, order = z.sort(dim=1)
    w = W.t()[order]  # (B, in, out)
    S, N = w.cumsum(1), (w * z.nan_to_num(posinf=0.0).unsqueeze(2)).cumsum(1)
    fires = S > 1 + 1e-6
    t = N / torch.where(fires, S - 1, 1)
    following = torch.cat([z[:, 1:], torch.full_like(z[:, :1], torch.inf)], dim=1)
    fires = fires & (t <= following.unsqueeze(2)) & z.isfinite().unsqueeze(2)
    first = fires.to(torch.uint8).argmax(dim=1, keepdim=True)
    found = t.gather(1, first).squeeze(1)
    return torch.where(fires.any(dim=1), found, torch.inf)


def by_causal_sets(z, W):
    """The same, faster where the layer is small: the causal sets without autograd, then Eq. 5."""
    with torch.no_grad():
        z_out = by_sorting(z, W)
        causal = (z.unsqueeze(2) < z_out.unsqueeze(1)).to(z.dtype)  # (B, in, out)
    S = torch.einsum("bio,oi->bo", causal, W)
    N = torch.einsum("bio,oi->bo", causal * z.nan_to_num(posinf=0.0).unsqueeze(2), W)
    fired = z_out.isfinite()
    return torch.where(fired, N / torch.where(fired, S - 1, 1), torch.inf)


def by_products(early, W):
    """Of inputs at two times, (B, in) with 1 where early: two products, the best that there is."""
    before, after = early @ W.t(), (1 - early) @ W.t()
    over, all_over = before - 1, before + after - 1
    z = before * EARLY / torch.where(over > 1e-6, over, 1)
    late = (before * EARLY + after * LATE) / torch.where(all_over > 1e-6, all_over, 1)
    late = torch.where(all_over > 1e-6, late, torch.inf)
    return torch.where((over > 1e-6) & (z <= LATE), z, late)


def first_spike_loss(z, labels, weights):
    """ESL Eq. 6 with the cap, and the K-term."""
    target, decided = z.gather(1, labels[:, None]).squeeze(1), z.isfinite().any(dim=1)
    scores = torch.where(z.isfinite(), -z, -1e30)
    each = torch.nn.functional.cross_entropy(scores, labels, reduction="none")
    each = torch.where(target.isfinite(), each, CAP)
    each = torch.where(decided, each, math.log(z.shape[1]))
    return each.mean() + K * sum(torch.relu(1 - W.sum(dim=1)).sum() for W in weights)


def first_spikes(images, masked, delay):
    """Times of the output neurons of images (B, pixels) in {0, 1}."""
    if not delay:
        return by_causal_sets(by_products(images, masked[0]), masked[1])
    late = delay * torch.randn(images.shape).abs()
    z = torch.where(images > 0.5, EARLY, LATE) * late.exp()
    return by_sorting(by_sorting(z, masked[0]), masked[1])


def measure_first_spikes(job: Job) -> dict:
    """As `measure`, of the first-spike network, its weights masked."""
    torch.set_num_threads(job.threads)
    torch.manual_seed(0)
    weights, masks = [], []
    hidden = (job.density * 635_200 - 8_000) / 627_200  # the output layer stays dense
    for n_in, n_out, share in ((784, 800, hidden), (800, 10, 1.0)):
        masks.append((torch.rand(n_out, n_in) < share).float())
        W = 8 / (share * n_in) * torch.rand(n_out, n_in)
        weights.append(W.requires_grad_())
    optimiser = torch.optim.Adam(weights, 1e-3)
    images = (torch.rand(job.batch, 784) < BRIGHT).float()
    labels = torch.randint(CLASSES, (job.batch,))

    def step():
        masked = [W * mask for W, mask in zip(weights, masks, strict=True)]
        z = first_spikes(images, masked, job.delay)
        optimiser.zero_grad()
        first_spike_loss(z, labels, masked).backward()
        optimiser.step()

    return timed(step, job)
