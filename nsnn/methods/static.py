"""A static mask: random positions that never change, the control of every dynamic method."""

from dataclasses import dataclass

from nsnn.methods.drop_grow import SparseStart
from nsnn.options import option


class Static(SparseStart):
    """Each layer keeps the random positions it starts with for the whole run."""

    title = "static mask"

    @dataclass(frozen=True)
    class Config(SparseStart.Config):
        """Options of `[method]` for a static mask, beside those of `SharedSparsity.Config`.

        Attributes
        ----------
        epsilon : float
            ε of ESL Eq. 1, so that a mask can stand beside the graph that evolves; 0: as many
            synapses as `final_sparsity` and `distribution` say.
        """

        epsilon: float = option(
            0.0, "synapses per neuron of both layers; 0: by sparsity", at_least=0
        )
