"""nsnn: sparse training of spiking neural networks, from scratch in NumPy and Numba.

What one needs first; help(nsnn.train) and so on say more, and README.md begins at the beginning:

    nsnn.train(config)             train a network; a run folder, and what was measured
    nsnn.load(folder)              the network of a run folder, to predict with
    nsnn.simulate(current, neuron) one neuron, or many, under a current
    nsnn.from_preset(name)         the neuron of a paper
    nsnn.check_network(net, batch) its gradients against finite differences
"""

import importlib

from nsnn import cachedir

__version__ = "0.1.0"

# Numba decides where compiled kernels go when a kernel is defined, so this comes before any import.
cachedir.ensure_writable()

# Public names and where they live, for type checkers also in __init__.pyi. They are imported at
# first use: NumPy and Numba take half a second to load, and `nsnn --help` needs neither.
_PUBLIC = {
    "train": "nsnn.training.session",
    "load": "nsnn.training.run_folder",
    "Neuron": "nsnn.neuron",
    "from_preset": "nsnn.neuron",
    "simulate": "nsnn.layers.lif",
    "check_network": "nsnn.gradcheck",
    "CSRMatrix": "nsnn.csr",
    "Network": "nsnn.network",
    "UserError": "nsnn.errors",
    "RunError": "nsnn.errors",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'nsnn' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
