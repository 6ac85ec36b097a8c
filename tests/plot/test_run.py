"""Pictures of run folders: what is made, what is left out, what is said."""

import json

import numpy as np
import pytest
from matplotlib import image

import nsnn
from nsnn.data import Split
from nsnn.errors import RunError, UserError
from nsnn.layers import LIF, Parameter
from nsnn.neuron import Neuron
from nsnn.plot import pictures, plot_comparison, plot_run
from nsnn.sparsity.log import TopologyLog
from nsnn.sparsity.schedule import sparsity_at

EPOCHS, STEPS = 4, 20  # steps an epoch
# Of other runs: see tests/test_first_spike_run.py.
ELSEWHERE = {"exploration.png", "receptive_fields.png", "spike_times.png", "race.png"}
EVENTS = "events.png", "events.gif"
USUAL = [name for name in pictures.PICTURES if name not in (*ELSEWHERE, *EVENTS)]
SHAPES = {"conv1.weight": (4, 9), "fc1.weight": (10, 40)}
CONFIG = """
[data]
name = "glyphs"
batch = 8
[neuron]
threshold = 0.5
[method]
name = "ndsnn"
distribution = "uniform"
initial_sparsity = 0.5
final_sparsity = 0.9
update_every = 8
[train]
epochs = 4
"""


def record(epoch):
    return {
        "epoch": epoch,
        "step": (epoch + 1) * STEPS,
        "train_loss": 2.0 / (epoch + 1),
        "train_accuracy": 1 - 0.5 / (epoch + 1),
        "validation_accuracy": None,
        "density": 0.5 - 0.1 * epoch,
        "spike_rate": 0.1,
        "relative_cost": 0.2,
        "spike_rates": {"lif1": 0.08, "lif2": 0.12},
        "layers": {name: {"active": 9 - epoch, "size": 36} for name in SHAPES},
    }


