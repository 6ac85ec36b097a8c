"""Initial weights of sparse networks."""

import numpy as np


def scale_to_active_fan_in(parameters) -> None:
    """Scale each row of a sparse weight by √(fan-in / active fan-in): init = "active_fan_in".

    The weights were drawn for a full fan-in; a row that keeps few of them receives as little
    current as few of them carry. To be called once, after the method has made the network sparse.
    """
    for parameter in parameters:
        if parameter.topology is None:
            continue
        rows, cols = parameter.shape
        row = parameter.positions() // cols
        active = np.bincount(row, minlength=rows)
        factor = np.sqrt(cols / np.maximum(active, 1)).astype(parameter.data.dtype)
        parameter.assign(parameter.values() * factor[row])
