"""Deep R: woken weights become real ones; the signs of positions."""

import numpy as np

from nsnn.methods.deepr import position_signs
from nsnn.training.config_file import load_config
from nsnn.training.run import Run


def test_woken_weights_become_real_ones(bare, train):
    """In exact numbers, each with the sign of its position: test_rewiring_oracle.py."""
    words = ["method.name=deepr", "method.final_sparsity=0.8", "train.epochs=34", "optim.lr=0.3"]
    run = Run(load_config(None, [*bare, *words]))
    weights = [p for p in run.network.parameters() if p.topology is not None]
    start = {p.name: p.positions() for p in weights}
    for _ in train(run):
        pass
    assert run.step == 510
    for p in weights:
        new = ~np.isin(p.positions(), start[p.name])
        assert new.mean() >= 0.2
        assert np.median(np.abs(p.values()[new])) > 1e-3


def test_the_hash_is_splitmix64():
    """Against Python's whole numbers, and the first number that the generator of seed 0 gives."""

    def splitmix64(x):
        x = (x + 0x9E3779B97F4A7C15) % 2**64
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
        return x ^ x >> 31

    assert splitmix64(0) == 0xE220A8397B1DCDAF
    crc = 0x3610A686  # of "hello"
    at = [*range(30), 123_456_789, 2**31 - 2]
    for seed in (0, 7, 2**63 - 1):
        start = splitmix64(splitmix64(seed) ^ crc)
        signs = [1 - 2 * (splitmix64(start ^ position) >> 63) for position in at]
        assert position_signs(seed, "hello", np.array(at)).tolist() == signs
