"""Methods that start dense and prune between epochs resume bit for bit, in every phase."""

import pytest

from nsnn.errors import RunError
from nsnn.training.checkpoint import load_topology

# LTH: prunes before epochs 2, 3, 4 and 5 of 7. ADMM: epochs 1 and 2, prunes before epoch 4 of 7.
METHODS = {
    "lth": ["method.final_sparsity=0.6", "method.rewind_epochs=1"],
    "admm": ["method.final_sparsity=0.6", "method.update_every=4"],
}
STEPS = 15


@pytest.fixture(params=["lth", "admm"])
def phases(request, bare):
    """`--set` assignments of a run in phases."""
    return [*bare, "train.epochs=7", f"method.name={request.param}", *METHODS[request.param]]


@pytest.mark.parametrize("storage", ["csr", "dense"])
def test_interrupted_in_every_phase(phases, storage, train, content):
    phases = [*phases, f"model.storage={storage}"]
    whole = content(train(phases, name="whole"))
    # In the middle of every epoch, at its last step and at its first.
    for step in (3, 14, 15, 22, 29, 30, 37, 44, 45, 51, 59, 60, 67, 75, 90, 104):
        assert train(phases, step) is None
    assert content(train(phases)) == whole


@pytest.mark.parametrize("storage", ["csr", "auto"])
def test_interrupted_while_neurons_go_and_come_back(bare, storage, train, content):
    """Neurons go after epochs 6 to 9 of 9, and come back after 8; 8 steps are a window."""
    options = [*bare, "train.epochs=9", f"model.storage={storage}", "method.name=sdsnn"]
    options += ["method.growth_start=10.0", "method.linear_rate=50.0"]
    folder = train(options, name="whole")
    whole = content(folder)
    # Before a window, at its first steps, between two, at the ends of epochs and just after.
    for step in (14, 15, 74, 80, 82, 84, 89, 90, 97, 101, 104, 105, 113, 120, 134):
        assert train(options, step) is None
        if step == 89:  # the epoch's end was not done yet
            early = (folder.parent / "run" / "checkpoint.npz").read_bytes()
    # Killed at the end of an epoch, between the log and the checkpoint: the log has too much.
    (folder.parent / "run" / "checkpoint.npz").write_bytes(early)
    assert content(train(options)) == whole
    log = load_topology(folder / "topology.npz").counts()
    assert log["dropped"].sum() > log["grown"].sum() > 0


def test_a_cut_network_stops_the_run(bare, train):
    options = ["method.name=lth", "method.final_sparsity=0.997", "method.prune_fraction=0.9"]
    with pytest.raises(RunError, match=r"prune \d of 3 leaves \w+\.weight.* no signal passes"):
        train([*bare, "train.epochs=6", *options])
