"""`nsnn info`."""


def info(options) -> int:
    """Print what nsnn runs on."""
    from nsnn.info import report

    print(report())
    return 0
