"""What a method of sparse training is to the training loop: six moments and a state."""

import json
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RunLength:
    """How long a run is, for methods that plan ahead.

    Attributes
    ----------
    steps_per_epoch : int
        Optimiser steps in one epoch.
    epochs : int
    """

    steps_per_epoch: int
    epochs: int

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.steps_per_epoch * self.epochs


class Method:
    """A way to train: when the topology changes, and how.

    The training loop calls `prepare` once and then, for every step t = 0, 1, …,

        method.before_backward(t)      # may ask layers for growth candidates
        network.loss_and_backward(batch)
        if not method.before_update(t):    # True: the method took the step over
            optimiser.step(lr)
        method.after_update(t)

    with `begin_epoch` before the first step of each epoch and `end_epoch` after the last, before
    validation. The learning rate is taken at `schedule(t)`. A method overrides what it needs.
    To resume a run: build the same network, `prepare` with the same arguments (and the log read
    back from its file), then restore the network, then `restore` the method.

    Parameters
    ----------
    config : Config
        Options of the method; call its `validate` first.
    """

    @dataclass(frozen=True)
    class Config:
        """Options of the `[method]` table, beside the name."""

        def validate(self) -> None:
            """Raise UserError where a value is impossible, alone or with another."""

    def __init__(self, config):
        self.config = config

    def prepare(self, network, run, rng, log, storage="csr") -> None:
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
        storage : "csr" or "dense"
            How sparse weights are held; see `Parameter.sparsify`. The topology is the same.
        """
        self.prunable = [p for p in network.parameters() if p.prunable]
        self.run = run
        self.rng = rng
        self.log = log

    def begin_epoch(self, epoch: int) -> bool:
        """Before the first step of `epoch`, counted from 0.

        Returns
        -------
        bool
            True where training goes on with a new optimiser: the state of the old one is dropped.
        """
        return False

    def before_backward(self, step: int) -> None:
        """Before the backward of `step`: the moment to request growth candidates."""

    def before_update(self, step: int) -> bool:
        """After the backward of `step`; True where no optimiser update is to follow."""
        return False

    def after_update(self, step: int) -> None:
        """At the end of `step`."""

    def end_epoch(self, epoch: int) -> None:
        """After the last step of `epoch`, counted from 0."""

    def schedule(self, step: int) -> tuple[int, int]:
        """Where `step` stands in the learning-rate schedule: (step, steps of the schedule).

        The whole run is one schedule, unless the method trains in rounds that each have their own.
        """
        return step, self.run.total_steps

    def asked(self) -> dict[str, int]:
        """Active weights that each prunable parameter has to end with: all, unless overridden."""
        return {p.name: p.size for p in self.prunable}

    @classmethod
    def asked_sparsity(cls, config, total_steps: int, dims: dict, initial: dict) -> dict:
        """The sparsity that each layer is asked for over a run, for the pictures of runs.

        Parameters
        ----------
        config : Config
        total_steps : int
            Optimiser steps of the whole run.
        dims : dict of str to tuple of int
            Of every prunable parameter, (outputs, inputs, …).
        initial : dict of str to int
            Active weights at the start, of the parameters that take part.

        Returns
        -------
        dict of str to (ndarray, ndarray)
            Steps, and the sparsity in [0, 1] at each; empty where a method has no such curve.
        """
        return {}

    def bytes_held(self) -> int:
        """Bytes of the arrays that the method holds beside the network's, such as a snapshot."""
        return 0

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint between two steps needs, beside the network, as plain arrays."""
        return {"rng": np.array(json.dumps(self.rng.bit_generator.state))}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over what `state` returned, after `prepare`."""
        self.rng.bit_generator.state = json.loads(str(state["rng"]))
