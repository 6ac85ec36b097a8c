"""`nsnn bench`, as it is typed. Nothing here depends on how fast the machine is."""

import json
import time

import pytest

from nsnn import cli, info, parallel
from nsnn.bench import FIRST_SPIKE_DENSITY, PEERS, child, kernels

TINY = ["--model", "mlp", "--width", 0.01, "--batch", 2, "--time-steps", 2]


@pytest.fixture
def bench(said, tmp_path):
    """`bench(name, *words)` gives the results that a benchmark writes, and what it prints."""

    def run(name, *words):
        path = tmp_path / "numbers.json"
        out = said("bench", name, *words, "--threads", 1, "--repeats", 1, "--json", path)
        assert str(path) in out
        record = json.loads(path.read_text())
        assert record["bench"] == name
        keys = {"processor", "cores", "threads", "numpy", "numba", "blas core", "others"}
        assert keys <= record["environment"].keys()
        assert record["options"]["repeats"] == 1
        return record["results"], out

    return run


def test_a_step(bench, tmp_path):
    (dense, sparse), out = bench("step", *TINY, "--density", 1, 0.2, "--steps", 2)
    assert (dense["job"]["density"], sparse["job"]["density"]) == (1.0, 0.2)
    assert set(sparse["ours"]["seconds"]) == {"step", "forward", "backward", "update", "rewire"}
    assert sparse["ours"]["memory"]["median"] > 0
    assert out.startswith("nsnn bench: training step of mlp, batch 2, T = 2, norm batch")
    assert f"{info.processor()}, {parallel.available_cores()} cores, threads 1\n" in out
    assert f"BLAS core {parallel.blas_core()}" in out
    assert "erk 0.2" in out
    assert [p.name for p in tmp_path.iterdir()] == ["numbers.json"]


def test_sparsity_is_what_density_leaves(bench):
    (found,), out = bench("step", *TINY, "--sparsity", 0.95, "--rounds", 0, "--layers")
    assert found["job"]["density"] == 0.05
    assert "rewire" not in found["ours"]["seconds"]
    assert "layers at erk 0.05" in out
    assert "linear1" in out


def test_an_epoch_and_its_seconds_drawn_against_density(bench, complaint, tmp_path):
    picture = tmp_path / "epoch.png"
    words = ["epoch", "--width", 0.01, "--batch", 4, "--time-steps", 2, "--samples", 11]
    words += ["--plot", picture, "--density"]
    (*_, found), out = bench(*words, 0.1, 0.5, 1)
    assert found["job"]["norm"] == "none"
    assert "epoch of mlp" in out
    assert f"{1e3 * found['ours']['seconds']['epoch']['median'] / 2:.2f} ms" in out  # a step
    assert "s for each % of density, R² = " in out
    assert picture.stat().st_size > 5000
    assert "--plot needs three densities" in complaint("bench", *words, 0.1, 0.5)


def test_both_kinds_of_input_of_first_spikes_are_measured(bench):
    results, out = bench("epoch", "--model", "firstspike", "--batch", 4, "--samples", 10)
    assert [result["job"]["delay"] for result in results] == [0.0, 0.15]
    for result in results:
        assert result["job"]["density"] == FIRST_SPIKE_DENSITY
        assert result["ours"]["seconds"]["epoch"]["median"] > 0
    assert out.startswith("nsnn bench: epoch of firstspike, batch 4")
    assert out.index("binary input") < out.index("noisy input")


def test_kernels(bench, monkeypatch):
    monkeypatch.setattr(kernels, "SECONDS", 0.0)
    words = ["--shapes", "7-5", "2-3C3@4", "--densities", 0.5, 0.1, "--batch", 2]
    (first, second), out = bench("kernels", *words)
    assert (first["shape"], second["shape"]) == ("7-5", "2-3C3@4")
    assert [found["density"] for found in first["sparse"]] == [0.5, 0.1]
    for found in (second["dense"], *first["sparse"]):
        assert {"forward", "gradient", "input_gradient", "total", "operations"} <= {*found}
    ratio = first["dense"]["total"]["median"] / first["sparse"][0]["total"]["median"]
    assert first["sparse"][0]["ratio"] == ratio
    assert out.count("break-even density") == 2


@pytest.mark.parametrize(("cores", "warned"), [(0.5, True), (0.01, False)])
def test_numbers_of_a_busy_machine_say_so_themselves(monkeypatch, bench, cores, warned):
    monkeypatch.setattr(kernels, "SECONDS", 0.0)
    monkeypatch.setattr(info, "seconds_of_others", lambda: cores * time.monotonic())
    _, out = bench("kernels", "--shapes", "7-5", "--densities", 0.5, "--batch", 2)
    assert ("not valid: other programs used 0.50 cores" in out) == warned


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
    (["step", "--json", "no/such/place.json"], "there is no folder no/such"),
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
    monkeypatch.setitem(PEERS, library, ("no-such-package",))
    model = "firstspike" if library == "torch" else "mlp"
    err = complaint("bench", "epoch", "--model", model, "--against", library)
    assert f"--against {library} needs no-such-package, not installed here: pip install" in err


@pytest.mark.parametrize(
    ("name", "expected"),
    [("step", ("vgg16", "batch", 5, 3)), ("epoch", ("mlp", "none", 8, 3))],
)
def test_step_and_epoch_have_defaults_of_their_own(name, expected):
    found = vars(cli.parser().parse_args(["bench", name]))
    keys = ("model", "norm", "time_steps", "repeats")
    assert tuple(found[key] for key in keys) == expected
