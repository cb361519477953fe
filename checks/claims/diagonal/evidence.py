"""The kernels of the teaser's setting against what is claimed: matrices, pairs, and rows in the literal sense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from checks.claims.diagonal.kernels import (
    EQUATIONS,
    GAUSSIAN,
    KINDS,
    MEASURES,
    RELEASED,
    Array,
    D,
    M,
    N,
    Plan,
    apart,
    correlations,
    dominance,
    expected,
    inputs,
    sampled,
)
from checks.settings import FALSE_ALARM, Settings
from checks.tools.signs import signs
from checks.tools.training_task import PAIRS
from glutheory.claims import About, Evidence, Figure, Finding, Grade

#: A difference of two correlations that the errors of the evaluators (1e-14 of the scale) cannot make.
_CLEAR = 1e-10
#: Families of sign tests that share the false alarms of this check.
_TESTS = 2


@dataclass(frozen=True)
class Statement:
    """What is claimed, and of which kernels.

    Attributes:
        lower: of a measure of the non-gated and the gated kernels, whether it is as claimed.
        kinds: of inputs that the expected kernels are looked at on.
        dominant: whether each row's diagonal entry is claimed to exceed the sum of the others.
        wider_by: the non-gated network in the exact factor is wider by so many d.
        power: of cos α in the exact factor.
        stretch: of the angles where ReGLU raises |cos|.
    """

    lower: Callable[[Array, Array], npt.NDArray[np.bool_]] = lambda plain, gated: gated < plain
    kinds: tuple[str, ...] = KINDS
    dominant: bool = False
    wider_by: Fraction = Fraction(1)
    power: int = 1
    stretch: float = 1.0


def in_expectation(plan: Plan, settings: Settings, statement: Statement) -> Evidence:
    """Expected kernels: each measure, each gate, each data set, both settings."""
    count, against = 0, 0
    rows: dict[str, Figure] = {}
    for setting in (EQUATIONS, RELEASED):
        for kind in statement.kinds:
            for pair in PAIRS:
                plain, gated = (dominance(expected(settings, kind, name, setting, plan.expected)) for name in pair)
                for measure in MEASURES:
                    values = getattr(plain, measure), getattr(gated, measure)
                    clear = np.abs(values[0] - values[1]) > _CLEAR * values[0]
                    against += int(np.sum(~(statement.lower(*values) & clear)))
                    count += plan.expected
                rows[f"{'/'.join(pair)}, {kind}, {setting}"] = _medians(plain, gated)
    figures: dict[str, Figure] = {"comparisons": count, "not as claimed": against, "medians (plain, gated)": rows}
    what = (
        f"expected kernels at n = {N}, d = {D}, m = {M}: the three measures on {plan.expected} data sets of each kind"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(against == 0), part="dominance", figures=figures)


def _medians(plain: object, gated: object) -> Figure:
    return {
        name: [float(f"{np.median(getattr(each, name)):.4g}") for each in (plain, gated)]
        for name in (*MEASURES, "dominant")
    }


def in_networks(plan: Plan, settings: Settings, statement: Statement) -> Evidence:
    """Sampled networks: in each measure the gated one is the more diagonally dominant, each pair on its own data."""
    events = {}
    rows: dict[str, Figure] = {}
    for kind in KINDS:
        for pair in PAIRS:
            both = [sampled(settings, kind, name, plan.sets) for name in pair]
            plain, gated = map(dominance, both)
            for measure in MEASURES:
                key = f"{'/'.join(pair)}, {kind}: {measure}"
                events[key] = statement.lower(getattr(plain, measure), getattr(gated, measure))
            before, after = (np.abs(correlations(K))[..., apart(N)] for K in both)
            rows[f"{'/'.join(pair)}, {kind}"] = {
                "medians (plain, gated)": _medians(plain, gated),
                "share of pairs of inputs with the smaller |cos|": float(np.mean(after < before)),
            }
    finding, figures = signs(events, FALSE_ALARM / (_TESTS * len(events)))
    figures |= {"false_alarm": FALSE_ALARM / _TESTS, "measured": rows}
    what = (
        f"random networks, m = {M} or matched in size, biases: the gated kernel is the more diagonally dominant one, "
        f"{plan.sets} data sets of n = {N}, d = {D}; {', '.join(MEASURES.values())}"
    )
    # the corrected statement keeps this part
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, "dominance", figures)


def pair_by_pair(plan: Plan, settings: Settings) -> Evidence:
    """Gaussian inputs, expected kernels at equal width: pairs of inputs whose gradients are correlated more."""
    raised = 0
    rows: dict[str, Figure] = {}
    X = inputs(settings, GAUSSIAN, plan.expected)
    angles = correlations(X @ X.mT)[..., apart(N)]
    for pair in PAIRS:
        kernels = (expected(settings, GAUSSIAN, name, EQUATIONS, plan.expected) for name in pair)
        before, after = (np.abs(correlations(K))[..., apart(N)] for K in kernels)
        worse = after > before + _CLEAR
        raised += int(worse.sum())
        rows["/".join(pair)] = {
            "pairs raised": int(worse.sum()) // 2,
            "of": worse.size // 2,
            "their cosines": [float(angles[worse].min()), float(angles[worse].max())] if worse.any() else None,
        }
    what = f"every pair of inputs of {plan.expected} Gaussian data sets, expected kernels: the gate lowers |cos|"
    return Evidence(Grade.NUMERICAL, what, Finding.of(raised == 0), part="suppression", figures=rows)


def exact_factor(plan: Plan, settings: Settings, statement: Statement) -> Evidence:
    """Matrices in float64: gated correlations of width m over those of the non-gated network of the claimed width."""
    worst, above = 0.0, 0.0
    for kind in KINDS:
        X = inputs(settings, kind, 2)
        cosines = correlations(X @ X.mT)
        for pair in PAIRS:
            width = M + int(statement.wider_by * D)
            plain = correlations(_wider(X, pair[0], width))
            gated = correlations(expected(settings, kind, pair[1], EQUATIONS, plan.expected)[:2])
            worst = max(worst, float(np.abs(gated - plain * cosines**statement.power).max()))
            above = max(above, float((np.abs(gated) - np.abs(cosines)).max()))
    # each kernel is right to 1e-14 of its scale; the cosines of inputs add n + d roundings at most
    allowed = 1e-13
    finding = Finding.of(worst <= allowed and above <= allowed)
    figures: dict[str, Figure] = {"largest difference": worst, "allowed": allowed, "largest |cos| above |cos α|": above}
    what = f"gated correlations of width {M} are those of the non-gated network wider by d times cos α, whole matrices"
    return Evidence(Grade.NUMERICAL, what, finding, About.CORRECTED, "factor", figures)


def _wider(X: Array, name: str, width: int) -> Array:
    from glutheory.numeric import gram

    return np.stack([gram(name, rows, parametrization="standard", width=width, threads=1) for rows in X])


def literally(plan: Plan, settings: Settings, statement: Statement) -> Evidence:
    """Whether each row's diagonal entry exceeds the sum of the others, in sampled networks.

    It is said that it was seen in no kernel: most kernels are not enough to support that.
    """
    events = {}
    rows: dict[str, Figure] = {}
    for kind in KINDS:
        for name in (name for pair in PAIRS for name in pair):
            found = dominance(sampled(settings, kind, name, plan.sets))
            events[f"{name}, {kind}"] = (found.worst < 1) == statement.dominant
            rows[f"{name}, {kind}"] = {
                "share of dominant rows": float(np.mean(found.dominant)),
                "the same, expected kernel": float(
                    np.mean(dominance(expected(settings, kind, name, RELEASED, plan.expected)).dominant)
                ),
            }
    finding, figures = signs(events, FALSE_ALARM / (_TESTS * len(events)))
    if finding is Finding.SUPPORTS and not all(event.all() for event in events.values()):
        finding = Finding.UNDECIDED
    figures |= {"false_alarm": FALSE_ALARM / _TESTS, "rows": rows}
    what = (
        "kernels of sampled networks, gated or not, are not diagonally dominant in the literal sense: somewhere the "
        "sum of the others in a row is above the diagonal entry"
    )
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, "literal sense", figures)


def overview(plan: Plan, settings: Settings) -> dict[str, dict[str, float]]:
    """For ReLU and ReGLU on Gaussian inputs: the medians of the figures, predicted by expected kernels and measured."""
    found = {}
    for name in PAIRS[0]:
        kernels = {
            "predicted": expected(settings, GAUSSIAN, name, RELEASED, plan.expected),
            "measured": sampled(settings, GAUSSIAN, name, plan.sets),
        }
        for kind, K in kernels.items():
            found[f"{name}, {kind}"] = {key: float(np.median(value)) for key, value in asdict(dominance(K)).items()}
    return found
