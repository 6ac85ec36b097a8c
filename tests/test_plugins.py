"""Methods, models and data sets of the user: registered, remembered, refused."""

import json
import pathlib

import numpy as np
import pytest

import nsnn
import nsnn.plot
from nsnn import cli, parallel, plugins
from nsnn.data import DATASETS, load
from nsnn.errors import UserError
from nsnn.methods import METHODS
from nsnn.models import MODELS

EXAMPLE = pathlib.Path(__file__).parent / "plugin_example.py"


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    """Nothing that a test registers is there for the next."""
    threads = parallel.get_threads()
    registries = [(registry, dict(registry)) for registry in (METHODS, MODELS, DATASETS)]

    def forget():
        plugins._files.clear()
        plugins._names.clear()
        plugins._given = False
        for registry, before in registries:
            registry.clear()
            registry.update(before)

    monkeypatch.setattr(nsnn.plot, "plot_run", lambda folder: [])
    yield forget
    forget()
    parallel.set_threads(threads)


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(EXAMPLE.read_text())
    return path


@pytest.fixture
def run(plugin, tmp_path, clean, capsys):
    """The folder of a finished run with the plug-in, in a process that has forgotten it."""
    out = tmp_path / "run"
    sets = [
        "method.name=random-static", "method.final_sparsity=0.5", "model.name=one-hidden",
        "data.name=bright-half", "data.batch=10", "train.epochs=20", "train.threads=1",
    ]  # fmt: skip
    words = [word for assignment in sets for word in ("--set", assignment)]
    assert cli.main(["train", "--plugin", str(plugin), *words, "--out", str(out)]) == 0
    clean()
    capsys.readouterr()
    return out


def test_a_run_with_own_method_model_and_data(run):
    summary = json.loads((run / "summary.json").read_text())
    assert summary["density"] == 0.5
    assert summary["weights"] == 16 * 20 + 20 * 2
    assert summary["test_accuracy"] == 1.0


def test_the_run_remembers_its_plugin(run, clean, capsys):
    assert cli.main(["eval", str(run)]) == 0
    assert "test accuracy  100.00 %" in capsys.readouterr().out
    clean()
    assert nsnn.load(run).predict(load("bright-half").test.images).shape == (20,)
    clean()
    (run / "summary.json").unlink()
    assert cli.main(["train", "--resume", str(run)]) == 0
    assert (run / "summary.json").exists()


