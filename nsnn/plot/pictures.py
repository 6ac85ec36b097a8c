"""Which pictures a run is drawn as, and what each takes from the run."""

from functools import cached_property
from pathlib import Path

import numpy as np

import nsnn
from nsnn.data import source
from nsnn.layers import LIF
from nsnn.layers.firstspike import BinaryTimes, FirstSpike
from nsnn.methods import METHODS
from nsnn.plot import curves, events, mistakes, neurons, spines, topology
from nsnn.plot.style import new_figure
from nsnn.sparsity.log import TopologyLog
from nsnn.training.build import load_data
from nsnn.training.checkpoint import load_topology
from nsnn.training.run_folder import read_config, read_metrics, read_summary

# At most this many test samples are searched for the worst mistakes: a second or two, not minutes.
_SEARCHED = 1000
# At most this many neurons in a raster, and layers in the picture of masks: more cannot be read.
_ROWS = 100
_MASKS = 3
# Of receptive fields: neurons, and moments from the start to the end. Samples for spike times.
_FIELDS, _MOMENTS = 6, 6
_TIMED = 200


class RunData:
    """What a run folder holds; the costly parts are read when a picture asks for them.

    `records` are empty before the end of the first epoch, `summary` before that of the run; `log`
    has no layers when the run never made one sparse.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.config = read_config(folder)
        self.records = read_metrics(folder)
        self.summary = read_summary(folder)
        self.confusion = self.summary.get("confusion")
        changes = self.folder / "topology.npz"
        self.log = load_topology(changes) if changes.exists() else TopologyLog()
        self.sparse = self.log.names
        self.rounds = self.log.events  # that changed the topology
        measures = self.records[-1].get("method", {}) if self.records else {}
        self.explored = "exploration" in measures
        self.bounded = any(name.startswith("synapse/") for name in measures)
        fates = self.summary.get("final_measures", {})
        self.fates = fates if "pruned" in fates else None  # of neurons

    @cached_property
    def network(self):
        """The network of the last checkpoint, None before the first."""
        return nsnn.load(self.folder) if (self.folder / "checkpoint.npz").exists() else None

    @cached_property
    def samples(self):
        """The first test samples: `nsnn.data.Split`."""
        return load_data(self.config).test.take(slice(_SEARCHED))

    @cached_property
    def first_spikes(self):
        """Times of the input and of each layer whose neurons fire once, for some test samples."""
        layers = self.network.layers() if self.network else []
        layers = [layer for layer in layers if isinstance(layer, FirstSpike)]
        if not layers:
            return {}
        self.network.predict(self.samples.images[:_TIMED], batch_size=_TIMED)
        x = layers[0].x
        times = {"input": x.z if isinstance(x, BinaryTimes) else x}
        times |= {layer.name: layer.z for layer in layers}
        return {name: z.copy() for name, z in times.items()}  # the next forward writes over them


def _training(run):
    left, right = new_figure(10.0, 3.6).subplots(1, 2)
    curves.loss(run.records, ax=left)
    return curves.accuracy(run.records, run.summary.get("test_accuracy"), ax=right)


def _spike_rates(run):
    per = "sample" if run.config.time_steps is None else "time step"
    return curves.spike_rates(run.records, unit=f"spikes per neuron and {per}")


def _sparsity(run):
    """Reached from the start over every event to where the run stands, before what was asked."""
    counts, last = run.log.counts(), run.records[-1]
    end = max([last["step"], *counts["step"].tolist()])
    initial = {name: run.log.positions_at(name, -1).size for name in run.log.names}
    steps, sparsity = {}, {}
    for name, start in initial.items():
        mine = counts["layer"] == name
        active = np.concatenate([[start], counts["active"][mine]])
        steps[name] = np.concatenate([[0], counts["step"][mine], [end]])
        sparsity[name] = 1.0 - np.append(active, active[-1]) / last["layers"][name]["size"]
    name, options = run.config.method.name, run.config.method.options
    total = run.records[0]["step"] * run.config.train.epochs
    dims = {p.name: p.dims for p in run.network.parameters() if p.prunable}
    asked = METHODS[name].asked_sparsity(options, total, dims, initial)
    return topology.layer_sparsity(steps, sparsity, asked, METHODS[name].title or name)


def _masks(run):
    """First and last masks of the layers with the most positions, in the network's order."""
    last = run.log.counts()["step"][-1]
    changing = [p for p in run.network.parameters() if p.name in run.log.names]
    largest = sorted(changing, key=lambda p: -p.size)[:_MASKS]
    shown = [p for p in changing if p in largest]
    figure = new_figure(8.0, 3.2 * len(shown))
    for p, axes in zip(shown, figure.subplots(len(shown), 2, squeeze=False), strict=True):
        before, after = (_mask(run.log, p, step) for step in (-1, last))
        topology.masks(before, after, p.name, axes)
    return figure


def _mask(log, p, step):
    mask = np.zeros(p.shape, dtype=bool)
    mask.reshape(-1)[log.positions_at(p.name, step)] = True
    return mask


def _weights(run):
    weights = {p.name: p.values() for p in run.network.parameters() if p.prunable}
    return topology.weight_histogram(weights)


