"""A backward that is wrong in its structure is noticed by the check of a network.

One percent too much of what a line checks: tests/gradcheck/test_gradcheck.py.
"""

import numpy as np
import pytest

from nsnn import gradcheck
from nsnn.gradcheck import check_network
from nsnn.gradcheck.cases import residual_network
from nsnn.layers import BatchNorm, GlobalAvgPool2d, Residual
from nsnn.layers import lif as lif_layer
from nsnn.neuron import from_preset

NEURON = from_preset("ndsnn", detach_reset=False, time_steps=4)
honest_lif, honest_global_pool = lif_layer.lif_backward, GlobalAvgPool2d.backward


def worst():
    network, batch = residual_network(NEURON, np.random.default_rng(96))
    return max(result.error for result in check_network(network, batch))


def without_shortcut(block, dy):
    """Residual.backward that forgets the second branch."""
    dx = block.body.backward(block._kept("dy", dy))
    if block.shortcut is not None:
        block.shortcut.backward(block._kept("d_body", dy))
    return dx


def norm_passed_over(norm, dy):
    """BatchNorm.backward of a constant scale."""
    norm.gamma.gradient[...] = norm.beta.gradient[...] = 0
    return dy * (norm.gamma.data * norm._inverse_std)[:, None, None, None, None]


def reversed_in_time(delta, *arguments):
    honest_lif(np.ascontiguousarray(delta[:, :, ::-1]), *arguments)


def reset_term_dropped(*arguments):
    """lif_backward of a reset that is detached."""
    honest_lif(*arguments[:9], not arguments[9], *arguments[10:])


@pytest.mark.parametrize(("owner", "name", "wrong"), [
    (Residual, "backward", without_shortcut), (BatchNorm, "backward", norm_passed_over),
    (GlobalAvgPool2d, "backward", lambda pool, dy: honest_global_pool(pool, 1.01 * dy)),
    (lif_layer, "lif_backward", reversed_in_time), (lif_layer, "lif_backward", reset_term_dropped),
])  # fmt: skip
def test_a_wrong_backward_is_caught(owner, name, wrong, monkeypatch):
    assert worst() <= gradcheck.TOLERANCE
    monkeypatch.setattr(owner, name, wrong)
    assert worst() > 1e-4
