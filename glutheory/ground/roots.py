"""Real numbers that are known as roots: exact like π, with digits on demand.

Where z/2 meets tanh(z) there is no formula for z. What there is, is an interval in which the difference has one root
and its derivative none; from there Newton's method in ball arithmetic gives any number of digits.
"""

from __future__ import annotations

from functools import lru_cache

import mpmath
import sympy as sp
from flint import arb, ctx, fmpq
from sympy.core.expr import AtomicExpr

from glutheory.activations import Z
from glutheory.ground.balls import Tape, precision

#: Precisions are multiples of this, so that few are computed; and what evaluations near a root may lose.
_STEP, _GUARD = 128, 64


class Root(sp.NumberSymbol):
    """The root of `function`, an expression in `Z`, between the rational numbers `low` ≥ 0 and `high`.

    It has exactly one there, and its derivative none. Two of them are equal if these three are: whoever makes them
    takes care that equal roots of one function are made of equal intervals.
    """

    is_real = True
    is_positive = True
    function: sp.Expr
    low: sp.Rational
    high: sp.Rational

    def __new__(cls, function: sp.Expr, low: sp.Rational, high: sp.Rational) -> Root:  # noqa: D102 (the class says it)
        self: Root = AtomicExpr.__new__(cls)
        self.function, self.low, self.high = function, low, high
        return self

    def __getnewargs__(self) -> tuple[sp.Expr, ...]:
        return self.function, self.low, self.high

    def _hashable_content(self) -> tuple[sp.Expr, ...]:
        return self.__getnewargs__()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Root) and self.__getnewargs__() == other.__getnewargs__()

    __hash__ = AtomicExpr.__hash__

    def ball(self) -> arb:
        """Its enclosure at the current precision."""
        return +_refined(self, -(-ctx.prec // _STEP) * _STEP)

    def _as_mpf_val(self, prec: int) -> tuple[int, int, int, int]:
        with precision(prec + _GUARD):
            mantissa, exponent = self.ball().mid().man_exp()
        value: tuple[int, int, int, int] = mpmath.libmp.from_man_exp(int(mantissa), int(exponent), prec, "n")
        return value

    def _sympystr(self, _: object) -> str:
        return str(self.evalf(8))

    def __int__(self) -> int:
        return int(float(self))


@lru_cache(maxsize=1024)
def _refined(root: Root, bits: int) -> arb:
    """By interval Newton steps, until they gain nothing."""
    with precision(bits + _GUARD):
        run = Tape([root.function, sp.diff(root.function, Z)], [Z]).bind()
        ends = [arb(fmpq(int(end.p), int(end.q))) for end in (root.low, root.high)]
        x = ends[0].union(ends[1])
        while True:
            middle = arb(x.mid())
            closer = x.intersection(middle - run([middle])[0] / run([x])[1])
            if not 2 * closer.rad() < x.rad():
                return closer
            x = closer
