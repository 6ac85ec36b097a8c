"""Pictures of run folders: what is made, what is left out, what is said."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import image

import nsnn
from nsnn.data import Split, load
from nsnn.errors import RunError, UserError
from nsnn.layers import LIF
from nsnn.plot import pictures, plot_comparison, plot_run
from nsnn.sparsity.schedule import sparsity_at

# Of other runs: see tests/test_first_spike_run.py and test_spines.py.
ELSEWHERE = {"exploration.png", "receptive_fields.png", "spike_times.png", "race.png"}
ELSEWHERE |= {"bounds.png", "spines.png", "events.png"}
USUAL = [name for name in pictures.PICTURES if name not in ELSEWHERE]


@pytest.fixture
def run(finished):
    """A finished run; of its pictures, those that a test asks for."""
    return pictures.RunData(finished)


@pytest.fixture
def test_split(tiny_data):
    return load("arrays", tiny_data).test


def draw(run, name):
    """The axes of one picture."""
    return pictures.draw(run, f"{name}.png").axes


def test_all_pictures_of_a_finished_run(finished, run):
    made = plot_run(finished)
    assert [path.name for path in made] == USUAL
    for path in made:
        assert image.imread(path).shape[0] > 100
        assert path.stat().st_size < 200_000
    assert sorted((finished / "plots").iterdir()) == sorted(made)  # nothing temporary stays
    (_, accuracy) = draw(run, "training")
    assert accuracy.lines[-1].get_ydata()[0] == 100 * run.summary["test_accuracy"]


def test_a_run_lacks_what_it_has_not_done(finished):
    for name in ("summary.json", "topology.npz", "checkpoint.npz"):
        (finished / name).unlink()
    assert [path.name for path in plot_run(finished)] == ["training.png", "spike_rates.png"]
    (finished / "metrics.jsonl").unlink()
    assert plot_run(finished) == []


def test_sparsity_runs_over_each_event_to_the_present_step_before_what_was_asked(run):
    (ax,) = draw(run, "sparsity")
    name, rounds = "linear1.weight", [*range(4, 40, 4)]
    lines = {line.get_label().split()[0]: line for line in ax.lines}
    line = lines["linear1"]
    np.testing.assert_array_equal(line.get_xdata(), [0, *rounds, 45])
    active = np.array([run.log.positions_at(name, step).size for step in (0, *rounds, 45)])
    np.testing.assert_allclose(line.get_ydata(), 100 * (1 - active / 1620))
    asked = [line for line in ax.lines if line.get_linewidth() == 5 and line.get_xdata().size]
    t, theta = asked[run.log.names.index(name)].get_data()
    # Eq. 4 up to the last round.
    sparse = 1 - active / 1620
    np.testing.assert_allclose(theta, 100 * sparsity_at(t, 36, sparse[0], sparse[-1]))
    assert (t[0], t[-1]) == (0, 45)


def test_masks_before_and_after_are_the_logs(run):
    axes = draw(run, "masks")
    changing = [p for p in run.network.parameters() if p.name in run.log.names]
    for i, p in enumerate(changing):
        before, after = (np.flatnonzero(ax.images[0].get_array()) for ax in axes[2 * i : 2 * i + 2])
        np.testing.assert_array_equal(before, run.log.positions_at(p.name, -1))
        np.testing.assert_array_equal(after, p.positions())


def test_neurons_are_those_of_the_last_spiking_layer(run, test_split):
    trace, raster = draw(run, "neurons")
    network = nsnn.load(run.folder)
    network.predict(test_split.images[:1])
    lif = [layer for layer in network.layers() if isinstance(layer, LIF)][-1]
    lines = [line for line in trace.lines if line.get_label().startswith("neuron")]
    dots = [line for line in trace.lines if line.get_marker() == "."]
    for line, dotted in zip(lines, dots, strict=True):
        number = int(line.get_label().split()[1])
        np.testing.assert_array_equal(dotted.get_ydata(), lif.v[number, :, 0])
    assert len(lines) == 4
    assert next(iter(trace.lines)).get_ydata()[0] == 1.0  # the run's threshold
    assert raster.lines[0].get_xdata().size == lif.s.sum()


def test_mistakes_are_the_samples_that_the_network_gets_wrong(run, test_split):
    run.network.parameters()[-1].data[0] += 1.0  # of some samples it says now that they are of 0
    predicted = run.network.predict(test_split.images)
    wrong = predicted != test_split.labels
    said = [ax.get_xlabel().split()[1] for ax in draw(run, "mistakes") if ax.images]
    assert len(said) == min(10, wrong.sum()) > 0
    assert {*said} <= {str(label) for label in predicted[wrong]}


def test_mistakes_on_events_show_their_sum_over_time(run):
    events = np.random.default_rng(2).integers(0, 3, (6, 4, 2, 5, 5)).astype(np.uint8)
    run.samples = Split(events, np.array([0, 0, 5, 0, 0, 0]))
    run.network = SimpleNamespace(scores=lambda images, batch_size: np.zeros((len(images), 10)))
    ax, *_ = draw(run, "mistakes")
    summed = events.sum(axis=1) / events.sum(axis=1).max()
    np.testing.assert_allclose(ax.images[0].get_array(), summed[2].mean(axis=0))


def test_missing_data_stops_only_the_pictures_that_need_it(finished, tiny_data, monkeypatch):
    some = ("masks.png", "neurons.png", "mistakes.png", "events.png")
    monkeypatch.setattr(pictures, "PICTURES", {name: pictures.PICTURES[name] for name in some})
    config = finished / "config.toml"
    config.write_text(config.read_text().replace(str(tiny_data), "/nowhere"))
    message = r"without neurons.png and what comes after, for .*/nowhere"
    with pytest.raises(UserError, match=message) as error:
        plot_run(finished)
    assert "\n" not in str(error.value)
    assert [path.name for path in (finished / "plots").iterdir()] == ["masks.png"]


def test_a_run_on_events_shows_the_frames_of_a_sample(finished, monkeypatch):
    frames = np.random.default_rng(2).integers(0, 3, (6, 4, 2, 5, 5)).astype(np.uint8)
    monkeypatch.setattr(pictures.RunData, "samples", Split(frames, np.zeros(6, np.int64)))
    monkeypatch.setattr(pictures, "PICTURES", {"events.png": pictures.PICTURES["events.png"]})
    (strip,) = plot_run(finished)
    assert image.imread(strip).shape[0] > 100
    # Frames that are not of ON and OFF are no picture.
    monkeypatch.setattr(pictures.RunData, "samples", Split(frames[:, :, :1], np.zeros(6, np.int64)))
    assert plot_run(finished) == []


@pytest.mark.parametrize(("name", "content", "message"), [
    ("metrics.jsonl", '{"epoch": 0\n', "line 1 of .*damaged"),
    ("metrics.jsonl", '{"epoch": 0}\n', "line 1 of .*damaged"),
    ("summary.json", '{"test_accuracy": 1}', "damaged"),
    ("plots", "not a folder", "plots"),
])  # fmt: skip
def test_a_run_that_cannot_be_read_or_drawn_is_a_failure(finished, name, content, message):
    (finished / name).write_text(content)
    with pytest.raises(RunError, match=message):
        plot_run(finished)


def test_comparison_goes_into_the_first_run_or_where_it_is_told(finished, tmp_path):
    assert plot_comparison([finished, finished]) == finished / "plots" / "comparison.png"
    for name, start in (("a.pdf", b"%PDF"), ("a.SVG", b"<?xml"), ("a", b"\x89P")):
        out = plot_comparison([finished], out=tmp_path / name)
        assert out == tmp_path / name
        assert out.read_bytes().startswith(start)  # the format of its name
    assert image.imread(out, format="png").shape[:2] == (600, 900)
    first = (tmp_path / "a.pdf").read_bytes()
    assert plot_comparison([finished], tmp_path / "a.pdf").read_bytes() == first


def test_comparisons_that_are_refused(finished, tmp_path):
    with pytest.raises(UserError, match=r"a.gif: a picture is .png or .pdf or .svg"):
        plot_comparison([finished], tmp_path / "a.gif")
    (finished / "metrics.jsonl").unlink()
    with pytest.raises(UserError, match="whole has no finished epoch"):
        plot_comparison([finished])
    with pytest.raises(UserError, match="at least one"):
        plot_comparison([])
