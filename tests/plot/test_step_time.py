"""Step time against density."""

import itertools

import pytest

from nsnn.plot.step_time import step_time


def spread(median):
    return {"median": median, "low": 0.9 * median, "high": 1.2 * median}


def result(density, seconds, rate):
    job = {"density": density, "model": "mlp", "distribution": "erk", "batch": 2, "time_steps": 3}
    ours = {"seconds": {"step": spread(seconds)}, "density": density, "spike_rate": rate}
    return {"job": job, "ours": ours}


RESULTS = [result(1.0, 0.8, 0.2), result(0.5, 0.6, 0.1), result(0.1, 0.2, 0.4)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_step_time_draws_measurement_dense_line_and_model(order):
    ax = step_time([RESULTS[i] for i in order])
    measured, dense, model = (
        next(line for line in ax.get_lines() if len(line.get_xdata()) == 2
             and line.get_linestyle() == style)
        for style in ("-", "--", ":")
    )  # fmt: skip
    assert list(measured.get_xdata()) == [10.0, 50.0]
    assert list(measured.get_ydata()) == [200.0, 600.0]
    bars = ax.containers[0][2][0].get_segments()
    assert [bar[:, 1] for bar in bars] == [pytest.approx([180, 240]), pytest.approx([540, 720])]
    assert list(dense.get_ydata()) == [800.0, 800.0]
    # R_s · density / R_d of the dense step.
    expected = [0.4 * 0.1 / 0.2 * 800, 0.1 * 0.5 / 0.2 * 800]
    assert list(model.get_ydata()) == pytest.approx(expected)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(labels) == 3


def test_step_time_draws_the_peer():
    theirs = [{"seconds": {"step": spread(seconds)}} for seconds in (3.0, 2.0, 1.0)]
    found = zip(RESULTS, theirs, strict=True)
    ax = step_time([ours | {"against": "snntorch", "theirs": peer} for ours, peer in found])
    peer = next(line for line in ax.get_lines() if "snntorch" in str(line.get_label()))
    assert list(peer.get_ydata()) == [1000.0, 2000.0]
