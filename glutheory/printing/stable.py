"""Rewriting for floating-point arithmetic: no cancellation and no overflow that another form avoids."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy as sp

from glutheory.errors import DerivationError
from glutheory.printing.groups import PHI, a, b, c, readable
from glutheory.printing.ways import safest

#: ab − c².
DELTA = sp.Symbol("delta", positive=True)

_KNOWN = (sp.exp, sp.sin, sp.cos, sp.tanh, sp.erf, sp.erfc, sp.log, sp.atan, sp.sinh, sp.cosh)
_LARGE = 2**20  #: coefficients beyond it are taken out of sums, lest their powers overflow
_LARGEST = 2**53  #: integers beyond it are no floats


def stable(formula: sp.Expr) -> sp.Expr:
    """The formula with few subtractions, in `DELTA`, and with exponentials that overflow only where it does."""
    if not any(node.free_symbols for node in formula.atoms(sp.exp)):
        formula = safest((formula, sp.expand(formula)))
    formula = _joined(formula.replace(lambda node: node.is_Add, _without_cancellation))
    return formula.replace(lambda node: node.is_Mul and node.has(sp.exp), _one_exponential)


def _without_cancellation(node: sp.Expr) -> sp.Expr:
    """A polynomial in c² and ab written in ab − c², where that takes fewer subtractions."""
    if not (node.has(c) and node.has(a) and node.is_polynomial(a, b, c)):
        return node
    powers = sp.Poly(node, c).terms()
    moved = sp.expand(sp.Add(*(value * c ** (n % 2) * (a * b - DELTA) ** (n // 2) for (n,), value in powers)))
    return min(node, moved, key=_cost)


def _cost(node: sp.Expr) -> tuple[int, int]:
    terms = sp.Add.make_args(sp.expand(node))
    return sum(term.could_extract_minus_sign() for term in terms), len(terms)


def _joined(expr: sp.Expr) -> sp.Expr:
    """exp(e)·sinh(x) and exp(e)·cosh(x) as one function each."""
    return _hyperbolic(expr) if expr.has(sp.sinh, sp.cosh) else expr


def _hyperbolic(expr: sp.Expr) -> sp.Expr:
    if expr.is_Add:
        return sp.Add(*(_joined(term) for term in expr.args))
    factors = sp.Mul.make_args(expr)
    exponent = sp.Add(*(f.args[0] for f in factors if isinstance(f, sp.exp)))
    rest = [f for f in factors if not isinstance(f, sp.exp)]
    for i, factor in enumerate(rest):
        others = sp.Mul(*rest[:i], *rest[i + 1 :])
        if factor.is_Add and factor.has(sp.sinh, sp.cosh):
            return sp.Add(*(_joined(term * others * sp.exp(exponent)) for term in factor.args))
        if isinstance(factor, sp.sinh | sp.cosh) and not others.has(sp.sinh, sp.cosh):
            return others * sp.Function(f"exp_{factor.func.__name__}")(exponent, factor.args[0])
    return expr


def _one_exponential(product: sp.Expr) -> sp.Expr:
    """exp(x)·exp(y) as exp(x + y), which is finite where the factors need not be."""
    exponents = [factor.args[0] for factor in product.args if isinstance(factor, sp.exp)]
    if len(exponents) < 2:
        return product
    others = [factor for factor in product.args if not isinstance(factor, sp.exp)]
    return sp.Mul(*others, sp.exp(sp.expand(sp.Add(*exponents))))


def _balanced(expr: sp.Expr) -> sp.Expr:
    """The expression with the largest coefficient of every sum in front of it, where that is large."""
    if not expr.args:
        return expr
    expr = expr.func(*map(_balanced, expr.args))
    if not expr.is_Add:
        return expr
    largest = max(abs(term.as_coeff_Mul()[0]) for term in expr.args)
    if largest <= _LARGE:
        return expr
    return sp.Mul(largest, sp.Add(*(term / largest for term in expr.args)), evaluate=False)


def floats(expr: sp.Expr, language: str) -> sp.Expr:
    """The expression with numbers that floats can hold.

    Raises:
        DerivationError: complex numbers, functions that the language lacks, or numbers beyond the range of floats.
    """
    expr = readable(_balanced(expr))
    calls = (sp.core.function.AppliedUndef, PHI, *_KNOWN)
    if expr.has(sp.I) or any(not isinstance(node, calls) for node in expr.atoms(sp.Function)):
        raise DerivationError(
            f"no {language} code: the closed form contains complex numbers or functions that it lacks; use the text, "
            "sympy or JSON format, or `evaluate` for values."
        )

    def literal(number: Any) -> sp.Expr:
        try:
            value = float(Fraction(int(number.p), int(number.q)))
        except OverflowError:
            raise DerivationError(
                f"no {language} code: the closed form contains a number beyond 1e308; give smaller parameters."
            ) from None
        written = sp.Symbol(repr(abs(value)), positive=True)
        return -written if value < 0 else written

    return expr.replace(lambda node: node.is_Rational and max(abs(node.p), node.q) > _LARGEST, literal)
