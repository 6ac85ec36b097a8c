"""Methods, models and data sets of the user: registered, remembered, refused."""

import json
import pathlib
import re

import numpy as np
import pytest

import nsnn
from nsnn import cli, plugins
from nsnn.data import DATASETS
from nsnn.errors import UserError
from nsnn.methods import METHODS
from nsnn.models import MODELS

EXAMPLE = pathlib.Path(__file__).parent / "plugin_example.py"


@pytest.fixture(autouse=True)
def clean(no_plots):
    """Nothing that a test registers is there for the next."""
    registries = [(registry, dict(registry)) for registry in (METHODS, MODELS, DATASETS)]

    def forget():
        plugins._loaded.clear()
        for registry, before in registries:
            registry.clear()
            registry.update(before)

    yield forget
    forget()


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(EXAMPLE.read_text())
    return path


def train(plugin, out, *assignments):
    """Arguments of a short run with a plug-in."""
    common = ("data.batch=10", "train.epochs=1", "train.threads=1")
    sets = [word for assignment in (*common, *assignments) for word in ("--set", assignment)]
    return ["train", "--plugin", str(plugin), *sets, "--out", str(out)]


@pytest.fixture
def run(plugin, tmp_path, clean, said):
    """The folder of a finished run with the plug-in, in a process that has forgotten it."""
    names = ("method.name=random-static", "model.name=one-hidden", "data.name=bright-half")
    options = (*names, "method.final_sparsity=0.5", "train.epochs=20")
    said(*train(plugin, tmp_path / "run", *options))
    clean()
    return tmp_path / "run"


def test_a_run_with_own_method_model_and_data(run):
    summary = json.loads((run / "summary.json").read_text())
    assert summary["density"] == 0.5
    assert summary["weights"] == 16 * 20 + 20 * 2
    assert summary["test_accuracy"] == 1.0


def test_a_run_folder_names_its_plugin_and_does_not_run_it(run, plugin, clean, said, complaint):
    (run / "summary.json").unlink()
    wanted = f"{run} was made with a plug-in: repeat the command with --plugin {plugin}"
    export = ["export", str(run), "--out", str(run / "a.npz")]
    resume = ["train", "--resume", str(run)]
    plot = ["plot", str(run), str(run), "--out", str(run / "both.png")]
    for words in (["eval", str(run)], plot, export, resume):
        assert complaint(*words).startswith(f"nsnn: error: {wanted}")
        assert not plugins.loaded()
        said(*words, "--plugin", plugin)
        clean()
    assert (run / "summary.json").exists()
    other = run / "other.py"
    other.write_text(f"{START}METHODS['m'] = type('M', (Method,), {{}})")
    assert wanted in complaint("eval", run, "--plugin", other)
    clean()
    with pytest.raises(UserError, match="was made with a plug-in"):
        nsnn.load(run)
    assert nsnn.load(run, plugins=[plugin]).predict(np.zeros((20, 4, 4))).shape == (20,)


def test_a_plugin_that_gave_only_the_data_is_named_too(plugin, tmp_path, clean, said, complaint):
    out = tmp_path / "run"
    said(*train(plugin, out, "data.name=bright-half", "model.name=mlp", "model.width=0.01"))
    clean()
    assert f"repeat the command with --plugin {plugin}" in complaint("eval", out)


def test_a_plugin_that_has_changed_is_warned_of(run, plugin, tmp_path, clean, said, python):
    moved = tmp_path / "moved.py"
    moved.write_text(plugin.read_text())
    plugin.write_text(plugin.read_text() + "\n# another comment\n")
    with pytest.warns(RuntimeWarning, match=f"plug-in {plugin} has changed since {run} was made"):
        said("eval", run, "--plugin", plugin)
    clean()
    (run / "summary.json").unlink()
    with pytest.warns(RuntimeWarning, match="has changed since"):
        said("train", "--resume", run, "--plugin", plugin)
    clean()
    said("eval", run, "--plugin", plugin)  # noted by the resumed run
    clean()
    plugin.write_text(moved.read_text())
    result = python("-m", "nsnn", "eval", run, "--plugin", moved)
    assert result.returncode == 0
    assert re.fullmatch(r"nsnn: warning: .*mine.py has changed since .* made\n", result.stderr)


