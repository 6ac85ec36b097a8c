"""The neuron of each paper as one set of options."""

import dataclasses

from nsnn.errors import UserError
from nsnn.options import check, option
from nsnn.surrogate import SURROGATES, default_width
from nsnn.text import nearest


@dataclasses.dataclass(frozen=True)
class Neuron:
    """A leaky integrate-and-fire neuron, T is `time_steps`; UserError for impossible values."""

    decay: float = option(0.5, "α or τ: what remains of v after a step", at_least=0, at_most=1)
    gain: float = option(1.0, "g: factor of the input current", above=0)
    threshold: float = option(1.0, "ϑ: it fires where v ≥ ϑ", above=0)
    reset: str = option("subtract", "a spike sets v to v - ϑ, or 0", choices=("subtract", "zero"))
    detach_reset: bool = option(True, "true: no gradient passes through the reset")
    surrogate: str = option("arctan", "φ, the derivative of a spike", choices=tuple(SURROGATES))
    surrogate_width: float = option(1.0, "width or slope of φ", above=0)
    time_steps: int = option(4, "T", at_least=1, at_most=1_000_000)

    def __post_init__(self):
        check(self, "neuron")


# The papers' neurons; where a paper is silent the value is that of its public code.
PRESETS = {
    # NDSNN Eqs. 1-3; α is not given there. The printed Eq. 2b is that of a detached reset.
    "ndsnn": {"decay": 0.5, "reset": "subtract", "detach_reset": True, "surrogate": "arctan"},
    # ESL Eqs. 7-9, with the surrogate and the reset's gradient of TET's code.
    "esl": {"decay": 0.5, "reset": "zero", "detach_reset": False, "surrogate": "triangle"},
    # SD-SNN Eqs. 1-3.
    "sdsnn": {"decay": 0.2, "reset": "zero", "detach_reset": True, "surrogate": "rectangle"},
    # The lottery-ticket code that NDSNN compares with: LIFNode(tau=4/3, decay_input=True).
    "lth": {"decay": 0.25, "gain": 0.75, "reset": "zero", "detach_reset": True,
            "surrogate": "arctan"},
}  # fmt: skip


def from_preset(preset: str = "ndsnn", **changes) -> Neuron:
    """The neuron of a paper, with some options changed.

    Parameters
    ----------
    preset : str
        A key of `PRESETS`; by default the first.
    **changes
        Attributes of `Neuron`; None: as the preset says. A surrogate brings its default width.

    Examples
    --------
    >>> from_preset("sdsnn", time_steps=8).decay
    0.2
    """
    if preset not in PRESETS:
        raise UserError(f"neuron.preset = {preset!r}: {nearest(preset, PRESETS)}")
    options = PRESETS[preset] | {key: value for key, value in changes.items() if value is not None}
    options.setdefault("surrogate_width", default_width(options["surrogate"]))
    return Neuron(**options)
