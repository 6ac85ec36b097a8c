"""Every method: counts, refused options, the dense baseline; of resuming: test_resume.py."""

import dataclasses
import re

import numpy as np
import pytest

from nsnn.errors import RunError, UserError
from nsnn.methods import METHODS, Method, RunLength

SPARSE = sorted(set(METHODS) - {"dense"})
ASKED = sorted(set(SPARSE) - {"gradr", "sdsnn"})  # the others' sparsity is an outcome
START_SPARSE = ["ndsnn", "rigl", "set", "static", "deepr"]
LENGTH = RunLength(steps_per_epoch=10, epochs=13)  # as the default rounds of LTH take


@pytest.mark.parametrize("name", METHODS)
def test_every_method_keeps_to_the_interface(name, bench):
    kind = METHODS[name]
    assert issubclass(kind, Method)
    for run in (bench(kind(kind.Config()), run=LENGTH), bench(name)):
        run.train()
        assert run.method.targets() in (run.active(), None)
        assert (run.method.targets() is None) == (name not in {"dense", *ASKED})
        for array in run.method.state().values():
            assert array.dtype != object
        for p in run.network.parameters():
            if kind.rewires_every_step and p.topology is not None:
                assert not p.slots  # the method moves it, not the optimiser
            elif run.optimiser.momentum:
                assert p.slots["momentum"].shape == p.data.shape


AT_ZERO = {"final_sparsity": 0.0}  # nothing to prune, to rewire or to log


@pytest.mark.parametrize(("name", "options"), [
    ("dense", {}), ("ndsnn", AT_ZERO | {"initial_sparsity": 0.0}),
    *[(name, AT_ZERO) for name in ("rigl", "set", "static", "lth", "admm", "deepr")],
])  # fmt: skip
def test_what_is_dense_stays_dense(bench, name, options):
    run = bench(name, **options).train()
    assert run.taken == []
    assert run.log.names == []
    assert run.sparse() == []
    sizes = {key: p.size for key, p in run.network.prunable().items()}
    assert run.method.targets() == sizes
    last = run.run.total_steps - 1
    assert run.method.schedule(last) == (last, last + 1)


def test_a_static_mask_is_the_start_of_ndsnn_and_stays(bench):
    run = bench("static", final_sparsity=0.8)
    ndsnn = bench("ndsnn", initial_sparsity=0.8)
    start = run.masks()
    run.train()
    np.testing.assert_equal(run.masks(), start)
    np.testing.assert_equal(ndsnn.masks(), start)
    assert run.taken == []
    assert run.log.events == 0


@pytest.mark.parametrize("name", ASKED)
def test_dense_layers_stay_dense_and_have_no_share(bench, name):
    options = {"dense_layers": "conv2, fc2", "final_sparsity": 0.9, "run": LENGTH}
    run = bench(name, **options).train()
    weights = run.network.prunable()
    assert weights["conv2.weight"].topology is None
    assert weights["fc2.weight"].topology is None
    others = [weights["conv1.weight"], weights["fc1.weight"]]
    share = sum(p.active for p in others) / sum(p.size for p in others)
    assert share == pytest.approx(0.1, abs=1e-3)
    assert run.method.targets() == run.active()


@pytest.mark.parametrize("name", SPARSE)
@pytest.mark.parametrize(("text", "message"), [
    ("conv3", r"dense_layers: no layer 'conv3'; did you mean conv"),
    ("conv1,conv2,fc1,fc2", r"dense_layers names every layer"),
])  # fmt: skip
def test_dense_layers_that_cannot_be(bench, name, text, message):
    with pytest.raises(UserError, match=message):
        bench(METHODS[name](METHODS[name].Config(dense_layers=text)))


def test_admm_without_a_pull_is_one_shot_pruning(bench):
    run = bench("admm", rho=0.0, final_sparsity=0.9)
    plain = bench("dense", run=run.run)
    prune = run.run.steps_per_epoch * run.method.prune_epoch
    run.train(0, prune)
    plain.train(0, prune)
    run.network.assert_same_as(plain.network)
    assert run.method.bytes_held() == 0
    run.train(prune)
    assert run.active() == run.method.targets()


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", SPARSE)
def test_csr_and_masked_are_the_same_run(bench, name, ties):
    csr, masked, auto = (bench(name, s, ties=ties).train() for s in ("csr", "dense", "auto"))
    csr.assert_same_as(masked)
    csr.assert_same_as(auto)
    for run, kind in ((csr, "CSRMatrix"), (masked, "MaskedMatrix")):
        assert {type(p.topology).__name__ for p in run.sparse()} == {kind}


