"""What neurons do: surrogates, membrane traces, rasters; who fires when where each fires once."""

import numpy as np

from nsnn.errors import UserError
from nsnn.plot.style import BLUE, GREY, RED, axes_or_new, colours, ridges, titled
from nsnn.reference.firstspike import potential
from nsnn.surrogate import SURROGATES, derivative, primitive
from nsnn.text import percent, plural

# Of neurons that fire once the time of a spike is t = ln z, in units of the decay of the current.
_TIME = "time t (in time constants of the synaptic current)"


def surrogates(names=tuple(SURROGATES), width=None, axes=None):
    """The spike and the smooth steps in its place, and beside them their derivatives.

    `names` are keys of `nsnn.surrogate.SURROGATES`. Without a `width` each has that with which its
    derivative is 1 at the threshold. Returns the two axes.
    """
    left, right = axes_or_new(axes, 9.0, 3.4, columns=2)
    x = np.linspace(-2.0, 2.0, 801)
    left.step([-2.0, 0.0, 2.0], [0.0, 0.0, 1.0], where="pre", color=GREY)
    for name, colour in zip(names, colours(len(names)), strict=True):
        left.plot(x, primitive(name, x, width), color=colour, linewidth=1.4)
        right.plot(x, derivative(name, x, width), color=colour, linewidth=1.4, label=name)
    right.plot([], [], color=GREY, label="spike (no derivative)")
    below = "membrane above the threshold, v − ϑ"
    titled(left, "In place of the spike", below, "smooth step")
    return left, titled(right, "Its derivative, used for learning", below, "φ(v − ϑ)", legend="")


def membrane_trace(v, s, threshold=1.0, decay=0.5, reset="subtract", neurons=None, ax=None):
    """Membrane of a few neurons against time, with the threshold and their spikes.

    Between two steps a membrane decays; a neuron that has fired is then reset, at a dotted jump;
    the input of the next step takes it to its next value of `v`, at a dot.

    `v` and `s`, arrays (N, T), or (T,) of one neuron, are the membrane *before* the reset, what is
    compared with `threshold`, and the spikes, for one sample; `decay` is α, what remains of the
    membrane after one step; `reset` is "subtract" or "zero". `neurons` are the rows to draw,
    without them `most_telling(s)`.
    """
    v, s = np.atleast_2d(v), np.atleast_2d(s)
    if v.ndim != 2 or v.shape != s.shape:
        wanted = "v and s must both be (neurons, time steps) of one sample"
        raise UserError(f"membrane_trace: {wanted}, got {v.shape} and {s.shape}")
    neurons = most_telling(s) if neurons is None else np.asarray(neurons)
    ax = axes_or_new(ax)
    ax.axhline(threshold, color=GREY, linestyle="--", linewidth=1, label="threshold", zorder=1)
    # The jumps of neurons that fire together stand beside each other.
    ends = np.linspace(0.9, 0.75, len(neurons))
    for neuron, colour, end in zip(neurons, colours(len(neurons)), ends, strict=True):
        pieces, jumps = trace(v[neuron], s[neuron], threshold, decay, reset, end)
        ax.plot(*pieces, "-", color=colour, linewidth=1.4, label=f"neuron {neuron}")
        ax.plot(*jumps, ":", color=colour, linewidth=1.8)
        time, fired = np.arange(v.shape[1]), np.flatnonzero(s[neuron])
        ax.plot(time, v[neuron], ".", color=colour, markersize=6)
        ax.plot(fired, v[neuron, fired], "^", color=colour, markersize=7, markeredgecolor="white")
    ax.plot([], [], "^", color=GREY, label="spike")
    ax.plot([], [], ":", color=GREY, label="reset")
    spikes = plural(np.count_nonzero(s[neurons]), "spike")
    title = f"Membrane of {plural(len(neurons), 'neuron')}: {spikes}"
    return titled(ax, title, "time step", "membrane v", whole="x", legend="")


def trace(v, s, threshold, decay, reset, end=0.9) -> tuple:
    """The membrane of one neuron, `v` and `s` of shape (T,), between its time steps.

    Returns (times, membrane) of the lines to draw, and of the jumps at a reset, with NaN between
    two that do not touch. At `end` of a time step the decay is drawn to its end, then the reset.
    """
    t, part, now = np.arange(len(v) - 1)[:, None], np.linspace(0.0, 1.0, 16), v[:-1, None]
    fired, before = s[:-1, None] > 0, decay * now
    reset_to = before - threshold if reset == "subtract" else 0.0
    after, gap = np.where(fired, reset_to, before), np.where(fired, np.nan, before)
    # A row a step: the decay, a gap where the reset jumps, the wait for the input of the next step.
    times = np.hstack([t + end * part, t + end, t + end, t + 1, t + 1])
    membrane = np.hstack([now * float(decay) ** part, gap, after, after, v[1:, None]])
    jumps = np.hstack([before, after, np.full_like(before, np.nan)])[fired[:, 0]]
    return (times.ravel(), membrane.ravel()), (np.repeat(t[fired] + end, 3), jumps.ravel())


