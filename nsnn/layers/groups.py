"""Groups of neurons: which weights feed each, which it feeds; and how silent ones are left out."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from nsnn.errors import UserError
from nsnn.layers.batchnorm import BatchNorm
from nsnn.layers.container import BatchNormLIF, Residual, Sequential
from nsnn.layers.conv import Conv2d
from nsnn.layers.lif import LIF
from nsnn.layers.linear import Linear
from nsnn.layers.parameter import Parameter
from nsnn.layers.pool import AvgPool2d, Flatten, GlobalAvgPool2d, MaxPool2d
from nsnn.text import nearest


@dataclass
class NeuronGroup:
    """The neurons of a LIF layer; after a convolution its channels, each of them one member.

    Attributes
    ----------
    name : str
        Of the LIF layer, such as "lif1".
    size : int
        Number of members.
    incoming : list of Parameter, each (size, …)
        The weights that feed the group; row i of each belongs to member i.
    vectors : list of Parameter, each (size,)
        Bias and norm parameters (γ, β) with an entry for each member.
    outgoing : list of (Parameter, callable)
        The weights that the group feeds, and `columns_of(members)`: the columns (int64) of each
        that belong to a member or an array of members. A member of a convolution has kh·kw of
        them, before a flattened image H·W.
    prunable : bool
        Whether members can be made silent by taking these inputs from them, and left out. Not
        where a shortcut adds to their current, or their spikes go elsewhere than to weights.
    layers : list of Layer
        Normalisation and LIF layer of the group.
    """

    name: str
    size: int
    incoming: list[Parameter]
    vectors: list[Parameter]
    outgoing: list[tuple[Parameter, Callable]]
    prunable: bool
    layers: list

    def inputs_of(self, members) -> list[tuple[Parameter, np.ndarray]]:
        """Each weight that feeds the group, and where its synapses lead into some members.

        `members` is bool (size,); where is bool (active,), in the order of `Parameter.positions()`.
        """
        return [(p, members[p.positions() // p.shape[1]]) for p in self.incoming]


@dataclass
class _Flow:
    """What an activation is made of, on the walk through the layers.

    Spikes of a group, pooled or flattened perhaps, or a current: a sum of products with weights,
    normalised or not. What the walk does not know is neither.
    """

    spikes_of: list = field(default_factory=list)  # groups
    weights: list = field(default_factory=list)
    vectors: list = field(default_factory=list)
    norms: list = field(default_factory=list)
    single: bool = True  # one product, one row of it for each channel

    def pin(self) -> None:
        """Spikes that are used otherwise than by a weight: all channels have to be there."""
        for group in self.spikes_of:
            group.prunable = False


def neuron_groups(body) -> list[NeuronGroup]:
    """The groups of all LIF layers that weights feed, in order; `body` is a network's layers."""
    groups = []
    _walk(body, _Flow(), groups).pin()
    return groups


def _walk(layer, flow, groups) -> _Flow:
    """What the layer makes of an activation; fills `groups`."""
    if isinstance(layer, Sequential):
        for part in layer.parts:
            flow = _walk(part, flow, groups)
        return flow
    if isinstance(layer, BatchNormLIF):
        return _walk(layer.lif, _walk(layer.norm, flow, groups), groups)
    if isinstance(layer, Conv2d | Linear):
        return _product(layer, flow)
    if isinstance(layer, AvgPool2d | MaxPool2d | GlobalAvgPool2d):
        return flow
    if isinstance(layer, Flatten) and not flow.weights:
        return flow
    if isinstance(layer, Residual):
        return _sum(layer, flow, groups)
    flow.pin()
    if isinstance(layer, BatchNorm) and flow.weights:
        vectors = flow.vectors + layer.parameters()
        return replace(flow, vectors=vectors, norms=[*flow.norms, layer])
    if isinstance(layer, LIF) and flow.weights:
        size, parts = flow.weights[0].shape[0], [*flow.norms, layer]
        group = NeuronGroup(layer.name, size, flow.weights, flow.vectors, [], flow.single, parts)
        groups.append(group)
        return _Flow([group])
    return _Flow(single=False)  # a layer of a plug-in, or neurons that no weight feeds


def _product(layer, flow) -> _Flow:
    """A weight's rows make the current; its columns belong to the group whose spikes it takes."""
    for group in flow.spikes_of:
        each = layer.weight.shape[1] // group.size
        group.outgoing.append((layer.weight, partial(_columns, each)))
    return _Flow(weights=[layer.weight], vectors=layer.parameters()[1:])


def _sum(residual, flow, groups) -> _Flow:
    """Currents of two branches, or of one and the spikes that are added to it."""
    a = _walk(residual.body, flow, groups)
    b = _walk(residual.shortcut, flow, groups) if residual.shortcut else flow
    a.pin()
    b.pin()
    weights, vectors = a.weights + b.weights, a.vectors + b.vectors
    return _Flow([], weights, vectors, a.norms + b.norms, single=False)


def _columns(each, members) -> np.ndarray:
    """Columns of some members, `each` of them side by side for one member."""
    return (np.reshape(members, (-1, 1)) * each + np.arange(each)).reshape(-1)


def silence(groups, silent) -> dict[str, np.ndarray]:
    """Leave the silent members of groups out of all arrays, and bring back those of before.

    Parameters and returned value as for `Network.silence`; `groups` are the network's.
    """
    silent = {name: np.array(members) for name, members in silent.items()}
    _check(groups, silent)
    axes, layers = {}, []
    for group in groups:
        live = ~silent.get(group.name, np.zeros(group.size, bool))
        for p in group.vectors + group.incoming + [p for p, _ in group.outgoing]:
            axes.setdefault(p, [np.ones(n, bool) for n in p.shape])
        for p in group.vectors + group.incoming:
            axes[p][0] &= live
        for p, columns_of in group.outgoing:
            axes[p][1][columns_of(np.flatnonzero(~live))] = False
        layers += [(layer, live) for layer in group.layers]
    for part, live in [*axes.items(), *((layer, [live]) for layer, live in layers)]:
        part.shrink(*live)
    return {name: members for name, members in silent.items() if members.any()}


def _check(groups, silent) -> None:
    """Raise UserError where members cannot be left out."""
    by_name = {group.name: group for group in groups}
    for name, members in silent.items():
        if name not in by_name:
            raise UserError(f"silence: no group of neurons {name!r}; {nearest(name, by_name)}")
        group = by_name[name]
        if members.dtype != bool or members.shape != (group.size,):
            raise UserError(
                f"silence: {name} takes bool of shape ({group.size},), not {members.dtype} of "
                f"shape {members.shape}"
            )
        if not members.any():
            continue
        if not group.prunable:
            raise UserError(
                f"silence: {name} cannot do without members: a shortcut adds to their current, or "
                "their spikes go elsewhere than to weights"
            )
        if members.all():
            raise UserError(f"silence: all {group.size} members of {name}: leave one")
        fed = [p.name for p, into in group.inputs_of(members) if into.any()]
        fed += [p.name for p in group.vectors if p.values()[members].any()]
        if fed:
            raise UserError(
                f"silence: {fed[0]} feeds members of {name} still: rewire their synapses away and "
                "set their bias and norm parameters to 0 before"
            )
