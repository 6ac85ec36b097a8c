"""Everything that a run consists of, built from its configuration, saved and restored."""

from pathlib import Path

import numpy as np

from nsnn import metrics
from nsnn.data import augment, batches, load
from nsnn.errors import RunError, UserError
from nsnn.files import keep_lines
from nsnn.methods import METHODS, RunLength
from nsnn.models import scale_to_active_fan_in
from nsnn.optim import learning_rate
from nsnn.plugins import check_prepared
from nsnn.sparsity.log import TopologyLog
from nsnn.streams import stream
from nsnn.training.build import make_network, make_optimiser
from nsnn.training.checkpoint import (
    BEST,
    intact,
    load_checkpoint,
    load_topology,
    save_checkpoint,
    save_topology,
)
from nsnn.training.run_folder import dense_spike_rates
from nsnn.training.totals import EpochTotals


class Run:
    """Data, network, method and optimiser, and how far they are.

    Parameters
    ----------
    config : Config
    log : TopologyLog, optional
        Of a run that is resumed, without what happened after its checkpoint.
    dense_rates : list of float, optional
        Of a run that is resumed; else those that `train.dense_run` holds now.
    fingerprint : int, optional
        Of the data of a run that is resumed: another is refused.

    Attributes
    ----------
    best : dict
        With train.keep = "best": "accuracy" on the validation split and "epoch" of the network
        that is kept in `best.npz`.
    epoch, step : int
        The epoch that is under way and the optimiser steps done, both from 0.
    totals : EpochTotals
        Sums over the steps of this epoch.
    peak : dict of str to int
        The largest of each kind of bytes held (`Network.bytes_held`), of those that the "method"
        holds beside it, and of the "total" without the buffers.
    operations : dict of str to int
        Synaptic operations of all forwards of the epochs so far: "total" and "static", see
        `nsnn.operations`.
    """

    def __init__(self, config, log=None, dense_rates=None, fingerprint=None):
        self.config = config
        seed = config.train.seed
        data = config.data
        self.data = load(data.name, data.dir, data.validation, seed, config.time_steps)
        augment.check(config.data.augment, self.data)
        if config.train.keep == "best" and self.data.validation is None:
            raise UserError(
                "train.keep = 'best' needs a validation split to choose on: set data.validation, "
                "0.1 for example"
            )
        self.fingerprint = self.data.fingerprint()
        if fingerprint not in (None, self.fingerprint):
            raise UserError(
                f"the training data of {config.data.name} is not what this run has trained on: set "
                "data.dir to that, or train anew with --overwrite"
            )
        self.length = run_length(config, self.data)
        self.network = make_network(config, self.data.shape, self.data.classes)
        self.network.normalise(self.data.mean, self.data.std)
        self.log = TopologyLog() if log is None else log
        self.method = METHODS[config.method.name](config.method.options)
        self.method.prepare(self.network, self.length, stream(seed, "topology"), self.log)
        check_prepared(config.method.name, self.method)
        if getattr(config.model.options, "init", "") == "active_fan_in":
            self._require_sparse_start()
            scale_to_active_fan_in(self.network)
        self.optimiser = make_optimiser(config.optim, self.network.parameters())
        if dense_rates is None:
            dense_rates = dense_spike_rates(config)
        self.dense_rates = dense_rates
        self.epoch = self.step = 0
        self.totals = EpochTotals()
        self.best = {"accuracy": -1.0, "epoch": -1}  # on the validation split, if it decides
        self.cost = 0.0  # relative training cost, summed over the epochs so far
        self.peak = {}
        self._events_saved = -1  # of the log, none yet
        self.operations = {"total": 0, "static": 0}

    def _require_sparse_start(self) -> None:
        """Raise UserError where no weight is left out at the start."""
        if all(p.topology is None for p in self.network.parameters()):
            raise UserError(
                "model.init = 'active_fan_in' scales the weights of a sparse start, but "
                f"method.name = {self.config.method.name!r} starts dense: set model.init = 'fan_in'"
            )

    def batches(self, epoch: int):
        """The training batches of an epoch, which depend on seed and epoch alone."""
        config, seed = self.config.data, self.config.train.seed
        order = stream(seed, "order", epoch)
        parts = batches(self.data.train, config.batch, order, drop_last=True)
        rng = stream(seed, "augment", epoch)
        return augment.augmented(parts, config.augment, rng)

    def learning_rate(self, step: int) -> float:
        """The learning rate of a step."""
        o = self.config.optim
        limits = {"lr_end": o.lr_end, "period": o.period, "gamma": o.gamma}
        return learning_rate(o.schedule, o.lr, *self.method.schedule(step), **limits)

    def new_optimiser(self) -> None:
        """Go on with an optimiser that has seen no step yet."""
        parameters = self.network.parameters()
        for parameter in parameters:
            parameter.forget_slots()
        self.optimiser = make_optimiser(self.config.optim, parameters)

    def book_forward(self) -> None:
        """Book what only the topology of the forward can tell: a step may end with another."""
        self.totals.add_measures(self.network.measures())

    def book_step(self, loss: float, predictions, labels) -> None:
        """Book a step that is done."""
        self.step += 1
        self.totals.add(loss, predictions, labels, metrics.density(self.network.parameters()))
        held = self.network.bytes_held()
        held["method"] = self.method.bytes_held()
        held["total"] = sum(size for kind, size in held.items() if kind != "buffers")
        self.peak = {kind: max(size, self.peak.get(kind, 0)) for kind, size in held.items()}

    def book_epoch(self, record: dict) -> None:
        """Book an epoch whose record is made."""
        self.epoch += 1
        self.cost += record["relative_cost"]
        self.operations["total"] += sum(self.totals.operations.values()) - self.totals.static
        self.operations["static"] += self.totals.static
        self.totals = EpochTotals()

    def dense_rate(self, own: float) -> float:
        """R_d of this epoch: the dense run's spike rate, or without one the run's own."""
        if not self.dense_rates:
            return own
        return self.dense_rates[self.epoch]

    def validation_accuracy(self) -> float | None:
        """Accuracy on the validation split, None without one."""
        split = self.data.validation
        if split is None:
            return None
        return metrics.accuracy(
            self.network.predict(split.images, self.config.data.batch), split.labels
        )

    def keep_if_best(self, folder: Path, accuracy: float | None) -> None:
        """With train.keep = "best": write the network down where no epoch before was as good.

        Before the checkpoint that counts the epoch: a kill between the two repeats the epoch, and
        the same network is written again.
        """
        if self.config.train.keep != "best" or accuracy <= self.best["accuracy"]:
            return
        self.best = {"accuracy": accuracy, "epoch": self.epoch}
        save_checkpoint(folder / BEST, self.config, {"network": self.network.state()})

    def take_best(self, folder: Path) -> None:
        """At the end of a run with train.keep = "best": its network is the one that was kept."""
        if self.config.train.keep == "best":
            parts = load_checkpoint(folder / BEST, self.config)
            with intact(folder / BEST):
                self.network.restore(parts["network"])

    def timing(self, lap: dict) -> dict:
        """A line of `timing.jsonl`: epochs and steps done, a lap of the `Stopwatch`."""
        return {"epoch": self.epoch, "step": self.step, **lap}

    def advice(self, folder: Path) -> str:
        """What is left of a run whose values are not finite any more, and what to try."""
        path = folder / "checkpoint.npz"
        kept = f"{path} is from before" if path.exists() else "there is no checkpoint yet"
        return f"{kept}; try a smaller optim.lr, or optim.clip = 1.0"

    def save(self, folder: Path) -> None:
        """Write topology log and checkpoint.

        Raises
        ------
        RunError
            When a value is not finite: the checkpoint before, a good one, stays. Also for a full
            disk.
        """
        bad = self.network.first_non_finite()
        if bad:
            raise RunError(f"{bad} is not finite after step {self.step - 1}; {self.advice(folder)}")
        # The log first: what it has too much a resumed run forgets. Only if it has more than at
        # the save before: in a large network it is large, and rounds are rarer than saves.
        if self._events_saved != self.log.events:
            save_topology(folder / "topology.npz", self.log)
            self._events_saved = self.log.events
        parts = {
            "network": self.network.state(),
            "method": self.method.state(),
            "optimiser": self.optimiser.state(),
            "totals": self.totals.state(),
            "peak": self.peak,
            "operations": self.operations,
            "best": self.best,
            "data": {
                "shape": self.data.shape,
                "classes": self.data.classes,
                "fingerprint": self.fingerprint,
            },
            "dense_run": {"rates": np.array(self.dense_rates, dtype=np.float64)},
            "position": {"epoch": self.epoch, "step": self.step, "cost": self.cost},
        }
        save_checkpoint(folder / "checkpoint.npz", self.config, parts)


