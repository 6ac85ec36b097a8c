"""What `nsnn export` writes is the network, readable without nsnn."""

import os

import numpy as np
import pytest

import nsnn
import nsnn.plot
from nsnn import cli, parallel
from nsnn.errors import UserError
from nsnn.export import export, network_arrays

MATRICES = ("data", "indices", "indptr", "shape", "dims")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run with a sparse, and by its small size a dense, layer."""
    threads = parallel.get_threads()
    folder = tmp_path_factory.mktemp("runs") / "run-1"
    sets = [
        "data.batch=100", "model.layers=4C3-AP4-20", "model.name=custom", "neuron.time_steps=2",
        "train.epochs=1", "method.update_every=9", "train.threads=1",
    ]  # fmt: skip
    words = [word for assignment in sets for word in ("--set", assignment)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nsnn.plot, "plot_run", lambda folder: [])
        assert cli.main(["train", *words, "--out", str(folder)]) == 0
    parallel.set_threads(threads)
    return folder


def read(path):
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def weights(network):
    return [p for p in network.parameters() if p.prunable]


def test_compressed_rows_are_the_weights(run, tmp_path):
    arrays = read(export(run, tmp_path / "a.npz"))
    network = nsnn.load(run)
    for p in weights(network):
        data, indices, indptr, shape, dims = (arrays[f"{p.name}.{key}"] for key in MATRICES)
        assert data.size == p.active
        rebuilt = np.zeros(shape, data.dtype)
        for row in range(shape[0]):
            columns = indices[indptr[row] : indptr[row + 1]]
            assert (np.diff(columns) > 0).all()
            rebuilt[row, columns] = data[indptr[row] : indptr[row + 1]]
        np.testing.assert_array_equal(rebuilt, p.to_dense())
        assert tuple(dims) == p.dims
    assert any(p.active < p.size for p in weights(network))
    for name in ("conv1.bias", "norm1.gamma", "norm2.beta"):
        parameter = next(p for p in network.parameters() if p.name == name)
        np.testing.assert_array_equal(arrays[name], parameter.data)
    norm = next(layer for layer in network.layers() if layer.name == "norm1")
    np.testing.assert_array_equal(arrays["norm1.running_variance"], norm.running_variance)
    np.testing.assert_array_equal(arrays["input.mean"], network.mean)
    assert str(arrays["config"]) == (run / "config.toml").read_text()


def test_dense_arrays_and_masks(run, tmp_path):
    arrays = read(export(run, tmp_path / "a.npz", dense=True))
    for p in weights(nsnn.load(run)):
        assert arrays[p.name].shape == arrays[f"{p.name}.mask"].shape == p.dims
        np.testing.assert_array_equal(arrays[p.name].reshape(p.shape), p.to_dense())
        np.testing.assert_array_equal(np.flatnonzero(arrays[f"{p.name}.mask"]), p.positions())
        assert not any(f"{p.name}.{key}" in arrays for key in MATRICES)


def test_a_weight_that_exists_is_exported_although_it_is_0(run):
    network = nsnn.load(run)
    p = next(p for p in weights(network) if p.topology is not None)
    p.data[0] = 0
    assert network_arrays(network)[f"{p.name}.data"].size == p.active
    assert np.count_nonzero(network_arrays(network, dense=True)[f"{p.name}.mask"]) == p.active


@pytest.mark.parametrize("dense", [False, True])
def test_the_command_prints_python_that_loads_the_file(run, tmp_path, monkeypatch, capsys, dense):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", str(run), *(["--dense"] if dense else [])]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("run-1.npz: ")
    scope = {"numpy": np}
    if not dense:
        pytest.importorskip("scipy.sparse")
        scope["scipy"] = pytest.importorskip("scipy")
    exec(printed.split("\n\n")[1], scope)
    first = weights(nsnn.load(run))[0]
    W = scope["W"].reshape(first.shape) if dense else scope["W"].toarray()
    np.testing.assert_array_equal(W, first.to_dense())


def test_an_existing_file_is_kept(run, tmp_path):
    path = tmp_path / "a.npz"
    path.write_text("mine")
    with pytest.raises(UserError, match=r"a\.npz exists: replace it with --overwrite"):
        export(run, path)
    assert path.read_text() == "mine"
    export(run, path, overwrite=True)
    first = path.read_bytes()
    export(run, path, overwrite=True)
    assert path.read_bytes() == first
    with pytest.raises(UserError, match="is a folder: name a file"):
        export(run, tmp_path, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_device_or_a_pipe_is_not_replaced(run, tmp_path, overwrite):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(UserError, match=r"pipe is a device or a pipe: name a file"):
        export(run, path, overwrite=overwrite)
    assert path.is_fifo()


def test_export_needs_a_run(tmp_path):
    with pytest.raises(UserError, match="holds no run"):
        export(tmp_path, tmp_path / "a.npz")
