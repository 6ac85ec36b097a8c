"""Measure speed and memory on this machine, and compare with other libraries.

examples:
  nsnn bench kernels                        single layers: time, rate, break-even density
  nsnn bench step --model vgg16 --sparsity 0.95 --against spikingjelly
  nsnn bench step --help                    the options of a benchmark
"""

import sys
from pathlib import Path

from nsnn.bench import PEERS
from nsnn.commands import folder, whole
from nsnn.errors import UserError

# Options by name; a benchmark takes some of them, and gives the defaults that are its own.
_OPTIONS = {
    "repeats": {"type": whole(1), "default": 3, "metavar": "N"},
    "json": {"type": folder, "metavar": "FILE", "help": "write all numbers there as well"},
    "batch": {"type": whole(1), "default": 128, "metavar": "B"},
    "time-steps": {"type": whole(1), "default": 5, "metavar": "T"},
    "threads": {"type": whole(0), "default": [0], "metavar": "N", "nargs": "+",
                "help": "default: every core"},
    "densities": {"type": float, "nargs": "+", "metavar": "D"},
    "shapes": {"nargs": "+", "metavar": "SHAPE", "help": "such as 784-800 or 512-512C3@4"},
    "model": {"help": "default: %(default)s"},
    "width": {"type": float, "default": 1.0, "help": "factor of all channels"},
    "norm": {"choices": ("batch", "none")},
    "density": {"type": float, "nargs": "+", "metavar": "D",
                "help": "1 is dense; default: 0.05 in a step, 1 in an epoch (firstspike: that of "
                        "ε = 60)"},
    "sparsity": {"type": float, "nargs": "+", "metavar": "S", "help": "instead: 1 - density"},
    "distribution": {"choices": ("erk", "er", "uniform"), "default": "erk"},
    "storage": {"default": "csr", "help": "how sparse weights are held"},
    "against": {"choices": tuple(PEERS),
                "help": "train the same network there too, first spikes in torch, all others in "
                        "spikingjelly; pip install 'nsnn[peers]'"},
    "steps": {"type": whole(1), "default": 3, "metavar": "N", "help": "in each process"},
    "rounds": {"type": whole(0), "default": 2, "metavar": "N",
               "help": "of drop and grow, timed as well"},
    "layers": {"action": "store_true", "help": "time each layer as well"},
    "samples": {"type": whole(1), "default": 60_000, "metavar": "N"},
    "plot": {"metavar": "FILE", "help": "draw seconds against three densities or more"},
}  # fmt: skip
_COMMON = ("repeats", "json", "batch", "time-steps", "threads")
_TRAINING = (*_COMMON, "model", "width", "norm", "distribution", "storage", "against")


def add_arguments(parser) -> None:
    """The benchmarks and their options."""
    actions = parser.add_subparsers(metavar="BENCHMARK", dest="benchmark", required=True)

    def add(name, measure, text, options, **defaults):
        command = actions.add_parser(name, help=text, description=text)
        for option in options:
            command.add_argument(f"--{option}", **_OPTIONS[option])
        command.set_defaults(measure=measure, **defaults)
        return command

    text = "the three products of single layers, sparse and dense"
    add("kernels", _kernels, text, (*_COMMON, "densities", "shapes"))
    text, options = "one training step of a model, part by part", ("steps", "rounds", "layers")
    defaults = {"model": "vgg16", "norm": "batch", "density": [0.05]}
    step = add("step", _training, text, (*_TRAINING, *options), **defaults)
    text, options = "one epoch on random images", ("samples", "plot")
    defaults = {"model": "mlp", "norm": "none", "time_steps": 8}
    epoch = add("epoch", _training, text, (*_TRAINING, *options), **defaults)
    for command in (step, epoch):
        either = command.add_mutually_exclusive_group()
        for option in ("density", "sparsity"):
            either.add_argument(f"--{option}", **_OPTIONS[option])


def run(options) -> int:
    """Run one benchmark; every mistake is found before anything is measured."""
    from nsnn.bench import environment, report
    from nsnn.files import write_json

    if options.json and not Path(options.json).absolute().parent.is_dir():
        folder = Path(options.json).parent
        raise UserError(f"--json {options.json}: the folder {folder} does not exist")
    measuring = options.measure(options)
    title, threads = next(measuring)
    against = getattr(options, "against", None)
    found = environment.environment(sorted(set(threads)), against)
    title += f", against {against}" if against else ""
    print(environment.header(f"nsnn bench: {title}", found), flush=True)
    start = environment.clocks()
    results = next(measuring)
    found["others"] = environment.cores_of_others(start, environment.clocks())
    print(report.disturbance(found["others"]), end="")
    if options.json:
        internal = ("run", "benchmark", "measure", "json")
        given = {k: v for k, v in vars(options).items() if k not in internal}
        record = {"bench": options.benchmark, "environment": found, "options": given}
        write_json(options.json, record | {"results": results})
        print(f"numbers: {options.json}")
    return 0


