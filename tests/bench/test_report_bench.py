"""Results as text."""

from nsnn.bench import report
from nsnn.bench.child import Job


def spread(median):
    return {"median": median, "low": 0.9 * median, "high": 1.2 * median}


def result(density, seconds, rate=0.1, threads=1, **more):
    parts = ("step", "forward", "backward", "update")
    ours = {
        "seconds": {part: spread(seconds) for part in parts},
        "memory": spread(3 << 20),
        "density": density,
        "spike_rate": rate,
        "work": density,
        "layers": [],
    }
    return {"job": vars(Job("mlp", density=density, threads=threads)), "ours": ours, **more}


def test_numbers_have_about_three_digits():
    assert report.milliseconds(spread(0.4567)) == "457 ms (411–548)"
    assert report.milliseconds(spread(0.0456)) == "45.6 ms (41.0–54.7)"
    assert report.milliseconds(spread(0.00123)) == "1.23 ms (1.11–1.48)"
    assert report.milliseconds(None) == "-"
    assert report.times({"median": 4.123, "low": 3.9, "high": 4.55}) == "4.12× (3.90–4.55)"


def test_step_shows_each_job_and_a_dash_for_what_was_not_measured():
    lines = report.training("step", [result(0.05, 0.1), result(1.0, 0.5)]).splitlines()
    assert lines[1].startswith("erk 0.05")
    assert lines[2].startswith("dense")
    assert "100 ms (90.0–120)" in lines[1]
    assert lines[1].rstrip().endswith("3.00 MiB")
    assert "  -  " in lines[1]  # rewire


def test_step_compares():
    theirs = {"seconds": {"step": spread(1.0)}, "memory": spread(9 << 20)}
    ratios = {"time": {"median": 10, "low": 9, "high": 11}, "memory": spread(3)}
    text = report.training(
        "step", [result(0.05, 0.1, theirs=theirs, ratio=ratios, against="spikingjelly")]
    )
    assert "spikingjelly step" in text
    assert "10.00× (9.00–11.00)" in text
    assert "9.00 MiB" in text


def test_layers_show_rates_where_there_are_weights():
    found = result(0.05, 0.1)
    found["ours"]["layers"] = [
        {"name": "conv1", "forward": 0.001, "backward": 0.002, "density": 0.5,
         "forward_gflops": 11.0, "backward_gflops": 22.0},
        {"name": "norm1+lif1", "forward": 0.003, "backward": None},
    ]  # fmt: skip
    lines = report.training("step", [found]).splitlines()
    conv, lif = lines[-2:]
    assert conv.split() == ["conv1", "50.00", "%", "1.00", "ms", "2.00", "ms", "11", "22"]
    assert lif.split() == ["norm1+lif1", "3.00", "ms", "-"]


def test_kernels_show_the_break_even():
    products = ("forward", "gradient", "input_gradient", "total")
    timed = {name: spread(0.01) | {"gflops": 12.0} for name in products}
    noisy = timed | {"input_gradient": spread(-0.001) | {"gflops": None}}
    found = {
        "shape": "4-5",
        "dense": timed,
        "sparse": [{"density": 0.1, "ratio": 1.5} | noisy],
        "break_even": {"density": 0.2345, "relation": "≥"},
    }
    text = report.kernels(found)
    assert text.startswith("4-5\n")
    assert "12 / 12 / -" in text
    assert "1.50×" in text
    assert "break-even density ≥ 0.234" in text


def test_an_epoch_says_what_a_step_of_it_takes():
    ours = {"seconds": {"epoch": spread(4.0)}, "steps": 400, "memory": spread(1 << 20)}
    text = report.training("epoch", [{"job": vars(Job("mlp")), "ours": ours}])
    assert "10.00 ms" in text
