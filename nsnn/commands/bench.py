"""Measure speed and memory on this machine, and compare with other libraries.

examples:
  nsnn bench kernels                        single layers: time, rate, break-even density
  nsnn bench step --model vgg16 --sparsity 0.95 --against spikingjelly
  nsnn bench step --help                    the options of a benchmark
"""

import sys
from pathlib import Path

from nsnn.errors import RunError, UserError

# Cores used by others. More, and ratios mislead: where threads wait by spinning, a step that shares
# a core can take several times as long on two threads as on one.
_DISTURBED = 0.1


def add_arguments(parser) -> None:
    """The benchmarks and their options."""
    actions = parser.add_subparsers(metavar="BENCHMARK", dest="benchmark", required=True)

    def action(name, text, repeats):
        command = actions.add_parser(name, help=text, description=text)
        command.add_argument("--repeats", type=int, default=repeats, metavar="N")
        command.add_argument("--json", metavar="FILE", help="write all numbers there as well")
        return command

    kernels = action("kernels", "the three products of single layers, sparse and dense", 3)
    _add_size(kernels, batch=128, time_steps=5)
    kernels.add_argument("--threads", type=int, nargs=1, default=[0], metavar="N")
    kernels.add_argument("--densities", type=float, nargs="+", metavar="D")
    kernels.add_argument(
        "--shapes", nargs="+", metavar="SHAPE", help="such as 784-800 or 512-512C3@4"
    )
    step = action("step", "one training step of a model, part by part", 3)
    _add_training(step, model="vgg16", norm="batch", density=[0.05])
    _add_size(step, batch=128, time_steps=5)
    step.add_argument("--steps", type=int, default=3, metavar="N", help="in each process")
    step.add_argument(
        "--rounds", type=int, default=2, metavar="N", help="of drop and grow, to time as well"
    )
    step.add_argument("--layers", action="store_true", help="time each layer as well")
    step.add_argument("--plot", metavar="FILE.png", help="draw step time against density")
    epoch = action("epoch", "one epoch of the MLP 784-800-10 on random images", 3)
    _add_training(epoch, model="mlp", norm="none", density=[1.0])
    _add_size(epoch, batch=128, time_steps=8)
    epoch.add_argument("--samples", type=int, default=60_000, metavar="N")
    first = action("firststep", "nsnn --help, and nsnn train to its first step, cold and warm", 3)
    first.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE")
    machine = action("machine", "copy bandwidth and peak rate of multiply-adds", 5)
    machine.add_argument("--threads", type=int, nargs="+", metavar="N", help="default: 1 and all")
    text = "run the commands that a page names and write what they print into it"
    page = actions.add_parser("page", help=text, description=text)
    page.add_argument("file", metavar="FILE.md", help="such as tutorials/performance.md")
    page.add_argument("--only", default="", metavar="TEXT", help="commands that contain TEXT")


def _add_size(parser, batch: int, time_steps: int) -> None:
    parser.add_argument("--batch", type=int, default=batch, metavar="B")
    parser.add_argument("--time-steps", type=int, default=time_steps, metavar="T")


def _add_training(parser, model: str, norm: str, density) -> None:
    """Options of a benchmark that trains."""
    parser.add_argument("--model", default=model, help=f"default: {model}")
    parser.add_argument("--width", type=float, default=1.0, help="factor of all channels")
    parser.add_argument("--norm", choices=("batch", "none"), default=norm)
    share = parser.add_mutually_exclusive_group()
    share.add_argument(
        "--density", type=float, nargs="+", default=density, metavar="D",
        help=f"1 is dense; default: {density[0]:g}",
    )  # fmt: skip
    share.add_argument("--sparsity", type=float, nargs="+", metavar="S")
    parser.add_argument("--distribution", choices=("erk", "er", "uniform"), default="erk")
    parser.add_argument("--storage", default="csr", help="how sparse weights are held")
    parser.add_argument(
        "--threads", type=int, nargs="+", default=[0], metavar="N", help="default: every core"
    )
    parser.add_argument(
        "--against",
        choices=("spikingjelly", "snntorch", "torch"),
        help="train the same network there too; pip install 'nsnn[peers]'",
    )


def run(options) -> int:
    """Run one benchmark."""
    benchmarks = {
        "kernels": kernels,
        "step": step,
        "epoch": epoch,
        "firststep": firststep,
        "machine": machine,
        "page": page,
    }
    return benchmarks[options.benchmark](options)


def kernels(options) -> int:
    """The products of single layers, sparse and dense."""
    from nsnn import parallel
    from nsnn.bench import kernels, report

    densities = options.densities or kernels.DENSITIES
    jobs = _jobs(options, densities)  # checks the numbers
    shapes = [kernels.parse_shape(text) for text in options.shapes or kernels.SHAPES]
    parallel.set_threads(jobs[0].threads)
    start = _start(options, "the three products of a layer", [jobs[0].threads])
    results = []
    for shape in shapes:
        _progress(str(shape))
        result = kernels.measure(
            shape, densities, options.batch, options.time_steps, options.repeats
        )
        results.append(result)
        print(report.kernels([result]), flush=True)
    return _finish(options, "kernels", start, results)


def step(options) -> int:
    """One training step of a model."""
    from nsnn.bench import report
    from nsnn.bench.compare import compare

    densities = _densities(options)
    if options.plot:
        if len(options.threads) > 1:
            raise UserError("--plot draws one number of threads: give --threads one number")
        densities = densities if 1.0 in densities else [1.0, *densities]
        if len(densities) < 2:
            raise UserError("--plot draws step time against density: give --density several")
    jobs = _jobs(options, densities)
    start = _start(options, _title("training step", options), [job.threads for job in jobs])
    results = []
    for job in jobs:
        _progress(str(job))
        first = {"rounds": options.rounds, "layers": options.layers}
        results.append(
            compare("step", job, options.repeats, options.against, first=first, steps=options.steps)
        )
    print(report.step(results), flush=True)
    if options.plot:
        _draw(options.plot, results)
    return _finish(options, "step", start, results)


