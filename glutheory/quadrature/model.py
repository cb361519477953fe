"""What an activation offers to the quadrature: its pieces, its closed normal form, or a split into both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from glutheory.activations import Z
from glutheory.errors import ExpressionError
from glutheory.ground.normal_form import Term, differentiate, is_mixture, read
from glutheory.ground.pieces import Pieces, pieces
from glutheory.ground.powers import Power, fractional, powers
from glutheory.quadrature.line import Function
from glutheory.quadrature.strips import strips


@dataclass(frozen=True)
class Part:
    """One summand of φ, as two functions with the same kinks.

    Attributes:
        value: the summand.
        slope: its derivative in the sense of distributions.
        terms: the closed normal form of `value`, or None.
    """

    value: Function
    slope: Function
    terms: tuple[Term, ...] | None

    @property
    def functions(self) -> tuple[sp.Expr, sp.Expr]:
        """The single branch of a smooth part and its derivative."""
        return self.value.branches[0], self.slope.branches[0]


@dataclass(frozen=True)
class Model:
    """φ = smooth + kinked, where that split helps.

    Attributes:
        whole: φ.
        smooth: the analytic summand, None if it is zero or not analytic in any strip.
        kinked: the other summand, in closed normal form; None if φ is smooth, or if it has no normal form.
        at_zero: φ(0), with H(0) = 1/2.
        powers: φ as a sum of powers on both sides of 0, with a kink or a jump there; None for others.
    """

    whole: Part
    smooth: Part | None
    kinked: Part | None
    at_zero: sp.Expr
    powers: tuple[Power, ...] | None = None


def _part(found: Pieces, terms: tuple[Term, ...] | None) -> Part:
    return Part(Function.of(found), Function.derivative(found), terms)


def _closed(expr: sp.Expr) -> tuple[Term, ...] | None:
    """The normal form, if it needs no random scale (the mixture is the other road's business)."""
    terms = read(expr)
    return None if terms is None or is_mixture(terms) else terms


def _analytic(found: Pieces) -> bool:
    return found.smooth and len(strips((found.branches[0], found.derivative()[0]))) > 1


@lru_cache(maxsize=128)
def model(expr: sp.Expr) -> Model:
    """The model of a numeric activation.

    Raises:
        ExpressionError: kinks that are not found, or no growth bound on the real line.
    """
    found = pieces(expr)
    whole = _part(found, _closed(expr))
    whole.value.growth()
    whole.slope.growth()
    at_zero = expr.subs(Z, 0)
    if not at_zero.is_finite:
        raise ExpressionError(f"{expr} is not finite at z = 0: write a function that is.")
    homogeneous = powers(found)
    if homogeneous is not None and not (whole.slope.singular and fractional(homogeneous)):
        return Model(whole, None, None, at_zero, homogeneous)
    if _analytic(found):
        return Model(whole, whole, None, at_zero)
    if whole.terms is not None:
        return Model(whole, None, whole, at_zero)
    summands = sp.Add.make_args(sp.expand(expr))
    rough = [summand for summand in summands if not pieces(summand).smooth]
    kinked = sp.Add(*rough)
    rest = sp.Add(*(summand for summand in summands if summand not in rough))
    terms = _closed(kinked) if rough else None
    if terms is None or not rest.has(Z) or not _analytic(pieces(rest)):
        return Model(whole, None, None, at_zero)
    return Model(whole, _part(pieces(rest), None), _part(pieces(kinked), terms), at_zero)


def slope_terms(part: Part) -> tuple[Term, ...]:
    """The normal form of the derivative of a closed part."""
    return _slope_terms(part.terms or ())


@lru_cache(maxsize=128)
def _slope_terms(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    return differentiate(terms)
