"""Who has the lower loss at first: on Gaussian data, by the rule, and on normalised data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import binomtest

from checks.settings import Settings
from checks.tools.loss_pairs import PAIRS, TARGETS, LossPair, case, sign
from checks.tools.loss_races import LARGEST, races
from glutheory.claims import About, Evidence, Figure, Finding, Grade

#: Data sets whose initial losses are compared, of n = 300 inputs in each of these dimensions.
_DRAWS, _INPUTS, _DIMENSIONS = 2000, 300, (5, 20, 75, 200, 290)
_SHARE = f"share of {_DRAWS} data sets of {_INPUTS} inputs on which ReGLU starts with the lower loss"


@dataclass(frozen=True)
class Rule:
    """Who is lower at first, from quantities of the kernels: the sign of L − L̃."""

    start: Callable[[LossPair], int]


def initial(given: LossPair) -> int:
    """Of the initial losses, Tr Σ − Tr Σ̃; where they agree, of the slopes."""
    first, second = given.traces
    return sign(first - second) if abs(first - second) > 1e-12 * first else sign(given.slopes[1] - given.slopes[0])


def _without_covariance(given: LossPair) -> int:
    """The slopes with the targets alone: the hypothesis of the paper in place of the initial losses."""
    return -1 if given.hypothesis else 1


def _steeper(given: LossPair) -> int:
    """The loss that falls more steeply, whatever the initial losses."""
    return sign(given.slopes[1] - given.slopes[0])


CORRECT = Rule(initial)
MUTANTS: dict[str, Rule] = {
    "K and the gated kernel exchanged": Rule(lambda given: -initial(given)),
    "gated always lower at first": Rule(lambda _: 1),
    "non-gated always lower at first, as printed": Rule(lambda _: -1),
    "the start without the covariance term": Rule(_without_covariance),
    "the steeper curve is lower at first, whatever the initial losses": Rule(_steeper),
}


def prevalence(cases: Sequence[LossPair]) -> Evidence:
    """Of the cases with the hypothesis: those with the non-gated loss lower at first; and of many data sets.

    The initial losses compare Σ q and Σ q² over q = ‖x‖²/d, whose difference is n·2/d on average and √(2n/d) standard
    deviations from 0: as d comes near n the order of a single data set is uncertain.
    """
    held = [given for given in cases if given.hypothesis]
    failing = [given.label for given in held if given.found.start >= 0]
    others = [given for given in cases if not given.hypothesis]
    rng = np.random.default_rng(cases[0].n)
    shares = dict[str, Figure]()
    for d in _DIMENSIONS:
        q = rng.chisquare(d, (_DRAWS, _INPUTS)) / d
        shares[f"d={d}"] = float(np.mean(np.sum(q - q * q, axis=1) > 0))
    figures: dict[str, Figure] = {
        "cases with the hypothesis": len(held),
        "of these non-gated lower at first": len(held) - len(failing),
        "cases without the hypothesis": len(others),
        "of these as claimed nevertheless": sum(given.found.start < 0 for given in others),
        "failing": list(failing),
        _SHARE: shares,
    }
    what = "expected loss curves of three gates on Gaussian data, and the initial losses of ReLU and ReGLU on many"
    failed = bool(failing) or any(value for value in shares.values())
    return Evidence(Grade.NUMERICAL, what, Finding.of(not failed), figures=figures)


def share(found: Evidence) -> str:
    """Of `prevalence`: how many of the data sets with the most dimensions, and Wilson's interval of their share."""
    shares = found.figures[_SHARE]
    assert isinstance(shares, dict)
    part = shares[f"d={_DIMENSIONS[-1]}"]
    assert isinstance(part, float)
    low, high = binomtest(round(part * _DRAWS), _DRAWS).proportion_ci(method="wilson")
    return f"{round(part * _DRAWS)} of {_DRAWS} data sets ({100 * low:.1f} to {high:.1%})"


def starts(cases: Sequence[LossPair], rule: Rule, where: str) -> Evidence:
    """The rule against curves that are simulated without eigenvalues: the first sign that is seen."""
    cases = [given for given in cases if given.n <= LARGEST]
    found = races(cases)
    wrong = [given.label for given, seen in zip(cases, found, strict=True) if seen.start != rule.start(given)]
    other = [given.label for given, seen in zip(cases, found, strict=True) if seen.start != given.found.start]
    figures: dict[str, Figure] = {
        "cases": len(cases),
        "not as the rule says": wrong,
        "not as the sums of exponentials say": other,
    }
    finding = Finding.of(not wrong and not other) if cases else Finding.UNDECIDED
    what = f"who is lower at first, against repeated squaring of I − ηK or exp(−tK) ({where})"
    return Evidence(Grade.NUMERICAL, what, finding, About.CORRECTED, figures=figures)


def theorem(cases: Sequence[LossPair]) -> Evidence:
    """On normalised inputs in the wide limit the hypothesis suffices: by sums of exponentials, and as simulated."""
    judged = [given for given in cases if given.hypothesis]
    small = [given for given in judged if given.n <= LARGEST]
    other = {given.label for given, seen in zip(small, races(small), strict=True) if seen.start != -1}
    wrong = [given.label for given in judged if given.found.start != -1 or given.label in other]
    figures: dict[str, Figure] = {
        "cases with the hypothesis": len(judged),
        "simulated": len(small),
        "not as claimed": wrong,
    }
    what = "on inputs of norm sqrt(d), wide limit, gradient flow: with the hypothesis the non-gated loss is lower first"
    return Evidence(Grade.NUMERICAL, what, Finding.of(bool(judged) and not wrong), About.CORRECTED, figures=figures)


@lru_cache(maxsize=2)
def shrunk(settings: Settings) -> tuple[LossPair, ...]:
    """Gaussian inputs of variance 1/2: the gated network starts with the lower loss, whatever the targets."""
    return tuple(case(pair, (_INPUTS, 20), kind, settings, variance=0.5) for pair in PAIRS for kind in TARGETS)


def scale(cases: Sequence[LossPair]) -> Evidence:
    """Not standard Gaussian inputs, which the claim is about: with the larger Tr Σ the other network leads at first."""
    held = [given for given in cases if given.hypothesis]
    gated = [given for given in held if given.found.start > 0 and given.traces[0] > given.traces[1]]
    figures: dict[str, Figure] = {
        "cases with the hypothesis": len(held),
        "of these gated lower at first, and the larger trace without the gate": len(gated),
        "Tr of the covariances": {given.label: list(given.traces) for given in cases},
    }
    what = "initial losses on Gaussian inputs of variance 1/2: the gated one is the lower, by the covariances"
    finding = Finding.of(len(gated) == len(held)) if held else Finding.UNDECIDED
    return Evidence(Grade.NUMERICAL, what, finding, About.CORRECTED, figures=figures)
