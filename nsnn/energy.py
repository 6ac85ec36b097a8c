"""Energy of an inference: what ESL's Table 1 counts, and beside it what is really computed.

The paper prints two columns without their constants; both follow from its numbers: 635,200
connections and 1.13e-5 J "on GPU", 7.95e-6 J "on TrueNorth". What it calls FLOPs are connections:
each is taken for one operation an inference, however often its input spikes.
"""

from dataclasses import dataclass

PER_FLOP = 250 / 14e12
"""Joules of a floating-point operation: 17.86 pJ, a V100 (250 W, 14 TFLOPS in float32).

Inferred: this card's numbers give the paper's first column to its last digit.
"""

PER_SOP = 12.5e-12
"""Joules of a synaptic operation, one spike at one synapse: 12.5 pJ, TrueNorth.

Inferred from the paper's second column.
"""


@dataclass(frozen=True)
class Energy:
    """What an inference takes.

    Examples
    --------
    >>> table_1 = Energy(103_040, 0, 0)
    >>> f"{table_1.gpu:.2e} {table_1.truenorth:.2e}"
    '1.84e-06 1.29e-06'
    """

    connections: int  # weights that exist
    multiply_adds: float  # products with real numbers, as with pixels: no synaptic operations
    synaptic_operations: float  # spikes that meet an existing synapse

    @property
    def gpu(self) -> float:
        """Joules by the paper's column "on GPU": connections × 17.86 pJ."""
        return self.connections * PER_FLOP

    @property
    def truenorth(self) -> float:
        """Joules by the paper's column "on TrueNorth": connections × 12.5 pJ."""
        return self.connections * PER_SOP

    @property
    def counted(self) -> float:
        """Joules of what is computed: multiply-adds × 17.86 pJ + synaptic operations × 12.5 pJ."""
        return self.multiply_adds * PER_FLOP + self.synaptic_operations * PER_SOP


def energy(network, operations, samples: int) -> Energy:
    """The energy of one of so many inferences, whose `Operations` together are `operations`."""
    connections = sum(p.active for p in network.parameters() if p.prunable)
    spikes = sum(operations.layers.values()) - operations.real
    return Energy(connections, operations.real / samples, spikes / samples)
