"""`nsnn reproduce --executor dask://…`: a scheduler and two workers on this machine."""

import hashlib
import importlib
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from nsnn import __version__, cli, plugins
from nsnn.errors import UserError
from nsnn.experiments import spec
from nsnn.experiments.cells import plan
from nsnn.experiments.cluster import Dask

PATIENCE = 120  # seconds

cluster_test = pytest.mark.peer
pytestmark = pytest.mark.filterwarnings("default")  # those of Dask are not ours


@pytest.fixture
def start(tmp_path):
    """`start(*words)` runs a command of Dask; what it says goes to a file, which is returned."""
    pytest.importorskip("distributed", reason="trains on Dask: pip install 'nsnn[dask]'")
    begun = []

    def run(*words):
        log = tmp_path / f"dask{len(begun)}.log"
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
        with log.open("w") as file:
            begun.append(subprocess.Popen(command, stderr=file, stdout=file, cwd=tmp_path))
        return log

    yield run
    for process in reversed(begun):
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture
def scheduler(start, wait_for):
    """HOST:PORT of a scheduler without workers."""
    log = start("scheduler", "--host", "127.0.0.1", "--port", "0")
    return wait_for(lambda: re.search(r"Scheduler at: +tcp://(\S+)", log.read_text()))[1]


@pytest.fixture
def workers(scheduler, start, wait_for):
    """`workers(count, threads)` starts workers in another folder; returns their --executor."""

    def run(count, threads=1):
        log = start("worker", scheduler, "--nworkers", str(count), "--nthreads", str(threads))
        wait_for(lambda: log.read_text().count("Registered to") == count)
        return f"dask://{scheduler}"

    return run


@pytest.fixture
def glyphs(tiny_toml, tiny_arrays):
    """The path of an experiment on drawn digits, and its three cells of some seconds each."""
    path = tiny_toml(
        (f"dir = '{tiny_arrays}', batch = 10", "samples = 640"),
        ('data = "arrays"', 'data = "glyphs"'),
        ("epochs = 2", "epochs = 80"),
    )
    return path, plan(spec.load(path), "small", "far")


class OneWorker(ThreadPoolExecutor):
    """A scheduler with one worker, both in this process: all of `distributed` that nsnn uses."""

    def __init__(self, *arguments, **options):
        super().__init__(1)
        self.state, self.status = SimpleNamespace(tasks={}), SimpleNamespace(name="running")

    def nthreads(self):
        return {"one": 1}

    def before(self):
        """What happens between here and the worker."""

    def run(self, function, *arguments, on_error):
        self.before()
        try:
            return {"one": function(*arguments)}
        except Exception as error:
            return {"one": error}

    def submit(self, function, *arguments, pure):
        self.state.tasks["task"] = SimpleNamespace(state="executing")
        return super().submit(function, *arguments)

    def get_current_task(self):
        return "task"

    def close(self):
        """Cancel what is running."""
        self.state.tasks.clear()


@pytest.fixture
def one_worker(monkeypatch):
    """A `Dask` without Dask."""
    client = OneWorker()
    fake = SimpleNamespace(
        Client=lambda *of, **options: client, get_worker=lambda: client, Reschedule=RuntimeError
    )
    monkeypatch.setitem(sys.modules, "distributed", fake)
    with client, Dask("dask://nowhere:1") as executor:
        yield executor


