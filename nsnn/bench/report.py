"""Results as text: tables with a line for each job, density or layer."""

from nsnn import text
from nsnn.bench.child import Job
from nsnn.metrics import straight_line

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
    jobs = [Job(**result["job"]) for result in results]
    texts = [_table(jobs, map(_step if kind == "step" else _epoch, jobs, results))]
    if "theirs" in results[0]:
        texts.append(_table(jobs, (_compared(kind, result) for result in results)))
    for job, result in zip(jobs, results, strict=True):
        if layers := result["ours"].get("layers"):
            title = f"layers at {job.weights()}, {text.plural(job.threads, 'thread')}"
            texts.append(f"{title}\n{_layers(layers)}")
    return "\n\n".join(texts) + "\n"


def _table(jobs: list[Job], rows) -> str:
    """A line for each job, of which each row is a dictionary by heads."""
    weights = [{"density": job.weights(), "threads": job.threads} for job in jobs]
    rows = [weight | row for weight, row in zip(weights, rows, strict=True)]
    return text.table(rows[0], [row.values() for row in rows])


def _step(job: Job, result: dict) -> dict:
    ours = result["ours"]
    parts = {part: milliseconds(ours["seconds"].get(part)) for part in _PARTS}
    memory = text.size(ours["memory"]["median"])
    return {"work": text.percent(ours["work"], 1), **parts, "peak memory": memory}


def _epoch(job: Job, result: dict) -> dict:
    epoch, steps = result["ours"]["seconds"]["epoch"], job.steps_per_epoch
    return {
        "steps": steps,
        "epoch": milliseconds(epoch),
        "a step": f"{1e3 * epoch['median'] / steps:.2f} ms",
        "peak memory": text.size(result["ours"]["memory"]["median"]),
    }


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


def against_density(results: list[dict]) -> tuple[list[float], list[float], str]:
    """Density (%) and seconds of epochs that differ in nothing else, and the line through them."""
    x = [100 * result["job"]["density"] for result in results]
    y = [result["ours"]["seconds"]["epoch"]["median"] for result in results]
    a, b, r_squared = straight_line(x, y)
    return x, y, f"{a:.2f} s + {b:.3f} s for each % of density, R² = {r_squared:.3f}"
