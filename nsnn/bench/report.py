"""Results as text: aligned tables, a line for each measurement; and pages made of them."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from nsnn import text
from nsnn.bench.child import Job
from nsnn.errors import UserError
from nsnn.files import write_text

_BLOCK = re.compile(r"<!-- (nsnn [^\n]*?) -->\n(.*?)<!-- end -->", re.DOTALL)
INVALID = "not valid: "  # how a report begins its line about a disturbed measurement


def milliseconds(spread: dict | None) -> str:
    """A spread of seconds, such as "412 ms (398–430)"."""
    if spread is None:
        return "-"
    median, low, high = (_three(1e3 * spread[key]) for key in ("median", "low", "high"))
    return f"{median} ms ({low}–{high})"


def times(spread: dict) -> str:
    """A spread of ratios, such as "4.12× (3.98–4.30)"."""
    return f"{spread['median']:.2f}× ({spread['low']:.2f}–{spread['high']:.2f})"


def _three(value: float) -> str:
    """About three digits."""
    return f"{value:.{0 if abs(value) >= 100 else 1 if value >= 10 else 2}f}"


def kernels(result: dict) -> str:
    """A shape's table: time, useful rate of each product, ratio to dense; break-even."""
    head = ("density", "total", "forward", "weight gradient", "input gradient", "GF/s", "to dense")
    rows = []
    for found in ({"density": "dense", "ratio": 1.0} | result["dense"], *result["sparse"]):
        products = [found[name] for name in ("forward", "gradient", "input_gradient")]
        rates = ["-" if p["gflops"] is None else f"{p['gflops']:.0f}" for p in products]
        single = [f"{_three(1e3 * product['median'])} ms" for product in products]
        total, ratio = milliseconds(found["total"]), f"{found['ratio']:.2f}×"
        rows.append((found["density"], total, *single, " / ".join(rates), ratio))
    edge = result["break_even"]
    relation = "" if edge["relation"] == "=" else edge["relation"] + " "
    table = text.table(head, rows)
    return f"{result['shape']}\n{table}\nbreak-even density {relation}{edge['density']:.3g}\n"


def step(results: list[dict]) -> str:
    """A line for each job; below, comparisons, speed-up by threads and layers."""
    parts = ("step", "forward", "backward", "update", "rewire")
    rows = []
    for result in results:
        ours = result["ours"]
        seconds = [milliseconds(ours["seconds"].get(part)) for part in parts]
        memory = text.size(ours["memory"]["median"])
        rows.append((*_job(result), text.percent(ours["work"], 1), *seconds, memory))
    texts = [text.table(("density", "threads", "work", *parts, "peak memory"), rows)]
    texts += [*_against(results, "step"), *_speed_up(results)]
    texts += [_layers(result) for result in results if result["ours"]["layers"]]
    return "\n\n".join(texts) + "\n"


def epoch(results: list[dict]) -> str:
    """A line for each job; below, comparisons."""
    head = ("density", "threads", "steps", "epoch", "a step", "peak memory")
    rows = []
    for result in results:
        ours, seconds = result["ours"], result["ours"]["seconds"]["epoch"]
        one = f"{1e3 * seconds['median'] / ours['steps']:.2f} ms"
        memory = text.size(ours["memory"]["median"])
        rows.append((*_job(result), ours["steps"], milliseconds(seconds), one, memory))
    return "\n\n".join([text.table(head, rows), *_against(results, "epoch")]) + "\n"


def _job(result) -> tuple[str, int]:
    """Density and threads."""
    job = Job(**result["job"])
    return job.weights(), job.threads


def _against(results, kind) -> list[str]:
    """The comparison with a peer; nothing without one."""
    results = [result for result in results if "theirs" in result]
    if not results:
        return []
    head = ("density", "threads", f"{results[0]['against']} {kind}", "slower than nsnn",
            "its peak memory", "of nsnn's")  # fmt: skip
    rows = []
    for result in results:
        theirs, ratio = result["theirs"], result["ratio"]
        seconds, memory = milliseconds(theirs["seconds"][kind]), theirs["memory"]["median"]
        slower, larger = times(ratio["time"]), times(ratio["memory"])
        rows.append((*_job(result), seconds, slower, text.size(memory), larger))
    return [text.table(head, rows)]


