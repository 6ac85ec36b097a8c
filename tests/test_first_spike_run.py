"""A whole run of a first-spike network that evolves: metrics, table, eval, pictures, resume."""

import json

import numpy as np
import pytest

from nsnn import parallel
from nsnn.plot import pictures
from nsnn.training import session
from nsnn.training.config_file import load_config
from nsnn.training.run_folder import read_metrics


@pytest.fixture(scope="module")
def small(tiny):
    """`--set` assignments of a run that evolves after every fourth step."""
    kept = [word for word in tiny if word.startswith(("data.", "train."))]
    return [
        *kept, "data.augment=spike-delay", "model.name=firstspike", "model.layers=20",
        "method.name=esl", "method.epsilon=6", "method.update_every=4",
        "optim.name=adam", "optim.lr=0.01", "optim.weight_decay=0",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def run(small, tmp_path_factory):
    before = parallel.get_threads()
    yield session.start(load_config(None, small), tmp_path_factory.mktemp("runs") / "esl")
    parallel.set_threads(before)


def test_exploration_is_written_every_epoch_and_grows(run):
    found = [line["method"] for line in read_metrics(run)]
    assert [*found[0]] == ["exploration", "exploration/linear1.weight"]
    shares = [each["exploration"] for each in found]
    assert 336 / 720 < shares[0] < shares[1] < 1  # ε (36 + 20) at the start
    assert all(each["exploration"] == each["exploration/linear1.weight"] for each in found)


def test_the_summary_has_energy_and_undecided(run):
    summary = json.loads((run / "summary.json").read_text())
    spent = summary["energy"]
    assert spent["multiply_adds"] == 0
    assert 0 < spent["synaptic_operations"] <= summary["active_weights"]
    assert spent["counted"] == 12.5e-12 * spent["synaptic_operations"]
    assert spent["paper_gpu"] == summary["active_weights"] * 250 / 14e12
    assert summary["undecided"] == 0
    assert summary["time_steps"] is None


def test_eval_says_how_many_samples_have_no_answer(run, said):
    assert "undecided      0, without an output spike" in said("eval", run)


def test_all_pictures_of_such_a_run(run, said):
    said("plot", run)
    made = {path.name for path in (run / "plots").iterdir()}
    others = {"neurons.png", "events.png", "bounds.png", "spines.png"}
    assert set(pictures.PICTURES) - made == others


def test_the_receptive_fields_are_those_of_the_log(run):
    data = pictures.RunData(run)
    figure = pictures.draw(data, "receptive_fields.png")
    p = data.network.parameters()[0]
    last = np.zeros(p.shape, bool)
    last.flat[p.positions()] = True
    *_, end, weights = figure.axes
    row = int(figure.axes[-5].get_ylabel().split()[1])
    np.testing.assert_array_equal(end.images[0].get_array() > 0, last[row].reshape(6, 6))
    np.testing.assert_allclose(weights.images[0].get_array().ravel(), p.to_dense()[row])


def test_samples_without_an_answer_are_drawn_as_mistakes(run, monkeypatch):
    data = pictures.RunData(run)
    count = len(data.samples.labels)
    monkeypatch.setattr(data.network, "scores", lambda images, size: np.full((count, 3), -np.inf))
    ax, *_ = pictures.draw(data, "mistakes.png").axes
    assert ax.get_xlabel().startswith("said 0 (33 %)")


def test_stopped_in_the_middle_of_an_epoch_it_goes_on_bit_for_bit(run, small, train, content):
    assert train(small, 17) is None
    assert content(train(small)) == content(run)
