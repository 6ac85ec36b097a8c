"""Results as text: a table is a dictionary of columns, each what it shows of a row."""

from nsnn import text
from nsnn.bench.child import Job
from nsnn.metrics import straight_line


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


def _rate(gflops: float | None) -> str:
    return "-" if gflops is None else f"{gflops:.0f}"


def _memory(library: str):
    return lambda result: text.size(result[library]["memory"]["median"])


def _seconds(part: str, library: str = "ours"):
    return lambda result: milliseconds(result[library]["seconds"].get(part))


def _tabulated(columns: dict, rows) -> str:
    """A line for each row, a column for each head and function of a row."""
    return text.table(columns, [[cell(row) for cell in columns.values()] for row in rows])


_WEIGHTS = {
    "density": lambda result: Job(**result["job"]).weights(),
    "threads": lambda result: result["job"]["threads"],
}
_STEP = {
    **_WEIGHTS,
    "work": lambda result: text.percent(result["ours"]["work"], 1),
    **{part: _seconds(part) for part in ("step", "forward", "backward", "update", "rewire")},
    "peak memory": _memory("ours"),
}
_EPOCH = {
    **_WEIGHTS,
    "steps": lambda result: result["ours"]["steps"],
    "epoch": _seconds("epoch"),
    "a step": lambda result: (
        f"{1e3 * result['ours']['seconds']['epoch']['median'] / result['ours']['steps']:.2f} ms"
    ),
    "peak memory": _memory("ours"),
}
_PRODUCTS = {
    "forward": "forward", "weight gradient": "gradient", "input gradient": "input_gradient",
}  # fmt: skip
_KERNELS = {
    "density": lambda found: found["density"],
    "total": lambda found: milliseconds(found["total"]),
    **{head: lambda found, key=key: f"{_three(1e3 * found[key]['median'])} ms"
       for head, key in _PRODUCTS.items()},
    "GF/s": lambda found: " / ".join(_rate(found[key]["gflops"]) for key in _PRODUCTS.values()),
    "to dense": lambda found: f"{found['ratio']:.2f}×",
}  # fmt: skip
_LAYERS = {
    "layer": lambda layer: layer["name"],
    "density": lambda layer: text.percent(layer["density"]) if "density" in layer else "",
    **{part: lambda layer, part=part: "-" if layer[part] is None else f"{1e3 * layer[part]:.2f} ms"
       for part in ("forward", "backward")},
    **{f"{part} GF/s": lambda layer, part=part: _rate(layer[f"{part}_gflops"])
       if "density" in layer else "" for part in ("forward", "backward")},
}  # fmt: skip


def kernels(result: dict) -> str:
    """A shape's table: time, useful rate of each product, ratio to dense; break-even."""
    dense, edge = {"density": "dense", "ratio": 1.0} | result["dense"], result["break_even"]
    relation = "" if edge["relation"] == "=" else edge["relation"] + " "
    table = _tabulated(_KERNELS, (dense, *result["sparse"]))
    return f"{result['shape']}\n{table}\nbreak-even density {relation}{edge['density']:.3g}\n"


def training(kind: str, results: list[dict]) -> str:
    """A line for each job of a "step" or "epoch"; below, comparisons and layers."""
    texts = [_tabulated(_STEP if kind == "step" else _EPOCH, results)]
    if "theirs" in results[0]:
        columns = {
            **_WEIGHTS,
            f"{results[0]['against']} {kind}": _seconds(kind, "theirs"),
            "slower than nsnn": lambda result: times(result["ratio"]["time"]),
            "its peak memory": _memory("theirs"),
            "of nsnn's": lambda result: times(result["ratio"]["memory"]),
        }
        texts.append(_tabulated(columns, results))
    if kind == "step":
        for result in results:
            if layers := result["ours"]["layers"]:
                job = Job(**result["job"])
                title = f"layers at {job.weights()}, {text.plural(job.threads, 'thread')}"
                texts.append(f"{title}\n{_tabulated(_LAYERS, layers)}")
    return "\n\n".join(texts) + "\n"


def against_density(results: list[dict]) -> tuple[list[float], list[float], str]:
    """Density (%) and seconds of epochs that differ in nothing else, and the line through them."""
    x = [100 * result["job"]["density"] for result in results]
    y = [result["ours"]["seconds"]["epoch"]["median"] for result in results]
    a, b, r_squared = straight_line(x, y)
    return x, y, f"{a:.2f} s + {b:.3f} s for each % of density, R² = {r_squared:.3f}"


def disturbance(cores: float | None) -> str:
    """A line of warning where others used so many cores meanwhile that ratios mislead."""
    if cores is None or cores <= 0.1:
        return ""
    return (
        f"not valid: other programs used {cores:.2f} cores meanwhile, which slows libraries "
        "unequally; measure again when the machine is quiet\n\n"
    )