def _speed_up(results) -> list[str]:
    """For jobs that differ in their threads only: how much faster the most are than the fewest."""
    lines, groups = [], {}
    for result in results:
        weights, threads = _job(result)
        groups.setdefault(weights, {})[threads] = result["ours"]["seconds"]["step"]["median"]
    for weights, seconds in groups.items():
        few, many = min(seconds), max(seconds)
        if few != many:
            faster = f"{seconds[few] / seconds[many]:.2f}× as fast as {few}"
            lines.append(f"{weights}: {many} threads are {faster}")
    return ["\n".join(lines)] if lines else []


def _layers(result) -> str:
    """The layers of one job."""
    head = ("layer", "density", "forward", "backward", "forward GF/s", "backward GF/s")
    rows = []
    for layer in result["ours"]["layers"]:
        both = ("forward", "backward")
        cells = ["-" if layer[p] is None else f"{1e3 * layer[p]:.2f} ms" for p in both]
        weighted = "density" in layer
        density = text.percent(layer["density"]) if weighted else ""
        rates = [f"{layer[f'{p}_gflops']:.0f}" if weighted else "" for p in both]
        rows.append((layer["name"], density, *cells, *rates))
    weights, threads = _job(result)
    return f"layers at {weights}, {text.plural(threads, 'thread')}\n{text.table(head, rows)}"


def first_step(result: dict) -> str:
    """Waiting times, cold and warm."""
    cold, warm = result["cold"], result["warm"]
    rows = [("nsnn --help", "", milliseconds(result["help"]))]
    for key, name in (("imported", "nsnn train, imported"), ("first_step", "first step done")):
        rows.append((name, f"{cold[key]:.2f} s", milliseconds(warm[key])))
    return text.table(("since the start", "cold cache", "warm cache"), rows) + "\n"


def machine(results: list[dict]) -> str:
    """Bandwidth and peaks."""
    head = ("threads", "copy GB/s", "multiply-add GF/s", "BLAS product GF/s", "ridge")
    rows = []
    for result in results:
        rates = [f"{result[key]['median']:.1f}" for key in ("copy", "multiply_add", "gemm")]
        rows.append((result["threads"], *rates, f"{result['ridge']:.1f} operations/byte"))
    return text.table(head, rows) + "\n"


def disturbance(cores: float | None) -> str:
    """A line of warning where others used so many cores meanwhile that ratios mislead.

    Where threads wait by spinning, a step that shares a core can take several times as long on two
    threads as on one.
    """
    if cores is None or cores <= 0.1:
        return ""
    return (
        f"{INVALID}other programs used {cores:.2f} cores meanwhile, which slows libraries "
        "unequally; measure again when the machine is quiet\n\n"
    )


def write_page(path, only: str = "") -> list[str]:
    """Run the commands that a Markdown page names, and write what they print into it.

    A block is `<!-- nsnn bench step … -->`, what the command printed, and `<!-- end -->`.

    Parameters
    ----------
    path : path-like
    only : str
        Only the commands that contain this text.

    Returns
    -------
    list of str
        The commands that failed, or found the machine busy; their blocks are as they were.
    """
    path, failed = Path(path), []
    try:
        blocks = _BLOCK.findall(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    commands = [command for command, _ in blocks if only in command]
    if not commands:
        raise UserError(f"{path} has no block '<!-- nsnn bench … -->' with {only!r} in its command")
    for command in commands:
        print(f"{command} ...", flush=True)
        words = [sys.executable, "-m", *shlex.split(command)]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode or INVALID in done.stdout:
            failed.append(command)
            continue
        block = f"<!-- {command} -->\n```text\n{done.stdout.strip()}\n```\n<!-- end -->"
        page = path.read_text("utf-8")  # again: somebody may have edited it in the meantime
        old = next(match for match in _BLOCK.finditer(page) if match[1] == command)
        write_text(path, page[: old.start()] + block + page[old.end() :])
    return failed
