"""What a method of sparse training is to the training loop: its moments and its state."""

import json
from dataclasses import dataclass

import numpy as np

from nsnn import options
from nsnn.errors import UserError
from nsnn.options import option
from nsnn.sparsity.distribution import DISTRIBUTIONS, er_counts, layer_counts
from nsnn.text import nearest


@dataclass(frozen=True)
class RunLength:
    """How long a run is, for methods that plan ahead."""

    steps_per_epoch: int  # of the optimiser
    epochs: int

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.steps_per_epoch * self.epochs


@dataclass(frozen=True)
class CostPlan:
    """What a run of a method costs, as far as its options tell it; N is all prunable weights."""

    # Active weights, the mean over each epoch, as a share of N: float64 (epochs,). An upper bound
    # where density is an outcome.
    density: np.ndarray
    # Arrays of N numbers that the method holds beside the network's own memory, at its largest.
    dense_arrays: float = 0.0
    # Positions in the topology log at the end of the run, as a multiple of N.
    logged: float = 0.0
    # Of drop and grow, or of training; 0 where a method has none.
    rounds: int = 0


class Method:
    """A way to train: when the topology changes, and how.

    The training loop calls `prepare` once and then, for every step t = 0, 1, …,

        method.before_backward(t)      # may observe dense gradients
        network.loss_and_backward(batch)
        method.update(t, optimiser, lr)
        method.after_update(t)

    with `begin_epoch` before the first step of each epoch and `end_epoch` after the last, before
    validation. The learning rate is taken at `schedule(t)`. A method overrides what it needs.
    To resume a run: build the same network, `prepare` with the same arguments (and the log read
    back from its file), then restore the network, then `restore` the method.

    Parameters
    ----------
    config : Config
        Options of the method.

    Attributes
    ----------
    title : str
        The method's name in tables and figures.
    rewires_every_step : bool
        True where the log holds the net change of an epoch, not each event.
    prunable : list of Parameter
        The weights that the method may prune: all but those of `dense_layers`.
    first_positions : dict of str to ndarray of int64
        Those of the sparse weights of another run that this one begins with (train.start). A run
        of that kind is resumed without its values: what `prepare` takes from them, `state` holds.
    takes_topology : bool
        Whether `prepare` uses them; a method that starts dense cannot.
    """

    title = ""
    takes_topology = False
    rewires_every_step = False

    @dataclass(frozen=True)
    class Config:
        """Options of table [method], beside the name; `nsnn train --options` explains them."""

        def validate(self) -> None:
            """Raise UserError where a value is impossible, alone or with another."""
            options.check(self, "method")

    def __init__(self, config):
        config.validate()
        self.config, self.first_positions = config, {}

    def prepare(self, network, run, rng, log) -> None:
        """Make the initial topology, before the first step and before any optimiser state.

        Parameters
        ----------
        network : Network
            Anything with `parameters()`.
        run : RunLength
        rng : numpy.random.Generator
            The topology's own random stream.
        log : TopologyLog
            Where the method records what it does.
        """
        if "config" not in vars(self):
            raise UserError(f"{type(self).__name__}.__init__ has to call super().__init__(config)")
        self._targets = {p.name: p.size for p in network.parameters() if p.prunable}
        dense = dense_names(getattr(self.config, "dense_layers", ""), list(self._targets))
        self.prunable = [p for p in network.parameters() if p.prunable and p.name not in dense]
        self.network, self.run, self.rng, self.log = network, run, rng, log

    def begin_epoch(self, epoch: int) -> bool:
        """Before the first step of `epoch`, counted from 0.

        True where training goes on with a new optimiser: the state of the old one is dropped.
        """
        return False

    def before_backward(self, step: int) -> None:
        """Before the backward of `step`: the moment to observe a dense gradient."""

    def update(self, step: int, optimiser, lr: float) -> None:
        """After the backward of `step`: change the weights.

        A method that moves some weights itself calls `optimiser.clip()` first (all gradients,
        once a step), then `optimiser.step(lr, only=[…])` for the others.
        """
        optimiser.clip()
        optimiser.step(lr)

    def after_update(self, step: int) -> None:
        """At the end of `step`."""

    def end_epoch(self, epoch: int) -> None:
        """After the last step of `epoch`; logs what it has changed if `rewires_every_step`."""
        if self.rewires_every_step:
            step = (epoch + 1) * self.run.steps_per_epoch - 1
            for p in self.prunable:
                if p.topology is not None:
                    self.log.record_positions(step, p.name, p.positions())

    def schedule(self, step: int) -> tuple[int, int]:
        """Where `step` stands in the learning-rate schedule: (step, steps of the schedule).

        The whole run is one schedule, unless the method trains in rounds that each have their own.
        """
        return step, self.run.total_steps

    def targets(self) -> dict[str, int] | None:
        """Active weights that each prunable parameter has to end with: all, unless overridden.

        None where density is an outcome.
        """
        return dict(self._targets)

    def settled(self, epoch: int) -> bool:
        """Whether the network is pruned as asked at the end of `epoch`, before which none is kept.

        That is, by `train.keep = "best"`: what is best while it is dense is not what was asked for.
        """
        targets = self.targets() or {}
        return all(p.active <= targets.get(p.name, p.size) for p in self.network.parameters())

    def measures(self) -> dict[str, float]:
        """What the method measures of itself at the end of an epoch, by name; most do nothing."""
        return {}

    def final_measures(self) -> dict:
        """What figures show of a finished run, such as lists with a number of each neuron."""
        return {}

    @classmethod
    def cost_plan(cls, config, length: RunLength) -> CostPlan:
        """What a run costs, known before it: that of a dense network, unless overridden."""
        return CostPlan(np.ones(length.epochs))

    @classmethod
    def asked_sparsity(cls, config, total_steps: int, dims: dict, initial: dict) -> dict:
        """The sparsity that each layer is asked for over a run, for the pictures of runs.

        `dims` has (outputs, inputs, …) of every prunable parameter by name, `initial` the active
        weights at the start of those that take part. Returns by name two arrays, steps and the
        sparsity in [0, 1] at each; nothing where a method has no such curve.
        """
        return {}

    def bytes_held(self) -> int:
        """Bytes that the method holds beside the network's, such as what it has attached."""
        arrays = [a for p in self.network.parameters() for a in p.attached.values()]
        return sum(array.nbytes for array in arrays)

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint between two steps needs, beside the network, as plain arrays."""
        return {"rng": np.array(json.dumps(self.rng.bit_generator.state))}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over what `state` returned, after `prepare`."""
        self.rng.bit_generator.state = json.loads(str(state["rng"]))


