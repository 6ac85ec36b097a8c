"""Measures of a cell relative to the dense and the LTH cell, and of cells that differ in seed."""

import pytest

from nsnn.experiments import PaperValue
from nsnn.experiments.cells import cells
from nsnn.experiments.measures import (
    Group,
    epochs_of_equal_work,
    group,
    measure,
    partner,
    training_cost,
)


@pytest.fixture
def dense(experiment, make_record):
    return make_record(experiment, method="dense", rates=(0.4, 0.2))


@pytest.fixture
def sparse(experiment, make_record):
    values = {"rates": (0.2, 0.1), "densities": (0.5, 0.25)}
    return make_record(experiment, method="ndsnn", sparsity=0.90, **values)


@pytest.mark.parametrize(("rates", "cost", "reason"), [
    # (0.2 · 0.5 / 0.4 + 0.1 · 0.25 / 0.2) / 2; the quotient of the means would be 0.1875
    ((0.4, 0.2), (0.25 + 0.125) / 2, ""),
    ((0.4, 0.4, 0.4), None, "2 epochs against 3 of the dense cell"),
    ((0.4, 0.0), None, "an epoch of the dense cell has no spike"),
])  # fmt: skip
def test_training_cost_by_hand(experiment, make_record, sparse, rates, cost, reason):
    dense = make_record(experiment, method="dense", rates=rates)
    assert training_cost(sparse, dense) == (pytest.approx(cost), reason)


def test_the_cost_of_dense_is_one(dense):
    (found,) = measure([dense])
    assert found["relative_cost"] == 1.0
    assert found["accuracy_change"] == 0.0
    assert "cost_to_lth" not in found
    assert found["reasons"] == []


def worked(record, useful, growth=0):
    """The record of a cell that counted its work."""
    work = {"useful/forward": useful, "useful/growth": growth, "executed/forward": 10 * useful}
    return record | {"work_training": work}


def test_work_is_relative_to_dense_where_both_are_counted(dense, sparse):
    keys = ("useful_to_dense", "executed_to_dense")
    for one, other in ((sparse, dense), (worked(sparse, 100), dense), (sparse, worked(dense, 800))):
        _, found = measure([other, one])
        assert [found[key] for key in keys] == [None, None]
    _, found = measure([worked(dense, 800), worked(sparse, 100, growth=100)])
    assert [found[key] for key in keys] == [0.25, 0.125]


def test_epochs_of_equal_work(sparse, refused):
    """Growth in rounds of the method's choice costs the same in a run of any length: 20 + 40 E."""
    cell = worked(sparse, 80, growth=20)
    assert epochs_of_equal_work(cell, 20 + 40 * 7) == 7
    assert epochs_of_equal_work(cell, 1.02 * (20 + 40 * 7)) == 7
    with refused("ndsnn", "within 3% of", " 160, the nearest, 4, is 1.12"):
        epochs_of_equal_work(cell, 20 + 40 * 3.5)
    with refused("no count of its work: train it anew"):
        epochs_of_equal_work(sparse, 300)
    # Growth every so many steps is in proportion to the epochs.
    sparse["config"]["method.update_every"] = 100
    assert epochs_of_equal_work(worked(sparse, 80, growth=20), 50 * 7) == 7


def test_without_a_dense_cell_the_reason_is_given(sparse):
    (found,) = measure([sparse])
    assert found["relative_cost"] is None
    assert not {"cost_to_lth", "operations_to_dense", "accuracy_change"} & found.keys()
    assert found["partners"]["dense"] is None
    assert any("no dense cell" in reason for reason in found["reasons"])
    assert any("no LTH cell" in reason for reason in found["reasons"])


def test_cost_relative_to_lth_is_a_quotient_of_costs(experiment, make_record, dense, sparse):
    labels = {"method": "lth", "sparsity": 0.90}
    lth = make_record(experiment, **labels, rates=(0.4, 0.2), densities=(1.0, 0.5))
    other = make_record(experiment, method="lth", sparsity=0.99, densities=(0.1, 0.1))
    found = measure([sparse, other, lth, dense])[0]
    assert found["cost_to_lth"] == pytest.approx(0.1875 / 0.75)
    assert found["partners"]["lth"] is lth
    longer = make_record(experiment, **labels, rates=(0.4, 0.2, 0.2))
    found = measure([sparse, longer, dense])[0]
    assert found["relative_cost"] is not None
    assert found["cost_to_lth"] is None
    (reason,) = found["reasons"]
    assert reason == "cost / LTH: of the LTH cell, 3 epochs against 2 of the dense cell"


def test_operations_and_times_are_those_of_the_whole_training(dense, sparse):
    sparse |= {
        "synaptic_operations_training": {"total": 50, "static": 900}, "seconds": 45.0,
        "cpu_seconds": 30.0, "test_accuracy": 0.85,
    }  # fmt: skip
    found = measure([sparse, dense])[0]
    assert found["operations_to_dense"] == 0.05
    assert found["seconds_to_dense"] == 0.5
    assert found["cpu_seconds_to_dense"] == 0.25
    assert found["accuracy_change"] == pytest.approx(-0.05)
    del sparse["synaptic_operations_training"]  # as a network without them has it
    found = measure([sparse, dense])[0]
    assert found["operations_to_dense"] is None
    assert found["relative_cost"] is not None


