"""`python -m nsnn` and the `nsnn` command."""

import os
import signal
import sys
import warnings

# One BLAS thread: nsnn divides its own work, and OpenBLAS gives other bits for other thread
# counts. The library reads these when NumPy loads, so they are set before anything imports it.
for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# Pictures are files: no display, and an unknown backend would stop Matplotlib from loading.
os.environ["MPLBACKEND"] = "agg"


def main() -> int:
    """Run the command line; returns the exit code."""
    from nsnn.cli import main as run

    secure_streams()
    # Outside of training, which saves first, these stop as Ctrl-C does: with a line.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup has SIGHUP ignored
            signal.signal(number, signal.default_int_handler)
    # A warning is one line, as an error is; Python would show its source as well.
    warnings.formatwarning = lambda message, *place: f"nsnn: warning: {message}\n"
    return run(sys.argv[1:])


def secure_streams() -> None:
    """See to it that printing never fails for want of a character or of a stream.

    A character that the locale's encoding lacks, such as · in ASCII, becomes an escape, as it
    always does on standard error. A stream that was closed (`>&-`), whose place the next file that
    is opened would take, goes nowhere.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, mode)  # noqa: SIM115 (for the life of the process)
            setattr(sys, name, stream)
        if mode == "w":
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
