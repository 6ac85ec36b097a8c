"""Measure speed and memory on this machine, and compare with other libraries.

examples:
  nsnn bench kernels                        single layers: time, rate, break-even density
  nsnn bench step --model vgg16 --sparsity 0.95 --against spikingjelly
  nsnn bench step --help                    the options of a benchmark
"""

import contextlib
import itertools
import sys
import time

from nsnn.bench import PEERS
from nsnn.commands import new_file, whole
from nsnn.errors import UserError

_COMMON = {
    "--repeats": {"type": whole(1), "default": 3, "metavar": "N"},
    "--json": {"type": new_file, "metavar": "FILE", "help": "write all numbers there as well"},
    "--batch": {"type": whole(1), "default": 128, "metavar": "B"},
    "--threads": {"type": whole(0), "default": [0], "metavar": "N", "nargs": "+",
                  "help": "default: every core"},
}  # fmt: skip
_KERNELS = {
    "--time-steps": {"type": whole(1), "default": 5, "metavar": "T"},
    "--densities": {"type": float, "nargs": "+", "metavar": "D"},
    "--shapes": {"nargs": "+", "metavar": "SHAPE", "help": "such as 784-800 or 512-512C3@4"},
}


def _training_options(model: str, norm: str, time_steps: int, density: str) -> dict:
    """The options of a benchmark that trains, with these defaults."""
    return {
        "--model": {"default": model, "help": "default: %(default)s"},
        "--width": {"type": float, "default": 1.0, "help": "factor of all channels"},
        "--norm": {"choices": ("batch", "none"), "default": norm},
        "--time-steps": {"type": whole(1), "default": time_steps, "metavar": "T"},
        "--density": {"type": float, "nargs": "+", "metavar": "D",
                      "help": f"1 is dense; default: {density}"},
        "--sparsity": {"type": float, "nargs": "+", "metavar": "S", "help": "instead: 1 - density"},
        "--distribution": {"choices": ("erk", "er", "uniform"), "default": "erk"},
        "--storage": {"default": "csr", "help": "how sparse weights are held"},
        "--against": {"choices": tuple(PEERS),
                      "help": "train the same network there too, first spikes in torch, all others "
                              "in spikingjelly; pip install 'nsnn[peers]'"},
    }  # fmt: skip


ACTIONS = {
    "kernels": ("the three products of single layers, sparse and dense", _COMMON | _KERNELS),
    "step": ("one training step of a model, part by part", {
        **_COMMON, **_training_options("vgg16", "batch", 5, "0.05"),
        "--steps": {"type": whole(1), "default": 3, "metavar": "N", "help": "in each process"},
        "--rounds": {"type": whole(0), "default": 2, "metavar": "N",
                     "help": "of drop and grow, timed as well"},
        "--layers": {"action": "store_true", "help": "time each layer as well"},
    }),
    "epoch": ("one epoch on random images", {
        **_COMMON, **_training_options("mlp", "none", 8, "1 (first spikes: that of ε = 60)"),
        "--samples": {"type": whole(1), "default": 60_000, "metavar": "N"},
        "--plot": {"type": new_file, "metavar": "FILE",
                   "help": "draw seconds against three densities or more"},
    }),
}  # fmt: skip


def run(options) -> int:
    """Run one benchmark; every mistake is found before anything is measured."""
    if options.action == "kernels":
        _kernels(options)
    else:
        _training(options)
    return 0


@contextlib.contextmanager
def _report(options, title: str, threads: set, against=None):
    """Print title and machine; after the body, which fills a list of results, warn and write."""
    from importlib import metadata  # here, as all that --help does not need

    from nsnn import info
    from nsnn.files import write_json

    found = info.environment() | {"threads": sorted(threads)}
    peers = PEERS.get(against, ())
    try:
        found |= {name: metadata.version(name) for name in peers}
    except metadata.PackageNotFoundError as error:
        install = "not installed here: pip install 'nsnn[peers]'"
        raise UserError(f"--against {against} needs {error.name}, {install}") from None
    versions = [f"{name} {found[name]}" for name in ("nsnn", "python", "numpy", "numba", *peers)]
    print(f"nsnn bench: {title}" + (f", against {against}" if against else ""))
    cores, counts = found["cores"], ", ".join(map(str, found["threads"]))
    print(f"  {found['processor']}, {cores} cores, threads {counts}\n  {', '.join(versions)}")
    print(f"  BLAS core {found['blas core']}, {found['blas']}\n", flush=True)
    start, before, results = time.monotonic(), info.seconds_of_others(), []
    yield results
    found["others"] = None
    if before is not None:
        others = info.seconds_of_others() - before
        found["others"] = max(0.0, others / (time.monotonic() - start))
    if (found["others"] or 0) > 0.1:
        busy = f"not valid: other programs used {found['others']:.2f} cores meanwhile"
        print(f"{busy}, which slows libraries unequally; measure again when the machine is quiet\n")
    if options.json:
        given = {key: value for key, value in vars(options).items() if key not in ("run", "json")}
        record = {"bench": options.action, "environment": found, "options": given}
        write_json(options.json, record | {"results": results})
        print(f"numbers: {options.json}")


