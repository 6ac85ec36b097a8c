"""Train a network and write a run folder.

examples:
  nsnn train
  nsnn train --set method.final_sparsity=0.99 --set train.epochs=10
  nsnn train --set method.name=dense --out runs/dense
  nsnn train my.toml --set train.dense_run=runs/dense
  nsnn train --set data.name=mnist --set data.dir=DIR
  nsnn train --options --set method.name=set
  nsnn train --resume runs/ndsnn-glyphs-001
  nsnn train --plugin my.py --set method.name=mine

tables of the configuration: data, model, neuron, method, optim, train; --options lists what they
hold. Every run folder has a config.toml with all options and their values; it can be given as
CONFIG.toml. With --resume only data.dir and train.threads can be set anew.

With --plugin my.py the methods, models and data sets of your own file can be chosen by name:
python -m pydoc nsnn.plugins shows one. The run folder notes where it is; give it to eval, plot,
export and --resume again.
"""

from nsnn.commands import PLUGIN, folder
from nsnn.errors import EXIT_INTERRUPTED, UserError

ARGUMENTS = {
    "config": {"nargs": "?", "metavar": "CONFIG.toml", "help": "options to change; see below"},
    "--set": {"action": "append", "default": [], "metavar": "TABLE.KEY=VALUE",
              "help": "change one option, after CONFIG.toml; may be given several times"},
    "--out": {"type": folder, "metavar": "DIR",
              "help": "run folder; default: the next free runs/METHOD-DATA-NNN"},
    "--resume": {"type": folder, "metavar": "DIR",
                 "help": "go on with the run in DIR, bit for bit"},
    "--overwrite": {"action": "store_true", "help": "replace the run that --out holds"},
    "--options": {"action": "store_true",
                  "help": "train nothing: list all options with values, meaning and limits"},
    "--plugin": PLUGIN,
}  # fmt: skip


def run(options) -> int:
    """Start or resume a run; 0 finished, 130 stopped by a signal and saved."""
    from nsnn.plot import plot_run
    from nsnn.training import session
    from nsnn.training.config_file import described, load_config
    from nsnn.training.report import next_steps
    from nsnn.training.run_folder import read_config

    if options.resume is not None:
        if options.config or options.out or options.overwrite or options.options:
            others = "CONFIG.toml, --out, --overwrite or --options"
            what = "--resume goes on with its own folder and configuration"
            raise UserError(f"{what}: give no {others} with it")
        run = session.resume(options.resume, options.set)
    else:
        if options.overwrite and options.out is None:
            raise UserError("--overwrite replaces the run in --out: name that folder")
        config = load_config(options.config, options.set)
        if options.options:
            print(described(config))
            return 0
        run = session.start(config, options.out, options.overwrite)
    if run is None:
        return EXIT_INTERRUPTED
    pictures, tried = plot_run(run), next_steps(run, read_config(run), options.plugin)
    print(f"{len(pictures)} pictures in {run}/plots\n\n{tried}")
    return 0
