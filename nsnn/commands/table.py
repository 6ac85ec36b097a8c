"""`nsnn table`."""

from nsnn.errors import UserError


def table(options) -> int:
    """Write table and figure of an experiment anew from its finished cells; print the grid."""
    from nsnn.experiments import results, spec, table

    if options.out == "":
        raise UserError("--out needs the name of a folder, got an empty one")
    experiment = spec.load(options.id)
    out = options.out or results.default_out(options.profile)
    print(table.write(experiment, options.profile, out))
    folder = results.folder(out, experiment.id, options.profile)
    print(f"\nwritten: {folder}/table.md, table.csv, figure.png")
    return 0
