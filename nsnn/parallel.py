"""Threads: each owns a range of a kernel's output, so results do not depend on their number.

Kernels release the GIL and write only the outputs `start:stop` they are given; no number is ever
summed by two threads. Dense products run as a fixed number of chunks, with BLAS at one thread: its
bits depend on its thread count and the shapes, and its threads would spin against ours.
"""

import concurrent.futures
import ctypes
import functools
import itertools
import os
import pathlib

import numpy as np

from nsnn.errors import UserError

CHUNKS = 8  # pieces of a dense product, whatever the number of threads
SERIAL_BELOW = 200_000  # multiply-adds: about 50 µs, what waking a thread costs

_threads = 1
_pool: concurrent.futures.ThreadPoolExecutor | None = None


def available_cores() -> int:
    """Number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_threads(count: int = 0) -> int:
    """Use `count` threads, 0 for every core this process may use; returns the number."""
    global _threads, _pool
    if not isinstance(count, int | np.integer) or count < 0:
        raise UserError(f"threads = {count}: use 0 (every core) or more")
    count = count or available_cores()
    if count != _threads:
        if _pool is not None:
            _pool.shutdown()
        # The calling thread works too.
        _pool = concurrent.futures.ThreadPoolExecutor(count - 1) if count > 1 else None
        _threads = count
    return count


def get_threads() -> int:
    """Number of threads in use."""
    return _threads


def tasks(function, items) -> list:
    """`[function(item) for item in items]`, by all threads; results in the order of the items."""
    items = list(items)
    if _pool is None or len(items) < 2:
        return [function(item) for item in items]
    results = [None] * len(items)
    following = iter(range(len(items)))  # next() on it is atomic under the GIL

    def work():
        for i in following:
            results[i] = function(items[i])

    helpers = [_pool.submit(work) for _ in range(min(_threads, len(items)) - 1)]
    try:
        work()
    finally:
        # Nothing is left for a helper that has not started; waiting for one could be for ever
        # where tasks have tasks.
        started = [helper for helper in helpers if not helper.cancel()]
        concurrent.futures.wait(started)
    for helper in started:
        helper.result()  # raises what a thread raised
    return results


def bounds(size: int, parts: int, indptr=None) -> list[tuple[int, int]]:
    """Split the outputs `0..size` into at most `parts` ranges of equal work.

    Parameters
    ----------
    size : int
    parts : int
    indptr : ndarray of int32, shape (size + 1,), optional
        Work of output r is `indptr[r + 1] - indptr[r]`, plus one; without it all are equal.
    """
    if indptr is None:
        edges = np.linspace(0, size, parts + 1).astype(np.int64)
    else:
        cost = indptr + np.arange(size + 1)
        edges = np.searchsorted(cost, np.linspace(0, cost[-1], parts + 1))
        edges[0], edges[-1] = 0, size
    return [(int(a), int(b)) for a, b in itertools.pairwise(edges) if b > a]


def launch(kernel, size: int, work: float, *arguments, indptr=None) -> None:
    """Call `kernel(*arguments, start, stop)` so that the outputs `0..size` are covered once.

    Parameters
    ----------
    kernel : callable
        A compiled kernel whose outputs are independent of how the range is split.
    size : int
        Number of outputs.
    work : float
        Multiply-adds of the whole call: a short one is not worth a second thread.
    indptr : ndarray, optional
        Balances the ranges by stored entries, see `bounds`.
    """
    if _pool is None or work < SERIAL_BELOW or size < 2:
        kernel(*arguments, 0, size)
        return
    ranges = bounds(size, min(size, 4 * _threads), indptr)
    tasks(lambda span: kernel(*arguments, *span), ranges)


def matmul(a, b, out) -> None:
    """out = a @ b in `CHUNKS` pieces, whose shapes do not depend on the number of threads.

    Pieces are rows of `out`, or columns if there are more of these: a few rows at a time BLAS would
    read the whole of b for little work.
    """
    single_threaded_blas()
    if out.shape[0] >= out.shape[1]:
        ranges = bounds(out.shape[0], CHUNKS)
        tasks(lambda span: np.matmul(a[slice(*span)], b, out=out[slice(*span)]), ranges)
    else:
        ranges = bounds(out.shape[1], CHUNKS)
        tasks(lambda span: np.matmul(a, b[:, slice(*span)], out=out[:, slice(*span)]), ranges)


@functools.cache
def single_threaded_blas() -> str:
    """Set NumPy's BLAS to one thread, once; returns how, or why it could not be done."""
    set_count = _openblas("set_num_threads")
    if set_count is not None:
        set_count(1)
        return "1 thread (set in NumPy's OpenBLAS)"
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":
        return "1 thread (by OPENBLAS_NUM_THREADS)"
    return (
        "not under nsnn's control: set OPENBLAS_NUM_THREADS=1 (or your BLAS library's variable) "
        "before Python starts, or dense results may depend on its threads"
    )


def _openblas(name: str):
    """A function of the OpenBLAS that wheels of NumPy bundle beside the package, None without."""
    package = pathlib.Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        for library in sorted(folder.glob("*openblas*")):
            # Opening the file again gives the library that is already loaded, with its symbols.
            handle = ctypes.CDLL(str(library))
            for symbol in (f"scipy_openblas_{name}64_", f"openblas_{name}64_"):
                if hasattr(handle, symbol):
                    return getattr(handle, symbol)
    return None


def blas_core() -> str:
    """The processor type that NumPy's BLAS chose its kernels for: others round differently."""
    core = _openblas("get_corename")
    if core is None:
        return "unknown (NumPy does not bundle OpenBLAS here)"
    core.restype = ctypes.c_char_p
    return core().decode()