def test_a_plugin_that_is_gone_or_changed(run, plugin, tmp_path, clean, capsys):
    text = plugin.read_text()
    plugin.write_text(text + "\n# another comment\n")
    assert cli.main(["eval", str(run)]) == 2
    assert "mine.py, which has changed since" in capsys.readouterr().err
    assert cli.main(["eval", str(run), "--plugin", str(plugin)]) == 0
    clean()
    plugin.unlink()
    assert cli.main(["eval", str(run)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "cannot be read" in error
    assert "--plugin mine.py" in error
    moved = tmp_path / "moved.py"
    moved.write_text(text)
    (run / "summary.json").unlink()
    assert cli.main(["train", "--resume", str(run), "--plugin", str(moved)]) == 0
    clean()
    assert cli.main(["eval", str(run)]) == 0  # its new place is known now


START = """\
from dataclasses import dataclass
from nsnn.methods import Method
from nsnn.plugins import register_dataset, register_method, register_model
"""


def method(config):
    return f"{START}@register_method('m')\nclass M(Method):\n{config}"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = 1\n\nx = 1 / 0\n", r"line 3: ZeroDivisionError: division by zero"),
        ("x = 1\nx = (\n", r"line 2: SyntaxError: .*never closed"),
        ("import no_such_module\n", r"line 1: ModuleNotFoundError: .*no_such_module"),
        ("raise SystemExit\n", r"line 1: SystemExit$"),
        ("raise GeneratorExit\n", r"line 1: GeneratorExit$"),
        ("\0", r"null bytes"),
        ("x = 1\n", r": registers nothing: use register_method"),
        (f"{START}register_method('ndsnn')(type('M', (Method,), {{}}))", r"line 4: .*already"),
        (f"{START}register_method('a/b')(type('M', (Method,), {{}}))", r"line 4: 'a/b' cannot"),
        (
            f"{START}@register_method\nclass M(Method): pass",
            r"line 4: give the method a name, such as @register_method",
        ),
        (f"{START}register_method('m')(3)", r"'m' is no method: derive a class"),
        (
            method("    def __init__(self): pass"),
            r"'m' has to be a class of \(config\)",
        ),
        (method("    class Config: pass"), r"M.Config has to be derived from Method.Config"),
        (method("    class Config(Method.Config): x: int = 1"), r"needs @dataclass"),
        (
            method("    @dataclass(frozen=True)\n    class Config(Method.Config): x: list = None"),
            r"M.Config.x: its type has to be",
        ),
        (
            method("    @dataclass(frozen=True)\n    class Config(Method.Config): x: int"),
            r"M.Config.x needs a default",
        ),
        (f"{START}register_model('m')('8C3')", r"has to be a function of \(neuron, input_shape"),
        (f"{START}@register_dataset('d')\ndef d(): pass", r"line 4: .*function of \(directory\)"),
    ],
)
def test_a_plugin_that_cannot_be_used_says_where_and_leaves_nothing(tmp_path, code, message):
    before = len(METHODS), len(MODELS), len(DATASETS)
    path = tmp_path / "bad.py"
    path.write_text(code)
    with pytest.raises(UserError, match=rf"bad\.py.*{message}"):
        plugins.load_files([path])
    assert (len(METHODS), len(MODELS), len(DATASETS)) == before
    assert plugins.loaded() == []
    path.write_text(f"{START}@register_method('ok')\nclass Fine(Method): pass\nx = 1 / 0")
    with pytest.raises(UserError, match="line 6: ZeroDivisionError"):
        plugins.load_files([path])
    assert "ok" not in METHODS


FAILING = """
@register_dataset("d")
def d(directory):
    {data}
    rng = np.random.default_rng(0)
    images, labels = rng.random((40, 4, 4)), np.arange(40) % 2
    return dict(train_images=images, train_labels=labels, test_images=images, test_labels=labels)


@register_model("n")
def n(neuron, input_shape, classes, rng, width, norm, dtype):
    {model}
    return Sequential([Flatten(), Integrator(16, classes, rng, dtype, name="linear1")])


@register_method("m")
class M(Method):
    @dataclass(frozen=True)
    class Config(Method.Config):
        def validate(self):
            {validate}

    def prepare(self, network, run, rng, log, storage="csr"):
        {prepare}
        super().prepare(network, run, rng, log, storage)

    def before_backward(self, step):
        {step}
"""
PLACES = ("data", "model", "validate", "prepare", "step")


