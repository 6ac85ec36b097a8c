"""The machine's best."""

import numpy as np

from nsnn.bench import machine


def test_multiply_add_does_what_it_counts():
    x = np.array([0.5, 0.25, -0.5], np.float32)
    fast, slow = np.array([[1.0, 2.0, 3.0]] * 2, np.float32)
    machine.multiply_add(x, fast, 2)
    for _ in range(2 * machine._CHAIN):
        slow = slow * x + x
    np.testing.assert_allclose(fast, slow, rtol=1e-6)


def test_a_small_measurement_is_complete(monkeypatch):
    monkeypatch.setattr(machine, "GEMM_SIZE", 32)
    monkeypatch.setattr(machine, "_REPEATS", 2)
    results = machine.measure([1, 2], repeats=1, copy_bytes=1 << 16)
    assert [result["threads"] for result in results] == [1, 2]
    for result in results:
        for key in ("copy", "multiply_add", "gemm"):
            assert 0 < result[key]["low"] <= result[key]["median"] <= result[key]["high"]
        assert result["ridge"] == result["multiply_add"]["median"] / result["copy"]["median"]


def test_rates_are_billions_a_second():
    assert machine._rates(6e9, [2.0, 3.0, 6.0]) == {"median": 2.0, "low": 1.0, "high": 3.0}
