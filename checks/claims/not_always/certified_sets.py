"""The named data sets certified: condition numbers on two roads and in floats, and smallest eigenvalues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from flint import arb

from checks.claims.not_always.subset_search import both
from checks.tools import roads
from checks.tools.evidence import equal
from checks.tools.extremal_sets import EXAMPLES, Example, agrees, condition, conditions, kernel, stated
from checks.tools.formulas import gated as eq4
from checks.tools.roads import Formula
from glutheory.claims import Evidence, Figure, Finding, Grade
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball
from glutheory.spectra import certified_extremes, condition_number

#: What `glutheory.gram` promises, relative to √(K_ii K_jj).
ENTRY_ERROR = 1e-14


def certified(examples: Sequence[Example], equation: Formula, factor: Callable[[Example], Fraction]) -> Evidence:
    """Both condition numbers of every example as balls, on two roads, against the recorded figures and the bound.

    `equation` is the gated kernel at finite width; `factor` bounds cond(K̃)/cond(K).
    """
    rows: dict[str, Figure] = {}
    faults: list[str] = []
    for example in examples:
        (plain, gated), (other_plain, other_gated) = conditions(example)
        if example.width is not None and equation is not eq4:
            gated = condition(example, True, equation, roads.symbolic)
        with precision(160):
            tests = {
                "the two roads differ": plain.overlaps(other_plain) and gated.overlaps(other_gated),
                "not the recorded figures": agrees(plain, example.plain) and agrees(gated, example.gated),
                "not certainly worse": bool(gated > plain) and bool(other_gated > other_plain),
                "above the proved factor": not gated > plain * ball(factor(example)),
                "not what glutheory.gram gives": _by_floats(example, plain, gated),
            }
            times = float((gated / plain).mid())
        faults += [f"{example.where}: {fault}" for fault, passed in tests.items() if not passed]
        rows[example.where] = {
            "cond(K)": plain.str(11, radius=False),
            "cond(gated)": gated.str(11, radius=False),
            "ratio": times,
            "proved at most": float(factor(example)),
        }
    figures: dict[str, Figure] = {"examples": len(examples), "faults": faults, "sets": rows}
    what = (
        "named data sets: both condition numbers in balls, Eqs. 3 and 4 with closed forms, the engine's kernels with "
        "enclosed integrals, and in floats by glutheory.gram"
    )
    return Evidence(Grade.CERTIFICATE, what, Finding.of(not faults), figures=figures)


def _by_floats(example: Example, plain: arb, gated: arb) -> bool:
    """Whether the intervals of the condition numbers in double precision meet the balls."""
    X = np.array([[float(value) for value in row] for row in example.X])
    found = (condition_number(K, entry_error=ENTRY_ERROR) for K in both(example.gate, X, example.width))
    return all(
        not value < arb(interval.low) and not value > arb(interval.high)
        for value, interval in zip((plain, gated), found, strict=True)
    )


def floors() -> Evidence:
    """λ_min(K̃) ≥ λ_min(K) on the normalised examples, and a single short input where it is smaller."""
    rows: dict[str, Figure] = {}
    values, below = [], 0
    for example in EXAMPLES:
        if example.normalised:
            low = [
                certified_extremes(kernel(example, gated, stated(example, gated), roads.symbolic), digits=10)[0]
                for gated in (False, True)
            ]
            below += not low[1] > low[0]
            rows[example.where] = float((low[1] / low[0]).mid())
    short = Example("one short input", "reglu", ((Fraction(1, 2),),), 1, "1", "1", normalised=False)
    for gated, value in ((False, Fraction(1, 4)), (True, Fraction(3, 32))):
        entry = kernel(short, gated, stated(short, gated), roads.quadrature)[0, 0]
        with precision(160):
            values.append(entry - ball(value))
    found = equal(
        "a single short input: the kernels are 1/4 and 3/32, so that gating lowers the smallest eigenvalue; on the "
        "normalised sets it certainly raises it",
        values,
        figures={"gated over non-gated smallest eigenvalue": rows, "not certainly raised": below},
    )
    return replace(found, finding=Finding.REFUTES) if below else found
