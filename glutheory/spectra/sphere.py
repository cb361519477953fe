"""The eigenvalues of a network's kernel as an integral operator on the sphere, by Funk–Hecke: exact, or with a bound.

On S^(d−1) with its uniform probability measure a kernel f(ρ) has the spherical harmonics of level l as eigenfunctions,
with the eigenvalue λ_l = E[f(t) P_l(t)], P_l the Gegenbauer polynomial with P_l(1) = 1 and t the first coordinate
(Müller 1998, Section 1.4). Its Taylor series (`kernel_series`) gives it term by term, and a kernel that is elementary
in arccos ρ (`closed_kernel`) exactly; see `glutheory.spectra.harmonics`.

Inputs have norm √d, in the ntk parametrisation. With κ(ρ) = ∏ S_i(1,1,ρ) the NNGP of a product of branches, the NTK is
(ρκ)′.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy as sp
from flint import arb, fmpq

from glutheory.errors import DomainError
from glutheory.ground.arguments import as_exact, integer
from glutheory.ground.balls import precision
from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.spectra.harmonics import PiSum, Polynomial, gegenbauer, multiplicity, polynomial, power_mean
from glutheory.symbolic.duals import CLOSED, dual
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.hermite import hermite_series, norm

_KINDS = ("nngp", "ntk")
#: Up to this dimension eigenvalues are exact: beyond, the fractions have too many digits, and a few Taylor coefficients
#: give all that float64 holds.
_EXACT = 512
#: Decimals of the coefficients, and the precision at which they are handled.
_DIGITS, _BITS = 30, 192
_RHO = sp.Symbol("rho", real=True)


@dataclass(frozen=True)
class Level:
    """One eigenvalue of an integral operator on the sphere.

    Attributes:
        level: l, the degree of its spherical harmonics.
        multiplicity: the dimension of their space.
        value: the eigenvalue λ_l, with respect to the uniform probability measure.
        error: an absolute bound on the error of `value`.
        exact: the eigenvalue as an exact SymPy number, where the kernel has a suitable closed form; else None.
    """

    level: int
    multiplicity: int
    value: float
    error: float
    exact: sp.Expr | None = None

    def __float__(self) -> float:
        return self.value


def funk_hecke(
    kernel: Network | str | Sequence[Any],
    d: int,
    levels: int | Iterable[int],
    *,
    kind: str = "ntk",
    terms: int = 40,
) -> tuple[Level, ...]:
    """The eigenvalues of a kernel on S^(d−1), level by level; inputs of norm √d, ntk parametrisation.

    Exact for networks of the ReLU family, monomials and steps, gated or not, to d = 512. Otherwise from the first
    Taylor coefficients, enclosed by integration, with Parseval's bound of the rest in `Level.error`.

    Args:
        kernel: a network or its name; or the Taylor coefficients κ_0, κ_1, … of its NNGP (all others are 0), exact
            numbers: then the result is exact as well.
        d: the dimension, ≥ 2.
        levels: how many levels from 0 on, or which.
        kind: "ntk" or "nngp". The latter is also the limit of K/m, m → ∞, at LeCun's variances.
        terms: how many Taylor coefficients of a network that is not exact; at most 96.

    Raises:
        DomainError: an argument outside its domain, or a kernel that is not integrable on this sphere.
        DerivationError: the NTK of an activation that jumps, where the result is not exact.
    """
    chosen = _check(d, levels, kind)
    if not isinstance(kernel, str | Network):
        given = _coefficients(kernel, kind)
        return tuple(_level_of(given, d, level) for level in chosen)
    net = named_network(kernel)
    closed = _closed(net, kind) if d <= _EXACT else None
    found = []
    for level in chosen:
        if closed is not None:
            exact, ball = _pi_sum(closed.mean(d, gegenbauer(level, d)))
            found.append(_level(d, level, ball, exact))
        else:
            found.append(_level(d, level, _from_series(kernel_series(net, kind, terms), d, level), None))
    return tuple(found)


def _check(d: int, levels: int | Iterable[int], kind: str) -> tuple[int, ...]:
    integer("d", d, 2)
    chosen = tuple(levels) if isinstance(levels, Iterable) else tuple(range(levels))
    if not chosen or min(chosen) < 0:
        raise DomainError(f"levels is {levels!r}: give a positive number of levels, or the levels, each ≥ 0.")
    if kind not in _KINDS:
        raise DomainError(f"kind is {kind!r}: use {' or '.join(map(repr, _KINDS))}.")
    return chosen


def _coefficients(values: Sequence[Any], kind: str) -> list[Fraction | sp.Expr]:
    exact = [as_exact(f"coefficient {k}", value) for k, value in enumerate(values)]
    return [(k + 1) * x for k, x in enumerate(exact)] if kind == "ntk" else exact


def _level_of(coefficients: Sequence[Any], d: int, level: int) -> Level:
    exact = sp.Add(*(sp.sympify(f) * _rational(power_mean(k, level, d)) for k, f in enumerate(coefficients)))
    with precision(_BITS):
        return _level(d, level, arb(str(sp.N(exact, 40))), exact)


def _rational(x: Fraction) -> sp.Rational:
    return sp.Rational(x.numerator, x.denominator)


def _level(d: int, level: int, ball: arb, exact: sp.Expr | None) -> Level:
    value = float(ball.mid())
    with precision(_BITS):
        error = float(abs(ball - arb(value)).upper())
    return Level(level, multiplicity(d, level), value, error, exact)


@lru_cache(maxsize=256)
def _closed(network: Network, kind: str) -> Polynomial | None:
    """The kernel for the exact road, or None."""
    kernel, rho = closed_kernel(network, kind)
    return None if kernel is None else polynomial(kernel, rho)


def _pi_sum(value: PiSum) -> tuple[sp.Expr, arb]:
    """The exact number as a SymPy expression and as a ball with 20 digits."""
    exact = sp.Add(*(sp.Rational(x.numerator, x.denominator) * sp.pi**k for k, x in value.items()))
    bits = _BITS
    while True:
        with precision(bits):
            number = sum((_ball(x) * arb.pi() ** k for k, x in value.items()), arb(0))
        if not value or number.rel_accuracy_bits() > 70:
            return exact, number
        bits *= 2


def _ball(value: Fraction) -> arb:
    return arb(fmpq(value.numerator, value.denominator))


def _from_series(series: TaylorSeries, d: int, level: int) -> arb:
    """λ_l as a ball: the terms known, and for the rest 0 ≤ E[t^k P_l] ≤ E|t|^k, which decreases in k."""
    with precision(_BITS):
        terms = len(series.coefficients)
        known = sum((f * _ball(power_mean(k, level, d)) for k, f in enumerate(series.coefficients)), arb(0))
        tail = series.rest * _ball(power_mean(terms - terms % 2, 0, d))
        return known + arb(0).union(tail)


@lru_cache(maxsize=256)
def closed_kernel(network: Network, kind: str) -> tuple[sp.Expr | None, sp.Symbol]:
    """A network's kernel on inputs of norm √d as an elementary expression in ρ, with ρ; None where there is none."""
    duals = [dual(act) for act in network.branches]
    if any(found.method != CLOSED for found in duals):
        return None, _RHO
    S, T = ([getattr(found, name).subs({a: 1, b: 1, c: _RHO}) for found in duals] for name in "ST")
    kernel = sp.Mul(*S)
    if kind == "ntk":
        kernel += _RHO * sp.Add(*(t * sp.Mul(*S[:i], *S[i + 1 :]) for i, t in enumerate(T)))
    return kernel, _RHO


