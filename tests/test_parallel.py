"""Threads: ranges, exceptions, and results that do not depend on their number."""

import threading
import time

import numpy as np
import pytest

from nsnn import parallel
from nsnn.errors import UserError
from nsnn.gradcheck.cases import small_network
from nsnn.layers import dense_conv
from nsnn.neuron import from_preset


def test_set_threads():
    assert parallel.set_threads(3) == parallel.get_threads() == 3
    assert parallel.set_threads(0) == parallel.available_cores() == parallel.get_threads()
    with pytest.raises(UserError, match="threads = -1"):
        parallel.set_threads(-1)
    with pytest.raises(UserError, match=r"threads = 1.5"):
        parallel.set_threads(1.5)
    assert parallel.get_threads() == parallel.available_cores()


@pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 1000])
@pytest.mark.parametrize("parts", [1, 3, 8])
@pytest.mark.parametrize("weighted", [False, True])
def test_bounds_cover_everything_once(size, parts, weighted):
    counts = np.random.default_rng(40).integers(0, 50, size)
    counts[: size // 3] = 0  # empty rows
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32) if weighted else None
    ranges = parallel.bounds(size, parts, indptr)
    assert len(ranges) <= parts
    covered = [i for start, stop in ranges for i in range(start, stop)]
    assert covered == list(range(size))
    assert all(stop > start for start, stop in ranges)


def test_bounds_are_balanced_by_work():
    rows = 400
    counts = np.where(np.arange(rows) < 100, 90, 2)  # a quarter of the rows has nearly all
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    work = [indptr[b] - indptr[a] + b - a for a, b in parallel.bounds(rows, 8, indptr)]
    assert max(work) - min(work) <= 2 * 91
    assert {b - a for a, b in parallel.bounds(rows, 8)} == {50}


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_run_covers_the_outputs_once(threads, monkeypatch):
    monkeypatch.setattr(parallel, "SERIAL_BELOW", 0)
    parallel.set_threads(threads)
    calls = []

    def kernel(scale, out, start, stop):
        calls.append((start, stop))
        out[start:stop] += scale * np.arange(start, stop)

    out = np.zeros(100)
    parallel.launch(kernel, 100, 1.0, 2.0, out)
    np.testing.assert_array_equal(out, 2.0 * np.arange(100))
    assert (len(calls) == 1) == (threads == 1)


def test_little_work_stays_in_one_call():
    parallel.set_threads(2)
    calls = []
    parallel.launch(lambda start, stop: calls.append((start, stop)), 100, parallel.SERIAL_BELOW - 1)
    assert calls == [(0, 100)]
    parallel.launch(lambda start, stop: calls.append((start, stop)), 100, parallel.SERIAL_BELOW)
    assert len(calls) > 2


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_come_in_the_order_of_the_items(threads):
    parallel.set_threads(threads)

    def square(i):
        time.sleep(0.002 * (i % 3))
        return i * i

    assert parallel.tasks(square, range(20)) == [i * i for i in range(20)]
    assert parallel.tasks(square, []) == []


@pytest.mark.parametrize("in_helper", [True, False])
def test_an_exception_in_a_thread_surfaces(in_helper):
    parallel.set_threads(2)
    both = threading.Barrier(2, timeout=10)  # passes only if two threads are in at once

    def fail(i):
        both.wait()
        if (threading.current_thread() is not threading.main_thread()) == in_helper:
            raise ZeroDivisionError("from a kernel")

    with pytest.raises(ZeroDivisionError, match="from a kernel"):
        parallel.tasks(fail, range(2))
    assert parallel.tasks(abs, [-1, -2, -3]) == [1, 2, 3]  # the pool is still usable


NESTED = """
from nsnn import parallel
parallel.set_threads(2)
print(parallel.tasks(lambda i: parallel.tasks(lambda j: 10 * i + j, range(3)), range(4)))
"""


def test_tasks_within_tasks_do_not_wait_for_each_other(python):
    """In a process of its own, so that a deadlock fails the test instead of hanging it."""
    done = python("-c", NESTED, timeout=10)
    assert done.stdout.strip() == str([[10 * i + j for j in range(3)] for i in range(4)])


@pytest.mark.parametrize("shape", [(20, 30, 40), (3, 30, 40), (8, 1, 1), (1, 1, 3), (16, 5, 0)])
def test_matmul_gives_the_same_bits_with_any_number_of_threads(shape):
    rng = np.random.default_rng(41)
    n, k, m = shape
    a, b = rng.normal(size=(n, k)), rng.normal(size=(k, m))
    results = []
    for threads in (1, 2, 3):
        parallel.set_threads(threads)
        out = np.full((n, m), np.nan)
        parallel.matmul(a, b, out)
        results.append(out)
    parallel.matmul(np.asfortranarray(a), np.asfortranarray(b), out)  # as transposed views are
    np.testing.assert_allclose(out, a @ b, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(results[0], a @ b, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def outcome(storage, threads):
    """Outputs and gradients of a network with every kind of layer."""
    parallel.set_threads(threads)
    neuron, notation = from_preset("ndsnn", time_steps=3), "9C3-AP2-10C3-MP2-20"
    size = {"side": 12, "samples": 7, "dtype": np.float32}
    rng = np.random.default_rng(43)
    network, batch = small_network(notation, neuron, rng, storage, norm="batch", **size)
    seen = {p: [] for p in network.parameters() if p.prunable}
    for p, blocks in seen.items():
        p.observe(lambda columns, block, blocks=blocks: blocks.append(block.copy()))
    loss, _ = network.loss_and_backward(batch)
    arrays = [np.array(loss), *(p.gradient for p in network.parameters())]
    arrays += [np.concatenate(blocks, axis=1) for blocks in seen.values()]
    arrays += [array for layer in network.layers() for array in layer.state().values()]
    return [array.copy() for array in arrays]


@pytest.mark.parametrize("storage", ["all active", "masked", "csr"])
def test_a_network_gives_the_same_bits_with_any_number_of_threads(storage, monkeypatch):
    monkeypatch.setattr(parallel, "SERIAL_BELOW", 0)
    monkeypatch.setattr(dense_conv, "BAND_BYTES", 2_000)  # a few bands also of small images
    alone = outcome(storage, 1)
    assert all(array.any() for array in alone[1:])
    for threads in (2, 3):
        np.testing.assert_equal(outcome(storage, threads), alone)
