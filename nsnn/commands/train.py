"""`nsnn train`."""

from nsnn.errors import EXIT_INTERRUPTED, UserError


def train(options) -> int:
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
        folder = session.go_on(options.resume, options.set)
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
    from nsnn.plot import plot_run
    from nsnn.training.files import read_json
    from nsnn.training.report import next_steps

    summary = read_json(folder / "summary.json")
    pictures = plot_run(folder)
    print(f"{len(pictures)} pictures in {folder}/plots\n\n{next_steps(folder, summary, plugins)}")
