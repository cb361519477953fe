"""Limits at infinity of rational functions, decided by rewriting: in ε = 1/x they are continued to ε = 0."""

from __future__ import annotations

import sympy as sp

from derivations.tools.means import LIMIT, Means, decided, link
from derivations.tools.numbers import is_positive
from derivations.tools.proof import Outcome, both, confirmed
from derivations.tools.zero import is_zero, strictly, zero

_EPSILON = sp.Dummy("epsilon", positive=True)


def _lowest(expr: sp.Expr) -> tuple[int, sp.Expr]:
    """Order and coefficient of the lowest power of ε in a polynomial of ε."""
    terms = sp.Poly(expr, _EPSILON).terms()
    (power,), value = min(terms)
    return power, value


def _leading(expr: sp.Expr, symbol: sp.Symbol, root: int) -> tuple[int, sp.Expr]:
    """(k, c) with expr = c·ε^k + O(ε^(k+1)), symbol = ε^(−root), for a rational function of ε.

    Raises:
        ValueError: the denominator's first coefficient may be zero, so that k is not known.
    """
    moved = sp.powdenest(sp.expand_power_base(expr.subs(symbol, _EPSILON**-root)), force=False)
    top, bottom = sp.fraction(sp.cancel(sp.together(moved)))
    (first, over), (second, under) = _lowest(sp.expand(top)), _lowest(sp.expand(bottom))
    if not (is_positive(under) or is_positive(-under)):
        raise ValueError(f"{under} is not known to have a sign: say more of its symbols.")
    return first - second, over / under


def tends(expr: sp.Expr, symbol: sp.Symbol, value: sp.Expr = sp.S.Zero, *, root: int = 1) -> Outcome:
    """That a rational function of symbol^(1/root) tends to `value` as the symbol, positive, tends to infinity.

    What is left of the difference must start with a positive power of ε = symbol^(−1/root): then it is a continuous
    function of ε that vanishes at 0.
    """
    decided(expr)
    link(LIMIT)
    difference = expr - value
    passed = is_zero(difference) or _leading(difference, symbol, root)[0] > 0
    return confirmed(passed, Means.REWRITING, "a rational function of the reciprocal is continued to 0")


def decay() -> Outcome:
    """e^{−x} → 0 as x → ∞: 0 < e^{−x} ≤ 1/(1 + x), since e^x − 1 − x and its slope are 0 at 0, and e^x > 0."""
    x, rate = sp.Symbol("x", real=True), sp.Symbol("x", positive=True)
    above = sp.exp(x) - 1 - x
    start = (above.subs(x, 0), sp.diff(above, x).subs(x, 0))
    return both(zero(*start), strictly(sp.diff(above, x, 2), sp.exp(-rate)), tends(1 / (1 + rate), rate))


def grows(expr: sp.Expr, symbol: sp.Symbol, *, root: int = 1) -> Outcome:
    """That it tends to +∞: a negative power of ε with a positive coefficient comes first."""
    decided(expr)
    link(LIMIT)
    power, value = _leading(expr, symbol, root)
    passed = power < 0 and is_positive(value)
    return confirmed(
        passed, Means.REWRITING, "a rational function of the reciprocal has a pole with a positive coefficient"
    )