@pytest.mark.parametrize("name", START_SPARSE)
def test_the_seed_decides(bench, name):
    one, same, other = (bench(name, seed=seed).train() for seed in (0, 0, 1))
    one.assert_same_as(same)
    p, q = (run.network.prunable()["fc1.weight"] for run in (one, other))
    assert not np.array_equal(p.positions(), q.positions())


@pytest.mark.parametrize("name", ["deepr", "gradr"])  # which move their weights themselves
def test_a_gradient_that_is_not_finite_stops_the_run(bench, name):
    run = bench(name)
    run.network.prunable()["conv2.weight"].gradient[...] = np.nan
    with pytest.raises(RunError, match=r"step 3: conv2\.weight is not finite; try a smaller opt"):
        run.method.update(3, run.optimiser, 0.1)


NAN, INFINITE = float("nan"), float("inf")
BAD = {  # option: values that it cannot have, and what is said of them
    "final_sparsity": [(1.0, " = 1.0: must be at least 0 and below 1"), (-0.1, " = -0.1: must be"),
                       (NAN, ": .* got nan")],
    "initial_sparsity": [(-0.1, " = -0.1: must be"),
                         (0.95, " = 0.95 is above .*final_sparsity = 0.9")],
    "distribution": [("erq", " = 'erq': did you mean er"),
                     ("unifrom", " = 'unifrom': did you mean uniform")],
    "update_every": [(-1, " = -1: ")],
    "end_fraction": [(0.0, " = 0.0: must be above 0 and at most 1"), (1.1, " = 1.1: ")],
    "drop_fraction": [(1.5, " = 1.5: must be"), (NAN, ": .* got nan")],
    "death_ratio": [(1.5, " = 1.5: must be")],
    "death_ratio_min": [(0.6, " = 0.6: .* 0.5")],
    "grown_scale": [(-0.1, " = -0.1: must be"), (INFINITE, ": .* finite"), (NAN, ": .* finite")],
    "prune_fraction": [(0.0, " = 0.0: must be at least 0.0001 and below 1"), (1.0, " = 1.0: "),
                       (1e-17, " = 1e-17: .*at least 0.0001")],
    "rewind_epochs": [(-1, " = -1: ")],
    "round_epochs": [(-1, " = -1: ")],
    "rho": [(-0.1, " = -0.1: must be at least 0")],
    "dense_fraction": [(1.0, " = 1.0: ")],
    "alpha": [(-0.1, " = -0.1: must be"), (NAN, ": .* (finite|nan)")],
    "noise": [(-0.1, " = -0.1: must be at least 0")],
    "temperature": [(-0.1, " = -0.1: must be at least 0")],
    "prior_probability": [(0.4, " = 0.4: must be at least 0.5 and below 1"), (1.0, " = 1.0: ")],
    "admm_fraction": [(0.0, " = 0.0: must be above 0"), (0.8, " = 0.8: .* left to retrain")],
    "linear_rate": [(100.5, " = 100.5: must be at least 0 and at most 100")],
    "channel_rate": [(-0.1, " = -0.1: must be"), (NAN, ": .* got nan")],
    "t_num": [(1, " = 1: must be at least 2"), (75, " = 75: .* ends before: lower")],
    "beta": [(-0.1, " = -0.1: ")], "window": [(0, " = 0: ")],
    "admitted": [("tops", " = 'tops': did you mean top")],
    "growth_start": [(99.5, " = 99.5: must be at least 0 and at most 99")],
}  # fmt: skip


@pytest.mark.parametrize(("name", "option", "value", "message"), [
    (name, field.name, *bad) for name in SPARSE
    for field in dataclasses.fields(METHODS[name].Config) for bad in BAD.get(field.name, ())
])  # fmt: skip
def test_bad_options(bench, name, option, value, message):
    pattern = re.sub(r"(\d)\.(\d)", r"\1[.]\2", rf"method\.{option}{message}")
    with pytest.raises(UserError, match=pattern):
        bench(name, **{option: value})
