"""Rational functions with rational coefficients, by FLINT: SymPy's `factor` and `cancel` with its results, much sooner.

π counts as one more variable, as it does in SymPy. What is no such function (roots, other functions) is left to SymPy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sympy as sp
from flint import Ordering, fmpz_mpoly_ctx

Polynomial = Any  # flint.fmpz_mpoly: python-flint ships no types
Quotient = tuple[Polynomial, Polynomial]
#: In an exponent.
_LARGE = 100


class NotRational(ValueError):  # noqa: N818 (never leaves this package)
    """The expression is no rational function of its symbols and π over the rational numbers."""


class Ring:
    """Integer polynomials in these symbols.

    Args:
        symbols: the variables (π may be one), the lexicographically highest first.
    """

    def __init__(self, symbols: tuple[sp.Expr, ...]) -> None:
        self.symbols = symbols
        self.context = fmpz_mpoly_ctx.get(tuple(f"x{i}" for i in range(len(symbols))), Ordering.lex)
        self.one = self.context.constant(1)
        generators = zip(symbols, self.context.gens(), strict=True)
        self.known: dict[sp.Expr, Quotient] = {symbol: (generator, self.one) for symbol, generator in generators}

    def quotient(self, expr: sp.Expr) -> Quotient:
        """The expression as numerator and denominator without a common factor.

        Raises:
            NotRational: it is none.
            ZeroDivisionError: it divides by zero.
        """
        found = self.known.get(expr)
        if found is not None:
            return found
        if expr.is_Rational:
            return self.context.constant(int(expr.p)), self.context.constant(int(expr.q))
        if expr.is_Add:
            total = self.context.constant(0), self.one
            for term in expr.args:
                total = self.plus(total, self.quotient(term))
            return total
        if expr.is_Mul:
            product = self.one, self.one
            for factor in expr.args:
                product = self.times(product, self.quotient(factor))
            return product
        if expr.is_Pow and expr.exp.is_Integer:
            return self.power(self.quotient(expr.base), int(expr.exp))
        raise NotRational(str(expr))

    def plus(self, first: Quotient, second: Quotient) -> Quotient:
        """The sum."""
        (p, q), (r, s) = first, second
        if q == s:
            return reduced(p + r, q) if q != 1 else (p + r, q)
        common = q.gcd(s)
        rest = s // common
        return reduced(p * rest + r * (q // common), q * rest)

    def times(self, first: Quotient, second: Quotient) -> Quotient:
        """The product."""
        (p, q), (r, s) = first, second
        if q == 1 and s == 1:
            return p * r, q
        (p, s), (r, q) = reduced(p, s), reduced(r, q)
        return p * r, q * s

    def power(self, base: Quotient, exponent: int) -> Quotient:
        """The power; a negative exponent exchanges numerator and denominator."""
        numerator, denominator = base
        if exponent < 0:
            if numerator == 0:
                raise ZeroDivisionError
            numerator, denominator = denominator, numerator
        return numerator ** abs(exponent), denominator ** abs(exponent)

    def expression(self, polynomial: Polynomial) -> sp.Expr:
        """The polynomial as a SymPy expression, multiplied out."""
        terms = []
        for exponents, coefficient in polynomial.to_dict().items():
            powers = [symbol**n for symbol, n in zip(self.symbols, exponents, strict=True) if n]
            terms.append(sp.Mul(sp.Integer(int(coefficient)), *powers))
        return sp.Add(*terms)


def reduced(numerator: Polynomial, denominator: Polynomial) -> Quotient:
    """The fraction in lowest terms."""
    common = numerator.gcd(denominator)
    return (numerator, denominator) if common == 1 else (numerator // common, denominator // common)


@lru_cache(maxsize=256)
def _ring(symbols: frozenset[sp.Expr]) -> Ring:
    return Ring(sp.Poly(sp.Add(*symbols), *symbols).gens if len(symbols) == 1 else sp.Poly(sp.Add(*symbols)).gens)


def ring_of(expr: sp.Expr) -> Ring:
    """The ring of the expression's symbols, and π where it occurs, in SymPy's order."""
    return _ring(frozenset(expr.free_symbols | expr.atoms(type(sp.pi))))


def _positive(numerator: Polynomial, denominator: Polynomial) -> Quotient:
    """The same fraction, the leading coefficient of its denominator positive."""
    return (-numerator, -denominator) if denominator.leading_coefficient() < 0 else (numerator, denominator)


def _by_sympy(function: Callable[[sp.Expr], sp.Expr], expr: sp.Expr) -> sp.Expr:
    """SymPy's `factor` or `cancel`, with symbols for exponentials that have large numbers in their exponents.

    SymPy takes exp(-500000309449/(25 a)) for that power of exp(1/(25 a)), in dense polynomials, which needed 15 GB.
    """
    large = (
        node
        for node in expr.atoms(sp.exp)
        if any(max(abs(number.p), number.q) > _LARGE for number in node.exp.atoms(sp.Rational))
    )
    symbols = {node: sp.Dummy(positive=True) for node in large}
    return function(expr.xreplace(symbols)).xreplace({symbol: node for node, symbol in symbols.items()})


@lru_cache(maxsize=4096)
def factor(expr: sp.Expr) -> sp.Expr:
    """`sympy.factor` of the expression."""
    if not expr.free_symbols:
        return _by_sympy(sp.factor, expr)
    ring = ring_of(expr)
    try:
        numerator, denominator = ring.quotient(expr)
    except (NotRational, ZeroDivisionError):
        return _by_sympy(sp.factor, expr)
    if numerator == 0:
        return sp.S.Zero
    try:
        sides = [(polynomial.factor(), sign) for polynomial, sign in ((numerator, 1), (denominator, -1))]
    except OverflowError:  # python-flint sorts factors by machine integers
        return _by_sympy(sp.factor, expr)
    coefficient, factors = sp.S.One, []
    for (content, found), sign in sides:
        coefficient *= sp.Integer(int(content)) ** sign
        for irreducible, multiplicity in found:
            if irreducible.leading_coefficient() < 0:
                irreducible, coefficient = -irreducible, coefficient * (-1) ** multiplicity
            factors.append(ring.expression(irreducible) ** (sign * multiplicity))
    product = sp.Mul(*factors)
    if product.is_Add and abs(coefficient) != 1:
        return sp.Mul(coefficient, product, evaluate=False)  # SymPy would multiply the number into the sum
    return coefficient * product


@lru_cache(maxsize=4096)
def cancel(expr: sp.Expr) -> sp.Expr:
    """`sympy.cancel` of the expression."""
    if not expr.free_symbols:
        return _by_sympy(sp.cancel, expr)
    ring = ring_of(expr)
    try:
        numerator, denominator = _positive(*ring.quotient(expr))
    except (NotRational, ZeroDivisionError):
        return _by_sympy(sp.cancel, expr)
    return ring.expression(numerator) / ring.expression(denominator)
