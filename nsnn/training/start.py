"""A run that begins with the weights and the topology of another: train.start."""

import numpy as np

from nsnn.errors import UserError
from nsnn.training.run_folder import load, require_same


def take_over(network, method, config):
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


def check_kept(network, other, config) -> None:
    """Raise UserError where the method, now prepared, begins with anything else."""
    for p, q in zip(network.parameters(), other.parameters(), strict=True):
        same_positions = np.array_equal(p.positions(), q.positions())
        if not same_positions or not np.array_equal(p.values(), q.values()):
            others = " others" if p.active == q.active else ""
            start, method = config.train.start, config.method.name
            raise UserError(
                f"train.start = {start!r} has {q.active:,} of {q.size:,} weights in {p.name}, "
                f"method.name = {method!r} begins with {p.active:,}{others}: give it that run's "
                "sparsity and distribution, or choose another method"
            )
