"""Show versions, processor, threads, caches, data sets."""

# A layer whose products take some hundredths of a second: enough to compare, short to wait for.
_SHAPE, _DENSITIES, _BATCH, _TIME_STEPS = "256-256C3@8", (0.7, 0.5, 0.35, 0.25), 16, 4


def run(options) -> int:
    """Print what nsnn runs on, and from which density down sparse weights are faster here."""
    from nsnn import parallel
    from nsnn.bench.kernels import measure
    from nsnn.info import report
    from nsnn.layers.stored import BREAK_EVEN

    print(report(), flush=True)
    parallel.set_threads(0)
    found = measure(_SHAPE, _DENSITIES, _BATCH, _TIME_STEPS, repeats=2)["break_even"]
    print(
        f"\nbreak-even    density {found['relation']} {found['density']:.2f} (CSR against dense, "
        f'forward and backward, {_SHAPE}, here and now); storage = "auto" changes at {BREAK_EVEN}'
    )
    return 0
