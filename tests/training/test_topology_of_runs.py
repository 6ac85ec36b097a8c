"""Whole runs of the methods of drop and grow: their counts, round by round."""

import json

import numpy as np
import pytest

from nsnn.sparsity.distribution import layer_counts
from nsnn.sparsity.schedule import sparsity_at
from nsnn.training.checkpoint import load_topology

# Of "6C3-AP2-30" on 1×6×6 images with 3 classes, in the network's order.
DIMS = {"conv1.weight": (6, 1, 3, 3), "linear1.weight": (30, 54), "linear2.weight": (3, 30)}
OPTIONS = {  # rounds before step 40
    "set": ["method.update_every=5"],  # after 5, 10, … 40 of 45 updates
    "rigl": ["method.update_every=4", "method.end_fraction=0.9"],
    "ndsnn": [
        "method.update_every=4", "method.end_fraction=0.9", "method.initial_sparsity=0.7",
    ],
}  # fmt: skip
ROUNDS = {"set": range(4, 40, 5), "rigl": range(4, 40, 4), "ndsnn": range(4, 40, 4)}


def counts(sparsity):
    return dict(
        zip(DIMS, layer_counts("erk", list(DIMS.values()), 1 - sparsity).tolist(), strict=True)
    )


def wanted(name, step):
    """Active weights of each layer after the round at `step`."""
    final = counts(0.85)
    if name != "ndsnn":
        return final
    initial, found = counts(0.7), {}
    for layer, dims in DIMS.items():
        N = np.prod(dims)
        theta = sparsity_at(step, 36, 1 - initial[layer] / N, 1 - final[layer] / N)
        found[layer] = round(N * (1 - theta)) if final[layer] < N else N
    return found


@pytest.mark.parametrize("storage", ["csr", "dense"])
@pytest.mark.parametrize("name", OPTIONS)
def test_counts_never_drift(name, storage, bare, train):
    changes = [f"method.name={name}", "method.final_sparsity=0.85", f"model.storage={storage}"]
    out = train([*bare, *changes, *OPTIONS[name]])
    log = load_topology(out / "topology.npz")
    events = log.counts()
    sparse = [layer for layer, dims in DIMS.items() if counts(0.85)[layer] < np.prod(dims)]
    assert log.names == sparse
    assert "linear1.weight" in sparse
    assert events["step"].tolist() == [t for t in ROUNDS[name] for _ in sparse]
    assert (events["grown"] > 0).any()
    for step in ROUNDS[name]:
        for layer in sparse:
            assert log.positions_at(layer, step).size == wanted(name, step)[layer]
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    for record in records:
        last = max(t for t in ROUNDS[name] if t < record["step"])
        assert record["active_weights"] == sum(wanted(name, last).values())
        for layer, found in record["layers"].items():
            assert found["active"] == wanted(name, last)[layer]
    assert records[-1]["active_weights"] == sum(counts(0.85).values())
    assert json.loads((out / "summary.json").read_text())["asked"] == counts(0.85)
