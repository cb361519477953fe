"""All roots of an analytic function in an interval, isolated: for switches between functions that cross or touch.

In ball arithmetic an interval is done where f is not 0, or where f' is not, as the signs at the ends tell whether it
has a root. What remains shrinks to places where both are 0, as z − tanh(z) and its slope are at 0. Such a place must be
an exact number c at which f is 0 exactly; if f^(m)(c) is the first derivative that is not, the interval around c on
which f^(m) is not 0 has no other root. Beyond a bounded interval `glutheory.ground.tails` has the sign.

A root that is met between is a `Root`. What is not decided is not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import sympy as sp
from flint import arb, fmpq, fmpz

from glutheory.activations import Z
from glutheory.errors import DerivationError
from glutheory.ground.balls import Tape, precision
from glutheory.ground.roots import Root
from glutheory.ground.switches import roots
from glutheory.ground.tails import UndecidedError, sign_beyond

#: Working precisions; and bounds of the interval that is searched where the given one has none.
_BITS, _SHARP = 128, (128, 512, 2048)
_REACHES = (4, 16, 64, 256)
#: Intervals looked at; how short they become; of how high a derivative the sign is asked.
_MOST, _SHORT, _ORDER = 20_000, fmpq(1, 2**24), 12
#: Denominators of rational numbers that are tried where f touches 0; and where an interval is cut.
_DENOMINATORS, _CUT = 48, fmpq(123, 256)
#: Levels of the dyadic intervals that roots are given by.
_LEVELS = (20, 60, 120)
Interval = tuple[fmpq, fmpq]


class NotIsolatedError(Exception):
    """Why not all roots were found: words that follow "whose roots"."""


@lru_cache(maxsize=256)
def isolated(argument: sp.Expr, low: sp.Expr, high: sp.Expr) -> tuple[sp.Expr, ...]:
    """All real roots of the argument strictly between the ends, not in order.

    Args:
        argument: an expression in `Z`, analytic between the ends.
        low: the left end, exact; −oo for none.
        high: the right end; oo for none.

    Raises:
        NotIsolatedError: they were not all found, and why.
    """
    function = _Function(_normal(argument))
    with precision(_BITS):
        start, stop = (function.end(end, side) for end, side in ((low, -1), (high, 1)))
        found = [
            _root(function, place) if isinstance(place, tuple) else place for place in _search(function, start, stop)
        ]
    return tuple(root for root in found if _between(root, low, high))


def _normal(argument: sp.Expr) -> sp.Expr:
    """The same up to a constant factor, so that roots of one function are of one expression."""
    flat = sp.expand(argument).as_content_primitive()[1]
    return -flat if flat.could_extract_minus_sign() else flat


def _between(root: sp.Expr, low: sp.Expr, high: sp.Expr) -> bool:
    """Whether it is; what is not told apart from an end is left to who compares places exactly."""
    return not ((low.is_finite and (root - low).is_nonpositive) or (high.is_finite and (high - root).is_nonpositive))


def _sign(value: arb) -> int | None:
    return 1 if value > 0 else -1 if value < 0 else None


def _hull(interval: Interval) -> arb:
    return arb(interval[0]).union(arb(interval[1]))


class _Function:
    """A function and its derivatives, at balls and at exact numbers."""

    def __init__(self, expr: sp.Expr) -> None:
        self.expr = expr
        self._slopes = [expr]
        self._runs: dict[tuple[int, int], Callable[..., list[arb]]] = {}

    def slope(self, order: int) -> sp.Expr:
        while len(self._slopes) <= order:
            self._slopes.append(sp.diff(self._slopes[-1], Z))
        return self._slopes[order]

    def at(self, x: arb, order: int = 0, bits: int = _BITS) -> arb:
        """A ball that holds f^(order) on x; not finite where f is not."""
        key = order, bits
        with precision(bits):
            if key not in self._runs:
                try:
                    self._runs[key] = Tape([self.slope(order)], [Z]).bind()
                except DerivationError:
                    raise NotIsolatedError("are not found, as it has functions that are not known here") from None
            value = self._runs[key]([x])[0]
        return value if isinstance(value, arb) else arb("nan")

    def sign(self, c: sp.Expr, order: int = 0) -> int | None:
        """The sign of f^(order) at an exact number; 0 if it is exactly 0, None if that is not decided."""
        value = self.slope(order).subs(Z, c)
        if value == 0:
            return 0
        for bits in _SHARP:
            with precision(bits):
                sign = _sign(self.at(_exact(c), order, bits))
            if sign is not None:
                return sign
        return 0 if value.is_zero or sp.simplify(value) == 0 else None

    def end(self, end: sp.Expr, side: int) -> fmpq | None:
        """A rational number at the end or just beyond; None where beyond some number there are no roots."""
        if not end.is_finite:
            return None
        return _outward(_exact(end), side)


def _exact(c: sp.Expr) -> arb:
    ball: arb = Tape([c], []).bind()([])[0]
    return ball


def _outward(ball: arb, side: int) -> fmpq:
    """The bound of the ball on that side."""
    mantissa, exponent = (ball.upper() if side > 0 else ball.lower()).man_exp()
    return fmpq(mantissa) * fmpq(2) ** int(exponent)


def _search(function: _Function, start: fmpq | None, stop: fmpq | None) -> Iterator[Interval | sp.Expr]:
    """Exact roots, and intervals on which f is monotone and changes its sign."""
    reach = max([_reach(function, side) for side, end in ((1, stop), (-1, start)) if end is None], default=0)
    low, high = fmpq(-reach) if start is None else start, fmpq(reach) if stop is None else stop
    known: dict[sp.Expr, Interval] = {}
    for candidate in _candidates(function, low, high):
        _admit(function, candidate, known)
    stack, looked = [(low, high)], 0
    while stack:
        a, b = stack.pop()
        looked += 1
        if looked > _MOST:
            raise NotIsolatedError(f"are too many, or too near each other, near z = {float((a + b) / 2):.6g}")
        around = next((own for own in known.values() if own[0] < b and a < own[1]), None)
        if around is not None:
            stack += [part for part in ((a, around[0]), (around[1], b)) if part[0] < part[1]]
            continue
        x = _hull((a, b))
        value, slope, middle = function.at(x), function.at(x, 1), arb((a + b) / 2)
        if _sign(value) or _sign(function.at(middle) + slope * (x - middle)):
            continue
        ends = [function.sign(_rational(end)) for end in (a, b)] if _sign(slope) else []
        if ends and None not in ends and 0 not in ends:
            if ends[0] != ends[1]:
                yield a, b
        elif b - a > _SHORT * max(fmpq(1), abs(a)):
            cut = a + (b - a) * _CUT
            stack += [(a, cut), (cut, b)]
        else:
            _admit(function, _simplest(a - (b - a), b + (b - a)), known, needed=True)
            stack.append((a, b))
    yield from known


def _reach(function: _Function, side: int) -> int:
    """A number beyond which f has no root on that side."""
    for R in _REACHES:
        try:
            if sign_beyond(function.expr.subs(Z, side * Z), R):
                return R
        except UndecidedError:
            continue
    raise NotIsolatedError("go on without end, or could not be bounded")


def _candidates(function: _Function, low: fmpq, high: fmpq) -> list[sp.Expr]:
    """Where it may be exactly 0: at 0, at the ends, where the derivative is."""
    places = [sp.S.Zero, _rational(low), _rational(high), *(roots(function.slope(1)) or ())]
    return [c for c in places if low <= _outward(_exact(c), 1) and _outward(_exact(c), -1) <= high]


def _admit(function: _Function, c: sp.Expr | None, known: dict[sp.Expr, Interval], *, needed: bool = False) -> None:
    """Keep an exact root with an interval around it that has no other."""
    sign = None if c is None or c in known else function.sign(c)
    if sign == 0 and c is not None:
        order = next((k for k in range(1, _ORDER) if function.sign(c, k) != 0), _ORDER)
        ball, width = _exact(c), fmpq(1)
        while order < _ORDER and width > fmpq(1, 2**40):
            around = _outward(ball, -1) - width, _outward(ball, 1) + width
            if _sign(function.at(_hull(around), order)):
                known[c] = around
                return
            width /= 2
    if needed or sign == 0:
        where = "" if c is None else f" near z = {float(c):.6g}"
        raise NotIsolatedError(f"could not be told from places where it only comes near 0{where}")


def _simplest(low: fmpq, high: fmpq) -> sp.Rational | None:
    """The fraction of the least denominator between."""
    for q in range(1, _DENOMINATORS):
        p = (low * q).ceil()
        if p <= high * q:
            return sp.Rational(int(p), q)
    return None


def _rational(value: fmpq) -> sp.Rational:
    return sp.Rational(int(value.p), int(value.q))


def _root(function: _Function, interval: Interval) -> sp.Expr:
    """The root in the interval, which depends on the function and the root alone; of a mirrored function below 0."""
    if interval[0] < 0:
        if interval[1] > 0:
            interval = _half(function, interval)
        if interval[0] < 0:
            mirrored = _Function(_normal(function.expr.subs(Z, -Z)))
            return -_root(mirrored, (-interval[1], -interval[0]))
    while interval[1] - interval[0] > fmpq(1, 2**30):
        interval = _half(function, interval, (interval[0] + interval[1]) / 2)
    ball = Root(function.expr, *map(_rational, interval)).ball()
    for level in _LEVELS:
        places = {int((_outward(ball, side) * 2**level).floor()) for side in (-1, 1)}
        if len(places) == 1:
            place = fmpz(places.pop())
            cell = fmpq(place, 2**level), fmpq(place + 1, 2**level)
            if _sign(function.at(_hull(cell), 1)):
                return Root(function.expr, *map(_rational, cell))
    raise NotIsolatedError(f"are too near each other near z = {float(interval[0]):.6g}")


def _half(function: _Function, interval: Interval, cut: fmpq | None = None) -> Interval:
    """The part of the interval, cut at this place or at 0, that has the root, which is not there."""
    cut = fmpq(0) if cut is None else cut
    signs = [function.sign(_rational(end)) for end in (interval[0], cut)]
    if not all(signs):
        raise NotIsolatedError(f"could not be told from z = {float(cut):.6g}")
    return (interval[0], cut) if signs[0] != signs[1] else (cut, interval[1])
