"""The command line: options and help here, what a command does in `nsnn.commands`.

Nothing heavy is imported before the command is known: NumPy, Numba and pyplot take a second.
"""

import argparse
import importlib
import os
import sys

from nsnn import __version__
from nsnn.errors import RunError, UserError

EXIT_FAILURE, EXIT_USER, EXIT_INTERRUPTED = 1, 2, 130

_EXAMPLES = {
    "": """\
examples:
  nsnn train                                train a sparse network on the built-in glyph digits
  nsnn train --set data.name=mnist          the same on MNIST (first: nsnn data get mnist)
  nsnn eval runs/ndsnn-glyphs-001           its accuracy on the test split
  nsnn COMMAND --help                       the options of a command""",
    "train": """\
examples:
  nsnn train
  nsnn train --set method.final_sparsity=0.99 --set train.epochs=10
  nsnn train --set method.name=dense --out runs/dense
  nsnn train my.toml --set train.dense_run=runs/dense
  nsnn train --set data.name=mnist --set data.dir=DIR
  nsnn train --resume runs/ndsnn-glyphs-001
  nsnn train --plugin my.py --set method.name=mine

tables of the configuration: data, model, neuron, method, optim, train. Every run folder has a
config.toml with all options and their values; it can be given as CONFIG.toml. With --resume only
data.dir and train.threads can be set anew.

A plug-in is a Python file of yours with methods, models or data sets to choose by name:

  from nsnn.methods import Method
  from nsnn.plugins import register_dataset, register_method, register_model

  @register_method("mine")     # a subclass; its nested Config holds the options of [method]
  class Mine(Method): ...

  @register_model("my-net")    # returns a nsnn.layers.Sequential
  def my_net(neuron, input_shape, classes, rng, width, norm, dtype): ...

  @register_dataset("my-data") # returns {"train_images": ..., "train_labels": ..., "test_...": ...}
  def my_data(directory): ...

The run folder notes where it is; eval, plot, export and --resume run it again, if it is unchanged.
pydoc nsnn.plugins and nsnn.methods.Method say the rest.""",
    "eval": """\
examples:
  nsnn eval runs/ndsnn-glyphs-001
  nsnn eval runs/ndsnn-mnist-001 --data-dir DIR""",
    "plot": """\
examples:
  nsnn plot runs/ndsnn-glyphs-001           draw its pictures anew, into its plots folder
  nsnn plot runs/a runs/b --out ab.png      lay the curves of two runs over each other""",
    "export": """\
examples:
  nsnn export runs/ndsnn-glyphs-001         to ndsnn-glyphs-001.npz; prints how to load it
  nsnn export runs/ndsnn-glyphs-001 --dense --out dense.npz

Arrays of each weight, such as conv1.weight: .data .indices .indptr .shape as SciPy's csr_matrix
takes them, and .dims (out, in, kh, kw); rows are output channels, columns (channel, dy, dx). With
--dense the weight itself and its .mask. Then biases, norm parameters with running_mean and
running_variance (epsilon is 1e-5), input.mean and input.std, and config: config.toml as text.""",
    "bench": """\
examples:
  nsnn bench kernels                        single layers: time, rate, break-even density
  nsnn bench step --model vgg16 --sparsity 0.95 --against spikingjelly
  nsnn bench step --help                    the options of a benchmark""",
    "reproduce": """\
examples:
  nsnn reproduce                            list the experiments
  nsnn reproduce ndsnn-table1 --profile small --dry-run
  nsnn reproduce ndsnn-table1 --profile small --jobs 2 --time-limit 75
  nsnn reproduce my.toml --profile mine     an experiment of your own

A cell is one training run; its folder is runs/reproduce/ID/PROFILE/CELL. A finished cell is a line
in OUT/ID/PROFILE/cells.jsonl, with table and figure beside it. Cells that are there, in the file of
any experiment, are not trained again; a run that was stopped or killed goes on. So the same
command, given again, does what is left. Without --out results go to tutorials/results where that
folder exists, as in a clone of nsnn, else to runs/results; those of the profile smoke, which only
tries the machinery, always go to runs/results. Data sets are found through --data-dir or
$NSNN_DATA.""",
    "table": """\
examples:
  nsnn table ndsnn-table1                   from the finished cells of the profile small
  nsnn table ndsnn-table1 --profile full --out DIR

Writes table.md, table.csv and figure.png into OUT/ID/PROFILE, where nsnn reproduce has left
cells.jsonl, and prints the table: ours as mean ± standard deviation (number of seeds), beside what
the paper prints.""",
    "data": """\
examples:
  nsnn data list
  nsnn data get mnist
  nsnn data check mnist --dir DIR""",
}


