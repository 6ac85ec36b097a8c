"""What a finished run says: its summary and the closing table."""

from nsnn import metrics

_KINDS = ("weights", "gradients", "optimiser", "indices")


def summarise(run, last: dict, times: dict) -> dict:
    """The content of `summary.json`; the test split is looked at here, and nowhere before.

    Parameters
    ----------
    run : Run
        At its end.
    last : dict
        The last epoch's line of `metrics.jsonl`.
    times : dict
        Of the whole run, see `stopwatch.add_up`.
    """
    network, test = run.network, run.data.test
    predicted = network.predict(test.images, run.config.data.batch)
    now = metrics.density(network.parameters())
    asked = run.method.asked()
    held = network.bytes_held()
    confusion = metrics.confusion_matrix(predicted, test.labels, run.data.classes)
    return {
        "data": run.config.data.name,
        "data_fingerprint": f"{run.fingerprint:08x}",  # CRC-32 of the training data
        "model": run.config.model.name,
        "method": run.config.method.name,
        "seed": run.config.train.seed,
        "epochs": run.epoch,
        "steps": run.step,
        "test_accuracy": metrics.accuracy(predicted, test.labels),
        "density": now.density,
        "density_asked": sum(asked.values()) / now.size,
        "active_weights": now.active,
        "weights": now.size,
        "layers": {n: {"active": a, "size": s} for n, (a, s) in now.layers.items()},
        "asked": asked,
        "spike_rate": last["spike_rate"],
        "synaptic_operations": last["synaptic_operations"],
        "synaptic_operations_training": run.operations,
        "relative_cost": run.cost / run.epoch,
        "dense_run": run.config.train.dense_run,
        "bytes_held": sum(held[kind] for kind in _KINDS),
        "bytes_held_peak": run.peak["total"],
        "bytes_dense": network.bytes_dense(),
        "bytes_formula": metrics.paper_bytes(network.parameters(), run.config.neuron.time_steps),
        "bytes_buffers": held["buffers"],
        **times,
        "bytes_process_peak": max(metrics.peak_memory(), times["bytes_process_peak"]),
        "confusion": confusion.tolist(),
    }


def closing_table(summary: dict) -> str:
    """The closing table as text.

    R_s and R_d are the spike rates of this and of a dense network: see `metrics.relative_cost`.
    """
    s = summary
    dense = s["bytes_dense"]
    if s["dense_run"]:
        reference = f"spike rates of the dense run: {s['dense_run']}"
    else:
        reference = "if dense spiked as often; measured with train.dense_run=DIR"
    epochs = "1 epoch" if s["epochs"] == 1 else f"{s['epochs']} epochs"
    rows = [
        ("test accuracy", f"{100 * s['test_accuracy']:.2f} %"),
        ("density", f"{100 * s['density']:.2f} % reached, {100 * s['density_asked']:.2f} % asked"),
        ("active weights", f"{s['active_weights']:,} of {s['weights']:,}"),
        (
            "memory held",
            f"{_size(s['bytes_held'], dense)} (weights, gradients, optimiser, indices)",
        ),
        ("  peak of the run", _size(s["bytes_held_peak"], dense)),
        ("  paper's formula", f"{_bytes(s['bytes_formula'])} (III-D: T gradients, no momentum)"),
        ("  dense", f"{_bytes(dense)} (weights, gradients, optimiser)"),
        ("spike rate", f"{s['spike_rate']:.4f} spikes per neuron and time step"),
        ("operations", _operations(s["synaptic_operations"])),
        ("relative cost", f"{s['relative_cost']:.4f} of dense training (IV-C; {reference})"),
        ("process memory", f"{_bytes(s['bytes_process_peak'])} at its peak"),
        ("wall time", f"{s['seconds']:.1f} s of training, {s['steps']} steps in {epochs}"),
        ("processor time", f"{s['cpu_seconds']:.1f} s, of all cores together"),
    ]
    title = f"{s['method']} · {s['model']} · {s['data']} · seed {s['seed']}"
    lines = [title, "", *(f"{name:<18} {value}" for name, value in rows), "", *_layer_lines(s)]
    return "\n".join(lines)


def next_steps(folder, summary: dict, plugins=()) -> str:
    """Commands worth trying after this run, which the user gave these plug-ins."""
    steps = [
        (f"nsnn eval {folder}", "the test accuracy and the worst mistakes"),
        (f"nsnn plot {folder}", f"draw {folder}/plots anew"),
    ]
    if summary["method"] != "dense":
        same = "" if summary["data"] == "glyphs" else f" --set data.name={summary['data']}"
        given = "".join(f" --plugin {path}" for path in plugins)
        dense = f"nsnn train{given} --set method.name=dense{same}"
        steps.append((dense, "the dense network to compare with"))
    if summary["data"] == "glyphs":
        steps.append(("nsnn data get mnist", "real digits, for:"))
        steps.append(("nsnn train --set data.name=mnist", "the same on MNIST"))
    width = max(len(command) for command, _ in steps)
    return "\n".join(["try next", *(f"  {command:<{width}}  {why}" for command, why in steps)])


def _layer_lines(summary: dict) -> list[str]:
    """Active weights reached and asked, a line a layer."""
    names = summary["layers"]
    width = max(len(name) for name in names)
    lines = [f"{'layer':<{width}}  {'active':>9}  {'asked':>9}  {'of':>9}  {'density':>8}"]
    for name, layer in names.items():
        density = 100 * layer["active"] / layer["size"]
        lines.append(
            f"{name:<{width}}  {layer['active']:>9,}  {summary['asked'][name]:>9,}  "
            f"{layer['size']:>9,}  {density:>6.2f} %"
        )
    return lines


def _operations(operations: dict) -> str:
    """Synaptic operations, and those with a constant input if there are any."""
    text = f"{operations['total']:,.0f} synaptic operations per sample and forward"
    if operations["static"]:
        text += f" (and {operations['static']:,.0f} multiply-adds of pixels)"
    return text


def _size(size: float, dense: int) -> str:
    return f"{_bytes(size)}, {100 * size / dense:.1f} % of dense"


def _bytes(size: float) -> str:
    return f"{size / (1 << 20):.2f} MiB" if size >= 1 << 20 else f"{size / (1 << 10):.1f} KiB"
