"""`nsnn bench`: what sparsity saves on this machine, measured, and compared with other libraries.

Training is measured in fresh processes (`child`), so that no measurement inherits the memory, the
threads or the libraries of another. Files here import nothing heavy before it is needed: a process
that runs a peer library does not load this engine's kernels.
"""

# What has to be installed for each value of --against; "torch" has the first-spike networks, the
# other all that are time-stepped.
PEERS = {"spikingjelly": ("torch", "spikingjelly"), "torch": ("torch",)}
CLASSES = 10
LEARNING_RATE, MOMENTUM = 0.01, 0.9

# First-spike networks: the density of 784-800-10 with ε = 60, and σ of the delays of input spikes.
FIRST_SPIKE_DENSITY = 103_040 / 635_200
FIRST_SPIKE_INPUTS = {"binary input": 0.0, "noisy input": 0.15}
BRIGHT = 0.13  # share of the pixels of MNIST that are
