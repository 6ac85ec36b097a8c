"""The examples in docstrings are right."""

import doctest
import importlib
import pathlib

import pytest

import nsnn

PACKAGE = pathlib.Path(nsnn.__file__).parent
OF_THE_READER = ("gradcheck/__init__.py", "training/session.py")  # examples on his network, his run
FILES = [
    path
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>>" in path.read_text(encoding="utf-8") and not str(path).endswith(OF_THE_READER)
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_examples(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    results = doctest.testmod(importlib.import_module(".".join(parts).removesuffix(".__init__")))
    assert results.attempted > results.failed == 0
