"""`nsnn bench`: what sparsity saves on this machine, measured, and compared with other libraries.

Training is measured in fresh processes (`child`), so that no measurement inherits the memory, the
threads or the libraries of another. Files here import nothing heavy before it is needed: a process
that runs a peer library does not load this engine's kernels.
"""

# What has to be importable for each value of --against.
PEERS = {
    "spikingjelly": ("torch", "spikingjelly"),
    "snntorch": ("torch", "snntorch"),
    "torch": ("torch",),
}
CLASSES = 10
LEARNING_RATE, MOMENTUM = 0.01, 0.9
