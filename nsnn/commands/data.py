"""List, download or check data sets.

examples:
  nsnn data list
  nsnn data get mnist
  nsnn data check mnist --dir DIR
"""

_ACTIONS = {
    "get": ("download a data set, with checksums; goes on where it was stopped",
            "folder to hold it; default: the user cache"),
    "check": ("check the files of a data set",
              "folder that holds it; default: $NSNN_DATA, then the user cache"),
}  # fmt: skip


def add_arguments(parser) -> None:
    """The actions of `nsnn data` and their options."""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    actions.add_parser("list", help="the data sets and where each was found")
    for action, (summary, place) in _ACTIONS.items():
        command = actions.add_parser(action, help=summary, description=summary)
        command.add_argument("name", metavar="NAME", help="such as mnist; see nsnn data list")
        command.add_argument("--dir", metavar="DIR", help=place)


def run(options) -> int:
    """Carry out an action and print what was found."""
    from nsnn.data import listing, source

    if options.action == "list":
        print(listing())
    else:
        print(getattr(source(options.name), options.action)(options.dir))
    return 0
