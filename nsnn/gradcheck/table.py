"""The table of `nsnn gradcheck`: its lines, drawn again where a draw could show nothing."""

import dataclasses
import functools
import itertools

import numpy as np

from nsnn import surrogate
from nsnn.gradcheck import cases, training
from nsnn.gradcheck.check import check_surrogate
from nsnn.gradcheck.differences import NearKinkError
from nsnn.gradcheck.firstspike import first_spike_check
from nsnn.gradcheck.result import Result
from nsnn.neuron import PRESETS
from nsnn.text import table

DRAWS = 50  # at most; a draw near a kink, or with a dead gradient, is thrown away


def lines() -> list:
    """Every check as a function of a random generator that returns a `Result`."""
    partial = functools.partial
    checks = [partial(check_surrogate, name) for name in surrogate.SURROGATES]
    checks += [partial(cases.adjoint_check, *case) for case in cases.linear_layers()]
    checks += [partial(training.lif_check, preset) for preset in PRESETS]
    checks += [partial(cases.network_check, *case) for case in cases.networks()]
    for check in (cases.readout_check, training.byte_check, training.float32_check):
        checks += [partial(check, storage) for storage in cases.STORAGES]
    for storage in ("csr", "masked"):
        checks.append(partial(training.inactive_check, storage))
        checks += [partial(training.threads_check, threads, storage) for threads in (2, 3)]
    kinds = itertools.product((True, False), repeat=2)  # sparse, a time for each input
    return checks + [partial(first_spike_check, *kind) for kind in kinds]


def drawn(check, rng) -> Result:
    """The result of the first draw that is not near a kink and whose gradients are alive."""
    result = Result("network", f"each of {DRAWS} draws lay near a kink", np.nan, np.nan)
    near_kink = dead = 0
    for _ in range(DRAWS):
        try:
            result = check(rng)
        except NearKinkError:
            near_kink += 1
            continue
        if result.alive:
            break
        dead += 1
    return dataclasses.replace(result, near_kink=near_kink + result.near_kink, dead=dead)


def run_all(seed: int = 0) -> list[Result]:
    """Every check, each from its own random stream."""
    return [drawn(check, np.random.default_rng([seed, i])) for i, check in enumerate(lines())]


def main_table(seed: int = 0) -> tuple[str, bool]:
    """The table of `nsnn gradcheck`, and whether every line passed and would notice 1 %."""
    results = run_all(seed)
    rows = [
        [r.layer, r.option, f"{r.error:.1e}", f"{r.planted:.1e}", "yes" if r.passed else "NO",
         r.near_kink or "", r.dead or ""]
        for r in results
    ]  # fmt: skip
    head = ["layer", "option", "relative error", "if 1 % wrong", "passed", "kink", "dead"]
    failed = sum(not r.passed for r in results)
    text = [
        "surrogate: against the central difference of its primitive. adjoint identity: <Ax, y> =",
        "<x, A'y>. network: all parameters and the input, the worst is named; against central",
        "differences of the network with smooth spikes, where nothing else is said. first-spike:",
        "of the network itself, to 1e-7. if 1 % wrong: the error, were the gradient 1 % too large;",
        "a line that would miss it does not pass. kink, dead: draws thrown away because a value",
        "lay within 1e-4 of a bend of the surrogate or of a tie in max pooling, or a causal set",
        "changed; because a gradient was 0 nearly everywhere, or what should be in it was not.",
        "",
        table(head, rows, left=2),
        "",
        f"{len(results)} checks, {len(results) - failed} passed, {failed} failed.",
    ]
    return "\n".join(text), failed == 0
