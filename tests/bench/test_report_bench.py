"""Results as text; what each benchmark prints stands in test_bench_command.py."""

from nsnn.bench import report
from nsnn.bench.child import Job


def spread(median):
    return {"median": median, "low": 0.9 * median, "high": 1.2 * median}


def test_a_step_is_compared_and_its_layers_have_rates_where_there_are_weights():
    parts = ("step", "forward", "backward", "update")
    layers = [
        {"name": "conv1", "forward": 0.001, "backward": 0.002, "density": 0.5,
         "forward_operations": 11e6, "backward_operations": 44e6},
        {"name": "norm1+lif1", "forward": 0.003, "backward": None},
    ]  # fmt: skip
    ours = {"seconds": {part: spread(0.1) for part in parts}, "memory": spread(3 << 20)}
    theirs = {"seconds": {"step": spread(1.0)}, "memory": spread(9 << 20)}
    found = {
        "job": vars(Job("mlp", density=0.05)), "ours": ours | {"work": 0.05, "layers": layers},
        "theirs": theirs, "against": "spikingjelly",
        "ratio": {"time": {"median": 10, "low": 9, "high": 11}, "memory": spread(3)},
    }  # fmt: skip
    step, compared, table = report.training("step", [found]).split("\n\n")
    line = step.splitlines()[1]
    assert line.startswith("erk 0.05")
    assert "100 ms (90.0–120)" in line
    assert "  -  " in line  # rewire, which was not measured
    assert line.rstrip().endswith("3.00 MiB")
    assert "spikingjelly step" in compared
    assert "10.00× (9.00–11.00)" in compared
    assert "9.00 MiB" in compared
    conv, lif = table.splitlines()[-2:]
    assert conv.split() == ["conv1", "50.00", "%", "1.00", "ms", "2.00", "ms", "11", "22"]
    assert lif.split() == ["norm1+lif1", "3.00", "ms", "-"]


def test_kernels_show_the_break_even_and_a_dash_for_a_rate_that_noise_has_eaten():
    timed = dict.fromkeys(("forward", "gradient", "input_gradient"), 0.01)
    timed |= {"total": spread(0.01), "operations": 12e7}
    noisy = timed | {"input_gradient": -0.001}
    found = {
        "shape": "4-5", "dense": timed, "sparse": [{"density": 0.1, "ratio": 1.5} | noisy],
        "break_even": {"density": 0.2345, "relation": "≥"},
    }  # fmt: skip
    text = report.kernels(found)
    assert text.startswith("4-5\n")
    assert "10.0 ms (9.00–12.0)" in text
    assert "12 / 12 / -" in text
    assert "1.50×" in text
    assert "break-even density ≥ 0.234" in text
