"""Cells that differ in their seed, taken together."""

import doctest
import importlib
import math

import pytest

from nsnn.experiments.expand import cells
from nsnn.experiments.measures import measure
from nsnn.experiments.spec import PaperValue
from nsnn.experiments.summary import Group, group, spread


@pytest.mark.parametrize("name", ["summary", "settings", "names"])
def test_examples_of_the_docstrings(name):
    results = doctest.testmod(importlib.import_module(f"nsnn.experiments.{name}"))
    assert results.attempted > 0
    assert results.failed == 0


def test_mean_and_sample_standard_deviation_by_hand():
    found = spread([1.0, 2.0, 6.0])
    assert found.mean == 3.0
    assert found.sd == pytest.approx(math.sqrt((4 + 1 + 9) / 2))
    assert found.n == 3


def test_one_value_has_no_spread_and_none_nothing():
    assert spread([0.5]).sd is None
    assert spread(iter([])) is None


def test_groups_count_what_is_missing(make_experiment, make_record):
    experiment = make_experiment()
    records = [
        make_record(experiment, method="ndsnn", sparsity=0.99, seed=seed, test_accuracy=value)
        for seed, value in ((1, 0.7), (0, 0.9), (5, 0.8))
    ]
    groups = group(cells(experiment, "small"), measure(records), experiment.paper)
    labels = [(each.labels["method"], each.labels.get("sparsity")) for each in groups]
    assert labels == [
        ("dense", None), ("lth", 0.90), ("lth", 0.99), ("ndsnn", 0.90), ("ndsnn", 0.99),
    ]  # fmt: skip
    assert [each.planned for each in groups] == [2] * 5
    assert [len(each.cells) for each in groups] == [0, 0, 0, 0, 3]
    assert [cell.seed for cell in groups[-1].cells] == [0, 1, 5]
    found = groups[-1].spread("test_accuracy")
    assert found.mean == pytest.approx(0.8)
    assert found.sd == pytest.approx(0.1)
    assert groups[0].spread("test_accuracy") is None
    # no dense cell: none of the three has a cost
    assert groups[-1].spread("relative_cost") is None


def test_a_value_of_the_paper_belongs_where_all_its_labels_fit(make_experiment):
    experiment = make_experiment()
    groups = group(cells(experiment, "small"), [], experiment.paper)
    printed = [each.printed("test_accuracy") for each in groups]
    assert [p and p.value for p in printed] == [92.5, None, None, 91.84, 88.1]
    assert groups[0].printed("relative_cost") is None


def test_a_fraction_of_the_paper_is_scaled_but_printed_as_it_is():
    value = PaperValue({}, -0.003, metric="accuracy_change", unit="fraction")
    each = Group({}, 1, (), {"accuracy_change": value})
    assert each.printed("accuracy_change").value == -0.003
    assert each.printed_value("accuracy_change") == pytest.approx(-0.3)


def test_groups_stand_in_one_order_whatever_is_trained_first(make_experiment):
    planned = cells(make_experiment(), "small")
    forwards, backwards = group(planned, []), group(planned[::-1], [])
    assert [each.labels for each in forwards] == [each.labels for each in backwards]
    sparsities = [each.labels["sparsity"] for each in forwards if "sparsity" in each.labels]
    assert len(set(sparsities)) > 1
