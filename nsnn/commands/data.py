"""`nsnn data list | get | check`."""


def list_datasets(options) -> int:
    """Print the data sets and where each was found."""
    from nsnn.data import commands

    print(commands.list_datasets())
    return 0


def get(options) -> int:
    """Download a data set and print where it is."""
    from nsnn.data import commands

    print(commands.get(options.name, options.dir))
    return 0


def check(options) -> int:
    """Check the files of a data set and print what was found."""
    from nsnn.data import commands

    print(commands.check(options.name, options.dir))
    return 0
