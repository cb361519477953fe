"""Which member of the zoo a definition is, parameters included, whatever way it is written in.

Candidates have parameters made of the numbers in the definition. Values at three places sift them, and what is left
must be proved: the same kinks, and between them branches whose difference SymPy simplifies to 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import product

import sympy as sp

from glutheory.activations import Activation, Z, activation, activation_names
from glutheory.activations.zoo import ZOO
from glutheory.errors import ExpressionError
from glutheory.ground.pieces import pieces

#: Where two functions are compared before they are proved to be the same.
_PLACES = (3 / 7, -5 / 9, 29 / 11)
_ALIKE = 1e-10
#: Choices of parameters for one name, at most.
_MOST = 400
_NAMES = {"Heaviside": lambda z, *_: (z > 0) + 0.5 * (z == 0), "sign": lambda z: math.copysign(1.0, z) if z else 0.0}


@lru_cache(maxsize=256)
def recognised(expr: sp.Expr) -> Activation | None:
    """The member of the zoo that this function of z is, one without parameters before others; None if it is none.

    Not finding one proves nothing: a parameter that is no number of the definition, nor twice, half or one over it, is
    not tried.
    """
    if expr.free_symbols != {Z}:
        return None
    values = _values(sp.lambdify(Z, expr, [_NAMES, "math"]))
    if values is None:
        return None
    for name, parameters in _candidates(expr):
        if _close(values, _values(_template(name), parameters)):
            try:
                own = activation(name, **dict(zip(_keys(name), parameters, strict=True)))
            except ExpressionError:  # these parameters leave a constant, such as xielu's of 0
                continue
            if own.expr == expr or _same(own.expr, expr):
                return own
    return None


def _candidates(expr: sp.Expr) -> Iterator[tuple[str, tuple[sp.Rational, ...]]]:
    """Names with their parameters: none, the defaults, then numbers of the definition."""
    names = sorted(activation_names(), key=lambda name: bool(_keys(name)))
    for name in names:
        yield name, tuple(sp.Rational(value) for _, value in ZOO[name].defaults)
    numbers = sorted({abs(number) for number in expr.atoms(sp.Rational)} - {sp.S.Zero})
    several = {factor * number**power for number in numbers for power in (1, -1) for factor in (1, 2, sp.S.Half)}
    for name in filter(_keys, names):
        entry = ZOO[name]
        choices = [_signed(several, key in entry.positive) for key in _keys(name)]
        if math.prod(map(len, choices)) > _MOST:
            choices = [_signed(set(numbers), key in entry.positive) for key in _keys(name)]
        if math.prod(map(len, choices)) <= _MOST:
            yield from ((name, chosen) for chosen in product(*choices))


def _signed(numbers: set[sp.Rational], positive: bool) -> list[sp.Rational]:
    return sorted(numbers if positive else {sp.S.Zero, *numbers, *(-number for number in numbers)})


def _keys(name: str) -> tuple[str, ...]:
    return tuple(key for key, _ in ZOO[name].defaults)


@lru_cache(maxsize=256)
def _template(name: str) -> Callable[..., float]:
    """φ of z and the parameters, in floats."""
    symbols = {key: sp.Symbol(key, positive=True) for key in _keys(name)}
    function: Callable[..., float] = sp.lambdify(
        [Z, *symbols.values()], ZOO[name].expression(**symbols), [_NAMES, "math"]
    )
    return function


def _values(function: Callable[..., float], parameters: tuple[sp.Rational, ...] = ()) -> tuple[float, ...] | None:
    numbers = tuple(map(float, parameters))
    try:
        return tuple(float(function(place, *numbers)) for place in _PLACES)
    except (ArithmeticError, ValueError, TypeError, NameError):
        return None


def _close(first: tuple[float, ...], second: tuple[float, ...] | None) -> bool:
    return second is not None and all(
        abs(one - two) <= _ALIKE * (1 + abs(one)) for one, two in zip(first, second, strict=True)
    )


def _same(first: sp.Expr, second: sp.Expr) -> bool:
    """Whether the two are proved to be one function, up to values at single points."""
    try:
        one, two = pieces(first), pieces(second)
    except ExpressionError:
        return False
    if len(one.kinks) != len(two.kinks) or any(
        not _zero(own - other) for own, other in zip(one.kinks, two.kinks, strict=True)
    ):
        return False
    return all(_zero(own - other) for own, other in zip(one.branches, two.branches, strict=True))


def _zero(difference: sp.Expr) -> bool:
    return bool(sp.expand(difference) == 0 or sp.simplify(difference.rewrite(sp.exp)) == 0)
