"""Results as text: tables with a line for each job, density or layer."""

from nsnn import text
from nsnn.bench.child import Job

_PASSES = ("forward", "backward")
_PARTS = ("step", *_PASSES, "update", "rewire")


def milliseconds(spread: dict | None) -> str:
    """A spread of seconds, such as "412 ms (398–430)"."""
    if spread is None:
        return "-"
    median, low, high = (_three(1e3 * spread[key]) for key in ("median", "low", "high"))
    return f"{median} ms ({low}–{high})"


def factor(spread: dict) -> str:
    """A spread of ratios, such as "4.12× (3.98–4.30)"."""
    return f"{spread['median']:.2f}× ({spread['low']:.2f}–{spread['high']:.2f})"


def _three(value: float) -> str:
    """About three digits."""
    return f"{value:.{0 if abs(value) >= 100 else 1 if value >= 10 else 2}f}"


def _rate(operations: float, seconds: float) -> str:
    """In 10⁹ operations/s; a dash where noise leaves no time at all."""
    return f"{operations / seconds / 1e9:.0f}" if seconds > 0 else "-"


def kernels(result: dict) -> str:
    """A shape's table: time, useful rate of each product, ratio to dense; break-even."""
    rows = []
    for found in ({"density": "dense", "ratio": 1.0} | result["dense"], *result["sparse"]):
        products = [found[key] for key in ("forward", "gradient", "input_gradient")]
        times = [f"{_three(1e3 * seconds)} ms" for seconds in products]
        rates = " / ".join(_rate(found["operations"], seconds) for seconds in products)
        total, ratio = milliseconds(found["total"]), f"{found['ratio']:.2f}×"
        rows.append((found["density"], total, *times, rates, ratio))
    head = "density", "total", "forward", "weight gradient", "input gradient", "GF/s", "to dense"
    edge = result["break_even"]
    relation = "" if edge["relation"] == "=" else edge["relation"] + " "
    below = f"break-even density {relation}{edge['density']:.3g}"
    return f"{result['shape']}\n{text.table(head, rows)}\n{below}\n"


def training(kind: str, results: list[dict]) -> str:
    """A line for each job of a "step" or "epoch"; below, comparisons and layers."""
    rows, compared, layers = [], [], []
    for result in results:
        job, ours = Job(**result["job"]), result["ours"]
        first = {"density": job.weights(), "threads": job.threads}
        rows.append(first | _ours(kind, job, ours))
        if "theirs" in result:
            compared.append(first | _compared(kind, result))
        if ours.get("layers"):
            title = f"layers at {job.weights()}, {text.plural(job.threads, 'thread')}"
            layers.append(f"{title}\n{_layers(ours['layers'])}")
    tables = [text.table(t[0], [row.values() for row in t]) for t in (rows, compared) if t]
    return "\n\n".join(tables + layers) + "\n"


def _ours(kind: str, job: Job, ours: dict) -> dict:
    seconds, memory = ours["seconds"], text.size(ours["memory"]["median"])
    if kind == "step":
        parts = {part: milliseconds(seconds.get(part)) for part in _PARTS}
        return {"work": text.percent(ours["work"], 1), **parts, "peak memory": memory}
    epoch, steps = seconds["epoch"], job.steps_per_epoch
    a_step = f"{1e3 * epoch['median'] / steps:.2f} ms"
    return {"steps": steps, "epoch": milliseconds(epoch), "a step": a_step, "peak memory": memory}


def _compared(kind: str, result: dict) -> dict:
    theirs, ratio = result["theirs"], result["ratio"]
    return {
        f"{result['against']} {kind}": milliseconds(theirs["seconds"][kind]),
        "slower than nsnn": factor(ratio["time"]),
        "its peak memory": text.size(theirs["memory"]["median"]),
        "of nsnn's": factor(ratio["memory"]),
    }


def _layers(layers: list[dict]) -> str:
    """A line for each layer; only those with weights have a density and rates."""
    rows = []
    for layer in layers:
        passes = [(layer[part], layer.get(f"{part}_operations")) for part in _PASSES]
        times = ["-" if seconds is None else f"{1e3 * seconds:.2f} ms" for seconds, _ in passes]
        rates = [_rate(count, seconds) if count else "" for seconds, count in passes]
        density = text.percent(layer["density"]) if "density" in layer else ""
        rows.append((layer["name"], density, *times, *rates))
    return text.table(("layer", "density", *_PASSES, *(f"{part} GF/s" for part in _PASSES)), rows)
