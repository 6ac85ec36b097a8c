"""What training relies on in a method, checked once before the first step.

The methods of nsnn keep to it; in a plug-in's something may have been forgotten, which would
otherwise surface far from its cause, or after hours.
"""

import numpy as np

from nsnn.errors import UserError
from nsnn.methods.base import Method


def check_prepared(name: str, method: Method) -> None:
    """Raise UserError where a prepared method does not do what `Method` says.

    Parameters
    ----------
    name : str
        Of the method, as `method.name` gives it.
    method : Method
        After `prepare`.
    """

    def require(what: str, holds: bool) -> None:
        if not holds:
            raise UserError(f"method.name = {name!r}: {type(method).__name__}.{what}")

    own = vars(method)
    require("__init__ has to call super().__init__(config)", "config" in own)
    known = {"prunable", "run", "rng", "log"}
    require("prepare has to call super().prepare(network, run, rng, log, storage)", known <= {*own})
    at = method.schedule(0)
    require(
        f"schedule has to return (step, steps), two whole numbers, and returned {at!r}",
        isinstance(at, tuple) and len(at) == 2 and all(map(_whole, at)),
    )
    asked, wanted = method.asked(), [p.name for p in method.prunable]
    require(
        f"asked has to return a whole number for each of {', '.join(wanted)}",
        isinstance(asked, dict) and {*asked} == {*wanted} and all(map(_whole, asked.values())),
    )
    held = method.bytes_held()
    require(f"bytes_held has to return a whole number, and returned {held!r}", _whole(held))
    state = method.state()
    require("state has to return a dictionary", isinstance(state, dict))
    for key, value in state.items():
        require(f"state: {key!r} is no plain array", not np.asarray(value).dtype.hasobject)


def _whole(value) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