def epoch(options) -> int:
    """One epoch of the MLP 784-800-10 on random images."""
    from nsnn.bench import report
    from nsnn.bench.compare import compare

    _at_least_one(options, "samples")
    if options.samples < options.batch:
        raise UserError(f"--samples {options.samples} is less than --batch {options.batch}")
    jobs = _jobs(options, _densities(options))
    start = _start(options, _title("epoch", options), [job.threads for job in jobs])
    results = []
    for job in jobs:
        _progress(str(job))
        results.append(
            compare("epoch", job, options.repeats, options.against, samples=options.samples)
        )
    print(report.epoch(results), flush=True)
    return _finish(options, "epoch", start, results)


def firststep(options) -> int:
    """Waiting times of a newcomer."""
    from nsnn import parallel
    from nsnn.bench import firststep, report

    start = _start(options, "time to the first step", [parallel.available_cores()])
    result = firststep.bench(options.set, options.repeats)
    print(report.first_step(result), flush=True)
    return _finish(options, "firststep", start, result)


def machine(options) -> int:
    """Bandwidth and peak rates."""
    from nsnn.bench import machine, report

    threads = _threads(options.threads) if options.threads else sorted({1, *_threads([0])})
    start = _start(options, "the machine at its best", threads)
    results = machine.measure(threads, options.repeats)
    print(report.machine(results), flush=True)
    return _finish(options, "machine", start, results)


def page(options) -> int:
    """Measure again what a page shows."""
    from nsnn.bench import page

    failures = page.write(options.file, options.only)
    if failures:
        raise RunError(f"{len(failures)} block(s) not measured: {'; '.join(failures)}")
    return 0


def _densities(options) -> list[float]:
    """--density, or --sparsity turned into densities."""
    if options.sparsity:
        # Rounded: 1 - 0.95 is not 0.05 to the last digit.
        return [round(1 - sparsity, 12) for sparsity in options.sparsity]
    return list(options.density)


def _jobs(options, densities) -> list:
    """A job for each density and number of threads; a mistake in any is found before measuring."""
    from nsnn.bench.job import Job
    from nsnn.models import MODELS

    given = {"batch": options.batch, "time_steps": options.time_steps}
    for name in ("model", "width", "norm", "distribution", "storage"):
        if hasattr(options, name):
            given[name] = getattr(options, name)
    names = [name for name in MODELS if name != "custom"]
    if given.get("model", names[0]) not in names:
        raise UserError(f"--model {given['model']}: choose one of {', '.join(names)}")
    return [
        Job(density=density, threads=threads, **given)
        for density in densities
        for threads in _threads(options.threads)
    ]


def _threads(counts) -> list[int]:
    """Numbers of threads; 0 stands for all cores."""
    from nsnn import parallel

    if any(count < 0 for count in counts):
        raise UserError(f"--threads {min(counts)}: use 0 (every core) or more")
    return [count or parallel.available_cores() for count in counts]


def _title(what: str, options) -> str:
    against = f", against {options.against}" if options.against else ""
    return (
        f"{what} of {options.model}, batch {options.batch}, T = {options.time_steps}, "
        f"norm {options.norm}{against}"
    )


def _start(options, title: str, threads) -> tuple:
    """Check what would fail after the measurement, print the header.

    Returns
    -------
    environment : dict
    others : Others
        Watches what else the machine does from now on.
    """
    from nsnn.bench import peers, report
    from nsnn.bench.environment import Others, environment

    for name in ("repeats", "steps"):
        _at_least_one(options, name)
    if getattr(options, "rounds", 0) < 0:
        raise UserError(f"--rounds {options.rounds}: use 0 or more")
    for name in ("json", "plot"):
        path = getattr(options, name, None)
        if path and not Path(path).absolute().parent.is_dir():
            raise UserError(f"--{name} {path}: the folder {Path(path).parent} does not exist")
    against = getattr(options, "against", None)
    if against:
        peers.require(against)
    found = environment(sorted(set(threads)), against)
    print(report.header(f"nsnn bench: {title}", found), flush=True)
    return found, Others()


def _at_least_one(options, name) -> None:
    if getattr(options, name, 1) < 1:
        raise UserError(f"--{name} {getattr(options, name)}: must be at least 1")


def _progress(text: str) -> None:
    """Say what is being measured, where someone watches."""
    if sys.stderr.isatty():
        print(f"measuring {text} ...", file=sys.stderr, flush=True)


def _draw(path, results) -> None:
    """Write the picture in one piece."""
    from nsnn.bench.plot import step_time
    from nsnn.files import write_atomic

    figure = step_time(results).figure
    write_atomic(path, lambda file: figure.savefig(file, format="png", dpi=150))
    print(f"picture: {path}")


def _finish(options, name: str, start, results) -> int:
    """Say whether the machine was busy with something else; write the JSON file, if asked for."""
    found, others = start
    found["others"] = others.cores()
    if found["others"] is not None and found["others"] > _DISTURBED:
        print(
            f"not valid: other programs used {found['others']:.2f} cores meanwhile, which slows "
            "libraries unequally; measure again when the machine is quiet\n"
        )
    if options.json:
        from nsnn.files import write_json

        given = {
            k: v for k, v in vars(options).items() if k not in ("run", "benchmark", "json", "plot")
        }
        record = {"bench": name, "environment": found, "options": given, "results": results}
        write_json(options.json, record)
        print(f"numbers: {options.json}")
    return 0
