"""The functions that arcsine families are made of, as a field with exact derivatives: what the certificate decides in.

Variables are p, q with p² = a+σ, q² = b+τ, the covariance c, w = √D with D = p²q² − c², θ = atan(c/√D), √2, √π, and
every other symbol or constant that occurs. π is transcendental and θ is so over the algebraic functions, so both may
count as free; other constants, such as log(2), may too: what vanishes for all values vanishes for theirs.
"""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from glutheory.ground.rational import Polynomial, Quotient, Ring
from glutheory.symbolic.gaussian import c

p, q = sp.symbols("p q", positive=True)
D = p**2 * q**2 - c**2
ANGLE = sp.atan(c / sp.sqrt(D))

_W, _TH = sp.Symbol("w", positive=True), sp.Symbol("theta", real=True)
_RPI, _R2 = sp.symbols("sqrt_pi sqrt_2", positive=True)


class Field(Ring):
    """Quotients of polynomials in all these variables; w² − D and √2² − 2 are divided out when a decision is due.

    Args:
        others: the variables beside p, q, c, w, θ, √2 and √π.
    """

    def __init__(self, others: tuple[sp.Expr, ...]) -> None:
        # the highest variables first: their squares are what `vanishes` divides by
        super().__init__((_W, _R2, _RPI, _TH, p, q, c, *others))
        self.constants = tuple(other for other in others if not other.free_symbols)
        self.known[ANGLE] = self.known[_TH]
        self.known[sp.pi] = self.power(self.known[_RPI], 2)
        self._squares = [(_W, self.quotient(D)), (_R2, self.quotient(sp.Integer(2))), (_RPI, self.known[sp.pi])]

    def quotient(self, expr: sp.Expr) -> Quotient:
        """As in `Ring`, with √D, √2, √π and atan(c/√D) too."""
        if expr.is_Pow and expr.exp.is_Rational and expr.exp.q == 2:
            base = self.quotient(expr.base)
            for root, square in self._squares:
                if base == square:
                    return self.power(self.known[root], int(2 * expr.exp))
        return super().quotient(expr)

    def derivative(self, value: Quotient, variable: sp.Symbol) -> Quotient:
        """The derivative in c, p or q, by the chain rule over w and θ."""
        numerator, denominator = value
        above, below = (self._derivative(part, variable) for part in value)
        change = self.plus(self.times(above, (denominator, self.one)), self.times(below, (-numerator, self.one)))
        return self.times(change, (self.one, denominator**2))

    def _derivative(self, polynomial: Polynomial, variable: sp.Symbol) -> Quotient:
        total = self.context.constant(0), self.one
        for symbol, function in ((variable, variable), (_W, sp.sqrt(D)), (_TH, ANGLE)):
            outer = polynomial.derivative(self.symbols.index(symbol))
            if outer != 0:
                total = self.plus(total, self.times((outer, self.one), self.quotient(sp.diff(function, variable))))
        return total

    def at_zero(self, value: Quotient) -> Quotient:
        """The value at c = 0, where √D = pq and atan(c/√D) = 0."""
        there = {c: sp.S.Zero, _TH: sp.S.Zero, _W: p * q}
        images = [self.quotient(there.get(symbol, symbol))[0] for symbol in self.symbols]
        numerator, denominator = (part.compose(*images) for part in value)
        return numerator, denominator

    def vanishes(self, value: Quotient) -> bool:
        """Whether it is identically zero: a decision, not a heuristic."""
        numerator, _ = value
        for root, (square, _) in self._squares[:2]:
            _, numerator = divmod(numerator, self.known[root][0] ** 2 - square)
        return bool(numerator == 0)

    def equal(self, first: Quotient, second: Quotient) -> bool:
        """Whether both are the same function."""
        return self.vanishes(self.plus(first, (-second[0], second[1])))


_field = lru_cache(maxsize=64)(Field)


def _is_free(node: sp.Expr) -> bool:
    """Whether it is a constant that the field has as a variable of its own: log(2), E, √3, but no π and no √2."""
    if node.free_symbols or node in (sp.pi, sp.sqrt(2), sp.sqrt(sp.pi)):
        return False
    return not node.is_Pow or (not node.exp.is_Integer and node not in (1 / sp.sqrt(2), 1 / sp.sqrt(sp.pi)))


def field_of(*exprs: sp.Expr) -> Field:
    """The field of all symbols and constants that occur in these expressions."""
    constants = {node for expr in exprs for node in expr.atoms(sp.Function, sp.NumberSymbol, sp.Pow) if _is_free(node)}
    symbols = {symbol for expr in exprs for symbol in expr.free_symbols} - {p, q, c}
    return _field((*sorted(constants, key=str), *sorted(symbols, key=str)))
