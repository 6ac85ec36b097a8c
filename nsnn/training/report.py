"""What a finished run says: its summary and the closing table."""

import shlex
from collections import Counter
from pathlib import Path

from nsnn import metrics
from nsnn.data import DATASETS
from nsnn.energy import PER_FLOP, PER_SOP, energy
from nsnn.methods import DENSE
from nsnn.operations import counted, total_work
from nsnn.plugins import as_options
from nsnn.text import percent, plural, size, table
from nsnn.training.config_file import changed, toml_value
from nsnn.training.run_folder import read_metrics
from nsnn.training.stopwatch import add_up

_KINDS = ("weights", "gradients", "optimiser", "indices")


def summarise(run, folder) -> dict:
    """The content of `summary.json` of a run at its end, in its folder.

    The test split is looked at here, and nowhere before.
    """
    records = read_metrics(folder)
    samples, work = run.length.steps_per_epoch * run.config.data.batch, Counter()
    for record in records:
        work.update(record.get("work", {}))  # older versions counted none
    training = {
        kind: sum(round(samples * record["synaptic_operations"][kind]) for record in records)
        for kind in ("total", "static")
    }
    cost = None  # it is relative to a dense run
    if run.dense_rates:
        cost = sum(record["relative_cost"] for record in records) / run.epoch
    times = add_up(Path(folder) / "timing.jsonl", run.length)
    network, test = run.network, run.data.test
    scores, operations = counted(network, test.images, run.config.data.batch)
    predicted = scores.argmax(axis=1)
    now = metrics.density(network.parameters())
    targets = run.method.targets()
    held = network.bytes_held()
    confusion = metrics.confusion_matrix(predicted, test.labels, run.data.classes)
    return {
        "data": run.config.data.name,
        "data_fingerprint": f"{run.fingerprint:08x}",  # CRC-32 of the training data
        "test_fingerprint": f"{test.fingerprint():08x}",
        "model": run.config.model.name,
        "method": run.config.method.name,
        "seed": run.config.train.seed,
        "epochs": run.epoch,
        "steps": run.step,
        "time_steps": run.config.time_steps,
        "test_accuracy": metrics.accuracy(predicted, test.labels),
        "undecided": network.undecided(scores),
        "density": now.density,
        "density_asked": None if targets is None else sum(targets.values()) / now.size,
        "active_weights": now.active,
        "weights": now.size,
        "layers": {n: {"active": a, "size": s} for n, (a, s) in now.layers.items()},
        "asked": targets,
        "spike_rate": records[-1]["spike_rate"],
        "synaptic_operations": records[-1]["synaptic_operations"],
        "synaptic_operations_training": training,
        "work_training": work,
        "relative_cost": cost,
        "energy": energy(network, operations, len(test.labels)),
        "dense_run": run.config.train.dense_run,
        "bytes_held": sum(held[kind] for kind in _KINDS),
        "bytes_held_peak": run.peak["total"],
        "bytes_dense": network.bytes_dense(),
        "bytes_formula": metrics.paper_bytes(network.parameters(), run.config.time_steps or 1),
        "bytes_buffers": run.peak["buffers"],
        **times,
        "bytes_process_peak": max(metrics.peak_memory(), times["bytes_process_peak"]),
        "confusion": confusion.tolist(),
        "final_measures": run.method.final_measures(),
    }


