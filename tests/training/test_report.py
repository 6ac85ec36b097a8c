"""The closing table."""

import shlex

import pytest

from nsnn.files import read_json
from nsnn.training.config_file import differences, load_config
from nsnn.training.report import closing_table, next_steps

ENERGY = {
    "multiply_adds": 100_000.0,
    "synaptic_operations": 200_000.0,
    "counted": 4.286e-6,
    "paper_gpu": 0.567e-6,
    "paper_truenorth": 0.397e-6,
}


@pytest.fixture(scope="module")
def summary(finished_once):
    """That of a run, with other numbers."""
    return read_json(finished_once[0] / "summary.json") | {
        "test_accuracy": 0.9876,
        "density": 0.05,
        "density_asked": 0.049,
        "active_weights": 31760,
        "weights": 635200,
        "layers": {
            "linear1.weight": {"active": 26560, "size": 627200},
            "linear2.weight": {"active": 5200, "size": 8000},
        },
        "asked": {"linear1.weight": 26561, "linear2.weight": 5200},
        "spike_rate": 0.1234,
        "work_training": {
            "useful/forward": 2_000_000, "useful/growth": 3, "executed/forward": 70_000,
        },
        "energy": ENERGY,
        "bytes_held": 512 * 1024,
        "bytes_held_peak": 3 * 1024**2,
        "bytes_dense": 8 * 1024**2,
        "bytes_formula": 1024**2,
        "bytes_buffers": 24 * 1024**2,
        "synaptic_operations": {"total": 268901.12, "static": 100860.0, "layers": {}},
    }  # fmt: skip


@pytest.mark.parametrize(("changes", "rows"), [
    ({}, [
        "test accuracy 98.76 %",
        "density 5.00 % reached, 4.90 % asked",
        "active weights 31,760 of 635,200",
        "linear1.weight 26,560 26,561 627,200 4.23 %",
        "memory held 512.0 KiB, 6.2 % of dense",
        "peak of the run 3.00 MiB, 37.5 % of dense",
        "paper's formula 1.00 MiB (III-D: T gradients, no momentum)",
        "dense 8.00 MiB",
        "activations 24.00 MiB of a batch, beside the memory held",
        "operations 268,901 synaptic operations per sample and forward (and 100,860 multiply-",
        "work 2e+06 useful multiply-adds of training, 7e+04 executed",
        "energy 4.286 µJ per inference: 100,000 multiply-adds × 17.86 pJ + 200,000 synaptic "
        "operations × 12.50 pJ\n",
        "as ESL counts 0.567 µJ (connections × 17.86 pJ, GPU), 0.397 µJ (× 12.50 pJ, TrueNorth)",
        "spike rate 0.1234 spikes per neuron and time step\n",
    ]),
    ({"energy": ENERGY | {"multiply_adds": 0.0}}, [
        "energy 4.286 µJ per inference: 200,000 synaptic operations × 12.50 pJ\n",
    ]),
    ({"time_steps": None, "undecided": 3, "confusion": [[5, 3], [0, 4]]}, [
        "spike rate 0.1234 spikes per neuron and sample\n",
        "undecided 3 of 12 test samples without an output spike\n",
    ]),
    ({"asked": None, "density_asked": None}, [  # density is an outcome
        "density 5.00 % reached, none asked",
        "linear1.weight 26,560 627,200 4.23 %",
    ]),
    ({"dense_run": "runs/dense", "relative_cost": 0.0567, "work_training": {}}, [
        "relative cost 0.0567 of the dense run runs/dense (estimate, IV-C)",
    ]),
    ({"synaptic_operations": {"total": 1000.0, "static": 0.0, "layers": {}}}, [
        "operations 1,000 synaptic operations per sample and forward\n",
    ]),
])  # fmt: skip
def test_the_closing_table_sets_reached_beside_asked(summary, changes, rows):
    lines = closing_table(summary | changes).splitlines()
    text = "".join(f"\n{' '.join(line.split())}\n" for line in lines)
    for row in rows:
        assert f"\n{row}" in text
    assert ("undecided" in text) == ("undecided" in changes)


def steps(words, *plugins):
    return [
        line.strip()
        for line in next_steps("runs/a b", load_config(None, words), plugins).splitlines()
        if line.startswith("  nsnn ")
    ]


def test_next_steps_begin_with_the_runs_own_options(tmp_path):
    words = ["model.layers=300", "optim.nesterov=true", "method.final_sparsity=0.9"]
    words += ["model.name=custom", "model.init=active_fan_in"]
    plugin = "--plugin 'my own.py'"
    assert steps(words, "my own.py") == [
        f"nsnn eval 'runs/a b' {plugin}",
        f"nsnn plot 'runs/a b' {plugin}",
        f"nsnn train {plugin} --set model.name=custom --set model.layers=300 "
        "--set optim.nesterov=true --set method.name=dense --out 'runs/a b-dense'",
        f"nsnn train {plugin} 'runs/a b/config.toml' --set train.dense_run='runs/a b-dense'",
        "nsnn data get mnist",
        f"nsnn train {plugin} 'runs/a b/config.toml' --set data.name=mnist",
    ]
    config = load_config(None, shlex.split(steps(words)[2])[3::2][:-1])
    changes = [name for name, *_ in differences(config, load_config(None, words))]
    assert {name for name in changes if not name.startswith("method.")} == {"model.init"}
    *_, last = steps(["train.dense_run=runs/b"])
    assert last.endswith("--set data.name=mnist --set train.dense_run=")


def test_next_steps_of_runs_that_lead_nowhere_else():
    assert len(steps(["method.name=dense", "data.name=mnist"])) == 2
    assert len(steps(["data.name=mnist", "train.dense_run=runs/b"])) == 2
