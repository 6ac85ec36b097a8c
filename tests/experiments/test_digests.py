"""The committed cells stay valid when options are renamed or removed: their digests do not move."""

import hashlib
import pathlib

import pytest

from nsnn.experiments.results import _read

RESULTS = pathlib.Path(__file__).parents[2] / "tutorials" / "results"
FILES = sorted(RESULTS.glob("ndsnn-*/small/cells.jsonl"))


@pytest.mark.skipif(not FILES, reason="committed results are in a clone only")
def test_the_198_digests_of_the_first_version():
    digests = [record["digest"] for path in FILES for record in _read(path)]
    assert len(digests) == 198
    assert len(set(digests)) == 146
    assert hashlib.sha256("".join(digests).encode()).hexdigest()[:16] == "cd7f35e32e4723b0"
