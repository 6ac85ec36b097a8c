"""Write the pages of the tutorials, and the index of the papers' equations.

examples:
  nsnn docs tutorials                       all tutorials/NN_topic.py of a clone
  nsnn docs tutorials tutorials/01_neuron.py
  nsnn docs tutorials --check --jobs 2      are the committed pages what a run gives?
  nsnn docs equations                       tutorials/equations.md, from the docstrings

A tutorial is run from its first cell to its last; its page and figures go to pages/ beside it.
"""

import sys
from pathlib import Path

from nsnn.commands import whole
from nsnn.errors import EXIT_FAILURE, EXIT_USER, RunError, UserError


def add_arguments(parser) -> None:
    """The actions of `nsnn docs` and their options."""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    tutorials = actions.add_parser("tutorials", help="run tutorials, write their pages")
    tutorials.add_argument("files", nargs="*", metavar="FILE", help="default: all in tutorials/")
    tutorials.add_argument(
        "--jobs", type=whole(1), default=1, metavar="N", help="so many at a time"
    )
    equations = actions.add_parser("equations", help="write tutorials/equations.md")
    for action in (tutorials, equations):
        check = "write nothing: compare with what is there"
        action.add_argument("--check", action="store_true", help=check)


def run(options) -> int:
    """Write or check pages; a tutorial runs in a process of its own.

    Returns 0, 1 if one failed or differs, 2 if one failed by a mistake in the tutorial.
    """
    from nsnn.docs import equations, pages
    from nsnn.files import make_folder
    from nsnn.processes import Processes
    from nsnn.text import plural

    if not getattr(options, "files", ()) and not Path("tutorials").is_dir():
        raise UserError("no folder tutorials here: name a file, or go to a clone of nsnn")
    if options.action == "equations":
        print(finish(equations.PAGE, options.check, equations.page(), {}))
        return 0
    paths = [Path(file) for file in options.files] or pages.tutorials()
    for path in paths if not options.check else ():
        make_folder(pages.page_of(path).parent)
    code = 0
    with Processes(options.jobs) as processes:
        for path, future in [(path, processes.submit(pages.render, str(path))) for path in paths]:
            try:
                page, pictures, seconds = future.result()
                done = finish(pages.page_of(path), options.check, page, pictures)
                print(f"{done}: {seconds:.0f} s, {plural(len(pictures), 'figure')}", flush=True)
            except (UserError, RunError) as error:
                print(f"nsnn: error: {error}", file=sys.stderr)
                code = max(code, EXIT_USER if isinstance(error, UserError) else EXIT_FAILURE)
    return code


def finish(page, check: bool, text: str, pictures: dict) -> str:
    """Write or check one page, and say so; RunError where it differs."""
    from nsnn.docs.check import difference
    from nsnn.docs.pages import write

    if not check:
        write(page, text, pictures)
    elif found := difference(page, text, pictures):
        raise RunError(f"{found} (edit what the page is made of, then run nsnn docs)")
    return f"{page} {'is up to date' if check else 'written'}"
