"""Functions that are powers on both sides of 0: Σ p_i z₊^{α_i} + Σ m_j z₋^{β_j}, z₊ = max(0, z), z₋ = max(0, −z).

A reading of the definition for exponents that are multiples of ½, such as max(0, z)^{3/2}, |z| and steps. Means of
products of two such powers are homogeneous in the standard deviations, and each road has its own way to them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from glutheory.activations import Z
from glutheory.ground.pieces import Pieces


@dataclass(frozen=True)
class Power:
    """coefficient · max(0, side·z)^exponent, side = ±1; the step H(side·z) at exponent 0."""

    coefficient: sp.Expr
    exponent: sp.Rational
    side: int


def powers(found: Pieces) -> tuple[Power, ...] | None:
    """φ as such a sum with φ' bounded near 0 but for a jump of φ there; None for others."""
    if found.kinks != (sp.S.Zero,):
        return None
    terms: list[Power] = []
    for branch, side in zip(found.branches, (-1, 1), strict=True):
        x = sp.Dummy("x", positive=True)
        for summand in sp.Add.make_args(sp.expand(branch.subs(Z, side * x))):
            coefficient, rest = summand.as_independent(x)
            base, exponent = rest.as_base_exp()
            if rest == 1:
                base, exponent = x, sp.S.Zero
            if coefficient == 0:
                continue
            if base != x or not (exponent.is_Rational and exponent.q <= 2 and (exponent == 0 or exponent >= 1)):
                return None
            terms.append(Power(coefficient, exponent, side))
    return tuple(terms)


def fractional_powers(found: Pieces) -> tuple[Power, ...] | None:
    """The same where some exponent is no integer and φ has no jump; None for others."""
    terms = None if any(jump != 0 for jump in found.jumps) else powers(found)
    return terms if terms and fractional(terms) else None


def fractional(terms: Iterable[Power]) -> bool:
    """Whether some exponent is no integer."""
    return any(not term.exponent.is_Integer for term in terms)


def slopes(terms: tuple[Power, ...]) -> tuple[Power, ...]:
    """φ' without the delta function that a jump of φ leaves."""
    return tuple(
        Power(term.side * term.exponent * term.coefficient, term.exponent - 1, term.side)
        for term in terms
        if term.exponent != 0
    )