def from_folder(config, folder: Path) -> Run:
    """The run in a folder, as it was at its last checkpoint.

    Lines of `metrics.jsonl` and events of the topology log from after the checkpoint are removed:
    the run makes them again, the same. Without a checkpoint it starts at step 0.

    Raises
    ------
    UserError, RunError
        See `load_checkpoint`.
    """
    path = folder / "checkpoint.npz"
    if not path.exists():
        keep_lines(folder / "metrics.jsonl", 0)
        return Run(config)
    parts = load_checkpoint(path, config)
    with intact(path):
        epoch, step, cost = (parts["position"][key].item() for key in ("epoch", "step", "cost"))
        fingerprint = parts["data"]["fingerprint"].item()
        dense_rates = parts["dense_run"]["rates"].tolist()
    log = load_topology(folder / "topology.npz")
    log.truncate(step - 1)
    run = Run(config, log, dense_rates, fingerprint)
    with intact(path):
        run.network.restore(parts["network"])
        run.method.restore(parts["method"])
        run.optimiser.restore(parts.get("optimiser", {}))
        run.totals.restore(parts["totals"])
        run.peak = {kind: value.item() for kind, value in parts["peak"].items()}
        run.operations = {kind: value.item() for kind, value in parts["operations"].items()}
        run.best = {
            key: np.asarray(value).item() for key, value in parts.get("best", run.best).items()
        }
    run.epoch, run.step, run.cost = epoch, step, cost
    _check_log(run, folder)
    keep_lines(folder / "metrics.jsonl", run.epoch)
    return run


def _check_log(run, folder) -> None:
    """Stop unless the topology log leads to the positions of the checkpoint."""
    if run.method.rewires_every_step and run.step % run.length.steps_per_epoch:
        return  # its log speaks of the ends of epochs
    for p in run.network.parameters():
        if p.topology is not None:
            logged = run.log.positions_at(p.name, run.step - 1)
            if not np.array_equal(logged, p.positions()):
                raise RunError(
                    f"{folder / 'topology.npz'} is not of this run: at step {run.step} it has "
                    f"other positions of {p.name} than the checkpoint; train anew with --overwrite"
                )


def run_length(config, data) -> RunLength:
    """Steps and epochs; the last, smaller batch of an epoch is left out.

    Raises
    ------
    UserError
        When a batch is larger than the training set.
    """
    samples, batch = len(data.train.labels), config.data.batch
    if batch > samples:
        raise UserError(
            f"data.batch = {batch} is larger than the training set of {data.name}, "
            f"{samples} samples: use at most {samples}"
        )
    return RunLength(samples // batch, config.train.epochs)
