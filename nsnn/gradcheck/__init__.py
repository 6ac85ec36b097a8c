"""Gradients checked against finite differences: for nsnn itself, and for your own network.

>>> from nsnn.gradcheck import check_network  # doctest: +SKIP
>>> for result in check_network(network, batch):
...     print(result.layer, result.error)
"""

from nsnn.gradcheck.cases import main_table, run_all
from nsnn.gradcheck.check import (
    TOLERANCE,
    Result,
    check_network,
    check_readout,
    check_surrogate,
    relative_error,
    smooth_spikes,
)

__all__ = [
    "TOLERANCE",
    "Result",
    "check_network",
    "check_readout",
    "check_surrogate",
    "main_table",
    "relative_error",
    "run_all",
    "smooth_spikes",
]
