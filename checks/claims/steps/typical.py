"""The ratio of two networks' steps, on random labels and on linear targets: that of which measure of their kernels?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from checks.claims.steps.cases import RATES, TYPICAL, Count
from checks.claims.steps.law import Law
from glutheory.claims import About, Evidence, Figure, Finding, Grade

#: The ratio of the steps is said to be "that of" a measure if it is so up to this factor; fixed before the run.
MARGIN = 3.0
#: n ε² is at most this: random labels have a share of 1/n in each mode on average, so that no mode can be left out.
SMALL = 0.2
MEASURES: dict[str, Callable[[Count], float]] = {
    "condition numbers": lambda case: case.quotient("condition"),
    "λ_2/λ_min": lambda case: case.quotient("second"),
    "1/λ_min": lambda case: case.quotient("least"),
    "effective condition numbers": lambda case: case.quotient_of_effective,
}


def off(case: Count, quotient: float) -> float:
    """The factor between the ratio of the steps and the quotient, at least 1."""
    return math.exp(abs(math.log(case.ratio / quotient)))


def explained(cases: Sequence[Count]) -> Evidence:
    """As stated: the ratio of the steps is that of the condition numbers, for random labels and for linear targets."""
    judged = [case for case in cases if case.target in TYPICAL and case.rate != "optimal" and case.known]
    wrong = [case for case in judged if off(case, case.quotient("condition")) > MARGIN]
    slower = [case for case in judged if case.quotient("condition") > 1 and case.ratio < 1]
    rows: dict[str, Figure] = {}
    for target in TYPICAL:
        for rate in RATES:
            chosen = [case for case in cases if (case.target, case.rate) == (target, rate) and case.known]
            rows[f"{target}, {rate} rate"] = _row(chosen)
    figures: dict[str, Figure] = {
        "cases": len(judged),
        f"off by more than {MARGIN:g}": len(wrong),
        "smaller condition number, more steps": len(slower),
        "of these at the own rates": sum(case.rate == "own" for case in slower),
        "examples at the own rates": _examples(case for case in slower if case.rate == "own"),
        "by target and rate": rows,
    }
    what = (
        f"the ratio of the steps, non-gated over gated, against that of the condition numbers, up to a factor "
        f"{MARGIN:g}: random labels and linear targets, own and shared rates"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), part="speed", figures=figures)


def _row(cases: Sequence[Count]) -> Figure:
    """The ratios, and for each measure the share within the margin and the median factor off."""
    ratios = [case.ratio for case in cases]
    row: dict[str, Figure] = {
        "ratio of the steps, least, median and largest": [float(f(ratios)) for f in (np.min, np.median, np.max)]
    }
    for name, measure in MEASURES.items():
        factors = [off(case, measure(case)) for case in cases]
        within = float(np.mean([factor <= MARGIN for factor in factors]))
        row[name] = {f"within {MARGIN:g}": within, "off by, median": float(np.median(factors))}
    return row


def _examples(cases: Iterable[Count]) -> Figure:
    found = sorted(cases, key=lambda case: case.ratio)[:3]
    return {
        case.label: {
            "condition numbers": [round(ends.condition, 1) for ends in case.ends],
            "steps": [item.value for item in case.steps],
        }
        for case in found
    }


def random_labels(cases: Sequence[Count], law: Law) -> Evidence:
    """For random labels: at the own rates the condition numbers, at a shared one the least eigenvalues."""
    wrong: list[str] = []
    rows: dict[str, Figure] = {}
    for rate, measure in (("own", law.own), ("shared", law.shared)):
        chosen = [
            case
            for case in cases
            if (case.target, case.rate) == ("random", rate) and case.n * case.error**2 <= SMALL and case.known
        ]
        factors = [off(case, case.quotient(measure)) for case in chosen]
        wrong += [case.label for case, factor in zip(chosen, factors, strict=True) if factor > MARGIN]
        rows[f"{rate} rate: {measure}"] = {
            "cases": len(chosen),
            "off by, median and largest": [float(np.median(factors)), float(np.max(factors))],
        }
    what = (
        f"random labels to n ε² ≤ {SMALL:g}: the ratio of the steps is that of the condition numbers at the own rates, "
        f"and that of the least eigenvalues at a shared rate, up to a factor {MARGIN:g}"
    )
    figures: dict[str, Figure] = {"by rate": rows, "off by more": len(wrong), "first of them": wrong[:3]}
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), About.CORRECTED, "random labels", figures)
