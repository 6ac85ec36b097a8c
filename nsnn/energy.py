"""Energy of an inference: what ESL's Table 1 counts, and beside it what is really computed.

The paper prints two columns without their constants; both follow from its numbers: 635,200
connections and 1.13e-5 J "on GPU", 7.95e-6 J "on TrueNorth". What it calls FLOPs are connections:
each is taken for one operation an inference, however often its input spikes.
"""

PER_FLOP = 250 / 14e12
"""Joules of a floating-point operation: 17.86 pJ, a V100 (250 W, 14 TFLOPS in float32).

Inferred: this card's numbers give the paper's first column to its last digit.
"""

PER_SOP = 12.5e-12
"""Joules of a synaptic operation, one spike at one synapse: 12.5 pJ, TrueNorth.

Inferred from the paper's second column.
"""


def energy(network, operations, samples: int) -> dict[str, float]:
    """What one of so many inferences takes, whose `Operations` together are `operations`.

    "multiply_adds" are products with real numbers, as with pixels, "synaptic_operations" spikes
    that meet an existing synapse. In joules, "counted" is what both take, × 17.86 and × 12.5 pJ;
    "paper_gpu" and "paper_truenorth" are the paper's columns, connections × 17.86 and × 12.5 pJ.
    """
    connections = sum(p.active for p in network.parameters() if p.prunable)
    multiply_adds = operations.real / samples
    synaptic_operations = (sum(operations.layers.values()) - operations.real) / samples
    return {
        "multiply_adds": multiply_adds,
        "synaptic_operations": synaptic_operations,
        "counted": multiply_adds * PER_FLOP + synaptic_operations * PER_SOP,
        "paper_gpu": connections * PER_FLOP,
        "paper_truenorth": connections * PER_SOP,
    }