def _kernels(options) -> None:
    import numpy as np

    from nsnn import parallel
    from nsnn.bench import kernels, report

    if len(options.threads) > 1:
        raise UserError("kernels are measured on one number of threads: give --threads one number")
    densities, shapes = options.densities or kernels.DENSITIES, options.shapes or kernels.SHAPES
    threads = _jobs(options, densities)[0].threads  # or UserError
    for shape in shapes:
        kernels.layer_of(shape, np.random.default_rng())  # or UserError
    parallel.set_threads(threads)
    sizes = options.batch, options.time_steps, options.repeats
    with _report(options, "the three products of a layer", {threads}) as results:
        for shape in shapes:
            _progress(shape)
            results.append(kernels.measure(shape, densities, *sizes))
            print(report.kernels(results[-1]), flush=True)


def _training(options) -> None:
    from dataclasses import replace

    from nsnn.bench import FIRST_SPIKE_DENSITY, FIRST_SPIKE_INPUTS, report
    from nsnn.bench.child import compare
    from nsnn.models import architecture, network_class
    from nsnn.plot.curves import seconds_of_density
    from nsnn.plot.style import picture_format, save

    kind, model, against = options.action, options.model, options.against
    if network_class(model).has_neurons:
        architecture(model)  # or UserError
        like = f", T = {options.time_steps}, norm {options.norm}"
        inputs, peer, density = {model: 0.0}, "spikingjelly", 0.05 if kind == "step" else 1.0
    elif kind == "step":
        raise UserError("first-spike networks are measured by the epoch: use nsnn bench epoch")
    else:
        like, inputs, peer, density = "", FIRST_SPIKE_INPUTS, "torch", FIRST_SPIKE_DENSITY
    if against not in (None, peer):
        raise UserError(f"--against {against} has no {model}: use --against {peer}")
    if kind == "epoch" and options.samples < options.batch:
        raise UserError(f"--samples {options.samples} is less than --batch {options.batch}")
    if options.density and options.sparsity:
        raise UserError("--sparsity is not allowed with --density, which says the same")
    # 1 - 0.95 is not 0.05 to the last digit.
    densities = options.density or [round(1 - s, 12) for s in options.sparsity or ()] or [density]
    jobs, drawn = _jobs(options, densities), getattr(options, "plot", None)
    if drawn and (len(jobs) < 3 or len(options.threads) > 1):
        raise UserError("--plot needs three densities or more, and one number of threads")
    if drawn:
        picture_format(drawn)
    what, seconds = {"step": "training step", "epoch": "epoch"}[kind], {}
    title = f"{what} of {model}, batch {options.batch}{like}"
    with _report(options, title, {job.threads for job in jobs}, against) as results:
        for name, delay in inputs.items():
            found = []
            for job in jobs:
                _progress(f"{name}, {job.weights()}")
                job = replace(job, delay=delay)
                found.append(compare(kind, job, options.repeats, against))
            print(f"{name}\n{report.training(kind, found)}", flush=True)
            results += found
            seconds[name] = [each["ours"]["seconds"][kind]["median"] for each in found]
        if drawn:
            ax = seconds_of_density(densities, seconds)
            save(ax.figure, drawn)
            print(*ax.get_legend_handles_labels()[1], sep="\n")


def _jobs(options, densities) -> list:
    """A job for each density and number of threads, of which 0 stands for all cores."""
    from dataclasses import fields

    from nsnn import parallel
    from nsnn.bench.child import Job

    given = {f.name: getattr(options, f.name, f.default) for f in fields(Job)}
    threads = [count or parallel.available_cores() for count in options.threads]
    pairs = itertools.product(densities, threads)
    return [Job(**given | {"density": density, "threads": n}) for density, n in pairs]


def _progress(what) -> None:
    """Say what is being measured, where someone watches."""
    if sys.stderr.isatty():
        print(f"measuring {what} ...", file=sys.stderr, flush=True)