# A benchmark yields its title and numbers of threads when every mistake is found, then its results.


def _kernels(options):
    import numpy as np

    from nsnn import parallel
    from nsnn.bench import kernels, report

    if len(options.threads) > 1:
        raise UserError("kernels are measured on one number of threads: give --threads one number")
    densities = options.densities or kernels.DENSITIES
    threads = _jobs(options, densities)[0].threads  # checks the densities
    shapes = options.shapes or kernels.SHAPES
    for shape in shapes:
        kernels.layer_of(shape, np.random.default_rng())  # or UserError
    yield "the three products of a layer", [threads]
    parallel.set_threads(threads)
    results = []
    for shape in shapes:
        _progress(shape)
        sizes = (options.batch, options.time_steps, options.repeats)
        results.append(kernels.measure(shape, densities, *sizes))
        print(report.kernels(results[-1]), flush=True)
    yield results


def _training(options):
    from nsnn.bench import FIRST_SPIKE_DENSITY, FIRST_SPIKE_INPUTS, report
    from nsnn.bench.child import compare
    from nsnn.models import architecture, network_class
    from nsnn.plot import seconds_of_density
    from nsnn.plot.style import picture_format, save

    kind, stepped = options.benchmark, network_class(options.model).has_neurons
    what = {"step": "training step", "epoch": "epoch"}[kind]
    title = f"{what} of {options.model}, batch {options.batch}"
    if stepped:
        architecture(options.model)  # raises UserError
        title += f", T = {options.time_steps}, norm {options.norm}"
    elif kind == "step":
        raise UserError("first-spike networks are measured by the epoch: use nsnn bench epoch")
    if options.against and stepped == (options.against == "torch"):
        other = "--against spikingjelly" if stepped else "--against torch"
        raise UserError(f"--against {options.against} has no {options.model}: use {other}")
    arguments, inputs = {}, {"": {}}
    if kind == "step":
        arguments = {"steps": options.steps}
        arguments["first"] = {"rounds": options.rounds, "layers": options.layers}
    else:
        arguments["samples"] = options.samples
        if options.samples < options.batch:
            raise UserError(f"--samples {options.samples} is less than --batch {options.batch}")
    if not stepped:
        inputs = {name: {"delay": delay} for name, delay in FIRST_SPIKE_INPUTS.items()}
    # 1 - 0.95 is not 0.05 to the last digit.
    densities = [round(1 - s, 12) for s in options.sparsity or ()] or options.density
    jobs = _jobs(options, densities or [1.0 if stepped else FIRST_SPIKE_DENSITY])
    drawn = getattr(options, "plot", None)
    if drawn and (len(jobs) < 3 or len(options.threads) > 1):
        raise UserError("--plot needs three densities or more, and one number of threads")
    if drawn:
        picture_format(drawn)
    yield title, [job.threads for job in jobs]
    results, lines = [], {}
    for name, more in inputs.items():
        found = []
        for job in jobs:
            _progress(job)
            done = compare(kind, job, options.repeats, options.against, **arguments, **more)
            found.append(done | ({"input": name} if name else {}))
        print(f"{name}\n" * bool(name) + report.training(kind, found), flush=True)
        results += found
        if drawn:
            lines[name or options.model] = report.against_density(found)
            print(f"{lines[name or options.model][-1]}\n", flush=True)
    if drawn:
        save(seconds_of_density(lines).figure, drawn)
    yield results


def _jobs(options, densities) -> list:
    """A job for each density and number of threads, of which 0 stands for all cores."""
    from nsnn import parallel
    from nsnn.bench.child import Job

    names = ("model", "width", "norm", "distribution", "storage", "batch", "time_steps")
    given = {name: getattr(options, name) for name in names if hasattr(options, name)}
    threads = [count or parallel.available_cores() for count in options.threads]
    return [Job(density=d, threads=count, **given) for d in densities for count in threads]


def _progress(what) -> None:
    """Say what is being measured, where someone watches."""
    if sys.stderr.isatty():
        print(f"measuring {what} ...", file=sys.stderr, flush=True)
