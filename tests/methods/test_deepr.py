"""Deep R: woken weights become real ones; the signs of positions."""

import numpy as np
import pytest

from nsnn.methods.deepr import position_signs
from nsnn.training.config_file import load_config
from nsnn.training.run import Run


@pytest.fixture
def run(bare):
    """A run of Deep R that has 510 steps."""
    words = ["method.name=deepr", "method.final_sparsity=0.8", "train.epochs=34", "optim.lr=0.3"]
    return Run(load_config(None, [*bare, *words]))


def test_woken_weights_become_real_ones(run, train):
    """In exact numbers, each with the sign of its position: test_rewiring_oracle.py."""
    weights = [p for p in run.network.parameters() if p.topology is not None]
    start = {p.name: p.positions() for p in weights}
    for _ in train(run):
        pass
    assert run.step == 510
    for p in weights:
        new = ~np.isin(p.positions(), start[p.name])
        assert new.mean() >= 0.2
        assert np.median(np.abs(p.values()[new])) > 1e-3


def test_the_first_weights_keep_their_size_and_take_the_sign_of_their_position(bench):
    run, plain = bench("deepr"), bench("dense")
    for p in run.sparse():
        w = plain.network.prunable()[p.name].data.reshape(-1)[p.positions()]
        s = position_signs(run.method.seed, p.name, p.positions())
        np.testing.assert_array_equal(p.values(), s * np.abs(w))
    assert run.method.bytes_held() == sum(p.active for p in run.sparse())


def test_signs_are_balanced_and_differ_by_seed_and_layer():
    at = np.arange(100_000)
    one, layer, seed = (position_signs(*k, at) for k in ((0, "a"), (0, "b"), (2**62, "a")))
    for s in (one, layer, seed):
        assert set(s.tolist()) == {-1, 1}
        assert abs(s.mean()) < 0.01
        assert abs((s[1:] * s[:-1]).mean()) < 0.01
    assert abs((one * layer).mean()) < 0.01
    assert abs((one * seed).mean()) < 0.01
    np.testing.assert_array_equal(position_signs(0, "a", at[5:9]), one[5:9])


def test_the_hash_is_splitmix64():
    """Against Python's whole numbers, and the first number that the generator of seed 0 gives."""

    def splitmix64(x):
        x = (x + 0x9E3779B97F4A7C15) % 2**64
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
        return x ^ x >> 31

    assert splitmix64(0) == 0xE220A8397B1DCDAF
    crc = 0x3610A686  # of "hello"
    for seed, position in ((0, 0), (7, 123_456_789), (2**63 - 1, 2**31 - 2)):
        bit = splitmix64(splitmix64(splitmix64(seed) ^ crc) ^ position) >> 63
        assert position_signs(seed, "hello", np.array([position])) == 1 - 2 * bit
