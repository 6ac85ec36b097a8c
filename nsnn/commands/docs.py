"""Write the pages of the tutorials.

examples:
  nsnn docs tutorials                       all tutorials/NN_topic.py
  nsnn docs tutorials tutorials/01_neuron.py
  nsnn docs tutorials --check --jobs 2      are the committed pages what a run gives?

A tutorial is run from its first cell to its last; its page and figures go to pages/ beside it.
"""

import sys
import time
from pathlib import Path

from nsnn.commands import whole
from nsnn.errors import EXIT_FAILURE, EXIT_USER, RunError, UserError

TUTORIALS = "tutorials"


def add_arguments(parser) -> None:
    """The actions of `nsnn docs` and their options."""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    summary = "run tutorials and write their pages"
    command = actions.add_parser("tutorials", help=summary, description=summary)
    command.add_argument("files", nargs="*", metavar="FILE", help="default: all in tutorials/")
    command.add_argument("--jobs", type=whole(1), default=1, metavar="N", help="so many at a time")
    command.add_argument(
        "--check", action="store_true", help="only compare the pages there are with a run"
    )


def run(options) -> int:
    """Carry out an action."""
    return tutorials(options.files, options.jobs, options.check)


def tutorials(files, jobs: int, check: bool) -> int:
    """Write or check the pages of tutorials, each run in a process of its own.

    Returns 0, 1 if one failed or differs, 2 if one failed by a mistake in the tutorial.
    """
    from nsnn.docs import pages
    from nsnn.files import make_folder
    from nsnn.processes import Processes

    paths = [Path(file) for file in files] or _all()
    if not check:
        for path in paths:
            make_folder(pages.page_of(path).parent)
    code = 0 if files or not check else _orphans(paths)
    with Processes(jobs) as processes:
        futures = [processes.submit(timed, str(path)) for path in paths]
        for path, future in zip(paths, futures, strict=True):
            try:
                result = future.result()
                if result is None:
                    raise RunError(f"{path} was stopped from outside")
                print(_finish(path, *result, check), flush=True)
            except (UserError, RunError) as error:
                print(f"nsnn: error: {error}", file=sys.stderr)
                code = max(code, EXIT_USER if isinstance(error, UserError) else EXIT_FAILURE)
    return code


def timed(path: str):
    """Run a tutorial; its page, its figures and the seconds that it took."""
    from nsnn.docs.pages import render

    started = time.monotonic()
    return *render(path), time.monotonic() - started


def _finish(path, text, pictures, seconds, check) -> str:
    """Write or check one page, and say so."""
    from nsnn.docs import pages
    from nsnn.docs.check import difference
    from nsnn.text import duration, plural

    if not check:
        pages.write(path, text, pictures)
    elif found := difference(path, text, pictures):
        raise RunError(found)
    done = "is what a run gives" if check else "written"
    return f"{pages.page_of(path)} {done}: {duration(seconds)}, {plural(len(pictures), 'figure')}"


def _all() -> list[Path]:
    """The tutorials of a clone of nsnn."""
    folder = Path(TUTORIALS)
    if not folder.is_dir():
        raise UserError(f"no folder {TUTORIALS} here: name a file, or go to a clone of nsnn")
    return sorted(folder.glob("[0-9][0-9]_*.py"))


def _orphans(paths) -> int:
    """Complain of pages whose tutorial is gone; the exit code."""
    from nsnn.docs import pages

    known = {pages.page_of(path) for path in paths}
    gone = sorted(set(Path(TUTORIALS, pages.FOLDER).glob("*.md")) - known)
    for page in gone:
        print(f"nsnn: error: {page} has no tutorial: remove it", file=sys.stderr)
    return EXIT_FAILURE if gone else 0