def _neurons(run):
    """Membrane and spikes of the last spiking layer for the first test sample."""
    spiking = [layer for layer in run.network.layers() if isinstance(layer, LIF)]
    if not spiking:
        return None
    layer = spiking[-1]
    run.network.wake()  # silent neurons are in the picture, too
    run.network.predict(run.samples.images[:1])
    v, s = (array.reshape(-1, *array.shape[-2:])[:, :, 0] for array in (layer.v, layer.s))
    left, right = new_figure(11.0, 3.8).subplots(1, 2)
    sample = f"first test sample (class {run.samples.labels[0]})"
    left.figure.suptitle(f"Layer {layer.name}: {len(s)} neurons, {sample}")
    neuron = layer.neuron
    neurons.membrane_trace(v, s, neuron.threshold, neuron.decay, neuron.reset, ax=left)
    rows = np.linspace(0, len(s) - 1, min(len(s), _ROWS)).astype(np.int64)
    neurons.raster(s, rows, ax=right)
    if len(rows) < len(s):
        right.set_ylabel(f"row ({len(rows)} of {len(s)} neurons)")
    return right


def _worst_mistakes(run):
    """The mistakes among the first test samples that the network is most sure of."""
    images, true = run.samples.images, run.samples.labels
    scores = run.network.scores(images, run.config.data.batch).astype(np.float64)
    scores[np.isneginf(scores).all(axis=1)] = 0.0  # no answer: every class is as likely
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    predicted, confidence = scores.argmax(axis=1), e.max(axis=1) / e.sum(axis=1)
    if images.ndim == 5:  # events: what happened over all steps, in shares of the busiest pixel
        images = images.sum(axis=1, dtype=np.float64)
        images /= max(images.max(), 1.0)
    return mistakes.worst_mistakes(images, true, predicted, confidence, confusion=run.confusion)


def _receptive_fields(run):
    """Pixels of the hidden neurons with the most grown synapses, from the start to the end."""
    C, H, W = run.network.input_shape
    p = next(p for p in run.network.parameters() if p.prunable)
    if p.dims != (p.shape[0], C * H * W) or p.name not in run.log.names:
        return None  # it sees no pixels, or never changes
    shown = np.unique(np.linspace(0, len(run.records) - 1, _MOMENTS - 1).round().astype(int))
    steps = [-1, *(run.records[i]["step"] - 1 for i in shown)]
    masks = np.array([_mask(run.log, p, step) for step in steps])
    grown = (masks[-1] & ~masks[0]).sum(axis=1)
    rows = np.sort(np.argsort(-grown, kind="stable")[:_FIELDS])
    weights = p.to_dense()[rows].reshape(-1, C, H, W).sum(axis=1)
    masks = masks[:, rows].reshape(len(steps), -1, C, H, W).any(axis=2).swapaxes(0, 1)
    names = ["start", *(f"epoch {run.records[i]['epoch'] + 1}" for i in shown)]
    return topology.receptive_fields(masks, weights, rows, names)


def _race(run):
    """The output neurons for the first test sample, which stands beside it."""
    z, z_out = (times[:, 0] for times in list(run.first_spikes.values())[-2:])
    left, right = new_figure(9.5, 3.6).subplots(1, 2, width_ratios=(1, 4))
    image = run.samples.images[0]
    left.imshow(image.reshape(-1, *image.shape[-2:]).mean(axis=0), cmap="gray_r")
    left.set_axis_off()
    W = run.network.layers()[-1].weight.to_dense()
    return neurons.race(W, z, z_out, int(run.samples.labels[0]), ax=right)


def _events(run):
    """Frames (T, 2, H, W) of the first test sample; None for what is not events ON and OFF."""
    known = source(run.config.data.name)
    if known.shape is not None and not known.events:
        return None
    frames = run.samples.images[0]
    return events.event_strip(frames) if frames.ndim == 4 and frames.shape[1] == 2 else None


# Each picture with what it needs of `RunData`, see `draw`. Those that need the data set come last:
# where it is missing, all others have been made.
PICTURES = {
    "training.png": (_training, "records"),
    "spike_rates.png": (_spike_rates, "records"),
    "sparsity.png": (_sparsity, "sparse", "records", "network"),
    "rewiring.png": (lambda run: topology.rewiring(run.log.counts()), "rounds"),
    "masks.png": (_masks, "rounds", "network"),
    "connections.png": (lambda run: curves.connections(run.records)[0], "records", "sparse"),
    "exploration.png": (lambda run: curves.exploration(run.records), "explored"),
    "bounds.png": (lambda run: spines.bounds(run.records), "bounded"),
    "spines.png": (lambda run: spines.importance(run.fates)[0], "fates"),
    "receptive_fields.png": (_receptive_fields, "rounds", "records", "network"),
    "weights.png": (_weights, "network"),
    "confusion.png": (lambda run: mistakes.confusion_matrix(run.confusion), "confusion"),
    "neurons.png": (_neurons, "network"),
    "mistakes.png": (_worst_mistakes, "network"),
    "spike_times.png": (lambda run: neurons.spike_times(run.first_spikes), "first_spikes"),
    "race.png": (_race, "first_spikes"),
    "events.png": (_events,),
}


def draw(run: RunData, name: str):
    """The figure of this name; None where the run lacks what it shows."""
    drawn, *needs = PICTURES[name]
    found = drawn(run) if all(getattr(run, need) for need in needs) else None
    return getattr(found, "figure", found)  # of axes; a figure's figure is itself
