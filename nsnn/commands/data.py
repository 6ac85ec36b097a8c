"""List, download or check data sets.

examples:
  nsnn data list
  nsnn data get mnist
  nsnn data check mnist --dir DIR
"""

_NAME = {"metavar": "NAME", "help": "such as mnist; see nsnn data list"}
_HOLDER = "folder that holds it; default: $NSNN_DATA, then the user cache"
_GOAL = "folder to hold it; default: the user cache"

ACTIONS = {
    "list": ("the data sets and where each was found", {}),
    "get": ("download a data set, with checksums; goes on where it was stopped",
            {"name": _NAME, "--dir": {"metavar": "DIR", "help": _GOAL}}),
    "check": ("check the files of a data set",
              {"name": _NAME, "--dir": {"metavar": "DIR", "help": _HOLDER}}),
}  # fmt: skip


def run(options) -> int:
    """Carry out an action and print what was found."""
    from nsnn.data import listing, source

    if options.action == "list":
        print(listing())
    else:
        print(getattr(source(options.name), options.action)(options.dir))
    return 0
