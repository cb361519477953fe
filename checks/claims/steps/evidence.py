"""The bounds on every target, what the worst one takes, and what a given target needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from checks.claims.steps.cases import ERRORS, TARGETS, Count
from checks.claims.steps.law import Law
from glutheory.claims import About, Evidence, Figure, Finding, Grade
from glutheory.dynamics import worst_steps


def bounds(cases: Sequence[Count], law: Law) -> Evidence:
    """No target takes more steps than the bound, at the own rate and at the best one."""
    broken, closest = [], 0.0
    judged = [case for case in cases if case.rate in ("own", "optimal")]
    for case in judged:
        for ends, steps in zip(case.ends, case.steps, strict=True):
            most = law.bound(ends, case.error, case.rate)
            closest = max(closest, steps.low / most)
            if steps.low > most:
                broken.append(case.label)
    what = "steps of linearised networks against the bound for every target, at 1/λ_max and at the best constant rate"
    figures: dict[str, Figure] = {
        "numbers of steps": 2 * len(judged),
        "beyond the bound": len(broken),
        "first of them": broken[:3],
        "largest share of the bound": closest,
        "largest condition number": max(ends.condition for case in judged for ends in case.ends),
    }
    return Evidence(Grade.NUMERICAL, what, Finding.of(not broken), part="bound", figures=figures)


def attained(cases: Sequence[Count], law: Law) -> Evidence:
    """The worst target takes what its one factor says, and at least κ − 1 for the κ of the bound."""
    wrong, shares = [], []
    judged = [case for case in cases if case.target == law.worst and case.rate in ("own", "optimal")]
    for case in judged:
        best = case.rate == "optimal"
        for ends, steps in zip(case.ends, case.steps, strict=True):
            said = [worst_steps(kappa, case.error, optimal=best) for kappa in (ends.low, ends.high)]
            least = (ends.low - 1) * math.log(1 / case.error) / (2 if best else 1)
            high = math.inf if steps.high is None else steps.high
            if steps.low > said[1] or high < said[0] or high < least:
                wrong.append(case.label)
            shares.append(steps.value / (ends.condition * math.log(1 / case.error) / (2 if best else 1)))
    what = (
        f"the {law.worst} eigenvector as the target takes the steps that its one factor says, and at least those of "
        "the bound with κ − 1 for κ"
    )
    figures: dict[str, Figure] = {
        "numbers of steps": 2 * len(judged),
        "not as said": len(wrong),
        "first of them": wrong[:3],
        "steps over the bound, median": float(np.median(shares)),
    }
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), About.CORRECTED, "tight", figures)


def shared(cases: Sequence[Count], law: Law) -> Evidence:
    """At a rate that both networks share the worst target takes what the rate and λ_min say: no λ_max enters."""
    wrong: list[str] = []
    judged = [case for case in cases if case.target == law.free and case.rate == "shared"]
    for case in judged:
        top = max(ends.largest for ends in case.ends)
        for ends, steps in zip(case.ends, case.steps, strict=True):
            # λ_min is known as well as κ is; the shared rate is a float
            least, most = (ends.largest / kappa / top for kappa in (ends.high * (1 + 1e-9), ends.low * (1 - 1e-9)))
            fewest, largest = (_one_factor(x, case.error) for x in (most, least))
            if steps.low > largest or (steps.high is not None and steps.high < fewest):
                wrong.append(case.label)
    figures: dict[str, Figure] = {
        "numbers of steps": 2 * len(judged),
        "not as said": len(wrong),
        "first of them": wrong[:3],
    }
    what = f"at the shared rate the {law.free} eigenvector takes the steps of one factor 1 − ηλ_min, whatever λ_max is"
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), About.CORRECTED, "shared rate", figures)


def _one_factor(x: float, error: float) -> float:
    """The first k with (1 − x)^k ≤ error."""
    if x >= 1:
        return 1
    return math.ceil(math.log(error) / math.log1p(-x)) if x > 0 else math.inf


def given(cases: Sequence[Count]) -> Evidence:
    """Every number of steps is between the bounds from the weight of the slow modes; how much κ overstates it."""
    outside, widths = [], []
    for case in cases:
        for steps, known in zip(case.steps, case.effective, strict=True):
            high = math.inf if steps.high is None else steps.high
            # equalities occur, and the bounds are floats
            if high < known.low * (1 - 1e-9) or steps.low > math.ceil(known.high * (1 + 1e-9)):
                outside.append(case.label)
            widths.append(math.ceil(known.high) / max(1.0, known.low))
    rows: dict[str, Figure] = {
        target: {f"ε = {error:g}": _overstated(cases, target, error) for error in ERRORS} for target in TARGETS[:3]
    }
    what = "each target's steps between the two bounds from the weight of its slow modes, at every rate"
    figures: dict[str, Figure] = {
        "numbers of steps": 2 * len(cases),
        "outside": len(outside),
        "first of them": outside[:3],
        "upper over lower bound, median and largest": [float(np.median(widths)), float(np.max(widths))],
        "κ ln(1/ε) over the steps at 1/λ_max, least, median and largest": rows,
    }
    return Evidence(Grade.NUMERICAL, what, Finding.of(not outside), About.CORRECTED, "given target", figures)


def _overstated(cases: Sequence[Count], target: str, error: float) -> Figure:
    values = [
        ends.condition * math.log(1 / error) / steps.value
        for case in cases
        if (case.target, case.rate, case.error) == (target, "own", error)
        for ends, steps in zip(case.ends, case.steps, strict=True)
    ]
    return [float(f"{f(values):.4g}") for f in (np.min, np.median, np.max)]


def spike(cases: Sequence[Count]) -> Evidence:
    """A target in the spike up to ε is learned in one step at 1/λ_max, and in as many as any at the best rate."""
    late, rows = [], list[dict[str, Any]]()
    judged = [case for case in cases if case.target in ("constant", "top") and case.rate == "own"]
    count = 0
    for case in judged:
        slow = next(
            other
            for other in cases
            if other.rate == "optimal"
            and (other.pair, other.n, other.d, other.normalised, other.draw, other.target, other.error)
            == (case.pair, case.n, case.d, case.normalised, case.draw, case.target, case.error)
        )
        for which, (top, steps) in enumerate(zip(case.tops, case.steps, strict=True)):
            # the share of the spike is a float
            if case.error**2 < (1 - top) * (1 + 1e-9):
                continue
            count += 1
            if steps.low > 1 or steps.high != 1:
                late.append(case.label)
            if case.target == "constant":
                said = case.ends[which].condition * math.log(1 / case.error)
                rows.append({"said": said, "best rate": slow.steps[which].value})
    figures: dict[str, Figure] = {
        "targets that lie in the largest mode up to ε": count,
        "not learned in one step": len(late),
        "constant ones among them": len(rows),
    }
    if rows:
        for name, words in (("said", "κ ln(1/ε) for these"), ("best rate", "their steps at the best constant rate")):
            values = [row[name] for row in rows]
            figures[f"{words}, median and largest"] = [float(np.median(values)), float(np.max(values))]
    for network, name in enumerate(("non-gated", "gated")):
        apart = [case.ends[network].largest / case.ends[network].second for case in cases]
        figures[f"λ_1/λ_2, {name}, median and largest"] = [float(np.median(apart)), float(np.max(apart))]
    what = "what lies in the largest mode is learned in the first step at 1/λ_max, whatever the condition number"
    finding = Finding.UNDECIDED if not rows else Finding.of(not late)
    return Evidence(Grade.NUMERICAL, what, finding, About.CORRECTED, "spike", figures)