class SparseMethod(Method):
    """A method that is asked for a sparsity."""

    @dataclass(frozen=True)
    class Config(Method.Config):
        """Options that every sparse method has; layers that stay dense have no part in shares."""

        final_sparsity: float = option(0.95, "share left out at the end", at_least=0, below=1)
        dense_layers: str = option("", "names of layers that stay dense, separated by commas")

    def aim_at(self, counts) -> None:
        """Let `targets` say `counts`, one for each parameter of `prunable`."""
        self._targets |= {p.name: int(n) for p, n in zip(self.prunable, counts, strict=True)}


class SharedSparsity(SparseMethod):
    """A sparse method that shares its sparsity out among the layers beforehand."""

    @dataclass(frozen=True)
    class Config(SparseMethod.Config):
        """As `SparseMethod.Config`, with the rule."""

        distribution: str = option("erk", "how sparsity is shared", choices=tuple(DISTRIBUTIONS))

    def counts_at(self, key: str) -> np.ndarray:
        """Weights of each layer of `prunable` at the sparsity that option `key` gives to them all.

        Where a method has the option `epsilon`, above 0, by that instead: see `er_counts`. Raises
        UserError if a layer would be left without a weight.
        """
        dims = [p.dims for p in self.prunable]
        if getattr(self.config, "epsilon", 0):  # of the methods that start as ESL does
            return er_counts(self.config.epsilon, dims)
        sparsity = getattr(self.config, key)
        counts = layer_counts(self.config.distribution, dims, 1.0 - sparsity)
        for p, count in zip(self.prunable, counts, strict=True):
            if count == 0:
                raise UserError(
                    f"method.{key} = {sparsity} leaves {p.name} (of {p.size}) without a weight: "
                    "lower it, or use another method.distribution"
                )
        return counts


def dense_names(text: str, weights: list[str]) -> set[str]:
    """The weights of the layers that an option `dense_layers` names.

    Raises UserError for a layer that the network does not have, and where none is left to prune.
    """
    layers = {name.rpartition(".")[0] or name: name for name in weights}
    asked = [name.strip() for name in text.split(",") if name.strip()]
    for name in asked:
        if name not in layers:
            raise UserError(f"method.dense_layers: no layer {name!r}; {nearest(name, layers)}")
    if asked and len({*asked}) == len(layers):
        raise UserError(
            "method.dense_layers names every layer, so there is nothing to make sparse: leave one "
            "out, or use method.name = dense"
        )
    return {layers[name] for name in asked}
