"""The header of a report."""

import pytest

from nsnn import info
from nsnn.bench import environment as module
from nsnn.bench.environment import Others, blas_core, environment, header_lines


def test_header_says_what_the_numbers_depend_on():
    found = environment([1, 2])
    text = "\n".join(header_lines(found))
    assert info.processor() in text
    assert "threads 1, 2" in text
    assert f"numpy {found['numpy']}" in text
    assert f"BLAS core {blas_core()}" in text
    assert "torch" not in text


def test_header_has_the_versions_of_the_peer(monkeypatch):
    monkeypatch.setattr(module.importlib.metadata, "version", lambda name: f"v-{name}")
    text = "\n".join(header_lines(environment([2], "snntorch")))
    assert "torch v-torch, snntorch v-snntorch" in text


def test_blas_core_is_one_word():
    assert blas_core() == blas_core().strip() != ""


def test_cores_of_others_are_what_is_not_our_own(monkeypatch):
    # (clock, processors at work, we and our children)
    clocks = iter([(10.0, 100.0, 5.0), (14.0, 107.0, 9.0)])
    monkeypatch.setattr(Others, "_clocks", staticmethod(lambda: next(clocks)))
    assert Others().cores() == (7.0 - 4.0) / 4.0


def test_cores_of_others_are_never_negative(monkeypatch):
    """Ticks are coarse."""
    clocks = iter([(10.0, 100.0, 5.0), (14.0, 104.0, 10.0)])
    monkeypatch.setattr(Others, "_clocks", staticmethod(lambda: next(clocks)))
    assert Others().cores() == 0.0


@pytest.mark.parametrize("error", [FileNotFoundError, PermissionError])
def test_a_system_that_does_not_tell(monkeypatch, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr("builtins.open", refuse)
    assert Others().cores() is None
