"""Whether a derived closed form scales with its arguments, decided by SymPy."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import sympy as sp
from flint import arb

from glutheory.activations import Activation
from glutheory.ground.balls import Tape, precision
from glutheory.ground.exact import ball
from glutheory.symbolic.duals import CLOSED, Dual, dual
from glutheory.symbolic.gaussian import a, b, c

#: The degrees that are tried.
_DEGREES = range(4)
_LAMBDA = sp.Symbol("lambda", positive=True)
#: A point and a factor at which forms that do not scale are told apart before anything is proved.
_PROBE, _FACTOR = (Fraction(3, 2), Fraction(5, 4), Fraction(1, 3)), Fraction(7, 5)


@lru_cache(maxsize=128)
def homogeneous(act: Activation) -> int | None:
    """The degree p for which the derived closed form obeys S(λa, λb, λc) = λ^p S(a, b, c); None if none is proved."""
    own = dual(act)
    if own.method != CLOSED or act.symbols:
        return None
    for degree in _DEGREES:
        if _probed(own, degree):
            scaled = own.s.kernel.subs({a: _LAMBDA * a, b: _LAMBDA * b, c: _LAMBDA * c}, simultaneous=True)
            return degree if sp.simplify(scaled - _LAMBDA**degree * own.s.kernel) == 0 else None
    return None


def _probed(own: Dual, degree: int) -> bool:
    """Whether the form scales at one point, in balls."""
    with precision(128):
        program = Tape([own.s.kernel], [a, b, c]).bind()
        here = program([ball(x) for x in _PROBE])[0]
        there = program([ball(_FACTOR * x) for x in _PROBE])[0]
        return bool((there - ball(_FACTOR) ** degree * here).contains(arb(0)))
