"""Initial weights scaled up to the active fan-in."""

import numpy as np
import pytest

from nsnn.layers.weighted import scale_to_active_fan_in
from nsnn.models import build
from nsnn.neuron import from_preset


@pytest.mark.parametrize("storage", ["csr", "dense"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scale_to_active_fan_in(storage, dtype):
    neuron, rng = from_preset("ndsnn", time_steps=2), np.random.default_rng(70)
    network = build("4C3-6", neuron, (1, 8, 8), 10, rng, dtype=dtype, storage=storage)
    first, *_, dense = (p for p in network.parameters() if p.prunable)
    before, untouched = first.data.copy(), dense.data.copy()
    # Rows 0 to 3 of 9 columns with 3, 1, 0 and 9 active weights.
    first.storage = storage
    first.sparsify(np.array([0, 4, 8, 9 + 5, *range(27, 36)]))
    scale_to_active_fan_in(network.parameters())
    after = first.topology.to_dense() if storage == "csr" else first.data
    assert first.data is first.topology.data
    assert first.data.dtype == dtype
    np.testing.assert_allclose(after[0, [0, 4, 8]], np.sqrt(3) * before[0, [0, 4, 8]], rtol=1e-6)
    np.testing.assert_allclose(after[1, 5], 3 * before[1, 5], rtol=1e-6)
    np.testing.assert_array_equal(after[3], before[3])
    assert np.count_nonzero(after) == 13
    np.testing.assert_array_equal(dense.data, untouched)
