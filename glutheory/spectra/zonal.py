"""A network's kernel on inputs of one norm, a function of ρ alone: as an expression, and as its Taylor series.

With κ(ρ) = ∏ S_i(1,1,ρ) the NNGP of a product of branches on inputs of norm √d, ntk parametrisation, the NTK is (ρκ)′.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import sympy as sp
from flint import arb

from glutheory.balls import precision
from glutheory.networks import Network
from glutheory.symbolic.duals import CLOSED, dual
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.hermite import hermite_series, norm

_RHO = sp.Symbol("rho", real=True)
#: Decimals of the coefficients, and the precision at which they are handled.
_DIGITS, BITS = 30, 192


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
class Series:
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
def kernel_series(network: Network, kind: str, terms: int) -> Series:
    """The Taylor coefficients of a network's kernel on inputs of norm √d, ntk parametrisation.

    Args:
        network: any product of branches.
        kind: "nngp": κ = ∏ S_i, also the limit of K/m at LeCun's variances; "ntk": (ρκ)′.
        terms: how many.

    Raises:
        DerivationError: an activation jumps and kind is "ntk": the kernel is infinite at ρ = 1.
    """
    with precision(BITS):
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
        return Series(tuple(product), arb(arb.max(arb(0), left).upper()), total)
