"""The papers' methods of training, one file each, by the name that `method.name` gives.

What an option means stands once, where it is declared: `option(default, meaning)` in the method's
`Config`. `nsnn train --options --set method.name=NAME` lists all of a method, with their limits.
"""

from nsnn.methods.admm import ADMM
from nsnn.methods.base import CostPlan, Method, RunLength
from nsnn.methods.deepr import DeepR
from nsnn.methods.dense import Dense
from nsnn.methods.esl import ESL
from nsnn.methods.gradr import GradR
from nsnn.methods.lth import LTH
from nsnn.methods.ndsnn import NDSNN
from nsnn.methods.rigl import RigL
from nsnn.methods.sdsnn import SDSNN
from nsnn.methods.set import SET
from nsnn.methods.static import Static

# In the order of tables and figures, where a method's place is its colour too.
METHODS: dict[str, type[Method]] = {
    "dense": Dense,
    "lth": LTH,
    "admm": ADMM,
    "set": SET,
    "rigl": RigL,
    "ndsnn": NDSNN,
    "static": Static,
    "esl": ESL,
    "deepr": DeepR,
    "gradr": GradR,
    "sdsnn": SDSNN,
}
# Whose cells others are compared with, as in NDSNN IV-C: a dense network, and iterative pruning.
DENSE = "dense"
REFERENCES = (DENSE, "lth")

__all__ = [
    "ADMM", "DENSE", "ESL", "LTH", "METHODS", "NDSNN", "REFERENCES", "SDSNN", "SET",
    "CostPlan", "DeepR", "Dense", "GradR", "Method", "RigL", "RunLength", "Static",
]  # fmt: skip
