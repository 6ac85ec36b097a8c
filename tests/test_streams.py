"""Named random streams."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.streams import stream


def draw(*arguments):
    return stream(*arguments).integers(0, 2**63, size=4).tolist()


def test_a_stream_depends_on_its_arguments_alone():
    np.random.default_rng(0)
    assert draw(3, "order", 7) == draw(3, "order", 7)


def test_seed_name_and_numbers_each_give_another_stream():
    named = [(0, "order"), (1, "order"), (0, "init")]
    named += [(0, "order", 0), (0, "order", 1), (0, "order", 1, 0)]
    assert len({tuple(draw(*arguments)) for arguments in named}) == len(named)


def test_a_negative_seed_is_a_mistake():
    with pytest.raises(UserError, match="seed = -1"):
        stream(-1, "init")