def begin(path, executor):
    words = ["reproduce", str(path), "--out", "far", "--executor", executor]
    return subprocess.Popen(
        [sys.executable, "-m", "nsnn", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def logs(cells):
    """What the trainings have written into their logs."""
    return "".join(path.read_text() for cell in cells for path in cell.folder.glob("log.txt"))


@cluster_test
def test_a_worker_that_dies_costs_time_alone_and_records_are_those_of_this_machine(
    glyphs, workers, tmp_path, monkeypatch, wait_for, comparable
):
    from distributed import Client

    path, cells = glyphs
    executor = workers(2)
    process = begin(path, executor)
    wait_for(lambda: sum(cell.fraction() > 0 for cell in cells) == 2)  # both are at work
    with Client(executor.removeprefix("dask://"), set_as_default=False) as client:
        killed, _ = client.run(os.getpid).values()
    os.kill(killed, signal.SIGKILL)
    printed, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "with 2 processes at a time" in printed
    assert "all 3 cells done" in printed
    assert logs(cells).count("stopped at step") == logs(cells).count("\nresuming ") == 1

    near = tmp_path / "near"  # a folder without these runs
    near.mkdir()
    monkeypatch.chdir(near)
    assert cli.main(["reproduce", str(path), "--out", "near"]) == 0
    assert len(comparable("near")) == 3
    assert comparable(tmp_path / "far") == comparable("near")


@cluster_test
def test_ctrl_c_lets_the_workers_save(glyphs, workers, wait_for):
    path, cells = glyphs
    process = begin(path, workers(2))
    wait_for(lambda: sum(cell.fraction() > 0 for cell in cells) == 2)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "stopped, 0 of 3 cells done: go on with the same command" in printed
    wait_for(lambda: logs(cells).count("stopped at step") == 2)


@cluster_test
def test_what_workers_lack_is_said_before_anything_starts(
    tiny_toml, tiny_arrays, tmp_path, scheduler, workers, monkeypatch, capfd
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("NSNN_DATA", raising=False)
    path = tiny_toml((f"dir = '{tiny_arrays}', ", ""), ('data = "arrays"', 'data = "mnist"'))
    command = ["reproduce", str(path), "--out", "far", "--executor"]

    def refused(executor):
        capfd.readouterr()
        assert cli.main([*command, executor]) == 2
        return capfd.readouterr().err

    assert "needs workers of one thread (none is there)" in refused(f"dask://{scheduler}")
    assert re.search(r"error: worker tcp://\S+: mnist: .* not found; looked", refused(workers(1)))
    wanted = r"\(.*tcp://\S+ has 3.*\); start them with: dask worker \S+ --nworkers N --nthreads 1"
    assert re.search(wanted, refused(workers(1, threads=3)))
    assert not list(tmp_path.glob("runs/*/*/*/*/log.txt"))
    assert not (tmp_path / "far/tiny/small/cells.jsonl").exists()


@cluster_test
def test_where_no_scheduler_answers(tiny_toml, capfd):
    pytest.importorskip("distributed", reason="trains on Dask: pip install 'nsnn[dask]'")
    for address in ("dask://127.0.0.1:1", "nonsense"):
        assert cli.main(["reproduce", str(tiny_toml()), "--executor", address]) == 2
        wanted = f"error: --executor {address}: no scheduler of Dask answers there; write dask://H"
        assert wanted in capfd.readouterr().err


@pytest.mark.parametrize(("words", "message"), [
    ([], "--executor needs Dask: pip install 'nsnn[dask]'"), (["--jobs", "2"], "--jobs is for"),
])  # fmt: skip
def test_a_line_says_what_to_install(tiny_toml, monkeypatch, words, message, complaint):
    monkeypatch.setitem(sys.modules, "distributed", None)
    command = ["reproduce", tiny_toml(), "--executor", "dask://localhost:8786", *words]
    assert message in complaint(*command)


def test_a_cancelled_call_may_take_its_time(one_worker, tmp_path, monkeypatch, wait_for):
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    calls, path = importlib.import_module("process_calls"), tmp_path / "call"
    future = one_worker.submit(calls.save_slowly, path)
    wait_for(path.exists)
    one_worker.stop()
    assert future.result(PATIENCE) is None
    assert path.read_text() == "saved"


@pytest.mark.parametrize("kind", ["plug-in", "run"])
def test_a_worker_has_to_have_the_same_files(one_worker, tmp_path, monkeypatch, kind):
    file = tmp_path / "checkpoint.npz"
    file.write_text("first")
    options = {"data.name": "glyphs", "data.dir": "", "train.start": ""}
    if kind == "run":
        options["train.start"] = str(tmp_path)
    else:
        loaded = {"file": str(file), "sha256": hashlib.sha256(b"first").hexdigest()}
        monkeypatch.setattr(plugins, "loaded", lambda: [loaded])
    one_worker.check([(options, "folder", [])])
    client = sys.modules["distributed"].Client()
    for change in (lambda: file.write_text("second"), file.unlink):
        monkeypatch.setattr(client, "before", change)
        with pytest.raises(UserError, match=f"^worker one: {file} is missing, or another than"):
            one_worker.check([(options, "folder", [])])
        file.write_text("first")


def test_a_dry_run_looks_at_the_workers(tiny_toml, one_worker, monkeypatch, said, complaint):
    path = tiny_toml(('data = "arrays"', 'data = "mnist"'))
    command = ["reproduce", path, "--dry-run", "--executor", "dask://nowhere:1"]
    assert "error: worker one: data.dir = " in complaint(*command)
    client, has_all = sys.modules["distributed"].Client(), {"one": __version__}
    monkeypatch.setattr(client, "run", lambda *of, **options: has_all)
    assert "to train: 3 cells" in said(*command)
    tiny_toml(("batch = 10", "batch = 100"))
    assert "and 2 more would fail: data.batch = 100 is larger" in complaint(*command)