def closing_table(summary: dict) -> str:
    """The closing table as text."""
    s = summary

    def held(kind: str) -> str:
        return f"{size(s[kind])}, {percent(s[kind] / s['bytes_dense'], 1)} of dense"

    operations = f"{s['synaptic_operations']['total']:,.0f} synaptic operations"
    pixels = s["synaptic_operations"]["static"]
    apart = f" (and {pixels:,.0f} multiply-adds of pixels)" if pixels else ""
    cost = None
    if s["dense_run"]:
        cost = f"{s['relative_cost']:.4f} of the dense run {s['dense_run']} (estimate, IV-C)"
    # None: density is an outcome of the method.
    asked = "none asked" if s["asked"] is None else f"{percent(s['density_asked'])} asked"
    training = f"{plural(s['steps'], 'step')} in {plural(s['epochs'], 'epoch')}"
    per, undecided = "sample" if s["time_steps"] is None else "time step", ""
    if s["undecided"] is not None:
        samples = plural(sum(map(sum, s["confusion"])), "test sample")
        undecided = f"{s['undecided']:,} of {samples} without an output spike"
    useful, executed = (total_work(s["work_training"], kind) for kind in ("useful", "executed"))
    work = f"{useful:.3g} useful multiply-adds of training, {executed:.3g} executed"
    rows = {
        "test accuracy": percent(s["test_accuracy"]),
        "undecided": undecided,
        "density": f"{percent(s['density'])} reached, {asked}",
        "active weights": f"{s['active_weights']:,} of {s['weights']:,}",
        "memory held": f"{held('bytes_held')} (weights, gradients, optimiser, indices)",
        "  peak of the run": held("bytes_held_peak"),
        "  paper's formula": f"{size(s['bytes_formula'])} (III-D: T gradients, no momentum)",
        "  dense": f"{size(s['bytes_dense'])} (weights, gradients, optimiser)",
        "activations": f"{size(s['bytes_buffers'])} of a batch, beside the memory held",
        "spike rate": f"{s['spike_rate']:.4f} spikes per neuron and {per}",
        "operations": f"{operations} per sample and forward{apart}",
        "work": work if s["work_training"] else "",
        "relative cost": cost,
        **_energy(s["energy"]),
        "process memory": f"{size(s['bytes_process_peak'])} at its peak",
        "wall time": f"{s['seconds']:.1f} s of training, {training}",
        "processor time": f"{s['cpu_seconds']:.1f} s, of all cores together",
    }
    layers = []
    for name, layer in s["layers"].items():
        target = "" if s["asked"] is None else f"{s['asked'][name]:,}"
        density = percent(layer["active"] / layer["size"])
        layers.append((name, f"{layer['active']:,}", target, f"{layer['size']:,}", density))
    title = f"{s['method']} · {s['model']} · {s['data']} · seed {s['seed']}"
    lines = [title, "", *(f"{name:<18} {value}" for name, value in rows.items() if value), ""]
    return "\n".join([*lines, table(("layer", "active", "asked", "of", "density"), layers)])


def _energy(e: dict) -> dict[str, str]:
    def microjoules(kind: str) -> str:
        return f"{1e6 * e[kind]:,.3f} µJ"

    flop, sop = (f"{1e12 * joules:.2f} pJ" for joules in (PER_FLOP, PER_SOP))
    terms = f"{e['synaptic_operations']:,.0f} synaptic operations × {sop}"
    if e["multiply_adds"]:
        terms = f"{e['multiply_adds']:,.0f} multiply-adds × {flop} + {terms}"
    gpu, truenorth = microjoules("paper_gpu"), microjoules("paper_truenorth")
    return {
        "energy": f"{microjoules('counted')} per inference: {terms}",
        "  as ESL counts": f"{gpu} (connections × {flop}, GPU), {truenorth} (× {sop}, TrueNorth)",
    }


def next_steps(folder, config, plugins=()) -> str:
    """Commands worth trying after the run in a folder, which the user gave these plug-ins.

    Those that train begin with the run's own config.toml; a dense run, which has none of its
    method's options, with those that were changed.
    """
    given = as_options(plugins)
    place, dense = (shlex.quote(f"{folder}{end}") for end in ("", "-dense"))
    again = f"nsnn train{given} {shlex.quote(f'{folder}/config.toml')}"
    steps = [
        (f"nsnn eval {place}{given}", "the test accuracy, from the saved network"),
        (f"nsnn plot {place}{given}", f"draw {folder}/plots anew"),
    ]
    if config.method.name != DENSE and not config.train.dense_run:
        words = [
            f"{key}={value if isinstance(value, str) else toml_value(value)}"
            for key, value in changed(config).items()
            if not key.startswith("method.") and key not in ("model.init", "train.start")
        ]
        sets = "".join(f" --set {shlex.quote(word)}" for word in (*words, f"method.name={DENSE}"))
        steps += [
            (f"nsnn train{given}{sets} --out {dense}", "the dense network to compare with, then:"),
            (f"{again} --set train.dense_run={dense}", "the same, its cost measured"),
        ]
    first, second, *_ = DATASETS  # of which the first, made by a program, needs no files
    if config.data.name == first:
        steps.append((f"nsnn data get {second}", "real images, for:"))
        alone = " --set train.dense_run=" if config.train.dense_run else ""
        steps.append((f"{again} --set data.name={second}{alone}", f"the same on {second}"))
    return "\n".join(["try next", *(f"  {command}\n      {why}" for command, why in steps)])