def test_damaged_notes(run, complaint):
    environment = json.loads((run / "environment.json").read_text())
    (run / "environment.json").write_text(json.dumps(environment | {"plugins": [3]}))
    assert "environment.json are damaged" in complaint("eval", run, code=1)


START = """\
from dataclasses import dataclass
from nsnn.data import DATASETS
from nsnn.methods import METHODS, Method
from nsnn.models import MODELS
"""


def method(config):
    return f"{START}class M(Method):\n{config}\nMETHODS['m'] = M"


def config(field):
    return method(f"    @dataclass(frozen=True)\n    class Config(Method.Config): {field}")


@pytest.mark.parametrize(("code", "message"), [
    ("x = 1\n\nx = 1 / 0\n", r", line 3: ZeroDivisionError: division by zero"),
    ("x = 1\nx = (\n", r", line 2: SyntaxError: .*never closed"),
    ("import no_such_module\n", r", line 1: ModuleNotFoundError: .*no_such_module"),
    ("raise SystemExit\n", r", line 1: SystemExit$"),
    ("\0", r"null bytes"),
    ("x = 1\n", r" registers nothing in METHODS, MODELS or DATASETS"),
    (f"{START}METHODS['ndsnn'] = METHODS['set']", r": the method 'ndsnn' is there already"),
    (f"{START}METHODS['m'] = 3", r": the method 'm' is no class derived from"),
    (method("    def __init__(self): pass"), r"the method 'm' has to be called with 1 arg"),
    (method("    class Config: pass"), r"'m' needs a Config derived from Method.Config"),
    (method("    class Config(Method.Config): x: int = 1"), r"@dataclass\(frozen=True\) above"),
    (config("x: list = None"), r"'m' needs .* options are bool, int, float or str"),
    (config("x: int"), r"'m' needs .* and have defaults"),
    (method("    def end_epoch(self): pass"), r"'m' has to define end_epoch\(self, epoch: int"),
    (method("    def update(self, step, *, optimiser, lr): pass"), r"to define update\(self, st"),
    (f"{START}MODELS['m'] = lambda neuron: 3", r"model 'm' has to be called with 7 arg"),
    (f"{START}DATASETS['d'] = lambda: 3", r"data set 'd' has to be called with 1 argument"),
])  # fmt: skip
def test_a_plugin_that_cannot_be_used_says_where_and_leaves_nothing(tmp_path, code, message):
    before = [dict(registry) for registry in (METHODS, MODELS, DATASETS)]
    path = tmp_path / "bad.py"
    path.write_text(code)
    with pytest.raises(UserError, match=rf"plug-in .*bad\.py.*{message}"):
        plugins.load_files([path])
    assert before == [METHODS, MODELS, DATASETS]
    assert plugins.loaded() == []


FAILING = """
def d(directory):
    {data}
    rng = np.random.default_rng(0)
    images, labels = rng.random((40, 4, 4)), np.arange(40) % 2
    return dict(train_images=images, train_labels=labels, test_images=images, test_labels=labels)


def n(neuron, input_shape, classes, rng, width, norm, dtype):
    {model}
    return Sequential([Flatten(), Integrator(16, classes, rng, dtype, name="linear1")])


class M(Method):
    @dataclass(frozen=True)
    class Config(Method.Config):
        def validate(self):
            {validate}

    def prepare(self, network, run, rng, log):
        {prepare}
        super().prepare(network, run, rng, log)

    def before_backward(self, step):
        {step}
"""
REGISTER = 'METHODS["m"], MODELS["n"], DATASETS["d"] = M, n, d\n'
PLACES = ("data", "model", "validate", "prepare", "step")


def failing(path, **statements):
    """A plug-in that runs these statements in these places."""
    imports = (
        f"import numpy as np\nfrom nsnn.layers import Flatten, Integrator, Sequential\n{START}"
    )
    code = FAILING.format(**dict.fromkeys(PLACES, "pass") | statements)
    path.write_text(f"{imports}{code}\n\n{REGISTER}")
    return train(path, path.parent / "run", "data.name=d", "model.name=n", "method.name=m")


