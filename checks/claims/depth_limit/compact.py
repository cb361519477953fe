"""Fixed points on the continuum, certified: f and f' enclosed on boxes of ρ by road 2, which knows no Hermite series.

Values are those of the defining integrals at exact points; `glutheory.ground.boxes` says how far f can be from them
within a box. Next to ρ = 1 the slope at 1 decides: |f'(ρ) − f'(1)| ≤ (1 − ρ) E[φ''²]/E[φ²].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import sympy as sp
from flint import arb

from checks.claims.depth_limit.law import Law
from checks.claims.depth_limit.theory import Block, image
from checks.tools.branch_and_bound import Box, Cover, Interval, Zeros, hull, positive, refine, zeros
from glutheory.activations import Activation, Z
from glutheory.claims import Evidence, Figure, Finding, Grade
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball
from glutheory.ground.pieces import pieces
from glutheory.ground.symmetry import symmetry
from glutheory.numeric.deep.fixed import fixed_points
from glutheory.quadrature.means import dual

#: The compact range |ρ| ≤ END; what is left to 1 is `_near`'s.
END = Fraction(15, 16)
_BITS, _DIGITS, _LIMIT = 64, 7, 600
#: Ends of first boxes that no bisection takes to 0, where the maps of odd activations vanish.
_CUTS = (Fraction(-3, 10), Fraction(7, 20))
#: The width of a bracket around a fixed point, and how far a prediction may be from it.
_WIDTH, _OFF = Fraction(1, 10**5), 1.1e-5
#: By how much the claimed factor of contraction may be exceeded on a box.
_MARGIN = Fraction(1, 1000)


def _dual(act: Activation, rho: arb) -> tuple[arb, arb]:
    return dual(act, arb(1), arb(1), rho, None, _DIGITS)


@lru_cache(maxsize=64)
def _top(act: Activation) -> arb:
    """E[φ²]."""
    return _dual(act, arb(1))[0]


@lru_cache(maxsize=64)
def _slope(act: Activation) -> Activation:
    return Activation(f"{act.label}'", sp.diff(act.expr, Z))


def smooth(act: Activation) -> bool:
    """Whether φ has no kinks, and is no straight line, whose φ' is no activation."""
    return not pieces(act.expr).kinks and symmetry(act.expr).line is None


def enclosed(act: Activation, low: Fraction, high: Fraction) -> arb:
    """Every f(ρ), low ≤ ρ ≤ high."""
    with precision(_BITS):
        return _dual(act, hull(low, high))[0] / _top(act)


def steepness(act: Activation, low: Fraction, high: Fraction) -> arb:
    """Every f'(ρ): S of φ' where φ is smooth, else T."""
    with precision(_BITS):
        rho = hull(low, high)
        return (_dual(_slope(act), rho)[0] if smooth(act) else _dual(act, rho)[1]) / _top(act)


@dataclass(frozen=True)
class Found:
    """What is certain of one activation.

    Attributes:
        zeros: of f(ρ) − ρ for |ρ| ≤ END; from below 0 on for odd φ, the rest by symmetry.
        brackets: narrow ones around them.
        near: the sign of f(ρ) − ρ for END ≤ ρ < 1 and whether f increases there; None where φ has kinks.
        mean: the ball of f(0).
    """

    zeros: Zeros
    brackets: tuple[Interval, ...]
    near: tuple[int, bool] | None
    mean: arb


@lru_cache(maxsize=64)
def found(act: Activation) -> Found:
    """All fixed points of the plain block's map on the compact range."""
    points = (*_CUTS, END) if symmetry(act.expr).parity < 0 else (-END, *_CUTS, END)

    def value(low: Fraction, high: Fraction) -> arb:
        with precision(_BITS):
            return enclosed(act, low, high) - hull(low, high)

    def excess(low: Fraction, high: Fraction) -> arb:
        with precision(_BITS):
            return steepness(act, low, high) - 1

    all_ = zeros(value, excess, points, limit=_LIMIT)
    brackets = tuple(refine(value, bracket, _WIDTH) for bracket in all_.brackets)
    return Found(all_, brackets, _near(act), enclosed(act, Fraction(0), Fraction(0)))


def _near(act: Activation) -> tuple[int, bool] | None:
    if not smooth(act):
        return None
    with precision(_BITS):
        first, second = (_dual(own, arb(1))[0] / _top(act) for own in (_slope(act), _slope(_slope(act))))
        moved = ball(1 - END) * second
        side = -1 if first - moved > 1 else 1 if first + moved < 1 else 0
        return side, bool(first - moved > 0)


