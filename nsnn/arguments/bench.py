"""`nsnn bench`: one parser for each benchmark."""

from nsnn.arguments.basics import add_command

_BENCH = """\
examples:
  nsnn bench kernels                        single layers: time, rate, break-even density
  nsnn bench step --model vgg16 --sparsity 0.95 --against spikingjelly
  nsnn bench step --help                    the options of a benchmark"""


def add_bench(commands) -> None:
    """`nsnn bench`."""
    summary = "measure speed and memory on this machine, and compare with other libraries"
    parser = add_command(commands, "bench", summary, "bench:kernels", _BENCH)
    actions = parser.add_subparsers(metavar="BENCHMARK", required=True)

    def action(name, text, repeats):
        command = actions.add_parser(name, help=text, description=text)
        command.set_defaults(run=f"nsnn.commands.bench:{name}")
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
    page.set_defaults(run="nsnn.commands.bench:page")
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
