"""Named random streams."""

import pytest

from nsnn.errors import UserError
from nsnn.streams import stream


def test_seed_name_and_numbers_each_give_another_stream():
    named = [(0, "order"), (1, "order"), (0, "init")]
    named += [(0, "order", 0), (0, "order", 1), (0, "order", 1, 0)]
    assert len({stream(*arguments).integers(2**63) for arguments in named}) == len(named)


def test_a_negative_seed_is_a_mistake():
    with pytest.raises(UserError, match="seed = -1"):
        stream(-1, "init")
