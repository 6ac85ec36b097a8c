"""The command line: exit codes, one-line errors, what each command prints."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import nsnn.gradcheck
import nsnn.plot
from nsnn import cli
from nsnn.errors import RunError
from nsnn.losses import LOSSES

COMMANDS = (
    "train", "eval", "predict", "plot", "export", "gradcheck", "bench", "reproduce", "table",
    "data", "docs", "notebook", "info",
)  # fmt: skip

# The command line without pictures, which take longer than a tiny run.
QUICK = """
import sys
from nsnn.__main__ import main
import nsnn.plot
nsnn.plot.plot_run = lambda folder: []
sys.exit(main())
"""


@pytest.fixture
def small(tiny, no_plots):
    """Arguments of a run of a moment."""
    return arguments(*tiny, "train.epochs=2")


def arguments(*assignments):
    return [word for assignment in assignments for word in ("--set", assignment)]


def test_help_loads_nothing_heavy(python):
    program = """
import sys
from nsnn.cli import main
try:
    main(["--help"])
except SystemExit as stop:
    assert stop.code == 0
heavy = {"numpy", "numba", "matplotlib", "tqdm", "importlib.metadata"} & set(sys.modules)
assert not heavy, heavy
"""
    started = time.monotonic()
    result = python("-c", program)
    assert result.returncode == 0, result.stderr
    assert time.monotonic() - started < 5  # 0.1 s on an idle machine; with NumPy and Numba 1 s
    for command in COMMANDS:
        assert f"\n    {command} " in result.stdout or f"\n    {command}\n" in result.stdout


def test_no_command_prints_the_help(said):
    assert said().startswith("usage: nsnn ")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.main([command, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: nsnn {command}")


def test_train_takes_the_next_free_folder(small, tmp_path, monkeypatch, said):
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        out = said("train", *small)
        assert (tmp_path / f"runs/ndsnn-arrays-00{number}/summary.json").exists()
    assert "epoch 2/2  loss" in out
    assert "0 pictures in runs/ndsnn-arrays-002/plots" in out
    assert "try next" in out


def test_train_from_a_file(small, tmp_path, said):
    config, out = tmp_path / "my.toml", tmp_path / "run"
    config.write_text("[train]\nseed = 4\n[optim]\nlr = 0.5\n")
    said("train", config, *small, "--out", out)
    text = (out / "config.toml").read_text()
    assert "seed = 4\n" in text
    assert "lr = 0.5\n" in text
    assert "is finished: nothing to resume" in said("train", "--resume", out)
    said("train", *small, "--out", out, "--overwrite")
    assert "seed = 0\n" in (out / "config.toml").read_text()


def test_the_options_are_listed_for_the_names_that_are_given(
    tmp_path, monkeypatch, said, complaint
):
    monkeypatch.chdir(tmp_path)
    out = said("train", "--options", "--set", "method.name=SET")
    assert 'name = "set" ' in out
    assert "\ndrop_fraction = " in out
    assert os.listdir(tmp_path) == []
    assert "--options" in complaint("train", "--resume", "x", "--options")


def test_eval_prints_the_test_accuracy(finished, tiny_data, tmp_path, said):
    first = said("eval", finished)
    accuracy = json.loads((finished / "summary.json").read_text())["test_accuracy"]
    assert f"test accuracy  {100 * accuracy:.2f} %" in first
    moved = tmp_path / "moved.npz"
    moved.write_bytes(tiny_data.read_bytes())
    words = ["eval", finished, "--data-dir", moved]
    assert said(*words) == first
    with np.load(tiny_data) as arrays:
        np.savez(moved, **{**arrays, "test_images": 255 - arrays["test_images"]})
    assert said(*words).startswith(f"note: arrays in {moved} is not the data that this")


def test_plot_one_and_several(finished, tmp_path, monkeypatch, said, complaint):
    monkeypatch.setattr(nsnn.plot, "plot_run", lambda folder: [f"{folder}/plots/loss.png"])
    assert said("plot", finished) == f"{finished}/plots/loss.png\n"
    words, picture = ["plot", finished, finished, "--out"], tmp_path / "both.png"
    assert said(*words, picture) == f"{picture}\n"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "no/a.png: there is no folder" in complaint(*words, tmp_path / "no" / "a.png")
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_gradcheck_prints_the_table(passed, code, monkeypatch, capsys):
    monkeypatch.setattr(nsnn.gradcheck, "main_table", lambda: ("the table", passed))
    assert cli.main(["gradcheck"]) == code
    assert capsys.readouterr().out == "the table\n"


def test_data_commands(tiny_data, said, complaint):
    assert "fashion-mnist" in said("data", "list")
    assert "train: 155 samples" in said("data", "check", "arrays", "--dir", tiny_data)
    complaint("data", "get", "arrays")


def test_info_names_versions_and_places(monkeypatch, said):
    monkeypatch.setattr("nsnn.commands.info._SHAPE", "16-16C3@4")  # measured in a moment
    out = said("info")
    for word in ("nsnn", "numba", "processor", "cores", "blas core", "kernel cache", "glyphs"):
        assert word in out
    assert np.__version__ in out


@pytest.mark.parametrize(("words", "message"), [
    (["tarin"], "invalid choice: 'tarin'"),
    (["train", "--sett", "a.b=1"], "--sett"),
    (["train", "--set", "optim.momentun=1"], "did you mean momentum?"),
    (["train", "nowhere.toml"], "config file nowhere.toml: No such file"),
    (["train", "--set", "data.name=nmist"], "nmist"),
    (["train", "--overwrite"], "--overwrite replaces the run in --out"),
    (["train", "--resume", "a", "--out", "b"], "--resume goes on with its own folder"),
    (["train", "--resume", "nowhere"], "nowhere holds no run"),
    (["train", "--out", ""], "--out: needs the name of a folder"),
    (["train", "--resume", ""], "--resume: needs the name of a folder"),
    (["plot", "a", "b", "--out", ""], "--out: needs the name of a folder or file"),
    (["eval", "a", "--data-dir", ""], "--data-dir: needs the name of a folder"),
    (["bench", "kernels", "--json", ""], "--json: needs the name of a folder or file"),
    (["table", "ndsnn-table1", "--out", ""], "--out: needs the name of a folder"),
    (["eval", "nowhere"], "nowhere holds no run"),
    (["plot", "nowhere"], "nowhere holds no run"),
    (["train", "--set", "method.name=active-inputs"], "or is it in a file of yours? --plugin"),
    (["train", "--set", "data.name=mine"], "or is it in a file of yours? --plugin FILE.py"),
    (["data", "get", "imagenet"], "imagenet"),
    (["data", "frob"], "invalid choice: 'frob'"),
])  # fmt: skip
def test_mistakes_are_one_line_and_exit_2(words, message, tmp_path, monkeypatch, complaint):
    monkeypatch.chdir(tmp_path)
    assert message in complaint(*words)
    assert os.listdir(tmp_path) == []


def test_data_with_more_or_fewer_classes_than_the_network(finished, tiny_data, tmp_path, complaint):
    with np.load(tiny_data) as archive:
        arrays = dict(archive)
    for classes in (2, 4):
        for name in ("train_labels", "test_labels"):
            arrays[name] = np.arange(arrays[name].size) % classes
        np.savez(tmp_path / "other.npz", **arrays)
        message = f"has {classes} classes, the network of {finished} 3: give its own data set"
        assert message in complaint("eval", finished, "--data-dir", tmp_path / "other.npz")


def test_a_damaged_summary(finished, complaint):
    (finished / "summary.json").write_text('{"test_')
    message = complaint("train", "--resume", finished, code=1)
    assert "summary.json is damaged: mend it by hand, or train anew" in message


def test_a_loss_that_is_no_number(small, tmp_path, monkeypatch, complaint):
    monkeypatch.setitem(LOSSES, "cross_entropy", lambda o, labels: (np.nan, np.zeros_like(o)))
    words = ["train", *small, "--out", str(tmp_path / "nan")]
    assert "loss is nan at step 0, in the loss itself" in complaint(*words, code=1)


@pytest.mark.parametrize(("error", "message"), [
    (RunError("two\nlines"), "two lines\n"),
    (OSError(errno.ENOSPC, "No space left on device"), ""),
])  # fmt: skip
def test_errors_become_one_line(error, message, monkeypatch, complaint):
    def fail():
        raise error

    monkeypatch.setattr("nsnn.info.environment", fail)
    assert complaint("info", code=1).startswith(f"nsnn: error: {message}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_outside_of_training_says_so(number, python):
    program = f"""
