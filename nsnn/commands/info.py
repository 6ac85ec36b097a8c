"""Show versions, processor, threads, caches, data sets."""

# A layer whose products take some hundredths of a second: enough to compare, short to wait for.
_SHAPE, _DENSITIES, _BATCH, _TIME_STEPS = "256-256C3@8", (0.7, 0.5, 0.35, 0.25), 16, 4


def add_arguments(parser) -> None:
    """`nsnn info` has no options."""


def run(options) -> int:
    """Print what nsnn runs on, and from which density down sparse weights are faster here."""
    from nsnn.info import report

    print(report(), flush=True)
    print(f"\nbreak-even    {_break_even()}")
    return 0


def _break_even() -> str:
    """The measured break-even density in words."""
    from nsnn import parallel
    from nsnn.bench.kernels import Shape, measure
    from nsnn.layers.stored import BREAK_EVEN

    parallel.set_threads(0)
    found = measure(Shape.read(_SHAPE), _DENSITIES, _BATCH, _TIME_STEPS, repeats=2)["break_even"]
    return (
        f"density {found['relation']} {found['density']:.2f} (CSR against dense, forward and "
        f'backward, {_SHAPE}, here and now); storage = "auto" changes at {BREAK_EVEN}'
    )
