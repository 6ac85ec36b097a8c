"""The names of `nsnn`: completed, typed; imported at first use: tests/test_cli.py."""

import ast
from pathlib import Path

import nsnn

HERE = Path(nsnn.__file__).parent


def test_completion_shows_what_there_is():
    assert {"load", "train", "simulate", "Network", "Neuron", "from_preset"} <= {*dir(nsnn)}
    for name in dir(nsnn):
        assert getattr(nsnn, name) is not None


def test_the_types_are_of_the_same_names():
    stub = ast.parse((HERE / "__init__.pyi").read_text())
    found = {"__version__"}
    for node in stub.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                assert alias.name == alias.asname  # so exported, to a type checker
                assert nsnn._PUBLIC[alias.name] == node.module
                found.add(alias.name)
    assert found == {*nsnn.__all__}
    assert (HERE / "py.typed").exists()