def raster(s, neurons=None, ax=None):
    """One tick a spike of `s`, uint8 (N, T), of one sample: neurons upwards, time to the right.

    `neurons` are the rows to draw, from the bottom up; all where it is None.
    """
    s = np.asarray(s)
    if s.ndim != 2:
        raise UserError(f"raster: s must be (neurons, time steps), got shape {s.shape}")
    neurons = np.arange(s.shape[0]) if neurons is None else np.asarray(neurons)
    ax = axes_or_new(ax)
    row, time = np.nonzero(s[neurons])
    # In points: a tick fills its neuron's row, and with few time steps gets wide enough to see.
    height = float(np.clip(200.0 / max(len(neurons), 1), 2.0, 14.0))
    width = float(np.clip(60.0 / max(s.shape[1], 1), 1.5, 12.0))
    ax.plot(time, row, "|", color="black", markersize=height, markeredgewidth=width)
    ax.set(xlim=(-0.5, s.shape[1] - 0.5), ylim=(-0.8, len(neurons) - 0.2))
    rate = s[neurons].mean() if len(neurons) else 0.0
    title = f"{row.size} spikes of {len(neurons)} neurons: {rate:.3f} per neuron and time step"
    return titled(ax, title, "time step", "neuron (row)", whole="xy")


def most_telling(s, count=4) -> np.ndarray:
    """Rows of `s`, uint8 (N, T), worth a trace: int64, at most `count`, sorted.

    Spread from the most active neuron to the least active that fires; the first where none does.
    """
    spikes = np.asarray(s).sum(axis=1, dtype=np.int64)
    order = np.argsort(-spikes, kind="stable")
    firing = order[spikes[order] > 0]
    pool = firing if firing.size >= count else order[:count]
    picks = np.linspace(0, pool.size - 1, min(count, pool.size)).round().astype(np.int64)
    return np.sort(pool[picks])


def spike_times(z, bins=60, ax=None):
    """When the neurons of each layer fire, one row a layer, input at the top.

    `z` has by layer the times z = e^t of all its neurons and samples, infinity where one never
    fires. All layers share the `bins`; the last has the latest thousandth as well.
    """
    ax = axes_or_new(ax, 7.0, 1.4 + 0.75 * len(z))
    times = {name: np.log(each[np.isfinite(each)]) for name, each in z.items()}
    together = np.concatenate([*times.values(), [0.0]])
    edges = np.linspace(together.min(), max(np.quantile(together, 0.999), 1e-3), bins + 1)
    fire = {name: percent(t.size / max(z[name].size, 1), 1) for name, t in times.items()}
    labels = [f"{name}\n{share} fire" for name, share in fire.items()]
    ridges(ax, [np.minimum(t, edges[-1]) for t in times.values()], edges, labels)
    return titled(ax, "Spike times per layer (each row to its own scale)", _TIME, "")


def race(W, z, z_out, label, ax=None):
    """Potentials of the output neurons for one sample, up to their spikes: the first one decides.

    `W` (classes, in) are the weights of the output layer, 0 where there is no synapse, `z` (in,)
    and `z_out` (classes,) the times of the neurons before it and of its own, infinity where one
    never fires; `label` is the true class.
    """
    ax = axes_or_new(ax, 7.0, 3.8)
    fired, t_in, t_out = np.isfinite(z_out), np.log(z), np.log(z_out)
    first = int(z_out.argmin()) if fired.any() else None
    last = t_out[fired].max() if fired.any() else t_in[np.isfinite(t_in)].max(initial=1.0)
    start, end = t_in.min(), last + 0.04 * (last - t_in.min())
    rank = np.argsort(np.argsort(t_out))
    for k, w in enumerate(W):
        t = np.linspace(start, t_out[k] if fired[k] else end, 300)
        colour = BLUE if k == label else RED if k == first else GREY
        V = np.array([potential(now, w, t_in) for now in t])
        ax.plot(t, V, color=colour, linewidth=1.8 if k in (label, first) else 0.9)
        if fired[k]:
            ax.plot(t_out[k], 1.0, "^", color=colour, markersize=7, markeredgecolor="white")
            height = 1.1 + 0.12 * (rank[k] % 3)  # names of close spikes do not cover each other
            ax.text(t_out[k], height, str(k), color=colour, fontsize=8, ha="center")
    ax.axhline(1.0, color="black", linestyle="--", linewidth=0.8)
    ax.set_ylim(top=1.5)
    said = f"{first} fires first" if first is not None else "none fires"
    return titled(ax, f"Race of the outputs: class {label}, {said}", _TIME, "potential V")
