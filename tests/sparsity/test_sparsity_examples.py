"""The examples in the docstrings of this floor are right."""

import doctest
import importlib

import pytest

MODULES = [
    "sparsity.distribution",
    "sparsity.schedule",
    "sparsity.drop",
    "sparsity.log",
    "sparsity.prune",
]


@pytest.mark.parametrize("name", [*MODULES, "csr", "losses", "optim"])
def test_examples(name):
    results = doctest.testmod(importlib.import_module(f"nsnn.{name}"))
    assert results.attempted > 0
    assert results.failed == 0