@dataclass(frozen=True)
class TaylorSeries:
    """A kernel's first Taylor coefficients on the sphere.

    Attributes:
        coefficients: f_0, f_1, … as balls.
        rest: an upper bound of the sum of all that follow; they are not negative.
        total: f(1), their sum.
    """

    coefficients: tuple[arb, ...]
    rest: arb
    total: arb


@lru_cache(maxsize=256)
def kernel_series(network: Network, kind: str, terms: int) -> TaylorSeries:
    """The Taylor coefficients of a network's kernel on inputs of norm √d, ntk parametrisation.

    Args:
        network: any product of branches.
        kind: "nngp": κ = ∏ S_i, also the limit of K/m at LeCun's variances; "ntk": (ρκ)′.
        terms: how many.

    Raises:
        DerivationError: an activation jumps and kind is "ntk": the kernel is infinite at ρ = 1.
    """
    with precision(_BITS):
        found = [hermite_series(act, Fraction(1), terms, _DIGITS) for act in network.branches]
        product, total = [arb(1)] + [arb(0)] * (terms - 1), arb(1)
        for series in found:
            squares = [h * h for h in series.coefficients]
            product = [sum((product[i] * squares[k - i] for i in range(k + 1)), arb(0)) for k in range(terms)]
            total *= series.norm
        if kind == "ntk":
            slopes = [norm(act, Fraction(1), _DIGITS, derivative=True) for act in network.branches]
            total += sum((total / series.norm * t for series, t in zip(found, slopes, strict=True)), arb(0))
            product = [(k + 1) * x for k, x in enumerate(product)]
        left = total - sum(product, arb(0))
        return TaylorSeries(tuple(product), arb(arb.max(arb(0), left).upper()), total)
