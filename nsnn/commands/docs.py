"""Write the pages of the tutorials, and the index of the papers' equations.

examples:
  nsnn docs tutorials                       all tutorials/NN_topic.py of a clone
  nsnn docs tutorials tutorials/01_lif_neuron.py
  nsnn docs tutorials --check --jobs 2      are the committed pages what a run gives?
  nsnn docs equations                       tutorials/equations.md, from the docstrings

A tutorial is run from its first cell to its last; its page and figures go to pages/ beside it.
"""

import sys

from nsnn.commands import whole
from nsnn.errors import RunError, UserError

_CHECK = {"action": "store_true", "help": "write nothing: compare with what is there"}

ACTIONS = {
    "tutorials": ("run tutorials, write their pages", {
        "files": {"nargs": "*", "metavar": "FILE", "help": "default: all in tutorials/"},
        "--jobs": {"type": whole(1), "default": 1, "metavar": "N", "help": "at a time"},
        "--check": _CHECK,
    }),
    "equations": ("write tutorials/equations.md", {"--check": _CHECK}),
}  # fmt: skip


def run(options) -> int:
    """Write or check pages, each made in a process of its own.

    Returns 0, 1 if one failed or differs, 2 if one failed by a mistake in the tutorial.
    """
    from nsnn.docs import equations, pages
    from nsnn.processes import Processes
    from nsnn.text import plural

    if options.action == "equations":
        jobs, work = 1, [("equations", equations.PAGE, (equations.render,))]
    else:
        jobs, files = options.jobs, options.files or pages.tutorials()
        work = [(file, pages.page_of(file), (pages.render, str(file))) for file in files]
    code = 0
    with Processes(jobs) as processes:
        running = [(name, page, processes.submit(*call)) for name, page, call in work]
        for name, page, future in running:
            try:
                text, pictures, seconds = future.result()
                if not options.check:
                    pages.write(page, text, pictures)
                elif found := pages.difference(page, text, pictures):
                    raise RunError(f"{found} (edit what it is made of, then run nsnn docs)")
                done = f"{page} {'is up to date' if options.check else 'written'}"
                print(f"{done}: {seconds:.0f} s, {plural(len(pictures), 'figure')}", flush=True)
            except (UserError, RunError) as error:
                print(f"nsnn: error: {name}: {error}", file=sys.stderr)
                code = max(code, error.exit_code)
    return code
