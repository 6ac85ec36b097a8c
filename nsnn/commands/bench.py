"""Measure speed and memory on this machine, and compare with other libraries.

examples:
  nsnn bench kernels                        single layers: time, rate, break-even density
  nsnn bench step --model vgg16 --sparsity 0.95 --against spikingjelly
  nsnn bench step --help                    the options of a benchmark
"""

import argparse
import sys
from pathlib import Path

from nsnn.bench import PEERS
from nsnn.errors import RunError, UserError


def add_arguments(parser) -> None:
    """The benchmarks and their options."""
    actions = parser.add_subparsers(metavar="BENCHMARK", dest="benchmark", required=True)

    def action(name, measure, text, repeats=3):
        command = actions.add_parser(name, help=text, description=text)
        command.set_defaults(measure=measure)
        command.add_argument("--repeats", type=_whole(1), default=repeats, metavar="N")
        command.add_argument("--json", metavar="FILE", help="write all numbers there as well")
        return command, command.add_argument

    _, add = action("kernels", _kernels, "the three products of single layers, sparse and dense")
    _add_size(add, time_steps=5, threads=1)
    add("--densities", type=float, nargs="+", metavar="D")
    add("--shapes", nargs="+", metavar="SHAPE", help="such as 784-800 or 512-512C3@4")
    step, add = action("step", _step, "one training step of a model, part by part")
    _add_size(add, time_steps=5)
    _add_training(step, model="vgg16", norm="batch", density=0.05)
    add("--steps", type=_whole(1), default=3, metavar="N", help="in each process")
    add("--rounds", type=_whole(0), default=2, metavar="N", help="of drop and grow, timed as well")
    add("--layers", action="store_true", help="time each layer as well")
    add("--plot", metavar="FILE", help="draw step time against density: .png, .pdf or .svg")
    epoch, add = action("epoch", _epoch, "one epoch on random images")
    _add_size(add, time_steps=8)
    _add_training(epoch, model="mlp", norm="none", density=1.0)
    add("--samples", type=_whole(1), default=60_000, metavar="N")
    text = "nsnn --help, and nsnn train to its first step, cold and warm"
    _, add = action("firststep", _first_step, text)
    add("--set", action="append", default=[], metavar="TABLE.KEY=VALUE")
    _, add = action("machine", _machine, "copy bandwidth and peak rate of multiply-adds", repeats=5)
    add("--threads", type=_whole(0), nargs="+", metavar="N", help="default: 1 and all")
    text = "run the commands that a page names and write what they print into it"
    page = actions.add_parser("page", help=text, description=text)
    page.add_argument("file", metavar="FILE.md", help="such as tutorials/performance.md")
    page.add_argument("--only", default="", metavar="TEXT", help="commands that contain TEXT")


def _whole(least: int):
    """Reads a whole number of at least `least`."""

    def number(text):
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is not at least {least}")
        return int(text)

    return number


def _add_size(add, time_steps: int, threads="+") -> None:
    add("--batch", type=_whole(1), default=128, metavar="B")
    add("--time-steps", type=_whole(1), default=time_steps, metavar="T")
    text = "default: every core"
    add("--threads", type=_whole(0), nargs=threads, default=[0], metavar="N", help=text)


def _add_training(parser, model: str, norm: str, density: float) -> None:
    """Options of a benchmark that trains."""
    add, share = parser.add_argument, parser.add_mutually_exclusive_group().add_argument
    add("--model", default=model, help=f"default: {model}")
    add("--width", type=float, default=1.0, help="factor of all channels")
    add("--norm", choices=("batch", "none"), default=norm)
    text = f"1 is dense; default: {density:g}"
    share("--density", type=float, nargs="+", default=[density], metavar="D", help=text)
    share("--sparsity", type=float, nargs="+", metavar="S", help="instead: 1 - density")
    add("--distribution", choices=("erk", "er", "uniform"), default="erk")
    add("--storage", default="csr", help="how sparse weights are held")
    text = "train the same network there too; pip install 'nsnn[peers]'"
    add("--against", choices=tuple(PEERS), help=text)


def run(options) -> int:
    """Run one benchmark; every mistake is found before anything is measured."""
    from nsnn.bench import environment, report
    from nsnn.files import write_json

    if options.benchmark == "page":
        if failed := report.write_page(options.file, options.only):
            raise RunError(f"{len(failed)} block(s) not measured: {'; '.join(failed)}")
        return 0
    for name in ("json", "plot"):
        path = getattr(options, name, None)
        if path and not Path(path).absolute().parent.is_dir():
            raise UserError(f"--{name} {path}: the folder {Path(path).parent} does not exist")
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
        internal = ("run", "benchmark", "measure", "json", "plot")
        given = {k: v for k, v in vars(options).items() if k not in internal}
        record = {"bench": options.benchmark, "environment": found, "options": given}
        write_json(options.json, record | {"results": results})
        print(f"numbers: {options.json}")
    return 0


# A benchmark yields its title and numbers of threads when every mistake is found, then its results.


def _kernels(options):
    from nsnn import parallel
    from nsnn.bench import kernels, report

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


def _step(options):
    from nsnn.plot.step_time import step_time
    from nsnn.plot.style import picture_format, save

    densities = _densities(options)
    if options.plot:
        picture_format(options.plot)
        densities = densities if 1.0 in densities else [1.0, *densities]
        if len(densities) < 2:
            raise UserError("--plot draws step time against density: give --density several")
        if len(options.threads) > 1:
            raise UserError("--plot draws one number of threads: give --threads one number")
    first = {"rounds": options.rounds, "layers": options.layers}
    more = {"first": first, "steps": options.steps}
    results = yield from _training(options, "training step", densities, **more)
    if options.plot:
        print(f"picture: {save(step_time(results).figure, options.plot, dpi=150)}")
    yield results


def _epoch(options):
    if options.samples < options.batch:
        raise UserError(f"--samples {options.samples} is less than --batch {options.batch}")
    yield (yield from _training(options, "epoch", _densities(options), samples=options.samples))


def _training(options, what: str, densities, **arguments):
    """Yields as a benchmark, and returns its results; for the arguments see `compare`."""
    from nsnn.bench import report
    from nsnn.bench.child import compare
    from nsnn.models import architecture

    architecture(options.model)  # raises UserError
    kind, jobs, results = options.benchmark, _jobs(options, densities), []
    title = f"{what} of {options.model}, batch {options.batch}, T = {options.time_steps}"
    yield f"{title}, norm {options.norm}", [job.threads for job in jobs]
    for job in jobs:
        _progress(job)
        results.append(compare(kind, job, options.repeats, options.against, **arguments))
    print(getattr(report, kind)(results), flush=True)
    return results


def _densities(options) -> list[float]:
    """--density, or --sparsity turned into densities: 1 - 0.95 is not 0.05 to the last digit."""
    return [round(1 - s, 12) for s in options.sparsity or ()] or options.density


def _first_step(options):
    from nsnn import parallel
    from nsnn.bench import epoch, report

    yield "time to the first step", [parallel.available_cores()]
    result = epoch.first_step(options.set, options.repeats)
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