def topology_log(rng):
    log = TopologyLog()
    active = {}
    for name, shape in SHAPES.items():
        size = shape[0] * shape[1]
        active[name] = np.sort(rng.choice(size, size // 2, replace=False))
        log.start(name, size, active[name])
    for step in (8, 16, 24):
        for name, positions in active.items():
            log.record(step, name, positions[:3], np.empty(0, np.int64), raised=step == 24)
            active[name] = positions[3:]
    return log, active


class Network:
    """Says of an image the class that its first pixel holds."""

    input_shape = (1, 6, 6)

    def __init__(self, active, rng):
        self._parameters = []
        for name, shape in SHAPES.items():
            p = Parameter(name, rng.normal(size=shape), prunable=True)
            p.sparsify(active[name])
            self._parameters.append(p)
        self.lif = LIF(Neuron(threshold=0.5, time_steps=4), np.float64, "lif2")
        self.lif.forward(rng.normal(size=(2, 3, 3, 4, 1)))

    def wake(self):
        """No neuron is left out."""

    def parameters(self):
        return self._parameters

    def layers(self):
        return [LIF(Neuron(), name="lif1"), self.lif]

    def scores(self, images, batch_size=128):
        first = images[:, 0, 0, 0]
        return np.eye(10)[first]

    def predict(self, images):
        return self.scores(images).argmax(axis=1)


@pytest.fixture
def folder(tmp_path):
    run = tmp_path / "ndsnn-001"
    run.mkdir()
    (run / "config.toml").write_text(CONFIG)
    lines = [json.dumps(record(epoch)) + "\n" for epoch in range(EPOCHS)]
    (run / "metrics.jsonl").write_text("".join(lines))
    summary = {"confusion": np.eye(10, dtype=int).tolist(), "test_accuracy": 0.75}
    (run / "summary.json").write_text(json.dumps(summary))
    log, _ = topology_log(np.random.default_rng(0))
    np.savez_compressed(run / "topology.npz", **log.arrays())
    return run


@pytest.fixture
def trained(folder, monkeypatch):
    """The folder with a checkpoint, whose network and data are stand-ins."""
    rng = np.random.default_rng(1)
    network = Network(topology_log(np.random.default_rng(0))[1], rng)
    images = rng.integers(0, 10, (30, 1, 5, 5)).astype(np.uint8)
    labels = images[:, 0, 0, 0].astype(np.int64)
    labels[[4, 20]] = (labels[[4, 20]] + 1) % 10
    batch = Split(images, labels)
    (folder / "checkpoint.npz").write_bytes(b"")
    monkeypatch.setitem(vars(nsnn), "load", lambda path: network)
    monkeypatch.setattr(pictures.RunData, "samples", batch)
    return folder, network, batch


def draw(folder, name):
    """The figure of one picture."""
    return pictures.PICTURES[f"{name}.png"](pictures.RunData(folder))


def test_all_pictures_of_a_finished_run(trained):
    folder, _, _ = trained
    made = plot_run(folder)
    assert [path.name for path in made] == USUAL
    for path in made:
        assert image.imread(path).shape[0] > 100
        assert path.stat().st_size < 200_000
    assert sorted((folder / "plots").iterdir()) == sorted(made)  # nothing temporary stays
    (_, accuracy) = draw(folder, "training").axes
    assert accuracy.lines[-1].get_ydata()[0] == 75.0
    first = [path.read_bytes() for path in made]
    assert [path.read_bytes() for path in plot_run(folder)] == first


def test_a_run_lacks_what_it_has_not_done(folder):
    (folder / "summary.json").unlink()
    (folder / "topology.npz").unlink()
    assert [path.name for path in plot_run(folder)] == ["training.png", "spike_rates.png"]
    (folder / "metrics.jsonl").unlink()
    assert plot_run(folder) == []


def test_sparsity_runs_over_each_event_to_the_present_step_before_what_was_asked(trained):
    folder, _, _ = trained
    (ax,) = draw(folder, "sparsity").axes
    lines = {line.get_label().split()[0]: line for line in ax.lines}
    np.testing.assert_array_equal(lines["fc1"].get_xdata(), [0, 8, 16, 24, EPOCHS * STEPS])
    active = np.array([200, 197, 194, 191, 191])
    np.testing.assert_allclose(lines["fc1"].get_ydata(), 100 * (1 - active / 400))
    _, fc1 = (line for line in ax.lines if line.get_linewidth() == 5 and line.get_xdata().size)
    t, theta = fc1.get_data()
    # Eq. 4 up to the last round: T_end = 60 of 80 steps, so n = 7 rounds at 8 … 56.
    np.testing.assert_allclose(theta, 100 * sparsity_at(t, 56, 0.5, 0.9))
    assert (t[0], t[-1]) == (0, 80)


def test_masks_before_and_after_are_the_logs(trained):
    folder, network, _ = trained
    axes = draw(folder, "masks").axes[:4]
    log, active = topology_log(np.random.default_rng(0))
    for ax, p in zip(axes[1::2], network.parameters(), strict=True):
        shown = np.flatnonzero(ax.images[0].get_array())
        np.testing.assert_array_equal(shown, active[p.name])
    first = np.flatnonzero(axes[0].images[0].get_array())
    np.testing.assert_array_equal(first, log.positions_at("conv1.weight", 0))


def test_neurons_are_those_of_the_last_spiking_layer(trained):
    folder, network, _ = trained
    figure = draw(folder, "neurons")
    trace, raster = figure.axes
    v = network.lif.v.reshape(18, 4)
    lines = [line for line in trace.lines if line.get_label().startswith("neuron")]
    dots = [line for line in trace.lines if line.get_marker() == "."]
    for line, dotted in zip(lines, dots, strict=True):
        np.testing.assert_array_equal(dotted.get_ydata(), v[int(line.get_label().split()[1])])
    assert len(lines) == 4
    assert next(iter(trace.lines)).get_ydata()[0] == 0.5  # the run's threshold
    assert raster.lines[0].get_xdata().size == network.lif.s.sum()


def test_mistakes_are_the_samples_that_the_network_gets_wrong(trained):
    folder, _, batch = trained
    (ax,) = draw(folder, "mistakes").axes
    assert ax.get_title(loc="left") == "2 mistakes in 30 samples: the 2 surest"
    said = {text.get_text().split()[1] for text in ax.texts}
    assert said == {str(batch.images[i, 0, 0, 0]) for i in (4, 20)}


def test_mistakes_on_events_show_their_sum_over_time(trained, monkeypatch):
    folder, network, _ = trained
    events = np.random.default_rng(2).integers(0, 3, (6, 4, 2, 5, 5)).astype(np.uint8)
    samples = Split(events, np.array([0, 0, 5, 0, 0, 0]))
    monkeypatch.setattr(pictures.RunData, "samples", samples)
    # A tie: class 0 for every sample.
    monkeypatch.setattr(network, "scores", lambda images, size: np.zeros((len(images), 10)))
    (ax,) = draw(folder, "mistakes").axes
    summed = events.sum(axis=1) / events.sum(axis=1).max()
    expected = summed[2].mean(axis=0)
    np.testing.assert_allclose(ax.images[0].get_array()[:, :5, 0], expected)


def test_missing_data_stops_only_the_pictures_that_need_it(trained, monkeypatch):
    folder, _, _ = trained

    def absent(run):
        raise UserError("no file t10k-images")

    monkeypatch.setattr(pictures.RunData, "samples", property(absent))
    with pytest.raises(
        UserError, match=r"neurons.png, mistakes.png, because no file t10k"
    ) as error:
        plot_run(folder)
    assert "\n" not in str(error.value)
    made = {path.name for path in (folder / "plots").iterdir()}
    assert made == {*USUAL} - {"neurons.png", "mistakes.png"}


def test_a_run_on_events_shows_the_frames_of_a_sample(trained, monkeypatch):
    folder, _, _ = trained
    (folder / "config.toml").write_text(CONFIG.replace("glyphs", "saccades"))
    frames = np.random.default_rng(2).integers(0, 3, (6, 4, 2, 5, 5)).astype(np.uint8)
    monkeypatch.setattr(pictures.RunData, "samples", Split(frames, np.zeros(6, np.int64)))
    monkeypatch.setattr(pictures, "PICTURES", {n: pictures.PICTURES[n] for n in EVENTS})
    strip, animation = plot_run(folder)
    assert (strip.name, animation.name) == EVENTS
    assert image.imread(strip).shape[0] > 100
    assert animation.read_bytes().startswith(b"GIF89a")
    assert sorted((folder / "plots").iterdir()) == sorted([strip, animation])
    first = animation.read_bytes()
    assert plot_run(folder)[1].read_bytes() == first
    # Frames that are not of ON and OFF are no picture.
    monkeypatch.setattr(pictures.RunData, "samples", Split(frames[:, :, :1], np.zeros(6, np.int64)))
    assert plot_run(folder) == []


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no run"):
        plot_run(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [("metrics.jsonl", '{"epoch": 0\n', "damaged"), ("plots", "not a folder", "plots")],
)
def test_a_run_that_cannot_be_read_or_drawn_is_a_failure(folder, name, content, message):
    (folder / name).write_text(content)
    with pytest.raises(RunError, match=message):
        plot_run(folder)


def test_comparison_goes_into_the_first_run_or_where_it_is_told(folder, tmp_path):
    other = tmp_path / "dense-001"
    other.mkdir()
    (other / "config.toml").write_text(CONFIG)
    (other / "metrics.jsonl").write_text(json.dumps(record(0)) + "\n")
    assert plot_comparison([folder, other]) == folder / "plots" / "comparison.png"
    for name, start in (("a.pdf", b"%PDF"), ("a.SVG", b"<?xml"), ("a", b"\x89P")):
        out = plot_comparison([folder, other], out=tmp_path / name)
        content = out.read_bytes()
        assert out == tmp_path / name
        assert content.startswith(start)  # the format of its name
        assert plot_comparison([folder, other], out).read_bytes() == content
    assert image.imread(out, format="png").shape[:2] == (600, 900)


def test_comparisons_that_are_refused(folder, tmp_path):
    with pytest.raises(UserError, match=r"a.gif: a picture is .png or .pdf or .svg"):
        plot_comparison([folder], tmp_path / "a.gif")
    (folder / "metrics.jsonl").unlink()
    with pytest.raises(UserError, match="ndsnn-001 has no finished epoch"):
        plot_comparison([folder])
    with pytest.raises(UserError, match="at least one"):
        plot_comparison([])