@pytest.mark.parametrize(("place", "statement", "message"), [
    ("data", "raise ValueError('two\\nlines')", "ValueError: two lines"),
    ("model", "raise OSError(2, 'gone')", "FileNotFoundError: [Errno 2] gone"),
    ("validate", "raise SystemExit", "SystemExit"),
    ("prepare", "raise SystemExit", "SystemExit"),
    ("step", "np.zeros(3).reshape(2)",
     "ValueError: cannot reshape array of size 3 into shape (2,)"),
])  # fmt: skip
def test_a_plugin_that_fails_later_says_where(tmp_path, complaint, place, statement, message):
    path = tmp_path / "late.py"
    words = failing(path, **{place: statement})
    line = next(i for i, t in enumerate(path.read_text().split("\n"), 1) if t.strip() == statement)
    assert complaint(*words) == f"nsnn: error: plug-in {path}, line {line}: {message}\n"


@pytest.mark.parametrize("made", ["'x'", "Sequential(['x'])", "Sequential([Residual('x')])"])
def test_a_model_that_is_not_made_of_layers(tmp_path, complaint, made):
    model = f"from nsnn.layers import Residual, Sequential; return {made}"
    words = failing(tmp_path / "m.py", model=model)
    assert "its function returned a str, no layer" in complaint(*words)


@pytest.mark.parametrize(("body", "message"), [
    ("def __init__(self, config): self.x = 1", "__init__ has to call super().__init__(config)"),
    ("def prepare(self, *arguments): pass", "prepare has to call super().prepare(network"),
    ("def prepare(self, *a): super().prepare(*a), self.prunable[0].sparsify(np.arange(3))",
     "made linear1.weight sparse without a word to the log: call log.start("),
    ("def schedule(self, step): return 3", "schedule to return (step, steps)"),
    ("def schedule(self, step): return 1, 2, 3", "schedule to return (step, steps)"),
    ("def schedule(self, step): return step, 0.5", "schedule to return (step, steps)"),
    ("def targets(self): return {}", "targets None or a number for each prunable weight"),
    ("def bytes_held(self): return None", "bytes_held a number"),
    ("def state(self): return 3", "state a dictionary"),
])  # fmt: skip
def test_a_method_that_is_not_what_training_relies_on(tmp_path, complaint, body, message):
    path = tmp_path / "mine.py"
    words = failing(path)
    code = path.read_text()
    path.write_text(code[: code.index("class M")] + f"class M(Method):\n    {body}\n{REGISTER}")
    assert message in complaint(*words)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("statement", "code", "message"), [
    ("raise nsnn.errors.UserError('do so')", 2, "do so\n"),
    ("raise nsnn.errors.RunError('full')", 1, "full\n"),
    ("raise KeyboardInterrupt", 130, "interrupted\n"),
    ("raise MemoryError('8 GiB')", 1, "not enough memory: 8 GiB"),
])  # fmt: skip
def test_what_says_enough_by_itself_is_left_alone(tmp_path, complaint, statement, code, message):
    words = failing(tmp_path / "late.py", step=f"import nsnn.errors; {statement}")
    assert complaint(*words, code=code).startswith(f"nsnn: error: {message}")


def test_an_error_of_nsnn_keeps_its_traceback(tmp_path, monkeypatch):
    def fail(*arguments):
        raise ZeroDivisionError

    monkeypatch.setattr("nsnn.training.loop.check_finite", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(failing(tmp_path / "fine.py"))


def test_a_plugin_is_run_once_and_needs_a_file(plugin, tmp_path):
    plugins.load_files([plugin, plugin])
    plugins.load_files([plugin])
    assert [note["file"] for note in plugins.loaded()] == [str(plugin)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine.py"]
    with pytest.raises(UserError, match=r"--plugin .*nowhere.py: cannot be read"):
        plugins.load_files([tmp_path / "nowhere.py"])
