"""Train a network and write a run folder.

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

  from nsnn.data import DATASETS
  from nsnn.methods import METHODS, Method
  from nsnn.models import MODELS

  class Mine(Method): ...      # its nested Config holds the options of [method]
  def my_net(neuron, input_shape, classes, rng, width, norm, dtype): ...   # a Sequential
  def my_data(directory): ...  # {"train_images": ..., "train_labels": ..., "test_images": ...}

  METHODS["mine"], MODELS["my-net"], DATASETS["my-data"] = Mine, my_net, my_data

The run folder notes where it is; give it to eval, plot, export and --resume again.
pydoc nsnn.methods.Method, nsnn.models and nsnn.data say the rest.
"""

from nsnn.commands import add_plugin
from nsnn.errors import EXIT_INTERRUPTED, UserError


def add_arguments(parser) -> None:
    """The options of `nsnn train`."""
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


def run(options) -> int:
    """Start or resume a run; 0 finished, 130 stopped by a signal and saved."""
    from nsnn.training import session
    from nsnn.training.config_file import load_config

    if "" in (options.resume, options.out):
        raise UserError("--out and --resume need the name of a folder, got an empty one")
    if options.resume is not None:
        if options.config or options.out or options.overwrite:
            raise UserError(
                "--resume goes on with its own folder and configuration: give no CONFIG.toml, "
                "--out or --overwrite with it"
            )
        folder = session.resume(options.resume, options.set)
    else:
        if options.overwrite and options.out is None:
            raise UserError("--overwrite replaces the run in --out: name that folder")
        config = load_config(options.config, options.set)
        folder = session.start(config, options.out, options.overwrite)
    if folder is None:
        return EXIT_INTERRUPTED
    _show(folder, options.plugin)
    return 0


def _show(folder, plugins) -> None:
    """Draw the pictures of a finished run, and say what to try next."""
    from nsnn.files import read_json
    from nsnn.plot import plot_run
    from nsnn.training.report import next_steps

    summary = read_json(folder / "summary.json")
    pictures = plot_run(folder)
    print(f"{len(pictures)} pictures in {folder}/plots\n\n{next_steps(folder, summary, plugins)}")