import os
import nsnn.info
from nsnn.__main__ import main
nsnn.info.environment = lambda: os.kill(os.getpid(), {int(number)})
raise SystemExit(main())
"""
    result = python("-c", program, "info")
    assert (result.returncode, result.stderr) == (130, "nsnn: error: interrupted\n")


def test_a_reader_that_leaves_is_no_error():
    command = [sys.executable, "-m", "nsnn", "data", "list"]
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (result.returncode, result.stderr) == (141, "")  # as SIGPIPE ends other programs


def test_folders_may_have_any_name(finished, tmp_path):
    """Bytes that are no UTF-8, what Matplotlib takes for a formula or leaves out of legends."""
    names = [b"\xff", b"$_$", b"_"]
    for name in names:
        shutil.copytree(finished, tmp_path / os.fsdecode(name))
    command = [sys.executable, "-m", "nsnn"]
    for words in (["eval", names[0]], ["plot", *names, "--out", b"\xff.png"]):
        result = subprocess.run([*command, *words], cwd=tmp_path, capture_output=True)
        assert (result.returncode, result.stderr) == (0, b"")
    assert (tmp_path / os.fsdecode(b"\xff.png")).exists()


def test_ctrl_c_saves_and_exits_130(small, tmp_path, said):
    out = tmp_path / "run"
    words = ["train", *small, *arguments("train.epochs=100000"), "--out", str(out)]
    command = [sys.executable, "-m", "nsnn", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        for line in process.stdout:
            if " 3/100000 " in line:
                break
        process.send_signal(signal.SIGINT)
        printed, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    assert f"saved. Go on with: nsnn train --resume {out}" in printed
    said("eval", out)


def test_a_locale_without_our_characters(python):
    """The table of data sets has an ×, the closing table a ·: no reason to fail after training."""
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment = os.environ | ascii_only | {"PYTHONIOENCODING": "ascii"}
    result = python("-m", "nsnn", "data", "list", env=environment)
    assert (result.returncode, result.stderr) == (0, "")
    assert "\\x" in result.stdout


def test_closed_streams_and_an_unknown_backend_lose_no_run(small, tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "nope")
    words = [sys.executable, "-c", QUICK, "train", *small, "--out", str(tmp_path / "run")]
    result = subprocess.run(["sh", "-c", '"$@" >&- 2>&- <&-', "sh", *words], capture_output=True)
    assert (result.returncode, result.stderr) == (0, b"")
    assert (tmp_path / "run" / "summary.json").exists()
