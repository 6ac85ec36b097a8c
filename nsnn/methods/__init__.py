"""The papers' methods of training, one file each, by the name that `method.name` gives."""

from nsnn.methods.base import Method, RunLength
from nsnn.methods.dense import Dense
from nsnn.methods.ndsnn import NDSNN

METHODS: dict[str, type[Method]] = {"dense": Dense, "ndsnn": NDSNN}

__all__ = ["METHODS", "NDSNN", "Dense", "Method", "RunLength"]
