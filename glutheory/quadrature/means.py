"""The road's values at covariances that are balls: from `enclose` at exact points, and `ground.boxes`."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

from flint import arb

from glutheory.activations import Activation
from glutheory.errors import PrecisionError
from glutheory.ground.boxes import Pair, boxed, boxed_mean
from glutheory.ground.exact import ball
from glutheory.ground.symmetry import Ray, symmetry
from glutheory.quadrature.enclose import enclose, first_moment
from glutheory.quadrature.model import model


@lru_cache(maxsize=4096)
def _values(act: Activation, a: Fraction, b: Fraction, c: Fraction, digits: int) -> Pair:
    try:
        return enclose(act, a, b, c, digits=digits)
    except PrecisionError as error:
        # correct, only wider: whether they are too wide the whole stack shows
        return error.reached[0], error.reached[1]


@lru_cache(maxsize=4096)
def _first(act: Activation, a: Fraction, digits: int) -> arb:
    found = model(act.expr)
    return ball(found.at_zero) if a == 0 else first_moment(found.whole.value, a, digits)


def dual(act: Activation, a: arb, b: arb, c: arb, ray: Ray | None, digits: int) -> Pair:
    """Balls around E[φ(u)φ(v)] and E[φ'(u)φ'(v)], about this many digits if the covariances have them."""
    return boxed(_at(act, digits), symmetry(act.expr), a, b, c, ray)


def unit_mean(act: Activation, a: arb, digits: int) -> arb:
    """A ball around E[φ(u)]."""
    return boxed_mean(lambda at: _first(act, at, digits), _at(act, digits), symmetry(act.expr), a)


def _at(act: Activation, digits: int) -> Callable[[Fraction, Fraction, Fraction], Pair]:
    return lambda a, b, c: _values(act, a, b, c, digits)
