"""Runs that begin with the weights and the topology of another, and need it no more after that."""

import json
import shutil
import zlib

import numpy as np
import pytest

import nsnn
from nsnn.errors import UserError
from nsnn.training import session
from nsnn.training.checkpoint import load_topology
from nsnn.training.config_file import load_config
from nsnn.training.run import Run

STEADY = ["method.final_sparsity=0.8"]  # where `tiny`, of `finished`, ends


def same_weights(network, other):
    pairs = zip(network.parameters(), other.parameters(), strict=True)
    return all(
        np.array_equal(p.positions(), q.positions()) and np.array_equal(p.values(), q.values())
        for p, q in pairs
    )


@pytest.mark.parametrize("method", ["static", "set", "rigl", "esl"])
def test_a_run_begins_with_all_but_the_optimiser(bare, finished, method):
    words = [*bare, *STEADY, f"method.name={method}", f"train.start={finished}"]
    words[:0] = ["method.distribution=erk"]  # of esl it is another
    run, other = Run(load_config(None, [*words, "train.epochs=8"])), nsnn.load(finished)
    assert same_weights(run.network, other)
    assert any(p.topology is not None for p in other.parameters())
    for layer, its in zip(run.network.layers(), other.layers(), strict=True):
        for key, array in its.state().items():
            np.testing.assert_array_equal(layer.state()[key], array)
    assert (run.step, run.epoch) == (0, 0)
    assert not any(p.slots for p in run.network.parameters())
    assert not same_weights(Run(load_config(None, words[:-1])).network, other)


@pytest.mark.parametrize("method", ["dense", "lth", "admm", "gradr", "sdsnn"])
def test_a_method_that_starts_dense_begins_with_a_dense_run_only(bare, finished, train, method):
    words = [*bare, f"method.name={method}", "train.epochs=13", "optim.momentum=0"]
    words += ["method.t_num=2", "method.paper_epochs=13"] if method == "sdsnn" else []
    dense = train([*bare, "method.name=dense", "train.epochs=1"], name="dense")
    run = Run(load_config(None, [*words, f"train.start={dense}"]))
    assert same_weights(run.network, nsnn.load(dense))
    with pytest.raises(UserError, match=f"is sparse, method.name = '{method}' starts dense"):
        Run(load_config(None, [*words, f"train.start={finished}"]))


@pytest.mark.parametrize("options", [
    [*STEADY, "method.name=set", "method.update_every=4"],
    ["method.name=gradr", "method.alpha=0.05", "optim.momentum=0"],  # of the first signs
])  # fmt: skip
def test_it_needs_the_other_run_at_first_only(bare, finished, train, content, tmp_path, options):
    dense = [*bare, "method.name=dense", "train.epochs=1"]
    made = train(dense, name="dense") if "gradr" in options[0] else finished
    other = shutil.copytree(made, tmp_path / "other")
    words = [*bare, *options, f"train.start={other}"]
    whole = content(train(words, name="whole"))
    folder = tmp_path / "run"
    for steps in ((0,), (20,), ()):
        assert (train(words, *steps) is None) == bool(steps)
        shutil.rmtree(other, ignore_errors=True)
    assert content(folder) == whole
    noted = json.loads((folder / "environment.json").read_text())["start"]
    assert noted["checkpoint"] == str(other / "checkpoint.npz")
    assert int(noted["checksum"], 16) == zlib.crc32((made / "checkpoint.npz").read_bytes())
    assert f'start = "{other}"' in (folder / "config.toml").read_text()
    first, last = (load_topology(each / "topology.npz") for each in (folder, made))
    for name in last.names:
        np.testing.assert_array_equal(first.positions_at(name, -1), last.positions_at(name, 44))


def test_a_kill_before_the_first_step_costs_nothing(bare, finished, tmp_path, content, no_sync):
    class Killed(BaseException):
        pass

    class Kills:
        def bar(self, *arguments):
            raise Killed

    words = [*bare, *STEADY, "method.name=static", f"train.start={finished}"]
    with pytest.raises(Killed):
        session.start(load_config(None, words), tmp_path / "run", progress=Kills())
    whole = content(session.start(load_config(None, words), tmp_path / "whole"))
    shutil.rmtree(finished)
    assert content(session.resume(tmp_path / "run")) == whole


@pytest.mark.parametrize(("changes", "message"), [
    (["model.layers=6C3-AP2-31"], "model.layers = '6C3-AP2-30', not '6C3-AP2-31'"),
    (["model.width=2"], r"conv1.weight has the shape \(6, 1, 3, 3\) there, \(12, 1"),
    (["model.norm=none"], r"norm1.gamma has the shape \(6,\) there, None here"),
    (["method.final_sparsity=0.9"], "method.name = 'static' begins with 18: give it that"),
    (["method.name=deepr"], r"method.name = 'deepr' begins with \d+ others: give it"),
    (["train.start=nowhere"], "nowhere holds no run"),
])  # fmt: skip
def test_a_run_that_cannot_be_begun_with_is_refused(bare, finished, tmp_path, changes, message):
    words = [*bare, *STEADY, "method.name=static", f"train.start={finished}", *changes]
    with pytest.raises(UserError, match=message):
        session.start(load_config(None, words), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_first_spike_run_and_a_time_stepped_one_do_not_mix(bare, finished, tiny_data, train):
    data = ["data.name=arrays", f"data.dir={tiny_data}", "data.batch=10", "train.epochs=1"]
    first_spike = [*data, "model.name=firstspike", "model.layers=20", "method.name=static"]
    other = train(first_spike, name="other")
    with pytest.raises(UserError, match=r"has model.name = 'firstspike', not 'custom'"):
        Run(load_config(None, [*bare, "method.name=static", f"train.start={other}"]))
    with pytest.raises(UserError, match=r"has model.name = 'custom', not 'firstspike'"):
        Run(load_config(None, [*first_spike, f"train.start={finished}"]))
    run = Run(load_config(None, [*first_spike, f"train.start={other}"]))
    assert same_weights(run.network, nsnn.load(other))