def main(arguments=None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : list of str, optional
        Default: those of the process.

    Returns
    -------
    int
        0 done, 1 failed, 2 a mistake of the user, 130 interrupted.
    """
    try:
        options = _parser().parse_args(arguments)
        if getattr(options, "plugin", None):
            importlib.import_module("nsnn.plugins").load_files(options.plugin)
        module, function = options.run.split(":")
        code = getattr(importlib.import_module(module), function)(options)
        sys.stdout.flush()
        return code
    except UserError as error:
        return _complain(error, EXIT_USER)
    except RunError as error:
        return _complain(error, EXIT_FAILURE)
    except KeyboardInterrupt:
        return _complain("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader, such as `head`, has gone. Python flushes standard output once more at exit:
        # let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE
    except MemoryError as error:
        return _complain(f"not enough memory: {error} (try a smaller data.batch)", EXIT_FAILURE)
    except EOFError as error:  # from the end of a file that was cut short
        message = "a compiled kernel is damaged: empty the kernel cache, see nsnn info"
        return _complain(f"{message} ({error})", EXIT_FAILURE)
    except OSError as error:
        # Files that nsnn opens are named in the error; what is left are these two.
        where = "" if error.filename else " (standard output, or the kernel cache: see nsnn info)"
        return _complain(f"{error}{where}", EXIT_FAILURE)


def _complain(message, code: int) -> int:
    """One line on standard error."""
    line = " ".join(str(message).split())
    print(f"nsnn: error: {line}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="nsnn",
        description="Sparse training of spiking neural networks.",
        epilog=_EXAMPLES[""],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"nsnn {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in (
        _add_train, _add_eval, _add_plot, _add_export, _add_gradcheck, _add_bench, _add_reproduce,
        _add_table, _add_data, _add_info,
    ):  # fmt: skip
        add(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """Errors as one line, like all others (argparse prints the usage first); no abbreviations."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options, allow_abbrev=False)

    def error(self, message):
        raise UserError(f"{message} (see {self.prog} --help)")


def _command(commands, name: str, summary: str, run: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=_EXAMPLES.get(name),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=f"nsnn.commands.{run}")
    return parser


def _add_plugin(parser) -> None:
    parser.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="FILE.py",
        help="a file that registers methods, models or data sets; may be given several times",
    )


def _add_train(commands) -> None:
    parser = _command(commands, "train", "train a network and write a run folder", "train:train")
    parser.add_argument(
        "config", nargs="?", metavar="CONFIG.toml", help="options to change; see below"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="TABLE.KEY=VALUE",
        help="change one option, after CONFIG.toml; may be given several times",
    )
    parser.add_argument(
        "--out", metavar="DIR", help="run folder; default: the next free runs/METHOD-DATA-NNN"
    )
    parser.add_argument("--resume", metavar="DIR", help="go on with the run in DIR, bit for bit")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the run that the folder of --out holds"
    )
    _add_plugin(parser)


def _add_eval(commands) -> None:
    parser = _command(commands, "eval", "test the network of a run", "evaluate:evaluate")
    parser.add_argument("dir", metavar="DIR", help="run folder")
    parser.add_argument("--data-dir", metavar="DIR", help="where the data set is, if it has moved")
    _add_plugin(parser)