@lru_cache(maxsize=64)
def contracts(act: Activation, end: Fraction, factor: Fraction) -> Cover:
    """Whether |f| < factor for |ρ| ≤ end: the gated map shrinks every such ρ by that."""

    def margin(box: Box) -> arb:
        with precision(_BITS):
            return ball(factor) - abs(enclosed(act, *box[0]))

    cuts = (-end, *_CUTS, end)
    return positive(margin, [((low, high),) for low, high in pairwise(cuts)], limit=_LIMIT)


def plainly(law: Law, blocks: Sequence[Block]) -> Evidence:
    """Plain blocks: the fixed points in |ρ| ≤ END are those that are claimed, and there is no other."""
    wrong, open_ = [], []
    rows: dict[str, Figure] = {}
    for block in blocks:
        here, at = found(block.act), law.attractor(block)
        expected = [at] if at < END else []
        middle = [float((low + high) / 2) for low, high in here.brackets]
        same = len(middle) == len(expected) and all(
            abs(one - other) <= _OFF for one, other in zip(middle, expected, strict=False)
        )
        # below the attractor the map lies above ρ, beyond it below
        signs = (1, -1) if expected else (1,)
        good = same and here.zeros.signs == signs
        if here.near is not None:
            good = good and here.near[0] in (signs[-1], 0)
        if here.zeros.open is not None or (here.near is not None and here.near[0] == 0):
            open_.append(block.name)
        elif not good:
            wrong.append(block.name)
        rows[block.name] = {
            "claimed": at,
            "certified": middle,
            "boxes": here.zeros.boxes,
            "up to 1": here.near is not None,
        }
    what = f"plain blocks: all fixed points with |ρ| ≤ {END}, and up to 1 where φ is smooth, are those claimed (balls)"
    return Evidence(Grade.CERTIFICATE, what, _finding(wrong, open_), part="fixed points", figures=_figures(rows, wrong))


def gatedly(law: Law, blocks: Sequence[Block]) -> Evidence:
    """Gated blocks: 0 attracts with the claimed slope, and |F(ρ)| ≤ λ|ρ| for |ρ| ≤ END; next to 1 F lies below ρ."""
    wrong, open_ = [], []
    rows: dict[str, Figure] = {}
    for block in blocks:
        factor = Fraction(image(block.act, float(END))).limit_denominator(10**6) + _MARGIN
        cover, mean = contracts(block.act, END, factor), enclosed(block.act, Fraction(0), Fraction(0))
        near = _near(block.act)
        with precision(_BITS):
            fits = bool(abs(mean - arb(law.rate(block))) < arb(_OFF)) and law.attractor(block) == 0
        if cover.open is not None or (near is not None and not near[1]):
            open_.append(block.name)
        elif not (fits and cover.positive and factor < 1):
            wrong.append(block.name)
        rows[block.name] = {
            "slope at 0": float(mean.mid()),
            "claimed": law.rate(block),
            "shrinks by": float(factor),
            "boxes": cover.boxes,
            "up to 1": near is not None,
        }
    what = (
        f"gated blocks: 0 attracts all |ρ| ≤ {END}, with the claimed slope, and there is no other fixed point (balls)"
    )
    return Evidence(Grade.CERTIFICATE, what, _finding(wrong, open_), part="fixed points", figures=_figures(rows, wrong))


def computed(law: Law, blocks: Sequence[Block]) -> Evidence:
    """The package's own fixed points, float64: attractors, and slopes there and at 1."""
    wrong = []
    rows: dict[str, Figure] = {}
    for block in blocks:
        points = [point for point in fixed_points(block.network) if point.rho > -1 + 1e-9]
        at, rate, mean = law.attractor(block), law.rate(block), law.mean(block)
        expected = [(at, rate), (1.0, mean)] if at < 1 else [(1.0, mean)]
        good = len(points) == len(expected) and all(
            abs(point.rho - where) <= 1e-8 and abs(point.slope - steep) <= 1e-7
            for point, (where, steep) in zip(points, expected, strict=True)
        )
        if not good:
            wrong.append(block.name)
        rows[block.name] = {"attractor": at, "slope there": rate, "slope at 1": mean}
    what = "the fixed points that `glutheory depth` prints, with their slopes, against the Hermite series"
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), part="fixed points", figures=_figures(rows, wrong))


def _finding(wrong: list[str], open_: list[str]) -> Finding:
    return Finding.REFUTES if wrong else Finding.UNDECIDED if open_ else Finding.SUPPORTS


def _figures(rows: dict[str, Figure], wrong: list[str]) -> dict[str, Figure]:
    return {"blocks": rows, "not as claimed": list(wrong)}
