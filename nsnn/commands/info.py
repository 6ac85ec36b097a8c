"""Show versions, processor, threads, caches, data sets."""

import os
import textwrap
from pathlib import Path

from nsnn import cachedir

# A layer whose products take some hundredths of a second: enough to compare, short to wait for.
_SHAPE, _DENSITIES, _BATCH, _TIME_STEPS = "256-256C3@8", (0.7, 0.5, 0.35, 0.25), 16, 4


def run(options) -> int:
    """Print what nsnn runs on, and from which density down sparse weights are faster here."""
    from nsnn import info, parallel
    from nsnn.bench.kernels import measure
    from nsnn.data import listing
    from nsnn.layers.stored import BREAK_EVEN

    found = info.environment() | {"threads": f"{parallel.available_cores()} used by default"}
    for name, value in (found | {"kernel cache": _kernel_cache()}).items():
        print(f"{name:<13} {value}")
    print(f"\ndata sets\n{textwrap.indent(listing(), '  ')}\n", flush=True)
    parallel.set_threads(0)
    edge = measure(_SHAPE, _DENSITIES, _BATCH, _TIME_STEPS, repeats=2)["break_even"]
    print(
        f"break-even    density {edge['relation']} {edge['density']:.2f} (CSR against dense, "
        f'forward and backward, {_SHAPE}, here and now); storage = "auto" changes at {BREAK_EVEN}'
    )
    return 0


def _kernel_cache() -> str:
    """Where Numba keeps the compiled kernels: the first place where it can write."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    places = [Path(chosen)] if chosen else cachedir.usual_places()
    found = next(filter(cachedir.writable, places), None)
    return f"{found or 'none can be written'} (set NUMBA_CACHE_DIR to choose another)"
