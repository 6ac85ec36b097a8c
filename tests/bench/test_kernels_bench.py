"""The benchmark of single layers: shapes, rates, break-even density."""

import math

import numpy as np
import pytest

from nsnn.bench import kernels
from nsnn.bench.kernels import Shape, break_even, parse_shape
from nsnn.errors import UserError


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("784-800", Shape(784, 800)),
        ("512-256C3@4", Shape(512, 256, 3, 4)),
        ("3-64C1@32", Shape(3, 64, 1, 32)),
    ],
)
def test_shapes_read_as_they_are_written(text, shape):
    assert parse_shape(text) == shape
    assert str(shape) == text


@pytest.mark.parametrize("text", ["784", "784-", "3-64C2@8", "3-64C3", "3-64@8", "0-3", "a-b"])
def test_a_shape_that_cannot_be_read(text):
    with pytest.raises(UserError, match="--shapes"):
        parse_shape(text)


def test_default_shapes_can_be_read():
    assert [str(parse_shape(text)) for text in kernels.SHAPES] == list(kernels.SHAPES)


def test_break_even_is_interpolated_in_the_logarithm():
    """Times 1, 3 at densities 0.1, 0.4; 1.5 is a quarter of the way, 0.1 · 4^¼."""
    found = break_even([0.4, 0.1], [3.0, 1.0], dense=1.5)
    assert found["relation"] == "="
    assert found["density"] == pytest.approx(0.1 * math.sqrt(2), rel=1e-5)


def test_break_even_takes_the_first_crossing():
    found = break_even([0.1, 0.2, 0.4, 0.8], [1.0, 3.0, 1.0, 3.0], dense=2.0)
    assert 0.1 < found["density"] < 0.2


@pytest.mark.parametrize(
    ("dense", "expected"),
    [
        (0.5, {"density": 0.1, "relation": "<"}),
        (4.0, {"density": 0.4, "relation": "≥"}),
        (3.0, {"density": 0.4, "relation": "≥"}),
    ],
)
def test_no_crossing(dense, expected):
    assert break_even([0.1, 0.4], [1.0, 3.0], dense) == expected


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(kernels, "SECONDS", 0.0)


@pytest.mark.parametrize("text", ["12-9", "3-4C3@5"])
def test_a_tiny_measurement_is_complete(text, quick):
    densities = [0.5, 0.1]
    result = kernels.measure(parse_shape(text), densities, batch=3, time_steps=2, repeats=1)
    assert result["shape"] == text
    assert [found["density"] for found in result["sparse"]] == densities
    for found in (result["dense"], *result["sparse"]):
        for product in ("forward", "gradient", "input_gradient", "total"):
            assert set(found[product]) == {"median", "low", "high", "gflops"}
        assert found["forward"]["gflops"] > 0
    ratio = result["dense"]["total"]["median"] / result["sparse"][0]["total"]["median"]
    assert result["sparse"][0]["ratio"] == ratio


def test_rates_and_the_input_gradient(monkeypatch):
    """A layer whose calls take known times: 1 s forward, 2 s backward, 5 s with both products."""
    layer = Shape(4, 6).layer(np.random.default_rng(0))
    monkeypatch.setattr(kernels, "repeat", lambda *_: [next(seconds)])
    monkeypatch.setattr(kernels, "product_flops", lambda *_: 6e9)
    seconds = iter([1.0, 2.0, 5.0])
    found = kernels.products(layer, np.zeros((4, 2, 3), np.uint8), np.zeros((6, 2, 3)), 1)
    assert found["forward"]["gflops"] == 6.0
    assert found["gradient"]["gflops"] == 3.0
    assert found["input_gradient"]["median"] == 3.0
    assert found["input_gradient"]["gflops"] == 2.0
    assert found["total"]["median"] == 6.0
    assert found["total"]["gflops"] == 3.0
    seconds = iter([1.0, 2.0, 1.5])  # noise
    found = kernels.products(layer, np.zeros((4, 2, 3), np.uint8), np.zeros((6, 2, 3)), 1)
    assert found["input_gradient"]["gflops"] is None
