"""SD-SNN: synapses are held between bounds, neurons whose bounds are narrow go, some grow back.

Han et al., "Adaptive Sparse Structure Development with Pruning and Regeneration for Spiking Neural
Networks".
"""

from dataclasses import dataclass

import numpy as np

from nsnn.errors import UserError
from nsnn.layers.parameter import Parameter, part_of
from nsnn.methods.base import CostPlan, Method
from nsnn.methods.hidden import Hidden
from nsnn.options import option
from nsnn.sparsity import spines

# What every synapse has beside its weight: see `nsnn.sparsity.spines.constrain`.
FLOATS, COUNTERS = ("upper", "lower", "excess", "previous"), ("beyond", "decays")
WATCHED = 8  # synapses whose bounds are measured in each epoch


class SDSNN(Method):
    """Once an epoch: constrain every synapse, then prune neurons, then let some synapses grow back.

    Source: SD-SNN Algorithm 2

    - Constraint (Algorithm 1): each weight has two bounds, ±max|W| of its layer after the first
      epoch. It is set back to them; they widen where it was beyond them for T_num epochs running,
      and narrow where |w| fell for as long.
    - Pruning, after START = 2·T_num epochs: the ⌊N ρ/100⌋ neurons (of a convolution: channels) of
      each layer whose bounds are narrowest together (Eqs. 4, 5) lose all inputs, and are left out
      of the network from then on. ρ grows fast, then slowly (Eqs. 6, 7). The readout is never
      pruned, nor are neurons that a shortcut adds to.
    - Regeneration (Eq. 8): a pruned synapse grows back, for good, whose score was among the
      largest of its layer for more than T_num epochs running: |Σ_t δ[t] s[t]ᵀ| of the epoch's last
      batches, δ = dL/do. (A silent neuron's ∂L/∂w is 0.) Its neuron works again.

    A run of other length than the paper's ends where the paper's does: T_num is scaled, and after
    an epoch all updates of the paper epochs that it stands for are made, one after another.
    """

    title = "SD-SNN"

    @dataclass(frozen=True)
    class Config(Method.Config):
        """Options of `[method]` for SD-SNN; the defaults are the paper's for MNIST.

        Notes
        -----
        Eq. 6 counts neurons. "live": those that have 50 inputs still, channels 20, as in public
        code, and δ = α at first; "fixed": all, which is literal, and by which ρ ends too low for
        the paper's tables. Eq. 8 literally adds 1.1^(e − START) to ρ_g ("eq8"); public code has
        growth_start + 1.1^(e − START − 1). It takes ρ_g for a percentile of the scores, the text
        for the share of the largest ("top"). What grows back at 0 has neurons that cannot fire.
        """

        linear_rate: float = option(35.0, "initial ρ of linear layers, %", at_least=0, at_most=100)
        channel_rate: float = option(0.5, "initial ρ of convolutions, %", at_least=0, at_most=100)
        t_num: int = option(18, "T_num in paper epochs; START is 2 T_num", at_least=2, at_most=1000)
        alpha: float = option(1.0, "of δ until paper epoch 60 (Eq. 7)", at_least=0, at_most=1)
        beta: float = option(0.00075, "δ after paper epoch 60 (Eq. 7)", at_least=0, at_most=1)
        counts: str = option("live", "neurons that Eq. 6 counts", choices=("live", "fixed"))
        clip_from: int = option(0, "paper epoch before which no weight is clipped", at_least=0)
        constraint: bool = option(True, "false: bounds follow the weights, but never clip them")
        prune: bool = option(True, "false: the constraint alone")
        regenerate: bool = option(True, "false: what is pruned stays so")
        window: int = option(8, "last batches of an epoch that make the score", at_least=1)
        growth_start: float = option(60.0, "ρ_g at START, in percent", at_least=0, at_most=99)
        growth: str = option("code", "how ρ_g grows", choices=("code", "eq8"))
        admitted: str = option("percentile", "what ρ_g names", choices=("percentile", "top"))
        regrown: str = option("mean", "size of new weights: mean, or 0", choices=("mean", "zero"))
        paper_epochs: int = option(150, "of the paper's run (CIFAR: 500)", at_least=1, at_most=5000)
        dense_layers: str = option("", "names of layers that stay dense, separated by commas")

    def prepare(self, network, run, rng, log) -> None:
        """Plan the epochs, find the neurons that can be pruned, give every synapse its bounds."""
        super().prepare(network, run, rng, log)
        c = self.config
        self.t_num = max(2, round(c.t_num * run.epochs / c.paper_epochs))
        self.start = 2 * self.t_num
        self.growth_rate = c.growth_start
        self._woken = None
        self._watched = np.empty(0, np.int64)
        self.hidden = self._hidden() if c.prune else []
        for p in self.prunable:
            for name in FLOATS:
                p.attach(name, 0, p.data.dtype)
            for name in COUNTERS:
                p.attach(name, 0, np.int16)
        for p in (layer.weights for layer in self.hidden):
            p.sparsify(p.positions())
            log.start(p.name, p.size, p.positions())

    def _hidden(self) -> list[Hidden]:
        """The layers whose neurons are pruned, in order of execution."""
        c, epochs = self.config, self.run.epochs
        if self.start + 1 >= epochs:
            # A longer run has a later START: where t_num is too large, that is of no use.
            longer = f"train for {self.start + 2} or more, " if 2 * c.t_num < c.paper_epochs else ""
            raise UserError(
                f"method.t_num = {c.t_num}: no neuron is pruned before epoch START = 2·T_num = "
                f"{self.start}, and train.epochs = {epochs} ends before: {longer}lower "
                "method.t_num, or set method.prune = false"
            )
        groups = [group for group in self.network.neurons() if group.prunable and group.outgoing]
        hidden = []
        for group in groups:
            p = group.incoming[0]
            if p in self.prunable:
                rate = c.channel_rate if len(p.dims) == 4 else c.linear_rate
                hidden.append(Hidden(group, rate))
        if not hidden:
            raise UserError(
                "method.prune = true, but the network has no hidden neurons that can be left out: "
                "set it to false, or take another model"
            )
        return hidden

    def before_backward(self, step: int) -> None:
        """In the window, with all neurons awake: observe what the score is made of."""
        epoch, i = divmod(step, self.run.steps_per_epoch)
        late = i >= self.run.steps_per_epoch - self.config.window
        if not (self.config.regenerate and self.hidden and epoch > self.start and late):
            return
        # What silent channels show to a normalisation is to leave no trace in it.
        groups = [layer.group for layer in self.hidden]
        statistics = [(g.name, part, part.state()) for g in groups for part in g.layers]
        self._woken = self.network.wake(), statistics
        for layer in self.hidden:
            layer.weights.observe(layer.add, of="delta")

    def update(self, step: int, optimiser, lr: float) -> None:
        """As `Method.update`, with silent neurons left out, and so not updated."""
        if self._woken is not None:
            silent, statistics = self._woken
            for name, part, before in statistics:
                members = silent.get(name, False)
                now = part.state().items()
                part.restore({key: np.where(members, before[key], a) for key, a in now})
            self.network.silence(silent)
            self._woken = None
        super().update(step, optimiser, lr)

    def end_epoch(self, epoch: int) -> None:
        """Constrain, prune, let grow back; neurons without inputs are left out from now on."""
        self.network.wake()
        for p in self.prunable:
            self._constrain(p, epoch)
        if epoch == 0:
            self._watch()
        if epoch > self.start and self.hidden:
            self._develop(epoch)
        self.network.silence({layer.group.name: layer.silent() for layer in self.hidden})

    def _develop(self, epoch: int) -> None:
        """Prune and regenerate, and move the rates of both. Source: SD-SNN Eqs. 6-8"""
        c, start = self.config, 2 * self.config.t_num
        live, literally = c.counts == "live", c.growth == "eq8"
        step = (epoch + 1) * self.run.steps_per_epoch - 1
        now = self.paper_epochs(epoch)
        for E in now:
            for layer in self.hidden:
                gone = layer.prune()
                if gone.size:
                    self.log.record(step, layer.weights.name, gone, [])
            for layer in self.hidden:
                ratio = layer.ratio(live)
                layer.rate += spines.rate_step(E, start + live, c.alpha, c.beta, ratio)
        percent = self.growth_rate if c.admitted == "percentile" else 100 - self.growth_rate
        for layer in self.hidden if c.regenerate else []:
            grown = layer.regenerate(percent, self.t_num, c.regrown)
            if grown.size:
                self.log.record(step, layer.weights.name, [], grown)
        for E in now:
            rate = self.growth_rate
            self.growth_rate = spines.growth_rate(rate, E, start, c.growth_start, literally)

    def paper_epochs(self, epoch: int) -> range:
        """The paper's epochs of pruning that are performed, one after another, after an epoch."""
        epochs, paper, start = self.run.epochs, self.config.paper_epochs, 2 * self.config.t_num
        first, stop = (-(-e * paper // epochs) for e in (epoch, epoch + 1))
        return range(start + 1 if epoch == self.start + 1 else first, stop)

    def _constrain(self, p: Parameter, epoch: int) -> None:
        """After the first epoch make the bounds; later hold the weights to them."""
        w = p.values()
        if epoch == 0:
            p.attached["upper"][...] = np.abs(w).max(initial=0)
            p.attached["lower"][...] = -p.attached["upper"]
            p.attached["previous"][...] = np.abs(w)
            return
        paper_epoch = epoch * self.config.paper_epochs / self.run.epochs
        clip = self.config.constraint and paper_epoch >= self.config.clip_from
        p.assign(spines.constrain(w, p.attached, self.t_num, clip))

    def _watch(self) -> None:
        """Choose synapses of the largest layer, from the largest |w| to the median, to measure."""
        p = self._largest()
        order = np.argsort(-np.abs(p.values()), kind="stable")
        ranks = np.linspace(0, (p.active - 1) / 2, WATCHED).astype(np.int64)
        self._watched = p.positions()[order[ranks]]

    def _largest(self) -> Parameter:
        return max(self.prunable, key=lambda p: p.size)

    def targets(self) -> None:
        """None: density is an outcome."""

    def settled(self, epoch: int) -> bool:
        """From the first pruning on: density moves little after it."""
        return epoch > self.start or not self.hidden

    def measures(self) -> dict[str, float]:
        """Rates in percent, neurons pruned so far, a few synapses of the largest layer."""
        found = {"growth_rate": self.growth_rate} if self.hidden else {}
        for layer in self.hidden:
            found[f"rate/{layer.group.name}"] = layer.rate
            found[f"pruned/{layer.group.name}"] = int(layer.listed.sum())
        p = self._largest()
        arrays = {"weight": p.values(), "upper": p.attached["upper"], "lower": p.attached["lower"]}
        for slot in np.flatnonzero(np.isin(p.positions(), self._watched)):
            place = f"synapse/{p.positions()[slot]}"
            found |= {f"{place}/{name}": float(array[slot]) for name, array in arrays.items()}
        return found

    def final_measures(self) -> dict:
        """Importance and synapses of each neuron of the largest pruned layer (SD-SNN Fig. 8)."""
        if not self.hidden:
            return {}
        layer = max(self.hidden, key=lambda layer: layer.weights.size)
        return {"layer": layer.group.name, **layer.fates()}

    def bytes_held(self) -> int:
        """Bytes of bounds and counters, streaks, and scores while they are summed."""
        own = [array for layer in self.hidden for array in layer.state().values()]
        return super().bytes_held() + sum(array.nbytes for array in own)

    def state(self) -> dict[str, np.ndarray]:
        """As `Method.state`, with rates, who was pruned, streaks and scores of each layer."""
        state = {"growth_rate": np.array(self.growth_rate), "watched": self._watched}
        for layer in self.hidden:
            own = layer.state().items()
            state |= {f"{layer.group.name}/{key}": array.copy() for key, array in own}
        return super().state() | state

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """As `Method.restore`."""
        super().restore(state)
        self.growth_rate, self._watched = state["growth_rate"].item(), state["watched"]
        for layer in self.hidden:
            layer.restore(part_of(state, f"{layer.group.name}/"))

    @classmethod
    def cost_plan(cls, config, length) -> CostPlan:
        """Density is an outcome: at most 1. Each position is pruned once and grows back once."""
        beside = 5.0 + (config.prune and config.regenerate)  # attached; scores
        logged = (1.0 + 1.0 + config.regenerate) if config.prune else 0.0
        return CostPlan(np.ones(length.epochs), beside, logged)
