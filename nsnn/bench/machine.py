"""What the machine can do at best: bytes moved and multiply-adds done in a second.

A kernel's roofline: it takes no less than its bytes / bandwidth and its operations / peak.
"""

import numpy as np
from numba import njit

from nsnn import parallel
from nsnn.bench.timing import repeat, spread

COPY_BYTES = 1 << 28  # 256 MiB, well outside every cache
GEMM_SIZE = 2048
_LENGTH, _REPEATS = 2048, 2000  # 16 KB of float32: they stay in the L1 cache
_CHAIN = 16  # multiply-adds of `multiply_add` for each value loaded


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def multiply_add(x, y, repeats):
    """y = y·x + x, 16 times in registers for each load: bound by multiply-adds alone."""
    for _ in range(repeats):
        for i in range(x.shape[0]):
            a = y[i]
            for _ in range(16):
                a = a * x[i] + x[i]
            y[i] = a


def measure(thread_counts, repeats: int = 5, copy_bytes: int = COPY_BYTES) -> list[dict]:
    """Bandwidth and peaks for each number of threads.

    Parameters
    ----------
    thread_counts : sequence of int
    repeats : int
    copy_bytes : int
        Size of the array that is copied.

    Returns
    -------
    list of dict
        "threads"; "copy" (GB/s, read and written), "multiply_add" (10⁹ float32 operations/s, two
        in each), "gemm" (the same of a product of square matrices in `parallel.matmul`), each a
        `spread`; "ridge": operations for each byte moved above which a kernel is bound by
        arithmetic.
    """
    results = []
    for threads in thread_counts:
        parallel.set_threads(threads)
        copy = _rates(2 * copy_bytes, repeat(_copy(copy_bytes, threads), repeats))
        fma = _rates(
            2 * _CHAIN * _LENGTH * _REPEATS * threads, repeat(_multiply_add(threads), repeats)
        )
        gemm = _rates(2 * GEMM_SIZE**3, repeat(_gemm(), repeats))
        results.append(
            {
                "threads": threads,
                "copy": copy,
                "multiply_add": fma,
                "gemm": gemm,
                "ridge": fma["median"] / copy["median"],
            }
        )
    return results


def _rates(work, seconds) -> dict:
    """Spread of work / seconds in 10⁹ a second."""
    return spread([work / s / 1e9 for s in seconds])


def _copy(size, threads):
    """A call that copies `size` bytes, shared among the threads."""
    source, target = np.ones(size // 4, np.float32), np.zeros(size // 4, np.float32)
    spans = parallel.bounds(source.size, 4 * threads)
    return lambda: parallel.tasks(
        lambda span: np.copyto(target[slice(*span)], source[slice(*span)]), spans
    )


def _multiply_add(threads):
    """A call that keeps every thread at multiply-adds."""
    x = np.full((threads, _LENGTH), 0.5, np.float32)
    y = np.ones((threads, _LENGTH), np.float32)
    return lambda: parallel.tasks(lambda i: multiply_add(x[i], y[i], _REPEATS), range(threads))


def _gemm():
    """A call of one dense product."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, GEMM_SIZE, GEMM_SIZE), np.float32)
    out = np.empty_like(a)
    return lambda: parallel.matmul(a, b, out)
