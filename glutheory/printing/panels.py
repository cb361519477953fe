"""Where a printed quadrature is cut: places between which φ and φ' are polynomials to rounding, and branch points.

The places are found from samples in ball arithmetic: each panel is as long as its functions allow, so that a steep
slope has short ones beside it, a wave has many, and a function that fades few. Beside a branch point the functions are
sampled in √(distance), for there the program grades its panels towards it.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import sympy as sp

from glutheory.activations import Activation, Z
from glutheory.errors import DerivationError
from glutheory.ground.balls import precision
from glutheory.ground.branch_points import branched
from glutheory.ground.exact import ball
from glutheory.ground.pieces import Pieces, pieces

#: Samples of a panel; a polynomial of this degree has to have them. The rule's 16 nodes are exact to degree 31, and it
#: integrates two such functions and the density: of functions with poles far beyond rounding, of waves just so.
_SAMPLES, _DEGREE = 32, 22
#: What that polynomial may leave out, of the largest value on the panel; and what is nothing, of that within _CORE, the
#: standard deviation of the least variance: below the rounding errors at all that are promised.
_RESOLVED, _FAINT, _CORE = 1e-13, 1e-18, 0.1
#: 9 standard deviations at the variance 100 and some more; farther out where panels are as long as that.
_NEAR, _FAR, _LONG = 100.0, 1600.0, 25.0
#: Places beyond which a function is too restless: a value would take a minute in Python.
_MOST = 400
_SHORTEST = 1e-9


@dataclass(frozen=True)
class Grid:
    """Where the panels of an activation end.

    Attributes:
        found: the activation between its kinks.
        places: ascending, kinks among them; between two of them φ and φ' are smooth on the scale of their distance.
        kinks, branches: the kinks, and those of them at which φ has a branch point, rounded once.
        jumps: those of φ at the kinks; empty where it is continuous.
    """

    found: Pieces
    places: tuple[float, ...]
    kinks: tuple[float, ...]
    branches: tuple[float, ...]
    jumps: tuple[float, ...]


@lru_cache(maxsize=64)
def grid(act: Activation) -> Grid:
    """The places of an activation.

    Raises:
        DerivationError: it changes too fast for a program of this kind.
        ExpressionError: what `glutheory.ground.pieces` refuses.
    """
    found = pieces(act.expr)
    slopes = found.derivative()
    with precision(128):
        kinks, jumps = (tuple(float(ball(own).mid()) for own in some) for some in (found.kinks, found.jumps))
    singular = [any(branched(found.branches[i + side], kink) for side in (0, 1)) for i, kink in enumerate(found.kinks)]
    ends = [(-_FAR, None), *zip(kinks, found.kinks, strict=True), (_FAR, None)]
    flags = [False, *singular, False]
    faint = [_FAINT * _core(kinks, branches) for branches in (found.branches, slopes)]
    places = set(kinks)
    for i, functions in enumerate(zip(found.branches, slopes, strict=True)):
        for start, end, root in _segments(ends[i], ends[i + 1], flags[i], flags[i + 1]):
            places |= set(_march(functions, start, end, root, faint, act.name))
            if len(places) > _MOST:
                raise _restless(act.name)
    branches = tuple(k for k, own in zip(kinks, singular, strict=True) if own)
    return Grid(found, tuple(sorted(places)), kinks, branches, jumps if any(found.jumps) else ())


def _core(kinks: tuple[float, ...], branches: tuple[sp.Expr, ...]) -> float:
    """The largest value near 0, roughly."""
    from glutheory.numeric.own.samples import Samples  # half a second, which programs without a quadrature do without

    places = _CORE * np.array([-1.0, -0.37, 0.11, 0.58, 1.0])
    return float(max(abs(Samples(branches[bisect(kinks, z)])(z, 0.0, np.zeros(1))[0]) for z in places))


_End = tuple[float, sp.Expr | None]


def _segments(low: _End, high: _End, left: bool, right: bool) -> list[tuple[float, float, sp.Expr | None]]:
    """From where to where the panels of an interval are sought: away from its branch points, else away from 0."""
    if left and right:
        middle = (low[0] + high[0]) / 2
        return [(low[0], middle, low[1]), (high[0], middle, high[1])]
    if left or right:
        return [(low[0], high[0], low[1]) if left else (high[0], low[0], high[1])]
    if low[0] < 0 < high[0]:
        return [(0.0, high[0], None), (0.0, low[0], None)]
    return [(low[0], high[0], None) if low[0] >= 0 else (high[0], low[0], None)]


def _march(
    functions: tuple[sp.Expr, ...], start: float, end: float, root: sp.Expr | None, faint: list[float], name: str
) -> list[float]:
    """The ends of panels from start to end, each as long as the functions allow; `root` is a branch point at start."""
    side = 1 if end > start else -1
    tests = [_test(*own) for own in zip(functions, faint, strict=True)]
    plain = all(own.is_polynomial(Z) and sp.degree(own, Z) <= 2 for own in functions)
    # of others the first panel is short, lest what is narrow be missed
    found, place, step = [start], start, abs(end - start) if plain else 0.5
    while abs(end - place) > 0:
        step = min(2 * step, abs(end - place))
        if place == start and root is not None:
            unfolded = [
                _test(own.subs(Z, root + side * Z**2), some) for own, some in zip(functions, faint, strict=True)
            ]
            step = _longest(lambda s: all(test(0.0, s**0.5) for test in unfolded), step)  # noqa: B023 (called at once)
        else:
            step = _longest(lambda s: all(test(place, place + side * s) for test in tests), step)  # noqa: B023
        if abs(place) >= _NEAR and step < _LONG:
            break
        if step < min(_SHORTEST, abs(end - place)) or len(found) > _MOST:
            raise _restless(name)
        place = end if step == abs(end - place) else place + side * step
        found.append(place)
    return [z for z in found if abs(z) < _FAR]


def _longest(resolved: Callable[[float], bool], step: float) -> float:
    while step >= _SHORTEST and not resolved(step):
        step *= 0.75
    return step


def _test(expr: sp.Expr, faint: float) -> Callable[[float, float], bool]:
    """Whether the function is a polynomial of the degree from one point to the other."""
    from glutheory.numeric.own.samples import TINY, Samples, hits, transform  # as above

    samples, (nodes, matrix) = Samples(expr), transform(_SAMPLES)

    def test(one: float, other: float) -> bool:
        low, high = min(one, other), max(one, other)
        coefficients = matrix @ samples((low + high) / 2, (high - low) / 2, nodes)
        size = np.abs(coefficients)
        enough = max(_RESOLVED * size.max(), faint, TINY)
        return bool(size[_DEGREE:].max() <= enough and hits(coefficients, low, high, samples, enough))

    return test


def _restless(name: str) -> DerivationError:
    return DerivationError(
        f"no program for {name!r}: it changes too fast for a quadrature of at most {_MOST} panels between z = -100 and "
        "100; use `evaluate` or `enclose` for values."
    )
