"""A plan (`nsnn.bench.peers`) as a network of SpikingJelly, snnTorch or plain PyTorch.

Imports PyTorch: only a process that measures a peer imports this file. Activations are
(T, B, …) in SpikingJelly's multi-step mode, and (T·B, …) with a loop over time in the neurons
only in the others: the faster of the usual ways to write them, and the only one in which batch
normalisation sees all time steps, as it does here.
"""

import math

import torch
from torch import nn

DECAY, THRESHOLD = 0.5, 1.0


class ArcTan(torch.autograd.Function):
    """Spike where x ≥ 0; derivative 1/(1 + π²x²)."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient / (1 + (math.pi * x).square())


class LoopLIF(nn.Module):
    """Neurons as one writes them in plain PyTorch: a loop over time, autograd does the rest."""

    def __init__(self, time_steps: int):
        super().__init__()
        self.time_steps = time_steps

    def forward(self, current):
        v, s, spikes = 0.0, 0.0, []
        for I_t in current.unflatten(0, (self.time_steps, -1)):
            v = DECAY * v + I_t - THRESHOLD * s  # v[t] = α v[t-1] + I[t] - ϑ o[t-1]
            fired = ArcTan.apply(v - THRESHOLD)
            s = fired.detach()
            spikes.append(fired)
        return torch.cat(spikes)


class SnnTorchLIF(nn.Module):
    """snnTorch's `Leaky` in a loop over time."""

    def __init__(self, time_steps: int):
        import snntorch

        super().__init__()
        self.time_steps = time_steps
        self.neuron = snntorch.Leaky(
            beta=DECAY, threshold=THRESHOLD, spike_grad=snntorch.surrogate.atan(alpha=2.0)
        )

    def forward(self, current):
        steps = current.unflatten(0, (self.time_steps, -1))
        v, spikes = torch.zeros_like(steps[0]), []
        for I_t in steps:
            fired, v = self.neuron(I_t, v)
            spikes.append(fired)
        return torch.cat(spikes)


class _Unrolled(nn.Sequential):
    """Layers on (T·B, …); the image repeated T times in, (T, B, classes) out."""

    def __init__(self, modules, time_steps):
        super().__init__(*modules)
        self.time_steps = time_steps

    def forward(self, images):
        repeated = images.repeat(self.time_steps, *(1,) * (images.dim() - 1))
        return super().forward(repeated).unflatten(0, (self.time_steps, -1))


class _MultiStep(nn.Sequential):
    """SpikingJelly's layers in multi-step mode, (T, B, …) from the first to the last."""

    def __init__(self, modules, time_steps):
        from spikingjelly.activation_based import functional

        super().__init__(*modules)
        self.time_steps = time_steps
        functional.set_step_mode(self, "m")
        self._reset = functional.reset_net

    def forward(self, images):
        self._reset(self)
        repeated = images.unsqueeze(0).repeat(self.time_steps, *(1,) * images.dim())
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


def build(plan: list[dict], library: str, time_steps: int, lif=None) -> nn.Module:
    """A network of a peer library; images (B, C, H, W) to outputs (T, B, classes).

    Parameters
    ----------
    plan : list of dict
        See `nsnn.bench.peers.plan`.
    library : "spikingjelly", "snntorch" or "torch"
    time_steps : int
        T.
    lif : callable, optional
        Makes a neuron layer; default: that of the library.
    """
    if library == "spikingjelly":
        from spikingjelly.activation_based import layer

        kinds, network, default = layer, _MultiStep, spikingjelly_lif
    else:
        neurons = SnnTorchLIF if library == "snntorch" else LoopLIF
        kinds, network, default = nn, _Unrolled, lambda: neurons(time_steps)
    modules = [_module(kinds, item, lif or default) for item in plan]
    return network(modules, time_steps)


def _module(kinds, item: dict, lif) -> nn.Module:
    """One item of a plan; `kinds` is the library's counterpart of `torch.nn`."""
    if item["kind"] == "conv":
        kernel, _, stride, padding = item["geometry"]
        return kinds.Conv2d(item["inputs"], item["outputs"], kernel, stride, padding)
    if item["kind"] == "linear":
        return kinds.Linear(item["inputs"], item["outputs"])
    if item["kind"] == "norm":
        return (kinds.BatchNorm2d if item["image"] else kinds.BatchNorm1d)(item["channels"])
    if item["kind"] in ("max_pool", "average_pool"):
        return (kinds.MaxPool2d if item["kind"] == "max_pool" else kinds.AvgPool2d)(item["k"])
    return kinds.Flatten() if item["kind"] == "flatten" else lif()


def random_masks(plan: list[dict], network: nn.Module, generator) -> list[tuple]:
    """A (weight, mask) for each weight of the plan that is not dense, positions drawn at random."""
    modules = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    weights = [item for item in plan if "active" in item]
    masks = []
    for item, module in zip(weights, modules, strict=True):
        if item["active"] is not None:
            size = module.weight.numel()
            mask = torch.zeros(size)
            mask[torch.randperm(size, generator=generator)[: item["active"]]] = 1
            masks.append((module.weight, mask.view_as(module.weight)))
    return masks
