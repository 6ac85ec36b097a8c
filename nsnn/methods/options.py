"""Checks of the options that several methods share, and what each layer gets of a sparsity."""

import difflib

import numpy as np

from nsnn.errors import UserError
from nsnn.sparsity.distribution import DISTRIBUTIONS, layer_counts


def require(config, key: str, valid: bool, fix: str) -> None:
    """Raise UserError about option `method.key` unless its value is valid."""
    if not valid:
        raise UserError(f"method.{key} = {getattr(config, key)!r}: {fix}")


def require_distribution(config) -> None:
    """Raise UserError unless `config.distribution` is known; the message names the nearest."""
    if config.distribution not in DISTRIBUTIONS:
        near = difflib.get_close_matches(str(config.distribution), DISTRIBUTIONS, 1, 0.0)[0]
        require(config, "distribution", False, f"did you mean {near!r}?")


def require_sparsity(config, key: str) -> None:
    """Raise UserError unless option `key` is a sparsity that leaves some weights."""
    require(config, key, 0.0 <= getattr(config, key) < 1.0, "use a number in [0, 1)")


def require_fraction(config, key: str) -> None:
    """Raise UserError unless option `key` is a fraction."""
    require(config, key, 0.0 <= getattr(config, key) <= 1.0, "use a number in [0, 1]")


def require_rounds(config) -> None:
    """Raise UserError unless `update_every` and `end_fraction` can place rounds."""
    require(config, "update_every", config.update_every >= 0, "use steps > 0, or 0 to choose")
    require(config, "end_fraction", 0.0 < config.end_fraction <= 1.0, "use a number in (0, 1]")


def active_counts(config, key: str, parameters) -> np.ndarray:
    """Weights of each layer at the sparsity that option `key` gives to all of them together.

    Parameters
    ----------
    config : Config
        With the options `key` and `distribution`.
    key : str
        Such as "final_sparsity".
    parameters : list of Parameter
        All prunable ones.

    Returns
    -------
    ndarray of int64, shape (layers,)

    Raises
    ------
    UserError
        If a layer would be left without a weight.
    """
    sparsity = getattr(config, key)
    dims = [p.dims for p in parameters]
    counts = layer_counts(config.distribution, dims, 1.0 - sparsity)
    for p, count in zip(parameters, counts, strict=True):
        if count == 0:
            raise UserError(
                f"method.{key} = {sparsity} leaves {p.name} (of {p.size}) without a weight: "
                "lower it, or use another method.distribution"
            )
    return counts
