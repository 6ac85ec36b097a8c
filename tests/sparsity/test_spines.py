"""What SD-SNN computes of the bounds of synapses, worked by hand."""

import numpy as np

from nsnn.reference import sdsnn
from nsnn.sparsity import spines


def test_the_importance_of_a_neuron_is_the_sum_of_the_ranges_of_its_synapses():
    upper = np.array([[0.5, 9.0, 0.25], [9.0, 1.0, 9.0], [9.0, 9.0, 9.0]])
    lower = np.array([[-0.5, 9.0, -0.5], [9.0, -2.0, 9.0], [9.0, 9.0, 9.0]])
    mask = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0]], bool)
    by_hand = [1.0 + 0.75, 3.0, 0.0]
    found = spines.importance(np.flatnonzero(mask), upper[mask], lower[mask], mask.shape)
    np.testing.assert_array_equal(found, by_hand)
    layer = sdsnn.Hidden(upper)
    layer.M, layer.upper, layer.lower = mask, upper, lower
    np.testing.assert_array_equal(sdsnn.importance(layer), by_hand)
