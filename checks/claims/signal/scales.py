"""Where gated variances go without norms: elasticities on the continuum, slopes, orbits, and the plane of scales."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
import sympy as sp
from flint import arb

from checks.claims.signal.law import Law
from checks.tools.branch_and_bound import Box, Cover, hull, positive
from glutheory.activations import Activation, Z, activation
from glutheory.claims import Evidence, Figure, Finding, Grade
from glutheory.ground.balls import precision
from glutheory.layers import composed, dense, product, stack
from glutheory.networks import GATES, gated
from glutheory.numeric import gram
from glutheory.numeric.deep.fixed import block_map
from glutheory.quadrature.means import unit_mean
from glutheory.symbolic.hermite import norm

#: Variances of the gate's argument, in factors of 2, on which the elasticity is certified.
RANGE = (-4, 2)
_BITS, _DIGITS, _LIMIT = 64, 6, 400
#: Gates of the plane of scales, q_0 = 1; the sides of the plane, and blocks of an orbit.
PLANE = ("reglu", "swiglu", "glu")
SIDES = tuple(2.0**k for k in (-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2))
_ORBIT = 6
#: Relative: a difference quotient with this step, and values that pass several blocks.
_STEP, _SLOPE_OFF, _OFF = 1e-4, 1e-6, 1e-11
#: Variances beyond which, and below whose inverse, an orbit has left.
_FAR = 1e4


def tilt(act: Activation) -> Activation:
    """zφφ', whose mean is qV'(q)."""
    return Activation(f"{act.label} tilt", Z * act.expr * sp.diff(act.expr, Z))


def square(act: Activation) -> Activation:
    return Activation(f"{act.label} squared", act.expr**2)


@lru_cache(maxsize=64)
def rising(act: Activation, sign: int) -> Cover:
    """Whether sign·V'(q) > 0 on the whole range of q."""

    def slope(box: Box) -> arb:
        with precision(_BITS):
            return sign * unit_mean(tilt(act), hull(*box[0]), _DIGITS)

    return positive(slope, [((Fraction(2) ** k, Fraction(2) ** (k + 1)),) for k in range(*RANGE)], limit=_LIMIT)


@lru_cache(maxsize=64)
def elasticity(act: Activation) -> float:
    """The elasticity qV'/V at q = 1."""
    with precision(_BITS):
        one = arb(1)
        return float((unit_mean(tilt(act), one, 12) / unit_mean(square(act), one, 12)).mid())


def monotone(law: Law, names: Sequence[str]) -> Evidence:
    """V rises with every gate but those said to keep the scale, with which it falls; balls on the continuum."""
    wrong: list[str] = []
    open_: list[str] = []
    rows: dict[str, Figure] = {}
    for name in names:
        cover = rising(activation(name), -1 if name in law.keeping else 1)
        (open_ if cover.open is not None else wrong if not cover.positive else []).append(name)
        rows[name] = {
            "V": "falls" if name in law.keeping else "rises",
            "boxes": cover.boxes,
            "certified": cover.positive,
        }
    finding = Finding.REFUTES if wrong else Finding.UNDECIDED if open_ else Finding.SUPPORTS
    what = f"E[φ(√q z)²] rises, or falls as claimed, for all q in [2^{RANGE[0]}, 2^{RANGE[1]}] (balls)"
    return Evidence(
        Grade.CERTIFICATE, what, finding, part="scale", figures={"gates": rows, "not as claimed": list(wrong)}
    )


def block(net: str, q: float, sigma_w: float, sigma_p: float) -> float:
    """Q' of a gated block without norms, by `gram` of two layers at the variance σ_w²q, times σ_p²/σ_w²."""
    X = np.array([[sigma_w * math.sqrt(q)]])
    return (sigma_p / sigma_w) ** 2 * float(gram(net, X, kind="nngp")[0, 0])


