"""`nsnn reproduce` and `nsnn table`."""

from nsnn.arguments.basics import add_command, add_plugin

_REPRODUCE = """\
examples:
  nsnn reproduce                            list the experiments
  nsnn reproduce ndsnn-table1 --profile small --dry-run
  nsnn reproduce ndsnn-table1 --profile small --jobs 2 --time-limit 75
  nsnn reproduce my.toml --profile mine     an experiment of your own

A cell is one training run; its folder is runs/reproduce/ID/PROFILE/CELL. A finished cell is a line
in OUT/ID/PROFILE/cells.jsonl, with table and figure beside it. Cells that are there, in the file of
any experiment, are not trained again; a run that was stopped or killed goes on. So the same
command, given again, does what is left. Without --out results go to tutorials/results where that
folder exists, as in a clone of nsnn, else to runs/results; those of the profile smoke, which only
tries the machinery, always go to runs/results. Data sets are found through --data-dir or
$NSNN_DATA."""

_TABLE = """\
examples:
  nsnn table ndsnn-table1                   from the finished cells of the profile small
  nsnn table ndsnn-table1 --profile full --out DIR

Writes table.md, table.csv and figure.png into OUT/ID/PROFILE, where nsnn reproduce has left
cells.jsonl, and prints the table: ours as mean ± standard deviation (number of seeds), beside what
the paper prints."""


def add_reproduce(commands) -> None:
    """`nsnn reproduce`."""
    summary = "train the missing cells of a paper's table or figure, and write it"
    parser = add_command(commands, "reproduce", summary, "reproduce:reproduce", _REPRODUCE)
    parser.add_argument(
        "id", nargs="?", metavar="ID", help="such as ndsnn-table1, or a TOML file; none: list them"
    )
    parser.add_argument("--list", action="store_true", help="list the experiments")
    parser.add_argument(
        "--profile", default="small", metavar="P",
        help="smoke (seconds), small (hours) or full (the paper's own setting); default: small",
    )  # fmt: skip
    parser.add_argument(
        "--seeds", type=int, nargs="+", metavar="N", help="default: those of the profile"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N",
        help="training processes at a time, of one thread each; default: one, with all cores",
    )  # fmt: skip
    parser.add_argument("--out", metavar="DIR", help="folder of the results; see below")
    parser.add_argument("--data-dir", metavar="DIR", help="where the data sets are")
    parser.add_argument(
        "--dry-run", action="store_true", help="only list the cells, with hours and memory"
    )
    parser.add_argument(
        "--time-limit", type=float, metavar="MINUTES", help="then save what is under way, and stop"
    )
    add_plugin(parser)


def add_table(commands) -> None:
    """`nsnn table`."""
    summary = "write table and figure of an experiment from its finished cells"
    parser = add_command(commands, "table", summary, "table:table", _TABLE)
    parser.add_argument("id", metavar="ID", help="such as ndsnn-table1, or a TOML file")
    parser.add_argument("--profile", default="small", metavar="P", help="default: small")
    parser.add_argument(
        "--out", metavar="DIR", help="folder of the results; default: as nsnn reproduce"
    )
    add_plugin(parser)
