"""`nsnn data`."""

from nsnn.arguments.basics import add_command

_DATA = """\
examples:
  nsnn data list
  nsnn data get mnist
  nsnn data check mnist --dir DIR"""


def add_data(commands) -> None:
    """`nsnn data`."""
    parser = add_command(
        commands, "data", "list, download or check data sets", "data:list_datasets", _DATA
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the data sets and where each was found")
    listing.set_defaults(run="nsnn.commands.data:list_datasets")
    for action, summary, folder in (
        (
            "get",
            "download a data set, with checksums; goes on where it was stopped",
            "folder to hold it; default: the user cache",
        ),
        (
            "check",
            "check the files of a data set",
            "folder that holds it; default: $NSNN_DATA, then the user cache",
        ),
    ):
        command = actions.add_parser(action, help=summary, description=summary)
        command.add_argument("name", metavar="NAME", help="such as mnist; see nsnn data list")
        command.add_argument("--dir", metavar="DIR", help=folder)
        command.set_defaults(run=f"nsnn.commands.data:{action}")
