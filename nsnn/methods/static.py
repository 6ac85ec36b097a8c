"""A static mask: random positions that never change, the control of every dynamic method."""

from nsnn.methods.drop_grow import SparseStart


class Static(SparseStart):
    """Each layer keeps the random positions it starts with for the whole run."""

    title = "static mask"