@pytest.mark.parametrize(("seed", "lr", "expected"), [(1, 0.1, 1), (7, 0.1, 0), (1, 9.0, 3)])
def test_partners_share_the_rate_then_the_seed(experiment, make_record, sparse, seed, lr, expected):
    dense = [make_record(experiment, method="dense", seed=seed) for seed in (3, 2, 0, 1)]
    dense[0]["config"]["optim.lr"] = 9.0
    sparse |= {"seed": seed, "config": sparse["config"] | {"optim.lr": lr}}
    assert partner(sparse, "dense", dense)["seed"] == expected


def test_a_cell_is_its_own_partner_and_file_order_decides_nothing(experiment, make_record):
    labels = {"method": "lth", "sparsity": 0.90}
    lth = [make_record(experiment, **labels, densities=(d, d)) for d in (1.0, 0.5)]
    for other, fraction in zip(lth, (0.1, 0.2), strict=True):
        other["config"]["method.prune_fraction"] = fraction
        other["digest"] = f"digest {fraction}"
    sparse = make_record(experiment, method="ndsnn", sparsity=0.90)
    dense = make_record(experiment, method="dense")
    for records in ([*lth, sparse, dense], [dense, sparse, *reversed(lth)]):
        for record, found in zip(records, measure(records), strict=True):
            if record["method"] == "lth":
                assert found["partners"]["lth"] is record
                assert found["cost_to_lth"] == 1.0
        assert partner(sparse, "lth", records) is lth[0]


def test_own_cells_come_before_those_of_other_experiments(experiment, make_record, sparse):
    own = make_record(experiment, method="dense", seed=5)
    others = [make_record(experiment, method="dense", seed=seed) for seed in (0, 1)]
    assert partner(sparse, "dense", [own], others) is own
    assert partner(sparse, "dense", [], others) is others[0]
    # as many epochs count more than the same seed
    others[0]["epochs"] = 30
    assert partner(sparse, "dense", [], others)["seed"] == 1


@pytest.mark.parametrize(("key", "value", "within"), [
    ("train.epochs", 6, True), ("train.loss", "tet", True), ("data.validation", 0.1, True),
    ("data.batch", 1, True), ("data.augment", "crop-flip", True),
    ("neuron.preset", "lth", True), ("data_fingerprint", "of another copy", True),
    ("data.name", "cifar10", False), ("model.name", "mlp", False),
    ("model.width", 0.5, False), ("neuron.time_steps", 9, False),
])  # fmt: skip
def test_what_cells_agree_in_to_be_compared(dense, sparse, key, value, within):
    """Within an experiment its author decides about some; its page lists both checksums."""
    (dense if key in dense else dense["config"])[key] = value
    assert (partner(sparse, "dense", [dense]) is dense) == within
    assert partner(sparse, "dense", [], [dense]) is None


def test_groups_stand_in_one_order_and_count_what_is_missing(experiment, make_record):
    records = [
        make_record(experiment, method="ndsnn", sparsity=0.99, seed=seed, test_accuracy=value)
        for seed, value in ((1, 0.7), (0, 0.9), (5, 0.8))
    ]
    planned = cells(experiment, "small")
    groups = group(planned[::-1], measure(records), experiment.paper)
    labels = [(each.labels["method"], each.labels.get("sparsity")) for each in groups]
    assert labels == [
        ("dense", None), ("lth", 0.90), ("lth", 0.99), ("ndsnn", 0.90), ("ndsnn", 0.99),
    ]  # fmt: skip
    assert labels == [tuple(each.pick(("method", "sparsity"))) for each in group(planned, [])]
    assert [each.planned for each in groups] == [2] * 5
    assert [len(each.cells) for each in groups] == [0, 0, 0, 0, 3]
    assert [record["seed"] for record in groups[-1].cells] == [0, 1, 5]
    found = groups[-1].spread("test_accuracy")
    assert (found.n, found.mean) == (3, pytest.approx(80.0))
    assert found.sd == pytest.approx(10.0)  # the divisor is n - 1
    assert groups[0].spread("test_accuracy") is None
    # no dense cell: none of the three has a cost
    assert groups[-1].spread("relative_cost") is None
    # A value of the paper belongs where all its labels fit.
    assert [each.printed("test_accuracy") for each in groups] == [92.5, None, None, 91.84, 88.1]
    assert groups[0].printed("relative_cost") is None


def test_a_fraction_of_the_paper_is_scaled():
    value = PaperValue({}, -0.003, metric="accuracy_change", unit="fraction")
    each = Group({}, 1, (), {"accuracy_change": value})
    assert each.printed("accuracy_change") == pytest.approx(-0.3)
