"""Networks whose neurons fire once: when they do, and which output neuron is first."""

import numpy as np

from nsnn.plot.style import BLUE, GREY, RED, axes_or_new, ridges, titled
from nsnn.reference.firstspike import potential
from nsnn.text import percent

# The time of a spike is t = ln z, in units of the decay of synaptic current.
_TIME = "time t (in time constants of the synaptic current)"


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
