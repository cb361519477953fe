"""Bounds on a strip for the elementary functions, from bounds of their arguments; each rule names its inequality."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import sympy as sp
from flint import arb

from glutheory.ground.growth.facts import Facts, RefusalError, add, flat, need


def _bounded(low: float, high: float) -> Callable[..., Facts]:
    """A switch or a function with real values in [low, high] for real arguments."""

    def rule(node: sp.Expr, f: Facts) -> Facts:
        _real(node, f)
        return Facts(arb(max(-low, high)), 0, arb(0), (arb(high), arb(0)), (arb(-low), arb(0)), f.imag)

    return rule


def _real(node: sp.Expr, *facts: Facts) -> None:
    if not all(f.real for f in facts):
        raise RefusalError(f"{node} is not analytic")


def _extremum(node: sp.Expr, *facts: Facts) -> Facts:
    _real(node, *facts)
    total = add([replace(f, below=(arb(0), arb(0))) for f in facts])  # max and min are below Σ|f_i|
    below = None
    if all((flat(f.below) or arb(1)) <= 0 for f in facts):
        below = (arb(0), arb(0))
    above = None
    if isinstance(node, sp.Min):
        above = next((f.above for f in facts if flat(f.above) is not None), None)
    return Facts(total.size, total.power, total.rate, above, below, (arb(0), arb(0)))


def _absolute(node: sp.Expr, f: Facts) -> Facts:
    _real(node, f)
    angle = arb(0) if f.floor > 0 else None
    return Facts(f.size, f.power, f.rate, None, (arb(0), arb(0)), f.imag, f.floor, angle)


def _error(node: sp.Expr, f: Facts) -> Facts:
    # erf(x + iy) = erf(x) + (2i/√π) ∫_0^y exp(−(x + it)²) dt
    y = need(f.imag, None, f"the argument of {node} leaves every strip")
    size = 1 + 2 / arb.pi().sqrt() * y * (y * y).exp()
    shifted = 1 + size if isinstance(node, sp.erfc) else size
    imag = (arb(0), arb(0)) if y == 0 else None
    below = (arb(0), arb(0)) if y == 0 and isinstance(node, sp.erfc) else None
    return Facts(shifted, 0, arb(0), None, below, imag)


def _odd(rule: Callable[..., Facts]) -> Callable[..., Facts]:
    """The rule of a function that is never negative where its real argument is not."""

    def with_sign(node: sp.Expr, f: Facts) -> Facts:
        made = rule(node, f)
        return replace(made, below=(arb(0), arb(0)), angle=arb(0)) if f.real and f.angle == 0 else made

    return with_sign


def _tanh(node: sp.Expr, f: Facts) -> Facts:
    # |tanh(x + iy)|² = (sinh²x + sin²y)/(sinh²x + cos²y) ≤ max(1, tan²y), |Im| ≤ tan y
    y = need(f.imag, arb.pi() / 2, f"the argument of {node} reaches a pole")
    return Facts(arb.max(arb(1), y.tan()), imag=(y.tan(), arb(0)))


def _arctangent(node: sp.Expr, f: Facts) -> Facts:
    y = need(f.imag, arb(1), f"the argument of {node} reaches a branch point")
    imag = ((1 + y) / (1 - y)).log() / 2
    side = (arb.pi() / 2, arb(0))
    return Facts(side[0] + imag, 0, arb(0), side, side, (imag, arb(0)))


def _wave(node: sp.Expr, f: Facts) -> Facts:
    # |sin|, |cos| ≤ cosh(Im f) ≤ e^{|Im f|}
    if f.imag is None:
        raise RefusalError(f"the argument of {node} leaves every strip")
    y = flat(f.imag)
    size = f.imag[0].exp() if y is None else y.cosh()
    return Facts(size, 0, f.imag[1], imag=(arb(0), arb(0)) if y == 0 else None)


def _hyperbolic(node: sp.Expr, f: Facts) -> Facts:
    # |cosh|, |sinh| ≤ cosh(Re f); |cosh(x + iy)|² = sinh²x + cos²y
    if f.above is None or f.below is None:
        raise RefusalError(f"{node} may grow faster than exp(p|z|) for every p")
    size = arb.max(f.above[0], f.below[0]).exp()
    rate = arb.max(f.above[1], f.below[1])
    y = flat(f.imag)
    imag = (arb(0), arb(0)) if y == 0 else None
    if isinstance(node, sp.cosh) and y is not None and y < arb.pi() / 2:
        below = (-y.cos(), arb(0))  # Re cosh = cosh x · cos y
        return Facts(size, 0, rate, None, below, imag, y.cos(), y)
    return Facts(size, 0, rate, imag=imag)


def _logarithm(node: sp.Expr, f: Facts) -> Facts:
    if f.angle is None or not f.floor > 0:
        raise RefusalError(f"the argument of {node} is not bounded away from 0 and the negative numbers")
    slope = f.power + f.rate
    above = (arb.max(f.size.log(), arb(0)), slope)
    low = -f.floor.log()
    size = above[0] + arb.max(low, arb(0)) + f.angle
    power = 0 if slope == 0 else 1
    return Facts(size + slope, power, arb(0), above, (low, arb(0)), (f.angle, arb(0)))


FUNCTIONS: dict[type[sp.Expr], Callable[..., Facts]] = {
    sp.Heaviside: _bounded(0, 1),
    sp.sign: _bounded(-1, 1),
    sp.Abs: _absolute,
    sp.Max: _extremum,
    sp.Min: _extremum,
    sp.erf: _odd(_error),
    sp.erfc: _error,
    sp.tanh: _odd(_tanh),
    sp.atan: _odd(_arctangent),
    sp.sin: _wave,
    sp.cos: _wave,
    sp.sinh: _odd(_hyperbolic),
    sp.cosh: _hyperbolic,
    sp.log: _logarithm,
}
