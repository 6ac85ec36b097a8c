"""The closing table."""

from nsnn.training.report import closing_table, next_steps

SUMMARY = {
    "data": "glyphs",
    "model": "mlp",
    "method": "ndsnn",
    "seed": 3,
    "epochs": 5,
    "steps": 465,
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
    "relative_cost": 0.0567,
    "dense_run": "",
    "bytes_held": 512 * 1024,
    "bytes_held_peak": 3 * 1024**2,
    "bytes_dense": 8 * 1024**2,
    "bytes_formula": 1024**2,
    "bytes_buffers": 0,
    "bytes_process_peak": 300 * 1024**2,
    "seconds": 41.23,
    "cpu_seconds": 80.0,
    "synaptic_operations": {"total": 268901.12, "static": 100860.0, "layers": {}},
    "confusion": [],
}


def row(text, start):
    return " ".join(next(line for line in text.splitlines() if line.startswith(start)).split())


def test_what_was_reached_stands_beside_what_was_asked():
    text = closing_table(SUMMARY)
    assert row(text, "test accuracy") == "test accuracy 98.76 %"
    assert row(text, "density") == "density 5.00 % reached, 4.90 % asked"
    assert row(text, "active weights") == "active weights 31,760 of 635,200"
    assert row(text, "linear1.weight") == "linear1.weight 26,560 26,561 627,200 4.23 %"


def test_a_density_that_is_an_outcome_is_not_asked():
    text = closing_table(SUMMARY | {"asked": None, "density_asked": None})
    assert row(text, "density") == "density 5.00 % reached, none asked"
    assert row(text, "linear1.weight") == "linear1.weight 26,560 627,200 4.23 %"


def test_memory_stands_beside_dense_peak_and_formula():
    text = closing_table(SUMMARY)
    assert "512.0 KiB, 6.2 % of dense" in row(text, "memory held")
    assert "3.00 MiB, 37.5 % of dense" in row(text, "  peak of the run")
    assert "1.00 MiB (III-D: T gradients, no momentum)" in row(text, "  paper's formula")
    assert "8.00 MiB" in row(text, "  dense")


def test_the_cost_says_what_it_is_relative_to():
    assert "if dense spiked as often" in row(closing_table(SUMMARY), "relative cost")
    against = closing_table(SUMMARY | {"dense_run": "runs/dense"})
    assert "spike rates of the dense run: runs/dense" in row(against, "relative cost")


def test_multiply_adds_of_pixels_stand_apart():
    text = row(closing_table(SUMMARY), "operations")
    assert "268,901 synaptic operations" in text
    assert "(and 100,860 multiply-adds of pixels)" in text
    events = SUMMARY | {"synaptic_operations": {"total": 1000.0, "static": 0.0, "layers": {}}}
    assert "pixels" not in row(closing_table(events), "operations")


def test_next_steps_fit_the_run():
    text = next_steps("runs/a", SUMMARY)
    assert "nsnn eval runs/a " in text
    assert "nsnn plot runs/a " in text
    assert "method.name=dense" in text
    assert "nsnn data get mnist" in text
    own = next_steps("runs/a", SUMMARY | {"data": "mine"}, ["my.py"])
    assert "nsnn eval runs/a --plugin my.py " in own
    assert "nsnn train --plugin my.py --set method.name=dense --set data.name=mine " in own
    other = next_steps("runs/b", SUMMARY | {"method": "dense", "data": "mnist"})
    assert "method.name=dense" not in other
    assert "get mnist" not in other
    mnist = next_steps("runs/c", SUMMARY | {"data": "mnist"})
    assert "nsnn train --set method.name=dense --set data.name=mnist " in mnist
