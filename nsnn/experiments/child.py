"""The process that trains one cell: `python -m nsnn.experiments.child ACTION FOLDER KEY=VALUE…`.

ACTION is start, replace (the run that the folder holds) or resume. Standard input is a pipe from
the runner: when it closes, because the runner wants to stop or has died, training saves and stops.
"""

import argparse
import os
import signal
import sys
import threading

from nsnn.errors import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_USER


def main(arguments) -> int:
    """Train; 0 finished, 130 stopped and saved, else failed with one line on standard error.

    2 where it is the user who can mend it, 1 for other failures.
    """
    parser = argparse.ArgumentParser(prog="nsnn.experiments.child")
    parser.add_argument("--plugin", action="append", default=[])
    parser.add_argument("action", choices=("start", "replace", "resume"))
    parser.add_argument("folder")
    parser.add_argument("assignments", nargs="*")
    options = parser.parse_args(arguments)
    threading.Thread(target=_stop_with_the_runner, daemon=True).start()
    return _train(options)


def _train(options) -> int:
    from nsnn.errors import RunError, UserError

    try:
        done = _session(options)
    except UserError as error:
        return _complain(error, EXIT_USER)
    except (RunError, OSError, MemoryError) as error:
        return _complain(str(error) or "not enough memory", EXIT_FAILURE)
    return EXIT_INTERRUPTED if done is None else 0


def _session(options):
    """The folder of the finished run, None when it was stopped."""
    from nsnn import plugins
    from nsnn.training import session
    from nsnn.training.config_file import load_config

    try:
        plugins.load_files(options.plugin)
        if options.action == "resume":
            return session.resume(options.folder, options.assignments)
        config = load_config(None, options.assignments)
        return session.start(config, options.folder, options.action == "replace")
    except BaseException as error:
        plugins.explain(error)
        raise


def _complain(message, code: int) -> int:
    """One line at the end of the log, where the runner looks for it."""
    print(" ".join(str(message).split()), file=sys.stderr)
    return code


def _stop_with_the_runner() -> None:
    """Wait for the end of standard input, then ask this process to stop.

    The signal is what Ctrl-C is to `nsnn train`: the loop saves after its step. Before and after
    the loop, where there is nothing to save, it ends the process at once.
    """
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
