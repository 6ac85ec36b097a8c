"""Everything that a run consists of, built from its configuration, saved and restored."""

from pathlib import Path

import numpy as np

from nsnn import metrics
from nsnn.data import augment, batches
from nsnn.errors import RunError, UserError
from nsnn.files import append_line, checksum, keep_lines
from nsnn.methods import METHODS, RunLength
from nsnn.optim import learning_rate
from nsnn.plugins import check_prepared
from nsnn.sparsity.log import TopologyLog
from nsnn.streams import stream
from nsnn.training import checkpoint
from nsnn.training.build import load_data, make_network, make_optimiser
from nsnn.training.run_folder import dense_spike_rates, load, require_same
from nsnn.training.totals import EpochTotals


class Run:
    """Data, network, method and optimiser, and how far they are.

    One that is resumed needs the topology `log` up to its checkpoint, the spike rates of the dense
    run (`dense_rates`) as they were at its start, and the training data of a `fingerprint`.
    """

    def __init__(self, config, log=None, dense_rates=None, fingerprint=None):
        self.config = config
        seed = config.train.seed
        self.data = load_data(config)
        augment.check(config.data.augment, self.data)
        if config.train.keep == "best" and self.data.validation is None:
            what = "train.keep = 'best' needs a validation split to choose on"
            raise UserError(f"{what}: set data.validation, 0.1 for example")
        self.fingerprint = self.data.train.fingerprint()
        if fingerprint not in (None, self.fingerprint):
            what = f"the training data of {config.data.name} is not what this run has trained on"
            raise UserError(f"{what}: set data.dir to that, or train anew with --overwrite")
        self.batches(0)  # refuses a batch that is larger than the data
        # The last, smaller batch of an epoch is left out.
        self.length = RunLength(len(self.data.train) // config.data.batch, config.train.epochs)
        self.network = make_network(config, self.data.shape, self.data.classes)
        self.network.normalise(self.data.mean, self.data.std)
        if config.data.augment == "spike-delay" and not self.network.takes_delays:
            what = "data.augment = 'spike-delay' is for networks of first spikes"
            raise UserError(f"{what}: set it to none")
        self.method = METHODS[config.method.name](config.method.options)
        other = None
        if config.train.start and log is None:
            other = _take_over(self.network, self.method, config)
        elif config.train.start:  # as the log has them: the other run may be gone
            self.method.first_positions = {name: log.positions_at(name, -1) for name in log.names}
        self.log = TopologyLog() if log is None else log
        self.method.prepare(self.network, self.length, stream(seed, "topology"), self.log)
        check_prepared(config.method.name, self.method)
        self._check_logged()
        if other is not None:
            _check_kept(self.network, other, config)
        elif not config.train.start:
            self.network.sparse_start()
        self.optimiser = make_optimiser(config.optim, self.network.parameters())
        self.dense_rates = dense_spike_rates(config) if dense_rates is None else dense_rates
        self.epoch = self.step = 0  # the epoch that is under way, the optimiser steps done
        self.totals = EpochTotals()  # over the steps of this epoch
        self.best = {"accuracy": -1.0, "epoch": -1}  # on validation, of the network in `best.npz`
        # The largest of each kind of `Network.bytes_held`, of the bytes that the "method" holds
        # beside it, and of the "total" without the buffers.
        self.peak = {}
        self._events_saved = -1  # of the log, none yet

    def _check_logged(self) -> None:
        """Raise UserError for a sparse layer that no log can rebuild: such a run cannot resume."""
        for p in self.network.parameters():
            if p.topology is not None and p.name not in self.log.names:
                what = f"{self.config.method.name!r} made {p.name} sparse without a word to the log"
                call = f"log.start({p.name!r}, p.size, p.positions())"
                raise UserError(f"method.name = {what}: call {call}")

    def batches(self, epoch: int):
        """The training batches of an epoch, which depend on seed and epoch alone."""
        config, seed = self.config.data, self.config.train.seed
        order = stream(seed, "order", epoch)
        parts = batches(self.data.train, config.batch, order, drop_last=True)
        rng = stream(seed, "augment", epoch)
        return augment.augmented(parts, config.augment, rng, config.delay)

    def learning_rate(self, step: int) -> float:
        """The learning rate of a step."""
        o = self.config.optim
        limits = {"lr_end": o.lr_end, "period": o.period, "gamma": o.gamma}
        return learning_rate(o.schedule, o.lr, *self.method.schedule(step), **limits)

    def new_optimiser(self) -> None:
        """Go on with an optimiser that has seen no step yet."""
        for parameter in self.network.parameters():
            parameter.forget_slots()
        self.optimiser = make_optimiser(self.config.optim, self.network.parameters())

    def book_step(self, loss: float, predictions, labels, measures, work) -> None:
        """Book a step that is done."""
        self.step += 1
        density = metrics.density(self.network.parameters())
        self.totals.add(loss, predictions, labels, density, measures, work)
        held = self.network.bytes_held()
        held["method"] = self.method.bytes_held()
        held["total"] = sum(size for kind, size in held.items() if kind != "buffers")
        self.peak = {kind: max(size, self.peak.get(kind, 0)) for kind, size in held.items()}

    def keep_if_best(self, folder: Path, accuracy: float | None) -> None:
        """With train.keep = "best": write the network down where no settled one was as good.

        Before the checkpoint that counts the epoch: after a kill between the two it is repeated.
        """
        if self.config.train.keep != "best" or accuracy <= self.best["accuracy"]:
            return
        if not self.method.settled(self.epoch):
            return
        self.best = {"accuracy": accuracy, "epoch": self.epoch}
        parts = {"network": self.network.state()}
        checkpoint.save_checkpoint(folder / checkpoint.BEST, self.config, parts)

    def save(self, folder: Path, watch=None) -> None:
        """Write topology log and checkpoint, which ends a lap of the `Stopwatch` if one is given.

        Raises RunError for a full disk and a value that is not finite: the one before stays.
        """
        self._check_logged()
        if bad := self.network.first_non_finite():
            raise diverged(f"{bad} is not finite after step {self.step - 1}", folder)
        # The log first: what it has too much a resumed run forgets. Only if it has more than at
        # the save before: in a large network it is large, and rounds are rarer than saves.
        if self._events_saved != self.log.events:
            checkpoint.save_topology(folder / "topology.npz", self.log)
            self._events_saved = self.log.events
        position = {"epoch": self.epoch, "step": self.step}
        data = {"shape": self.data.shape, "classes": self.data.classes}
        parts = {
            "network": self.network.state(),
            "method": self.method.state(),
            "optimiser": self.optimiser.state(),
            "totals": self.totals.state(),
            "peak": self.peak,
            "best": self.best,
            "data": data | {"fingerprint": self.fingerprint},
            "dense_run": {"rates": np.array(self.dense_rates, dtype=np.float64)},
            # Events by their number: at the last step of an epoch its end may have logged more.
            "position": position | {"events": self.log.events},
            "metrics": {"checksum": checksum(folder / "metrics.jsonl")},
        }
        checkpoint.save_checkpoint(folder / "checkpoint.npz", self.config, parts)
        if watch is not None:
            append_line(folder / "timing.jsonl", position | watch.lap())


def _take_over(network, method, config):
    """Give a new network all values of the run in train.start, its method the topology.

    Returns that run's network; UserError for other shapes, and a sparse one for a dense start.
    """
    where = f"train.start = {config.train.start!r}"
    same = ("model.name", "model.layers", "model.pool", "model.strides")
    require_same(where, config, config.train.start, same, "a run of the same network")
    other = load(config.train.start)
    mine, its = ({p.name: p.dims for p in each.parameters()} for each in (network, other))
    for name in mine | its:
        if mine.get(name) != its.get(name):
            what = f"{name} has the shape {its.get(name)} there, {mine.get(name)} here"
            takes = "it takes the same model.width, model.norm, size of images and classes"
            raise UserError(f"{where}: {what}: {takes}")
    for p, q in zip(network.parameters(), other.parameters(), strict=True):
        p.data[...] = q.to_dense()
        if q.active < q.size:
            method.first_positions[q.name] = q.positions()
    if method.first_positions and not method.takes_topology:
        what = f"{where} is sparse, method.name = {config.method.name!r} starts dense"
        choose = "give a dense run, or choose a method that starts sparse, such as static"
        raise UserError(f"{what}: {choose}")
    for layer, its_layer in zip(network.layers(), other.layers(), strict=True):
        layer.restore(its_layer.state())
    return other


def _check_kept(network, other, config) -> None:
    """Raise UserError where the method, now prepared, begins with anything else."""
    for p, q in zip(network.parameters(), other.parameters(), strict=True):
        same_positions = np.array_equal(p.positions(), q.positions())
        if not same_positions or not np.array_equal(p.values(), q.values()):
            start = f"train.start = {config.train.start!r}"
            what = f"{start} has {q.active:,} of {q.size:,} weights in {p.name}"
            others = " others" if p.active == q.active else ""
            own = f"method.name = {config.method.name!r} begins with {p.active:,}{others}"
            mend = "give it that run's sparsity and distribution, or choose another method"
            raise UserError(f"{what}, {own}: {mend}")


def diverged(what: str, folder: Path) -> RunError:
    """The error of values that are not finite any more: what is left of the run, what to try."""
    path = folder / "checkpoint.npz"
    kept = f"{path} is from before" if path.exists() else "there is no checkpoint yet"
    return RunError(f"{what}; {kept}; try a smaller optim.lr, or optim.clip = 1.0")


def from_folder(config, folder: Path) -> Run:
    """The run in a folder, as it was at its last checkpoint.

    What `metrics.jsonl` and the topology log have from after the checkpoint is removed: the run
    makes it again, the same. Without a checkpoint it starts at step 0.
    """
    path = folder / "checkpoint.npz"
    if not path.exists():
        keep_lines(folder / "metrics.jsonl", 0)
        return Run(config)
    parts = checkpoint.load_checkpoint(path, config)
    with checkpoint.intact(path):
        position = {key: parts["position"][key].item() for key in ("epoch", "step", "events")}
        fingerprint = parts["data"]["fingerprint"].item()
        dense_rates = parts["dense_run"]["rates"].tolist()
        known = _numbers(parts.get("metrics", {})).get("checksum")  # older versions made none
    log = checkpoint.load_topology(folder / "topology.npz")
    log.truncate(position["events"])
    run = Run(config, log, dense_rates, fingerprint)
    with checkpoint.intact(path):
        run.network.restore(parts["network"])
        run.method.restore(parts["method"])
        run.optimiser.restore(parts.get("optimiser", {}))
        run.totals.restore(parts["totals"])
        run.peak = _numbers(parts.get("peak", {}))
        run.best |= _numbers(parts.get("best", {}))
        run.epoch, run.step = position["epoch"], position["step"]
    _check_log(run, folder)
    keep_lines(folder / "metrics.jsonl", run.epoch, known)
    return run


def _numbers(arrays: dict) -> dict:
    return {key: array.item() for key, array in arrays.items()}


def _check_log(run, folder) -> None:
    """Stop unless the topology log leads to the positions of the checkpoint."""
    if run.method.rewires_every_step and run.step != run.epoch * run.length.steps_per_epoch:
        return  # its log speaks of the ends of epochs
    for p in run.network.parameters():
        if p.topology is not None:
            logged = run.log.positions_at(p.name, run.step - 1)
            if not np.array_equal(logged, p.positions()):
                what = f"at step {run.step} it has other positions of {p.name} than the checkpoint"
                path = folder / "topology.npz"
                raise RunError(f"{path} is not of this run: {what}; train anew with --overwrite")