def _add_plot(commands) -> None:
    parser = _command(commands, "plot", "draw a run, or compare runs", "plot:plot")
    parser.add_argument("dirs", metavar="DIR", nargs="+", help="run folders")
    parser.add_argument(
        "--out", metavar="FILE", help="picture of several runs; default: comparison.png here"
    )
    _add_plugin(parser)


def _add_export(commands) -> None:
    summary = "write the network of a run as plain arrays"
    parser = _command(commands, "export", summary, "export:export")
    parser.add_argument("dir", metavar="DIR", help="run folder")
    parser.add_argument("--out", metavar="FILE.npz", help="default: the name of DIR, here")
    parser.add_argument(
        "--dense", action="store_true", help="full arrays and masks instead of compressed rows"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the file if it exists")
    _add_plugin(parser)


def _add_gradcheck(commands) -> None:
    summary = "compare every gradient with finite differences"
    _command(commands, "gradcheck", summary, "gradcheck:gradcheck")


def _add_bench(commands) -> None:
    summary = "measure speed and memory on this machine, and compare with other libraries"
    parser = _command(commands, "bench", summary, "bench:kernels")
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


def _add_reproduce(commands) -> None:
    summary = "train the missing cells of a paper's table or figure, and write it"
    parser = _command(commands, "reproduce", summary, "reproduce:reproduce")
    parser.add_argument(
        "id", nargs="?", metavar="ID", help="such as ndsnn-table1, or a TOML file; none: list them"
    )
    parser.add_argument("--list", action="store_true", help="list the experiments")
    parser.add_argument(
        "--profile", default="small", metavar="P",
        help="smoke (seconds), small (hours) or full (the paper's own setting); default: small",
    )  # fmt: skip
    parser.add_argument(
        "--seeds", type=int, nargs="+", metavar="N", help="default: those of the profile"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N",
        help="training processes at a time, of one thread each; default: one, with all cores",
    )  # fmt: skip
    parser.add_argument("--out", metavar="DIR", help="folder of the results; see below")
    parser.add_argument("--data-dir", metavar="DIR", help="where the data sets are")
    parser.add_argument(
        "--dry-run", action="store_true", help="only list the cells, with hours and memory"
    )
    parser.add_argument(
        "--time-limit", type=float, metavar="MINUTES", help="then save what is under way, and stop"
    )
    _add_plugin(parser)


def _add_table(commands) -> None:
    summary = "write table and figure of an experiment from its finished cells"
    parser = _command(commands, "table", summary, "table:table")
    parser.add_argument("id", metavar="ID", help="such as ndsnn-table1, or a TOML file")
    parser.add_argument("--profile", default="small", metavar="P", help="default: small")
    parser.add_argument(
        "--out", metavar="DIR", help="folder of the results; default: as nsnn reproduce"
    )
    _add_plugin(parser)


def _add_data(commands) -> None:
    parser = _command(commands, "data", "list, download or check data sets", "data:list_datasets")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the data sets and where each was found")
    listing.set_defaults(run="nsnn.commands.data:list_datasets")
    for action, summary, folder in (
        (
            "get",
            "download a data set, with checksums; goes on where it was stopped",
            "folder to hold it; default: the user cache",
        ),
        (
            "check",
            "check the files of a data set",
            "folder that holds it; default: $NSNN_DATA, then the user cache",
        ),
    ):
        command = actions.add_parser(action, help=summary, description=summary)
        command.add_argument("name", metavar="NAME", help="such as mnist; see nsnn data list")
        command.add_argument("--dir", metavar="DIR", help=folder)
        command.set_defaults(run=f"nsnn.commands.data:{action}")


def _add_info(commands) -> None:
    _command(commands, "info", "show versions, processor, threads, caches, data sets", "info:info")
