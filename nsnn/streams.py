"""Named random streams: each use of chance has its own generator, derived from one seed."""

import zlib

import numpy as np

from nsnn.errors import UserError


def stream(seed: int, name: str, *numbers: int) -> np.random.Generator:
    """A generator that depends on nothing but its arguments.

    Parameters
    ----------
    seed : int
        `train.seed`; UserError below 0.
    name : str
        What the numbers are for: "init", "order", "topology", "data" or "augment". Two names
        give independent streams, so that a second draw in one place moves nothing in another.
    *numbers : int
        Further coordinates, such as the epoch: `stream(seed, "order", epoch)` needs no history,
        so that a resumed run shuffles as the uninterrupted one does.

    Returns
    -------
    numpy.random.Generator

    Examples
    --------
    >>> int(stream(0, "order", 3).integers(1000)) == int(stream(0, "order", 3).integers(1000))
    True
    """
    if seed < 0:
        raise UserError(f"seed = {seed}: use a whole number from 0 up")
    # CRC-32 and not hash(), which Python salts anew in each process.
    key = (zlib.crc32(name.encode()), *numbers)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
