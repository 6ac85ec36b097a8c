"""Results as text: aligned tables, a line for each measurement."""

from nsnn.bench.environment import header_lines

_MIB = 1 << 20


def header(title: str, environment: dict) -> str:
    """Title and environment, above every report."""
    return "\n".join([title, *("  " + line for line in header_lines(environment)), ""])


def table(head, rows) -> str:
    """Columns as wide as their widest cell, all but the first flush right."""
    lines = [[str(cell) for cell in line] for line in (head, *rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


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
    return (
        f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    )


def _mib(size: float) -> str:
    return f"{size / _MIB:,.0f} MiB"


def kernels(results: list[dict]) -> str:
    """A table for each shape: time, useful rate of each product, ratio to dense, break-even."""
    head = ("density", "total", "forward", "weight gradient", "input gradient", "GF/s", "to dense")
    texts = []
    for result in results:
        rows = [_product_row("dense", result["dense"], 1.0)]
        rows += [
            _product_row(f"{found['density']:g}", found, found["ratio"])
            for found in result["sparse"]
        ]
        edge = result["break_even"]
        relation = "" if edge["relation"] == "=" else edge["relation"] + " "
        texts.append(
            f"{result['shape']}\n{table(head, rows)}\n"
            f"break-even density {relation}{edge['density']:.3g}\n"
        )
    return "\n".join(texts)


def _product_row(label, found, ratio):
    """Times, with the useful rates of the three products in one cell."""
    products = ("forward", "gradient", "input_gradient")
    rates = [found[name]["gflops"] for name in products]
    return (
        label,
        milliseconds(found["total"]),
        *(f"{_three(1e3 * found[name]['median'])} ms" for name in products),
        " / ".join("-" if rate is None else f"{rate:.0f}" for rate in rates),
        f"{ratio:.2f}×",
    )


def step(results: list[dict]) -> str:
    """A line for each job; below, comparisons, speed-up by threads and layers."""
    head = ("density", "threads", "work", "step", "forward", "backward", "update", "rewire",
            "peak memory")  # fmt: skip
    rows = []
    for result in results:
        ours, job = result["ours"], result["job"]
        seconds = ours["seconds"]
        rows.append(
            (
                _density(job),
                job["threads"],
                f"{100 * ours['work']:.1f} %",
                *(milliseconds(seconds[part]) for part in ("step", "forward", "backward")),
                *(milliseconds(seconds.get(part)) for part in ("update", "rewire")),
                _mib(ours["memory"]["median"]),
            )
        )
    texts = [table(head, rows), *_against(results, "step"), *_speed_up(results)]
    texts += [_layers(result) for result in results if result["ours"]["layers"]]
    return "\n\n".join(texts) + "\n"


def epoch(results: list[dict]) -> str:
    """A line for each job; below, comparisons."""
    head = ("density", "threads", "steps", "epoch", "a step", "peak memory")
    rows = []
    for result in results:
        ours, seconds = result["ours"], result["ours"]["seconds"]["epoch"]
        rows.append(
            (
                _density(result["job"]),
                result["job"]["threads"],
                ours["steps"],
                milliseconds(seconds),
                f"{1e3 * seconds['median'] / ours['steps']:.2f} ms",
                _mib(ours["memory"]["median"]),
            )
        )
    return "\n\n".join([table(head, rows), *_against(results, "epoch")]) + "\n"


def _density(job) -> str:
    return "dense" if job["density"] == 1 else f"{job['distribution']} {job['density']:g}"


def _against(results, kind) -> list[str]:
    """The comparison with a peer; nothing without one."""
    results = [result for result in results if "theirs" in result]
    if not results:
        return []
    head = ("density", "threads", f"{results[0]['against']} {kind}", "slower than nsnn",
            "its peak memory", "of nsnn's")  # fmt: skip
    rows = [
        (
            _density(result["job"]),
            result["job"]["threads"],
            milliseconds(result["theirs"]["seconds"][kind]),
            times(result["ratio"]["time"]),
            _mib(result["theirs"]["memory"]["median"]),
            times(result["ratio"]["memory"]),
        )
        for result in results
    ]
    return [table(head, rows)]


def _speed_up(results) -> list[str]:
    """For jobs that differ in their threads only: how much faster the most are than the fewest."""
    lines = []
    for density in dict.fromkeys(result["job"]["density"] for result in results):
        same = [result for result in results if result["job"]["density"] == density]
        few, many = (pick(same, key=lambda result: result["job"]["threads"]) for pick in (min, max))
        if few is not many:
            a, b = (result["ours"]["seconds"]["step"]["median"] for result in (few, many))
            lines.append(
                f"{_density(few['job'])}: {many['job']['threads']} threads are {a / b:.2f}× as "
                f"fast as {few['job']['threads']}"
            )
    return ["\n".join(lines)] if lines else []


def _layers(result) -> str:
    """The layers of one job."""
    head = ("layer", "density", "forward", "backward", "forward GF/s", "backward GF/s")
    rows = []
    for layer in result["ours"]["layers"]:
        cells = [
            "-" if layer[part] is None else f"{1e3 * layer[part]:.2f} ms"
            for part in ("forward", "backward")
        ]
        if "density" in layer:
            density = f"{100 * layer['density']:.2f} %"
            rates = [f"{layer[f'{part}_gflops']:.0f}" for part in ("forward", "backward")]
        else:
            density, rates = "", ["", ""]
        rows.append((layer["name"], density, *cells, *rates))
    job = result["job"]
    return f"layers at {_density(job)}, {job['threads']} thread(s)\n{table(head, rows)}"


def first_step(result: dict) -> str:
    """Waiting times, cold and warm."""
    cold, warm = result["cold"], result["warm"]
    rows = [("nsnn --help", "", milliseconds(result["help"]))]
    for key, name in (("imported", "nsnn train, imported"), ("first_step", "first step done")):
        rows.append((name, f"{cold[key]:.2f} s", milliseconds(warm[key])))
    return table(("since the start", "cold cache", "warm cache"), rows) + "\n"


def machine(results: list[dict]) -> str:
    """Bandwidth and peaks."""
    head = ("threads", "copy GB/s", "multiply-add GF/s", "BLAS product GF/s", "ridge")
    rows = [
        (
            result["threads"],
            *(f"{result[key]['median']:.1f}" for key in ("copy", "multiply_add", "gemm")),
            f"{result['ridge']:.1f} operations/byte",
        )
        for result in results
    ]
    return table(head, rows) + "\n"
