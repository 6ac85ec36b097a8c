"""`nsnn bench`, as it is typed. Nothing here depends on how fast the machine is."""

import json

import pytest

from nsnn import cli, info, parallel
from nsnn.bench import PEERS, child, environment, kernels

TINY = ["--model", "mlp", "--width", "0.01", "--batch", "2", "--time-steps", "2",
        "--repeats", "1", "--threads", "1"]  # fmt: skip


def bench(*words):
    return cli.main(["bench", *map(str, words)])


def read(path, name):
    record = json.loads(path.read_text())
    assert record["bench"] == name
    environment = record["environment"]
    for key in ("processor", "cores", "threads", "numpy", "numba", "blas core", "others"):
        assert key in environment
    assert record["options"]["repeats"] == 1
    return record["results"]


def test_step_and_its_json(tmp_path, capsys):
    path = tmp_path / "step.json"
    assert bench("step", *TINY, "--density", 1, 0.2, "--steps", 2, "--json", path) == 0
    dense, sparse = read(path, "step")
    assert (dense["job"]["density"], sparse["job"]["density"]) == (1.0, 0.2)
    assert set(sparse["ours"]["seconds"]) == {"step", "forward", "backward", "update", "rewire"}
    assert sparse["ours"]["memory"]["median"] > 0
    out = capsys.readouterr().out
    assert out.startswith("nsnn bench: training step of mlp, batch 2, T = 2, norm batch")
    assert f"{info.processor()}, {parallel.available_cores()} cores, threads 1\n" in out
    assert f"BLAS core {parallel.blas_core()}" in out
    assert "erk 0.2" in out
    assert str(path) in out
    assert [p.name for p in tmp_path.iterdir()] == ["step.json"]


def test_sparsity_is_what_density_leaves(tmp_path, capsys):
    path = tmp_path / "step.json"
    assert bench("step", *TINY, "--sparsity", 0.95, "--rounds", 0, "--layers", "--json", path) == 0
    (found,) = read(path, "step")
    assert found["job"]["density"] == 0.05
    assert "rewire" not in found["ours"]["seconds"]
    out = capsys.readouterr().out
    assert "layers at erk 0.05" in out
    assert "linear1" in out


def test_an_epoch_its_json_and_its_seconds_drawn_against_density(tmp_path, capsys):
    path, picture = tmp_path / "epoch.json", tmp_path / "epoch.png"
    words = ["epoch", "--width", 0.01, "--batch", 4, "--time-steps", 2, "--samples", 11]
    words += ["--threads", 1, "--repeats", 1, "--json", path, "--plot", picture, "--density"]
    assert bench(*words, 0.1, 0.5, 1) == 0
    *_, found = read(path, "epoch")
    assert found["ours"]["steps"] == 2
    assert found["job"]["norm"] == "none"
    out = capsys.readouterr().out
    assert "epoch of mlp" in out
    assert f"{1e3 * found['ours']['seconds']['epoch']['median'] / 2:.2f} ms" in out  # a step
    assert "s for each % of density, R² = " in out
    assert picture.stat().st_size > 5000
    assert bench(*words, 0.1, 0.5) == 2
    assert "--plot needs three densities" in capsys.readouterr().err


def test_kernels_and_its_json(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(kernels, "SECONDS", 0.0)
    path = tmp_path / "kernels.json"
    words = ["--shapes", "7-5", "2-3C3@4", "--densities", 0.5, 0.1, "--batch", 2]
    assert bench("kernels", *words, "--threads", 1, "--repeats", 1, "--json", path) == 0
    first, second = read(path, "kernels")
    assert (first["shape"], second["shape"]) == ("7-5", "2-3C3@4")
    assert [found["density"] for found in first["sparse"]] == [0.5, 0.1]
    for found in (second["dense"], *first["sparse"]):
        for product in ("forward", "gradient", "input_gradient", "total"):
            assert {*found[product]} == {"median", "low", "high", "gflops"}
    ratio = first["dense"]["total"]["median"] / first["sparse"][0]["total"]["median"]
    assert first["sparse"][0]["ratio"] == ratio
    assert capsys.readouterr().out.count("break-even density") == 2


@pytest.mark.parametrize(("cores", "said"), [(0.5, True), (0.01, False)])
def test_numbers_of_a_busy_machine_say_so_themselves(monkeypatch, capsys, cores, said):
    monkeypatch.setattr(kernels, "SECONDS", 0.0)
    monkeypatch.setattr(environment, "cores_of_others", lambda *_: cores)
    words = ["--shapes", "7-5", "--densities", 0.5, "--batch", 2, "--threads", 1, "--repeats", 1]
    assert bench("kernels", *words) == 0
    assert ("not valid: other programs used 0.50 cores" in capsys.readouterr().out) == said


# Mistakes, found before anything is measured


@pytest.fixture
def no_measurement(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("measured")

    monkeypatch.setattr(child, "call", refuse)
    monkeypatch.setattr(kernels, "measure", refuse)


@pytest.mark.parametrize(("words", "expected"), [
    (["step", "--sparsity", "1"], "density = 0.0: must be above 0"),
    (["step", "--density", "0.5", "2"], "density = 2.0: must be above 0 and at most 1"),
    (["step", "--density", "0.5", "--sparsity", "0.5"], "not allowed with"),
    (["step", "--storage", "paper"], "bench.storage = 'paper'"),
    (["step", "--model", "resnet"], "model.name = 'resnet'"),
    (["step", "--model", "custom"], "model.name = 'custom' needs"),
    (["step", "--threads", "-1"], "--threads: -1 is not at least 0"),
    (["kernels", "--batch", "9" * 20], "9 is not at least 1 and below 10^12"),
    (["step", "--json", "no/such/place.json"], "no/such does not exist"),
    (["step", "--against", "torch"], "torch has no vgg16: use --against spikingjelly"),
    (["epoch", "--samples", "100"], "--samples 100 is less than --batch 128"),
    (["epoch", "--model", "firstspike", "--against", "spikingjelly"], "use --against torch"),
    (["step", "--model", "firstspike"], "use nsnn bench epoch"),
    (["kernels", "--shapes", "3C3"], "--shapes 3C3"),
    (["kernels", "--threads", "1", "2"], "one number of threads"),
])  # fmt: skip
def test_a_mistake_is_one_line(no_measurement, words, expected, complaint):
    assert expected in complaint("bench", *words)


@pytest.mark.parametrize("library", list(PEERS))
def test_an_absent_peer_is_a_mistake(monkeypatch, no_measurement, library, complaint):
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    model = "firstspike" if library == "torch" else "mlp"
    err = complaint("bench", "epoch", "--model", model, "--against", library)
    assert "pip install 'nsnn[peers]'" in err


@pytest.mark.parametrize(
    ("name", "expected"),
    [("step", ("vgg16", "batch", [0.05], 5, 3)), ("epoch", ("mlp", "none", None, 8, 3))],
)
def test_step_and_epoch_have_defaults_of_their_own(name, expected):
    found = vars(cli.parser().parse_args(["bench", name]))
    keys = ("model", "norm", "density", "time_steps", "repeats")
    assert tuple(found[key] for key in keys) == expected
