"""The checkpoint file: exact, and honest about damage."""

import errno
import io

import numpy as np
import pytest

from nsnn.errors import RunError, UserError
from nsnn.training import checkpoint
from nsnn.training.checkpoint import load_checkpoint, save_checkpoint
from nsnn.training.config_file import load_config

PARTS = {
    "network": {"conv1.weight/data": np.arange(2000, dtype=np.float32), "x": np.array([], bool)},
    "method": {"rng": np.array('{"state": 12}')},
    "empty": {},
    "position": {"step": np.array(7), "loss": np.array(0.1 + 0.2)},
}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "checkpoint.npz"
    save_checkpoint(path, load_config(), PARTS)
    return path


def test_equal_states_give_equal_bytes(saved, tmp_path):
    save_checkpoint(tmp_path / "again.npz", load_config(), PARTS)
    assert (tmp_path / "again.npz").read_bytes() == saved.read_bytes()


def test_place_of_data_and_threads_do_not_matter(saved):
    load_checkpoint(saved, load_config(None, ["data.dir=elsewhere", "train.threads=7"]))


@pytest.mark.parametrize(("word", "said"), [
    ("method.final_sparsity=0.9", r"final_sparsity = 0.95 there, 0.9 in config.toml"),
    ("method.distribution=er", r"method.distribution = 'erk' there, 'er' in config.toml"),
    ("method.name=set", r"method.death_ratio = 0.5 there, None in config.toml"),
    ("optim.lr=0.3", r"optim.lr = 0.1 there, 0.3 in config.toml"),
])  # fmt: skip
def test_another_configuration_is_refused(saved, word, said):
    with pytest.raises(UserError, match=rf"was made with another configuration: .*({said})"):
        load_checkpoint(saved, load_config(None, [word]))


def test_another_format_is_refused(saved, monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT", 4)
    with pytest.raises(UserError, match="has checkpoint format 3, this nsnn reads format 4"):
        load_checkpoint(saved, load_config())


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="is missing: the run was stopped before its first"):
        load_checkpoint(tmp_path / "checkpoint.npz", load_config())


def pickled(data):
    file = io.BytesIO()
    np.savez(file, format=np.array({"a": 1}, dtype=object))
    return file.getvalue()


@pytest.mark.parametrize("change", [lambda data: data[:3000], pickled], ids=["cut", "an object"])
def test_a_damaged_file_is_called_so_and_never_unpickled(saved, change):
    """All kinds of damage: tests/test_files.py."""
    saved.write_bytes(change(saved.read_bytes()))
    with pytest.raises(RunError, match="is damaged"):
        load_checkpoint(saved, load_config())


def test_a_file_that_cannot_be_read_is_not_called_damaged(saved, monkeypatch):
    def denied(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(RunError, match=r"cannot read .*checkpoint.npz: Permission denied"):
        load_checkpoint(saved, load_config())


def test_nothing_is_pickled(saved):
    before = saved.read_bytes()
    with pytest.raises(UserError, match=r"the state method/x is no plain array"):
        save_checkpoint(saved, load_config(), {"method": {"x": object()}})
    assert saved.read_bytes() == before


def test_a_damaged_topology_log_is_called_so(tmp_path):
    np.savez(tmp_path / "topology.npz", names=np.array(["a"]))
    with pytest.raises(RunError, match="is damaged"):
        checkpoint.load_topology(tmp_path / "topology.npz")
