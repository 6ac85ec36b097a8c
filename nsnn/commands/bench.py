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
_DENSITY = "1 is dense; default: 0.05 in a step, 1 in an epoch (firstspike: that of ε = 60)"
_OPTIONS = {
    "repeats": {"type": whole(1), "default": 3, "metavar": "N"},
    "json": {"type": folder, "metavar": "FILE", "help": "write all numbers there as well"},
    "batch": {"type": whole(1), "default": 128, "metavar": "B"},
    "time-steps": {"type": whole(1), "default": 5, "metavar": "T"},
    "threads": {"type": whole(0), "default": [0], "metavar": "N", "nargs": "+",
                "help": "default: every core; of machine: 1 and every core"},
    "densities": {"type": float, "nargs": "+", "metavar": "D"},
    "shapes": {"nargs": "+", "metavar": "SHAPE", "help": "such as 784-800 or 512-512C3@4"},
    "model": {"help": "default: %(default)s"},
    "width": {"type": float, "default": 1.0, "help": "factor of all channels"},
    "norm": {"choices": ("batch", "none")},
    "density": {"type": float, "nargs": "+", "metavar": "D", "help": _DENSITY},
    "sparsity": {"type": float, "nargs": "+", "metavar": "S", "help": "instead: 1 - density"},
    "distribution": {"choices": ("erk", "er", "uniform"), "default": "erk"},
    "storage": {"default": "csr", "help": "how sparse weights are held"},
    "against": {"choices": tuple(PEERS),
                "help": "train the same network there too, first spikes in torch, all others in "
                        "the first two; pip install 'nsnn[peers]'"},
    "steps": {"type": whole(1), "default": 3, "metavar": "N", "help": "in each process"},
    "rounds": {"type": whole(0), "default": 2, "metavar": "N",
               "help": "of drop and grow, timed as well"},
    "layers": {"action": "store_true", "help": "time each layer as well"},
    "samples": {"type": whole(1), "default": 60_000, "metavar": "N"},
    "plot": {"metavar": "FILE", "help": "draw seconds against three densities or more"},
    "set": {"action": "append", "default": [], "metavar": "TABLE.KEY=VALUE"},
}  # fmt: skip
_SIZE = ("batch", "time-steps", "threads")
_TRAINING = (*_SIZE, "model", "width", "norm", "density", "sparsity", "distribution", "storage",
             "against")  # fmt: skip


def add_arguments(parser) -> None:
    """The benchmarks and their options."""
    actions = parser.add_subparsers(metavar="BENCHMARK", dest="benchmark", required=True)

    def add(name, measure, text, options=(), **defaults):
        command = actions.add_parser(name, help=text, description=text)
        either = command.add_mutually_exclusive_group() if "density" in options else None
        for option in ("repeats", "json", *options):
            group = either if option in ("density", "sparsity") else command
            group.add_argument(f"--{option}", **_OPTIONS[option])
        command.set_defaults(measure=measure, **defaults)

    text = "the three products of single layers, sparse and dense"
    add("kernels", _kernels, text, (*_SIZE, "densities", "shapes"))
    options = (*_TRAINING, "steps", "rounds", "layers")
    defaults = {"model": "vgg16", "norm": "batch", "density": [0.05]}
    add("step", _training, "one training step of a model, part by part", options, **defaults)
    defaults = {"model": "mlp", "norm": "none", "density": None, "time_steps": 8}
    add(
        "epoch",
        _training,
        "one epoch on random images",
        (*_TRAINING, "samples", "plot"),
        **defaults,
    )
    text = "nsnn --help, and nsnn train to its first step, cold and warm"
    add("firststep", _first_step, text, ("set",))
    text = "copy bandwidth and peak rate of multiply-adds"
    add("machine", _machine, text, ("threads",), repeats=5, threads=None)


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
    from nsnn import parallel
    from nsnn.bench import kernels, report

    if len(options.threads) > 1:
        raise UserError("kernels are measured on one number of threads: give --threads one number")
    densities = options.densities or kernels.DENSITIES
    threads = _jobs(options, densities)[0].threads  # checks the densities
    shapes = [kernels.Shape.read(text) for text in options.shapes or kernels.SHAPES]
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


def _first_step(options):
    from nsnn import parallel
    from nsnn.bench import firststep, report

    yield "time to the first step", [parallel.available_cores()]
    result = firststep.compare(options.set, options.repeats)
    print(report.first_step(result), flush=True)
    yield result


def _machine(options):
    from nsnn.bench import kernels, report

    threads = _cores(options.threads) if options.threads else sorted({1, *_cores([0])})
    yield "the machine at its best", threads
    results = [kernels.machine(count, options.repeats) for count in threads]
    print(report.machine(results), flush=True)
    yield results


def _cores(counts) -> list[int]:
    """Numbers of threads; 0 stands for all cores."""
    from nsnn import parallel

    return [count or parallel.available_cores() for count in counts]


def _jobs(options, densities) -> list:
    """A job for each density and number of threads."""
    from nsnn.bench.child import Job

    names = ("model", "width", "norm", "distribution", "storage", "batch", "time_steps")
    given = {name: getattr(options, name) for name in names if hasattr(options, name)}
    threads = _cores(options.threads)
    return [Job(density=d, threads=count, **given) for d in densities for count in threads]


def _progress(what) -> None:
    """Say what is being measured, where someone watches."""
    if sys.stderr.isatty():
        print(f"measuring {what} ...", file=sys.stderr, flush=True)
