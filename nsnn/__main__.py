"""`python -m nsnn` and the `nsnn` command."""

import os
import sys

# One BLAS thread: nsnn divides its own work, and OpenBLAS gives other bits for other thread
# counts. The library reads these when NumPy loads, so they are set before anything imports it.
for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")


def main() -> int:
    """Run the command line; returns the exit code."""
    from nsnn.cli import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
