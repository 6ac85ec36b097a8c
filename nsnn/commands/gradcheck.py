"""Compare every gradient with finite differences, in about half a minute of one core."""


def run(options) -> int:
    """Print the table of gradient checks; 0 if all passed, else 1."""
    from nsnn.gradcheck import main_table

    text, passed = main_table()
    print(text)
    return 0 if passed else 1
