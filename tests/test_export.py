"""What `nsnn export` writes is the network, readable without nsnn."""

import pathlib

import numpy as np
import pytest

import nsnn
from nsnn.data import load
from nsnn.errors import UserError
from nsnn.export import export, network_arrays

READER = pathlib.Path(__file__).parents[1] / "tutorials" / "use_exported.py"

MATRICES = ("data", "indices", "indptr", "shape", "dims")


def read(path):
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def weights(network):
    return [p for p in network.parameters() if p.prunable]


def test_compressed_rows_are_the_weights(finished, tmp_path):
    arrays = read(export(finished, tmp_path / "a.npz"))
    network = nsnn.load(finished)
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
    assert {p.active < p.size for p in weights(network)} == {False, True}  # the small one is dense
    for name in ("conv1.bias", "norm1.gamma", "norm2.beta"):
        parameter = next(p for p in network.parameters() if p.name == name)
        np.testing.assert_array_equal(arrays[name], parameter.data)
    norm = next(layer for layer in network.layers() if layer.name == "norm1")
    np.testing.assert_array_equal(arrays["norm1.running_variance"], norm.running_variance)
    np.testing.assert_array_equal(arrays["input.mean"], network.mean)
    assert str(arrays["config"]) == (finished / "config.toml").read_text()


def test_dense_arrays_and_masks(finished, tmp_path):
    arrays = read(export(finished, tmp_path / "a.npz", dense=True))
    for p in weights(nsnn.load(finished)):
        assert arrays[p.name].shape == arrays[f"{p.name}.mask"].shape == p.dims
        np.testing.assert_array_equal(arrays[p.name].reshape(p.shape), p.to_dense())
        np.testing.assert_array_equal(np.flatnonzero(arrays[f"{p.name}.mask"]), p.positions())
        assert not any(f"{p.name}.{key}" in arrays for key in MATRICES)


def test_a_weight_that_exists_is_exported_although_it_is_0(finished):
    network = nsnn.load(finished)
    p = next(p for p in weights(network) if p.topology is not None)
    p.data[0] = 0
    assert network_arrays(network)[f"{p.name}.data"].size == p.active
    assert np.count_nonzero(network_arrays(network, dense=True)[f"{p.name}.mask"]) == p.active


@pytest.mark.parametrize(
    ("words", "kind"), [([], "compressed rows (CSR)"), (["--dense"], "dense arrays and masks")]
)
def test_the_command_names_both_files_and_their_reader(
    finished, tmp_path, monkeypatch, said, words, kind
):
    monkeypatch.chdir(tmp_path)
    first, second, call = said("export", finished, *words).splitlines()
    assert first.startswith(f"whole.npz: weights as {kind}, ")
    assert second.startswith("whole.network.json: ")
    assert call.endswith("use_exported.py whole.npz IMAGES.npy")
    assert ("conv1.weight.mask" in read("whole.npz")) == bool(words)


@pytest.fixture
def classes_without_nsnn(python):
    """What the reader says, by names of network and images, where nsnn cannot be imported."""
    program = f"""
import runpy, sys
sys.modules.update(dict.fromkeys(["nsnn", "numba", "scipy"]))
runpy.run_path({str(READER)!r})
"""
    return lambda name, images: python("-c", program, name, images)


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """An .npz file of three classes of counts, (n, 3, 2, 8, 8)."""
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("data") / "events.npz"
    patterns, labels = rng.random((3, 1, 2, 8, 8)), np.arange(200) % 3
    counts = rng.poisson(2 * patterns[labels], (200, 3, 2, 8, 8)).astype(np.uint8)
    parts = {"train": slice(150), "test": slice(150, 200)}
    images = {f"{name}_images": counts[part] for name, part in parts.items()}
    np.savez(path, **images, **{f"{name}_labels": labels[part] for name, part in parts.items()})
    return path


@pytest.mark.parametrize("options", [
    ["model.name=sdsnn-mnist", "model.width=0.2"],
    ["model.name=mlp", "model.norm=none", "neuron.preset=esl", "method.name=static"],
    ["model.name=lenet5", "neuron.preset=sdsnn", "method.name=rigl"],
    ["model.name=custom", "model.layers=6C4V-MP3-20", "neuron.preset=lth"],
    ["model.name=custom", "model.layers=4C3-MP2-9", "method.name=dense", "data.name=arrays"],
])  # fmt: skip
def test_numpy_alone_predicts_the_same_classes(
    train, events, tmp_path, said, classes_without_nsnn, options
):
    common = ["data.samples=150", "data.batch=3", "neuron.time_steps=3", "train.epochs=1"]
    own = options[-1] == "data.name=arrays"
    out = train([*common, *options, *([f"data.dir={events}"] if own else [])])
    images = load("arrays", events).test.images if own else load("glyphs").test.images[:200]
    np.save(tmp_path / "images.npy", images)
    printed = said("predict", out, tmp_path / "images.npy")
    expected = [line.split(",")[1] for line in printed.split()[1:]]
    assert len(set(expected)) > 2
    for dense in (False, True):
        export(out, tmp_path / "net.npz", dense, overwrite=True)
        name = tmp_path / ("net.npz" if dense else "net")
        found = classes_without_nsnn(name, tmp_path / "images.npy")
        assert found.stderr == ""
        assert found.stdout.split() == expected


@pytest.mark.parametrize(("options", "what"), [
    (["model.name=firstspike"], "linear1 is a FirstSpike"),
    (["model.name=resnet19", "model.width=0.02"], "block1 is a Residual"),
])  # fmt: skip
def test_the_reader_refuses_by_name_what_it_does_not_read(
    train, tiny_data, tmp_path, classes_without_nsnn, options, what
):
    data = ["data.name=arrays", f"data.dir={tiny_data}", "data.batch=50", "train.epochs=1"]
    export(train([*data, "method.name=dense", *options]), tmp_path / "net.npz")
    np.save(tmp_path / "images.npy", np.zeros((1, 6, 6), np.uint8))
    found = classes_without_nsnn(tmp_path / "net", tmp_path / "images.npy")
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr == f"{what}: this program does not read it\n"


@pytest.mark.parametrize("words", [[], ["net"], ["net", "images.npy"], [READER, READER]])
def test_the_reader_says_how_it_is_called(words, tmp_path, python):
    found = python(READER, *words, cwd=tmp_path)
    assert (found.returncode, "Traceback" in found.stderr) == (1, False)
    assert "use_exported.py NAME IMAGES.npy" in found.stderr


def test_files_are_replaced_only_when_asked(finished, tmp_path):
    path = tmp_path / "a.npz"
    path.write_text("mine")
    with pytest.raises(UserError, match=r"a\.npz exists: replace it with --overwrite"):
        export(finished, path)
    assert path.read_text() == "mine"
    export(finished, path, overwrite=True)
    first = path.read_bytes()
    export(finished, path, overwrite=True)
    assert path.read_bytes() == first
    with pytest.raises(UserError, match="is a folder: name a file"):
        export(finished, tmp_path, overwrite=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.network.json", "a.npz"]
    path.unlink()
    with pytest.raises(UserError, match=r"a\.network\.json exists: replace it with --overwrite"):
        export(finished, path)
