"""Gradients checked against finite differences: for nsnn itself, and for your own network.

>>> from nsnn.gradcheck import check_network  # doctest: +SKIP
>>> for result in check_network(network, batch):
...     print(result.layer, result.error, result.passed)
"""

from nsnn.gradcheck.check import check_network, check_readout, check_surrogate, smooth_spikes
from nsnn.gradcheck.differences import NearKinkError
from nsnn.gradcheck.result import TOLERANCE, Result
from nsnn.gradcheck.table import main_table, run_all

__all__ = [
    "TOLERANCE", "NearKinkError", "Result", "check_network", "check_readout", "check_surrogate",
    "main_table", "run_all", "smooth_spikes",
]  # fmt: skip
