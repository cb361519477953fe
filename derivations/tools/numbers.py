"""Strict inequalities between explicit numbers, decided in ball arithmetic: a ball to the right of 0 is no guess."""

from __future__ import annotations

import sympy as sp
from flint import arb

from derivations.tools.means import Means, signed
from derivations.tools.proof import Outcome, confirmed
from glutheory.ground.balls import precision

_BITS = 128


def _ball(expr: sp.Expr) -> arb:
    """A ball that contains an expression in rationals, π, e and roots."""
    if expr.is_Rational:
        return arb(int(expr.p)) / int(expr.q)
    if expr == sp.pi:
        return arb.pi()
    if expr == sp.E:
        return arb(1).exp()
    parts = [_ball(item) for item in expr.args]
    if expr.is_Add:
        return sum(parts[1:], parts[0])
    if expr.is_Mul:
        total = parts[0]
        for part in parts[1:]:
            total = total * part
        return total
    if expr.is_Pow and expr.exp.is_Integer:
        return parts[0] ** int(expr.exp)
    if expr.is_Pow and expr.exp.is_Rational and expr.exp.q == 2:
        return parts[0].sqrt() ** int(expr.exp.p)
    raise ValueError(f"{expr} is not a number of this kind: use rationals, π, e and square roots.")


def is_positive(expr: sp.Expr) -> bool:
    """Whether a product of explicit numbers and of symbols is positive, the numbers decided by balls."""
    number, rest = sp.factor(expr).as_independent(*expr.free_symbols, as_Add=False)
    with precision(_BITS):
        return bool(_ball(number) > 0) and bool(rest.is_positive)


def larger(*pairs: tuple[sp.Expr, sp.Expr]) -> Outcome:
    """That the first of every pair is the larger number."""
    signed(*(first - second for first, second in pairs), strict=True)
    with precision(_BITS):
        passed = all(bool(_ball(sp.sympify(first) - second) > 0) for first, second in pairs)
    return confirmed(passed, Means.BALLS)
