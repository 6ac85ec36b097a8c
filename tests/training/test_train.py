"""Training from Python."""

import json

import numpy as np
import pytest

import nsnn
from nsnn.errors import UserError
from nsnn.training.config_file import flatten, load_config

pytestmark = pytest.mark.usefixtures("no_sync")


@pytest.fixture
def options(tiny):
    """The options of `tiny` by name."""
    found = flatten(load_config(None, [*tiny, "train.epochs=1"]))
    return {word.partition("=")[0]: found[word.partition("=")[0]] for word in tiny}


def test_a_run_gives_its_network_metrics_and_summary(options, tiny_data, tmp_path):
    numbers = {"optim.lr": np.float64(0.05), "data.dir": tiny_data, "train.epochs": np.int64(2)}
    run = nsnn.train(options | numbers, out=tmp_path / "run")
    assert run.folder == tmp_path / "run"
    assert [record["epoch"] for record in run.metrics] == [0, 1]
    assert run.summary == json.loads((tmp_path / "run/summary.json").read_text())
    test = nsnn.data.load("arrays", tiny_data).test
    accuracy = np.mean(run.network.predict(test.images) == test.labels)
    assert accuracy == run.summary["test_accuracy"]
    assert "lr = 0.05\n" in (tmp_path / "run/config.toml").read_text()


def test_a_file_of_options_is_taken_too(finished, tmp_path, content):
    run = nsnn.train(finished / "config.toml", tmp_path / "again")
    assert content(run.folder) == content(finished)
    with pytest.raises(UserError, match="already holds a run"):
        nsnn.train(finished / "config.toml", tmp_path / "again")
    assert content(run.folder) == content(finished)
    again = nsnn.train(finished / "config.toml", run.folder, overwrite=True)
    assert again == run


@pytest.mark.parametrize(("config", "message"), [
    ({"epochs": 3}, "'epochs' is no option; options are named table.key"),
    ({"method": {"name": "set"}}, "'method' is no option; options are named table.key"),
    ({1: 2}, "1 is no option"),
    (["train.epochs=3"], "config is a list; give a TOML file, or options by name"),
    ({"train.epoch": 3}, r"unknown key train.epoch \(nsnn.train\): did you mean epochs"),
    ({"optim.lr": "fast"}, r"optim.lr \(nsnn.train\): expected a number, got 'fast'"),
    ({"optim.lr": [0.1, 0.2]}, r"optim.lr \(nsnn.train\): expected a number"),
])  # fmt: skip
def test_mistakes_are_one_line(config, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message) as caught:
        nsnn.train(config)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_a_signal_stops_is_saved_and_says_so(options, tmp_path, monkeypatch):
    monkeypatch.setattr("nsnn.training.loop.train", lambda *run: False)
    with pytest.raises(KeyboardInterrupt):
        nsnn.train(options, tmp_path / "run")
    assert (tmp_path / "run/config.toml").exists()
