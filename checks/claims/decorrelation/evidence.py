"""The evidence of the check on decorrelation: counterexamples, kinks, smooth gates on two roads, samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from checks.claims.decorrelation.normalised_kernels import Law, crossings, enclosed, octave
from checks.claims.decorrelation.sphere_duals import cover
from checks.claims.decorrelation.variance_ranges import LOW, Gate, doublings, reach, side, small
from checks.tools.branch_and_bound import refine, sign
from checks.tools.kinks import Kink, turn
from glutheory.activations import activation
from glutheory.claims import About, Evidence, Figure, Finding, Grade

_ONE = Fraction(1)
Row = tuple[Finding, dict[str, Figure]]
#: Piecewise linear with a kink; and ratios d/m: the ntk parametrisation, the paper's probe, its two-layer task.
KINKED = ("relu", "leaky_relu", "abs")
RATIOS = (_ONE, Fraction(200, 800), Fraction(75, 1000))
#: Activations whose margin is certified on rectangles, with the range of q; at small q mixtures take very narrow ones.
_SMALL, _QUARTER = LOW, Fraction(1, 4)
BOXES = {
    "gelu": (_SMALL, Fraction(96)),
    "erf": (_SMALL, Fraction(15, 2)),
    "normal_cdf": (_SMALL, Fraction(49, 4)),
    "gaussian": (_SMALL, Fraction(4)),
    "sigmoid": (_SMALL, Fraction(30)),
    "silu": (_QUARTER, Fraction(64)),
    "softplus": (_QUARTER, Fraction(64)),
    "identity": (_SMALL, Fraction(64)),
    "monomial2": (_SMALL, Fraction(64)),
    "monomial3": (_SMALL, Fraction(64)),
    "relu2": (_SMALL, Fraction(64)),
    "exp": (_SMALL, Fraction(4)),
    "sin": (_SMALL, Fraction(4)),
    "cos": (_SMALL, Fraction(4)),
}
FULL_BOXES = {"silu": (_SMALL, Fraction(280)), "tanh": (_QUARTER, Fraction(9))}
_ODD = ("identity", "monomial3", "erf", "tanh", "sin")
#: Pairs (q/q*, ρ) within, and the exponents k of ρ = 1 − 2^−k beyond.
_BELOW = ((Fraction(1, 50), Fraction(1, 2)), (Fraction(9, 10), Fraction(3, 4)), (Fraction(49, 50), Fraction(63, 64)))
_ABOVE = (10, 16)


def violations() -> Evidence:
    """Explicit pairs for which the inequality fails: enclosed integrals at exact points."""
    law, values = Law(), []
    figures: dict[str, Figure] = {}
    for name, q, rho in (
        ("relu", _ONE, Fraction(399, 400)),
        ("abs", _ONE, Fraction(99, 100)),
        ("gelu", Fraction(400), Fraction(199, 200)),
        ("sigmoid", Fraction(400), Fraction(19, 20)),
    ):
        values.append(law.excess(activation(name), q, rho))
        figures[f"{name}, q={q}, rho={float(rho)}"] = float(values[-1].mid())
    what = "the gated minus the non-gated kernel, both scaled to 1 at equal inputs; 0 or less is claimed"
    # a few pairs for which it holds are no support of all
    finding = Finding.REFUTES if any(value > 0 for value in values) else Finding.UNDECIDED
    return Evidence(Grade.CERTIFICATE, what, finding, figures=figures)


def kinks(law: Law) -> Evidence:
    """Piecewise linear activations: the sign on all acute angles, with its one change enclosed."""
    rows = {(name, r): _angle(name, law, r) for name in KINKED for r in RATIOS}
    what = "inputs come closer exactly within one angle, enclosed and as claimed to second order; all acute angles"
    return _evidence(what, "kinks", {f"{name}, d/m={float(r):.4g}": row for (name, r), row in rows.items()})


def _angle(name: str, law: Law, r: Fraction) -> Row:
    share = turn(activation(name))
    assert share is not None
    (alpha, beta), (first, second) = law.plain(r), law.gated(r)
    kink = Kink(share, first / (first + second), alpha / (alpha + beta))
    leading = float(law.angle(r) * share) / math.pi
    claimed = leading * law.stretch
    inside, outside = (Fraction(claimed * x).limit_denominator(10**9) for x in (0.5, 1.5))
    signs = [law.sense * sign(kink.value(x, x)) for x in (inside, outside)]
    if signs != [1, -1]:
        return Finding.REFUTES, {"claimed": float(claimed), "signs at 0.5 and 1.5 of it": signs}
    found = kink.acute()
    if found.open is not None:
        return Finding.UNDECIDED, {"claimed": float(claimed)}
    if len(found.brackets) != 1 or found.signs != (1, -1):
        return Finding.REFUTES, {"claimed": float(claimed), "sign changes": len(found.brackets)}
    low, high = refine(kink.value, found.brackets[0], Fraction(1, 10**14))
    expected = leading * (1 + float(r * share / (1 + r)) / math.pi * leading)
    # the remainder is of third order
    close = abs(float(low) - law.stretch * expected) <= leading**3
    return Finding.of(close), {
        "angle": float(low),
        "width": float(high - low),
        "to second order": expected,
        "intervals": found.boxes,
    }


def thresholds(gates: Sequence[Gate], law: Law, ratios: Sequence[Fraction] = (_ONE,)) -> Evidence:
    """Smooth gates: the variance at which the criterion ceases to hold, for all variances from 0 to infinity."""
    rows = {(gate.name, r): _threshold(gate, law, r) for gate in gates for r in ratios}
    names = ", ".join(gate.name for gate in gates)
    what = f"the inequality holds at all rho if and only if q is at most the claimed q*, for all q > 0 ({names})"
    return _evidence(what, "smooth gates", {f"{name}, d/m={float(r):.4g}": row for (name, r), row in rows.items()})


def _threshold(gate: Gate, law: Law, r: Fraction) -> Row:
    claimed = _claimed(gate, law, r)
    margin = law.margin(r)
    if margin is None:
        return Finding.REFUTES, {"claimed": float(claimed), "why": "the ratio of the claimed kernels always increases"}
    points = doublings(LOW, reach(gate, margin))
    found = crossings(gate.act, margin, points)
    if found.open is not None or not small(gate, margin):
        return Finding.UNDECIDED, {"claimed": float(claimed)}
    signs = tuple(law.sense * item for item in found.signs)
    if signs != (1, -1):
        return Finding.REFUTES, {"claimed": float(claimed), "signs within and beyond q*": signs}
    low, high = enclosed(gate.act, margin, octave(gate.act, margin, points))
    figures: dict[str, Figure] = {
        "q*": float((low + high) / 2),
        "width": float(high - low),
        "claimed": float(claimed),
        "intervals": found.boxes,
        "all variances from": float(points[-1]),
    }
    if abs(claimed / low - 1) > Fraction(1, 10**8):
        return Finding.REFUTES, figures
    conditions = side(gate, high, r)
    figures["intervals of the side conditions"] = sum(item.boxes for item in conditions)
    return (Finding.SUPPORTS if all(item.positive for item in conditions) else Finding.UNDECIDED), figures


def _claimed(gate: Gate, law: Law, r: Fraction) -> Fraction:
    """The claimed q*: where the claimed criterion first fails, stretched."""
    criterion = law.criterion(r)
    bracket = octave(gate.act, criterion, doublings(LOW, reach(gate, criterion)))
    return law.stretch * sum(enclosed(gate.act, criterion, bracket)) / 2


def boxes(law: Law, thorough: bool) -> Evidence:
    """The margin itself, positive on whole rectangles of (q, ρ), by another road: closed forms instead of a theorem."""
    margin = law.margin(_ONE)
    rows: dict[str, Row] = {}
    for name, (low, high) in {**BOXES, **(FULL_BOXES if thorough else {})}.items():
        if margin is not None:
            found = cover(activation(name), margin, doublings(low, high), name in _ODD)
            finding = Finding.of(found.counterexample is None) if found.open is None else Finding.UNDECIDED
            rows[f"{name}, q in [{low}, {high}]"] = finding, {"boxes": found.boxes}
    what = "the ratio of the kernels increases with rho on whole rectangles of variances and correlations in [0, 1]"
    return _evidence(what, "smooth gates", rows)


def samples(gates: Sequence[Gate], law: Law) -> Evidence:
    """The inequality at points on both sides of q* and θ*, with the integrals of road 2."""
    rows: dict[str, Row] = {}
    for gate in gates:
        q = _claimed(gate, law, _ONE).limit_denominator(1000)
        below = [law.excess(gate.act, q * x, rho) for x, rho in _BELOW]
        above = [law.excess(gate.act, q * Fraction(5, 4), 1 - Fraction(1, 2**k)) for k in _ABOVE]
        rows[gate.name] = (
            Finding.of(all(value < 0 for value in below) and any(value > 0 for value in above)),
            {
                "largest within": max(float(value.mid()) for value in below),
                "largest beyond": max(float(value.mid()) for value in above),
            },
        )
    leading = float(law.stretch * law.angle(_ONE)) / math.pi
    for factor, wanted in ((0.75, 1), (1.25, -1), (3.0, -1), (8.0, -1)):
        tangent = Fraction(math.tan(leading * factor / 2)).limit_denominator(1000)
        value = law.excess(activation("relu"), Fraction(2), (1 - tangent**2) / (1 + tangent**2))
        rows[f"relu at {factor} of the angle"] = Finding.of(sign(value) == wanted), {"excess": float(value.mid())}
    what = "the inequality at points within and beyond q* and the angle, from enclosed integrals"
    return _evidence(what, "samples", rows)


def _evidence(what: str, part: str, rows: Mapping[str, Row]) -> Evidence:
    """Refuted by any row, supported by all."""
    found = {finding for finding, _ in rows.values()}
    finding = next((item for item in (Finding.REFUTES, Finding.UNDECIDED) if item in found), Finding.SUPPORTS)
    figures: dict[str, Figure] = {name: {"finding": str(item), **row} for name, (item, row) in rows.items()}
    return Evidence(Grade.CERTIFICATE, what, finding, About.CORRECTED, part, figures)
