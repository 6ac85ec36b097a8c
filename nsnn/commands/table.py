"""Write table and figure of an experiment from its finished cells.

examples:
  nsnn table ndsnn-table1                   from the finished cells of the profile small
  nsnn table ndsnn-table1 --profile full --out DIR
  nsnn table ndsnn-table1 --figure fig.pdf  the figure for a paper, without title and note, too
  nsnn table ndsnn-table1 --from A B        first add the finished cells in the folders A and B

Writes table.md, table.csv and figure.png into OUT/ID/PROFILE, where nsnn reproduce has left
cells.jsonl, and prints it: ours as mean ± standard deviation (number of seeds), beside the paper's.

With --from, cells of other --out folders are added to OUT before, each once. A cell of other
options or data, or with two results, is named, and nothing is added.
"""

from nsnn.commands import PLUGIN, folder

ARGUMENTS = {
    "id": {"metavar": "ID", "help": "such as ndsnn-table1, or a TOML file"},
    "--profile": {"default": "small", "metavar": "P", "help": "default: small"},
    "--out": {"type": folder, "metavar": "DIR",
              "help": "folder of the results; default: as nsnn reproduce"},
    "--from": {"type": folder, "nargs": "+", "default": [], "metavar": "DIR", "dest": "sources",
               "help": "add the cells of these folders of results"},
    "--figure": {"metavar": "FILE", "help": "write it there, too: .pdf, .svg or .png for a paper"},
    "--plugin": PLUGIN,
}  # fmt: skip


def run(options) -> int:
    """Write table and figure of an experiment anew from its finished cells; print the grid."""
    from nsnn.experiments import join, results, spec, table

    experiment = spec.load(options.id)
    out = options.out or results.default_out(options.profile)
    if options.sources:
        join.join(experiment, options.profile, options.sources, out)
    print(table.write(experiment, options.profile, out, picture=options.figure))
    written = results.folder(out, experiment.id, options.profile)
    print(f"\nwritten: {written}/table.md, table.csv, figure.png", *filter(None, [options.figure]))
    return 0
