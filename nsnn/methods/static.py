"""A static mask: random positions that never change, the control of every dynamic method."""

from dataclasses import dataclass

from nsnn.methods.drop_grow import SparseStart
from nsnn.options import option


class Static(SparseStart):
    """Each layer keeps the random positions it starts with for the whole run."""

    title = "static mask"

    @dataclass(frozen=True)
    class Config(SparseStart.Config):
        """As `SparseStart.Config`, with ε of ESL Eq. 1: a mask beside the graph that evolves."""

        epsilon: float = option(0.0, "ε, synapses per neuron; 0: by sparsity", at_least=0)