def slopes(law: Law, names: Sequence[str]) -> Evidence:
    """Dq'/dq at q* = 1, where σ_p² = 1/V(1): by differences of `gram`, against 1 plus the elasticity."""
    wrong = []
    rows: dict[str, Figure] = {}
    for name in names:
        own = composed(product(gated(activation(name))), dense())
        values = [float(gram(own, np.array([[math.sqrt(q)]]), kind="nngp")[0, 0]) for q in (1 - _STEP, 1, 1 + _STEP)]
        found = (values[2] - values[0]) / (2 * _STEP * values[1])
        claimed = law.added + elasticity(activation(name))
        keeps = abs(found) < 1
        if abs(found / claimed - 1) > _SLOPE_OFF or keeps != (name in law.keeping):
            wrong.append(name)
        rows[name] = {"measured": found, "claimed": claimed, "attracts": keeps}
    what = "slopes of the gated map of variances at the fixed point q = 1, and which of them attract"
    figures: dict[str, Figure] = {"gates": rows, "not as claimed": list(wrong)}
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), part="scale", figures=figures)


def orbits(law: Law) -> Evidence:
    """ReGLU with variances 1: q after up to six blocks, from below and above q* = 2."""
    worst = 0.0
    rows: dict[str, Figure] = {}
    for start in (0.5, 1.5, 2.0, 2.5, 8.0):
        seen = []
        for blocks in range(1, _ORBIT + 1):
            own = stack("reglu", blocks, norm=None, residual=False)
            q = float(gram(own, np.array([[math.sqrt(start)]]), kind="nngp")[0, 0])
            claimed = law.variance(start, blocks)
            worst = max(worst, abs(math.log(q / claimed)) if claimed > 0 else math.inf)
            seen.append(q)
        rows[f"q_0 = {start}"] = seen
    figures: dict[str, Figure] = {"orbits": rows, "largest |ln measured/claimed|": worst, "allowed": 2**_ORBIT * _OFF}
    what = "ReGLU without norms: q_L = q*(q_0/q*)^(2^L), by gram"
    return Evidence(Grade.NUMERICAL, what, Finding.of(worst <= 2**_ORBIT * _OFF), part="scale", figures=figures)


@lru_cache(maxsize=16)
def plane(net: str) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """For σ_p, then σ_w of `SIDES`: q_1, q_2, … from q_0 = 1, until it has left."""
    rows = []
    for sigma_p in SIDES:
        row = []
        for sigma_w in SIDES:
            seen = [1.0]
            while len(seen) <= _ORBIT and 1 / _FAR < seen[-1] < _FAR:
                seen.append(block(net, seen[-1], sigma_w, sigma_p))
            row.append(tuple(seen))
        rows.append(tuple(row))
    return tuple(rows)


def critical(net: str, sigma_w: float) -> float:
    """The σ_p that keeps q_0 = 1 where it is."""
    return 1 / math.sqrt(float(norm(activation(GATES[net]), Fraction(sigma_w) ** 2, 15).mid()))


def planes(law: Law) -> Evidence:
    """The plane of (σ_w, σ_p): below the critical curve orbits fall, above it they rise; chaos on all of it."""
    wrong: list[str] = []
    least = math.inf
    for net in PLANE:
        for sigma_p, row in zip(SIDES, plane(net), strict=True):
            for sigma_w, seen in zip(SIDES, row, strict=True):
                above = math.log(sigma_p / critical(net, sigma_w))
                steps = np.diff(np.log(seen))
                if abs(above) > 1e-9 and not (np.sign(above) * steps > 0).all():
                    wrong.append(f"{net}, {sigma_w:.3g}, {sigma_p:.3g}")
        for sigma_w in SIDES:
            variance = Fraction(sigma_w) ** 2
            act = activation(GATES[net])
            chi = float(block_map(gated(act), np.array([1.0]), variance)[1][0])
            degree = float(variance) * float((norm(act, variance, 15, derivative=True) / norm(act, variance, 15)).mid())
            least = min(least, chi)
            if abs(chi - law.added - degree) > 1e-8 * chi or chi <= 1:
                wrong.append(f"{net}, slope at 1 for {sigma_w:.3g}")
    figures: dict[str, Figure] = {
        "gates": list(PLANE),
        "points": len(PLANE) * len(SIDES) ** 2,
        "least slope of the map of correlations at 1": least,
        "not as claimed": wrong[:10],
    }
    what = (
        f"(σ_w, σ_p) from {SIDES[0]} to {SIDES[-1]}, q_0 = 1: collapse and divergence on the two sides of the critical "
        "curve, and nearby inputs part on all of it: there is no edge of chaos"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), part="plane", figures=figures)
