"""First-spike networks as one writes them in PyTorch, with masks; autograd does the rest.

Imports PyTorch: only a process that measures it imports this file. Arrays are (B, neurons).
"""

import math

import torch

from nsnn import metrics
from nsnn.bench import CLASSES
from nsnn.bench.child import Job
from nsnn.bench.environment import epoch_timed

EARLY, LATE, CAP, K = 1.0, 6.0, 20.0, 100.0
_BRIGHT = 0.13  # share of the pixels of MNIST that are
_STEPS = 12  # of an epoch: all steps take the same time


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


def loss_of(z, labels, weights):
    """ESL Eq. 6 with the cap, and the K-term."""
    target, decided = z.gather(1, labels[:, None]).squeeze(1), z.isfinite().any(dim=1)
    scores = torch.where(z.isfinite(), -z, -1e30)
    each = torch.nn.functional.cross_entropy(scores, labels, reduction="none")
    each = torch.where(target.isfinite(), each, CAP)
    each = torch.where(decided, each, math.log(z.shape[1]))
    return each.mean() + K * sum(torch.relu(1 - W.sum(dim=1)).sum() for W in weights)


def forward(images, masked, delay, generator=None):
    """Times of the output neurons of images (B, pixels) in {0, 1}."""
    if not delay:
        return by_causal_sets(by_products(images, masked[0]), masked[1])
    late = delay * torch.randn(images.shape, generator=generator).abs()
    z = torch.where(images > 0.5, EARLY, LATE) * late.exp()
    return by_sorting(by_sorting(z, masked[0]), masked[1])


def measure_epoch(job: dict, samples: int, delay: float) -> dict:
    """As `nsnn.bench.step.measure_epoch`, from a few steps; the same network, weights masked."""
    job = Job(**job)
    torch.set_num_threads(job.threads)
    generator = torch.Generator().manual_seed(job.seed)
    weights, masks = [], []
    for n_in, n_out, share in ((784, 800, job.density), (800, 10, 1.0)):
        if job.density < 1 and n_out == 800:  # the output layer stays dense
            share = (job.density * 635_200 - 8_000) / 627_200
        masks.append((torch.rand(n_out, n_in, generator=generator) < share).float())
        W = 8 / (share * n_in) * torch.rand(n_out, n_in, generator=generator)
        weights.append(W.requires_grad_())
    optimiser = torch.optim.Adam(weights, 1e-3)
    images = (torch.rand(_STEPS * job.batch, 784, generator=generator) < _BRIGHT).float()
    labels = torch.randint(0, CLASSES, (len(images),), generator=generator)

    def step(batch):
        masked = [W * mask for W, mask in zip(weights, masks, strict=True)]
        z = forward(images[batch], masked, delay, generator)
        optimiser.zero_grad()
        loss_of(z, labels[batch], masked).backward()
        optimiser.step()

    batches = torch.arange(len(images)).split(job.batch)
    found, steps = epoch_timed(step, batches[0], batches), samples // job.batch
    seconds = [second * steps / found["steps"] for second in found["seconds"]["epoch"]]
    return {"seconds": {"epoch": seconds}, "steps": steps, "memory": metrics.peak_memory()}
