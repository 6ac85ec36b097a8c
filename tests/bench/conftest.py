"""What the tests of `nsnn bench` share."""

import pytest

from nsnn import parallel


@pytest.fixture(autouse=True)
def threads():
    """The number of threads after a test is that before it."""
    before = parallel.get_threads()
    yield
    parallel.set_threads(before)