def failing(path, **statements):
    """A plug-in that runs these statements in these places."""
    imports = (
        f"import numpy as np\nfrom nsnn.layers import Flatten, Integrator, Sequential\n{START}"
    )
    path.write_text(imports + FAILING.format(**dict.fromkeys(PLACES, "pass") | statements))
    names = ("data.name=d", "model.name=n", "method.name=m", "data.batch=10", "train.epochs=1")
    sets = [word for name in (*names, "train.threads=1") for word in ("--set", name)]
    return ["train", "--plugin", str(path), *sets, "--out", str(path.parent / "run")]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
        ("raise OSError(2, 'gone')", "FileNotFoundError: [Errno 2] gone"),
        ("raise SystemExit", "SystemExit"),
        ("np.zeros(3).reshape(2)", "ValueError: cannot reshape array of size 3 into shape (2,)"),
    ],
)
def test_a_plugin_that_fails_later_says_where(tmp_path, capsys, place, statement, message):
    path = tmp_path / "late.py"
    words = failing(path, **{place: statement})
    line = next(i for i, t in enumerate(path.read_text().split("\n"), 1) if t.strip() == statement)
    assert cli.main(words) == 2
    errors = capsys.readouterr().err
    assert errors == f"nsnn: error: plug-in {path}, line {line}: {message}\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def __init__(self, config): self.x = 1", "__init__ has to call super().__init__(config)"),
        ("def prepare(self, *arguments): pass", "prepare has to call super().prepare(network, "),
        ("def schedule(self, step): return 3", "schedule has to return (step, steps), two whole"),
        ("def schedule(self, step): return step, 0.5", "and returned (0, 0.5)"),
        ("def asked(self): return {}", "asked has to return a whole number for each of linear1"),
        ("def bytes_held(self): return None", "bytes_held has to return a whole number"),
        ("def state(self): return 3", "state has to return a dictionary"),
        ("def state(self): return {'x': object()}", "state: 'x' is no plain array"),
    ],
)
def test_a_method_that_is_not_what_training_relies_on(tmp_path, capsys, body, message):
    path = tmp_path / "mine.py"
    words = failing(path)
    code = path.read_text()
    path.write_text(code[: code.index("@register_method")] + method(f"    {body}")[len(START) :])
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("nsnn: error: method.name = 'm': M.")
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("statement", "code", "message"),
    [
        ("raise nsnn.errors.UserError('do so')", 2, "nsnn: error: do so\n"),
        ("raise nsnn.errors.RunError('full')", 1, "nsnn: error: full\n"),
        ("raise KeyboardInterrupt", 130, "nsnn: error: interrupted\n"),
        ("raise MemoryError('8 GiB')", 1, "nsnn: error: not enough memory: 8 GiB"),
    ],
)
def test_what_says_enough_by_itself_is_left_alone(tmp_path, capsys, statement, code, message):
    words = failing(tmp_path / "late.py", step=f"import nsnn.errors; {statement}")
    assert cli.main(words) == code
    assert capsys.readouterr().err.startswith(message)


def test_an_error_of_nsnn_keeps_its_traceback(tmp_path, monkeypatch):
    def fail(*arguments):
        raise ZeroDivisionError

    monkeypatch.setattr("nsnn.training.loop.check_finite", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(failing(tmp_path / "fine.py"))


def test_an_interrupt_while_a_plugin_is_read_leaves_nothing(tmp_path):
    path = tmp_path / "slow.py"
    path.write_text(
        f"{START}@register_method('ok')\nclass M(Method): pass\nraise KeyboardInterrupt"
    )
    with pytest.raises(KeyboardInterrupt):
        plugins.load_files([path])
    assert "ok" not in METHODS


def test_a_plugin_is_run_once_and_needs_a_file(plugin, tmp_path):
    plugins.load_files([plugin, plugin])
    plugins.load_files([plugin])
    assert [note["file"] for note in plugins.loaded()] == [str(plugin)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine.py"]
    with pytest.raises(UserError, match=r"--plugin .*nowhere.py: cannot be read"):
        plugins.load_files([tmp_path / "nowhere.py"])


def test_what_functions_return_is_checked():
    @plugins.register_dataset("short")
    def short(directory):
        return {"train_images": np.zeros((4, 3, 3))}

    @plugins.register_dataset("odd")
    def odd(directory):
        images, labels = np.zeros((4, 3, 3)), np.arange(4)
        return {
            "train_images": images, "train_labels": labels, "test_images": images + 2,
            "test_labels": labels,
        }  # fmt: skip

    @plugins.register_model("none")
    def nothing(neuron, input_shape, classes, rng, width, norm, dtype):
        return None

    with pytest.raises(UserError, match=r"data.name = short: its function has to return"):
        load("short")
    with pytest.raises(UserError, match=r"odd: test_images has values from 2 to 2"):
        load("odd")
    with pytest.raises(UserError, match=r"model.name = 'none': its function returned a NoneType"):
        MODELS["none"](*range(7))
