"""Commands that train a network, and those that ask a run about it."""

from nsnn.arguments.basics import add_command, add_plugin

_TRAIN = """\
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
pydoc nsnn.plugins and nsnn.methods.Method say the rest."""

_EVAL = """\
examples:
  nsnn eval runs/ndsnn-glyphs-001
  nsnn eval runs/ndsnn-mnist-001 --data-dir DIR"""

_PLOT = """\
examples:
  nsnn plot runs/ndsnn-glyphs-001           draw its pictures anew, into its plots folder
  nsnn plot runs/a runs/b --out ab.png      lay the curves of two runs over each other"""

_EXPORT = """\
examples:
  nsnn export runs/ndsnn-glyphs-001         to ndsnn-glyphs-001.npz; prints how to load it
  nsnn export runs/ndsnn-glyphs-001 --dense --out dense.npz

Arrays of each weight, such as conv1.weight: .data .indices .indptr .shape as SciPy's csr_matrix
takes them, and .dims (out, in, kh, kw); rows are output channels, columns (channel, dy, dx). With
--dense the weight itself and its .mask. Then biases, norm parameters with running_mean and
running_variance (epsilon is 1e-5), input.mean and input.std, and config: config.toml as text."""


def add_train(commands) -> None:
    """`nsnn train`."""
    parser = add_command(
        commands, "train", "train a network and write a run folder", "train:train", _TRAIN
    )
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
    add_plugin(parser)


def add_eval(commands) -> None:
    """`nsnn eval`."""
    parser = add_command(commands, "eval", "test the network of a run", "evaluate:evaluate", _EVAL)
    parser.add_argument("dir", metavar="DIR", help="run folder")
    parser.add_argument("--data-dir", metavar="DIR", help="where the data set is, if it has moved")
    add_plugin(parser)


def add_plot(commands) -> None:
    """`nsnn plot`."""
    parser = add_command(commands, "plot", "draw a run, or compare runs", "plot:plot", _PLOT)
    parser.add_argument("dirs", metavar="DIR", nargs="+", help="run folders")
    parser.add_argument(
        "--out", metavar="FILE", help="picture of several runs; default: comparison.png here"
    )
    add_plugin(parser)


def add_export(commands) -> None:
    """`nsnn export`."""
    summary = "write the network of a run as plain arrays"
    parser = add_command(commands, "export", summary, "export:export", _EXPORT)
    parser.add_argument("dir", metavar="DIR", help="run folder")
    parser.add_argument("--out", metavar="FILE.npz", help="default: the name of DIR, here")
    parser.add_argument(
        "--dense", action="store_true", help="full arrays and masks instead of compressed rows"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the file if it exists")
    add_plugin(parser)
