"""The neuron of each paper as one set of options."""

import dataclasses
import math

from nsnn import surrogate as surrogates
from nsnn.errors import UserError


@dataclasses.dataclass(frozen=True)
class Neuron:
    """A leaky integrate-and-fire neuron.

    Attributes
    ----------
    decay : float
        α or τ: what remains of the membrane after one step.
    gain : float
        g: factor of the input current.
    threshold : float
        ϑ: it fires where v ≥ ϑ.
    reset : "subtract" or "zero"
        What a spike does to the membrane: v - ϑ, or 0.
    detach_reset : bool
        True: the gradient does not pass through the reset.
    surrogate : str
        Name of φ, see `nsnn.surrogate`.
    surrogate_width : float
        Its width or slope.
    time_steps : int
        T.
    """

    decay: float = 0.5
    gain: float = 1.0
    threshold: float = 1.0
    reset: str = "subtract"
    detach_reset: bool = True
    surrogate: str = "arctan"
    surrogate_width: float = 1.0
    time_steps: int = 4

    def __post_init__(self):
        if self.reset not in ("subtract", "zero"):
            raise UserError(f"neuron.reset = {self.reset!r}: use 'subtract' or 'zero'")
        for option in ("gain", "threshold", "surrogate_width"):
            if not math.isfinite(getattr(self, option)):
                raise UserError(f"neuron.{option} = {getattr(self, option)}: must be finite")
        if not 0 <= self.decay <= 1:
            raise UserError(f"neuron.decay = {self.decay}: must lie in [0, 1]")
        if self.threshold <= 0:
            raise UserError(f"neuron.threshold = {self.threshold}: must be positive")
        if self.surrogate_width <= 0:
            raise UserError(f"neuron.surrogate_width = {self.surrogate_width}: must be positive")
        if self.time_steps < 1:
            raise UserError(f"neuron.time_steps = {self.time_steps}: must be at least 1")
        surrogates.code(self.surrogate)


# The papers' neurons; where a paper is silent the value is that of its public code.
PRESETS = {
    # NDSNN Eqs. 1-3; α is not given there. The printed Eq. 2b is that of a detached reset.
    "ndsnn": {
        "decay": 0.5,
        "gain": 1.0,
        "reset": "subtract",
        "detach_reset": True,
        "surrogate": "arctan",
    },
    # ESL Eqs. 7-9, with the surrogate and the reset's gradient of TET's code.
    "esl": {
        "decay": 0.5,
        "gain": 1.0,
        "reset": "zero",
        "detach_reset": False,
        "surrogate": "triangle",
    },
    # SD-SNN Eqs. 1-3.
    "sdsnn": {
        "decay": 0.2,
        "gain": 1.0,
        "reset": "zero",
        "detach_reset": True,
        "surrogate": "rectangle",
    },
    # The lottery-ticket code that NDSNN compares with: LIFNode(tau=4/3, decay_input=True).
    "lth": {
        "decay": 0.25,
        "gain": 0.75,
        "reset": "zero",
        "detach_reset": True,
        "surrogate": "arctan",
    },
}


def from_preset(preset: str, **changes) -> Neuron:
    """The neuron of a paper, with some options changed.

    Parameters
    ----------
    preset : str
        A key of `PRESETS`.
    **changes
        Attributes of `Neuron`; None means: as the preset says. A changed surrogate comes with its
        own default scale.

    Examples
    --------
    >>> from_preset("sdsnn", time_steps=8).decay
    0.2
    """
    if preset not in PRESETS:
        raise UserError(f"neuron.preset = {preset!r}: choose one of {', '.join(PRESETS)}")
    options = PRESETS[preset] | {key: value for key, value in changes.items() if value is not None}
    options.setdefault("surrogate_width", surrogates.default_width(options["surrogate"]))
    return Neuron(**options)
