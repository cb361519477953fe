"""What formulas are rewritten with: the arcsine family's recurring quantities, Φ for (1 + erf)/2, and expectations.

`find_groups` finds A = k(a+σ)(b+τ), D = A − kc² and the angle arcsin(c√(k/A)) in the formulas themselves, `Group` names
them; `readable` writes E[…] for an integral over the Kolmogorov variables and takes signs outside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from glutheory.ground import rational
from glutheory.ground.normal import Phi

#: Markers that only `glutheory.printing.special_forms` knows how to write.
PHI = Phi
MEAN = sp.Function("Mean")
_HALF = sp.Rational(1, 2)
a, b = sp.symbols("a b", positive=True)
c = sp.Symbol("c", real=True)
#: The angle arccos(c/√(ab)).
THETA = sp.Symbol("theta", real=True)


@dataclass(frozen=True)
class Group:
    """A = k(a+σ)(b+τ), D = A − kc² and the angle arcsin(c√(k/A)), with the names used for them.

    Attributes:
        sigma, tau: the squared scales.
        scale: k, which clears the denominators of rational scales: (2a+1)(2b+1) rather than (a+1/2)(b+1/2); 1 where
            they are to stay.
        A, D: symbols; at σ = τ = 0 the product ab is written out and A is not used.
        angle: a symbol that stands for the arcsine while a formula is rearranged.
    """

    sigma: sp.Expr
    tau: sp.Expr
    scale: sp.Expr
    A: sp.Symbol
    D: sp.Symbol
    angle: sp.Symbol

    @property
    def plain(self) -> bool:
        """σ = τ = 0."""
        return bool(self.sigma == 0 and self.tau == 0)

    @property
    def product(self) -> sp.Expr:
        """A as an expression in a and b."""
        if self.scale == 1:
            return (a + self.sigma) * (b + self.tau)
        (p, r), (q, s) = (_fraction(square) for square in (self.sigma, self.tau))
        return (r * a + p) * (s * b + q)

    @property
    def square(self) -> sp.Expr:
        """D as an expression in a, b, c."""
        return self.product - self.scale * c**2

    @property
    def short_product(self) -> sp.Expr:
        """A as it is written: its symbol, or ab."""
        return a * b if self.plain else self.A

    @property
    def arcsine(self) -> sp.Expr:
        """arcsin(c/√A) as it is written."""
        return sp.asin(sp.sqrt(self.scale) * c / sp.sqrt(self.short_product))

    @property
    def meanings(self) -> dict[sp.Symbol, sp.Expr]:
        """What each symbol stands for, in a, b, c."""
        return {
            self.A: self.product,
            self.D: self.square,
            **({THETA: sp.acos(c / sp.sqrt(a * b))} if self.plain else {}),
        }

    def definitions(self, used: set[sp.Basic]) -> list[tuple[sp.Symbol, sp.Expr]]:
        """The symbols among `used` with their meaning, A before D."""
        named = self.A in used
        found = [(self.A, self.product)] if named else []
        if self.D in used:
            found.append((self.D, (self.A if named else self.product) - self.scale * c**2))
        if self.plain and THETA in used:
            found.append((THETA, sp.acos(c / sp.sqrt(a * b))))
        return found

    def name_in(self, formula: sp.Expr) -> sp.Expr:
        """The formula with √D and the arcsine replaced by symbols."""
        table: dict[sp.Expr, sp.Expr] = {}
        for node in formula.atoms(sp.asin):
            if _same(_product_of(node.args[0]), self.product / self.scale):
                table[node] = self.angle
        for node in formula.atoms(sp.Pow):
            split = _radicand(node)
            if split is not None and _same(split[1], self.product / self.scale):
                table[node] = (split[0] / self.scale) ** node.exp * self.D**node.exp
        return formula.xreplace(table)


def find_groups(formulas: Iterable[sp.Expr], *, cleared: bool = True) -> tuple[Group, ...]:
    """The groups that occur in these formulas, the plain one first; indices only if there are several.

    Args:
        formulas: expressions in a, b, c and mixing variables.
        cleared: whether the denominators of rational scales are cleared.
    """
    products = []
    for formula in formulas:
        products += [_product_of(node.args[0]) for node in formula.atoms(sp.asin)]
        products += [split[1] for node in formula.atoms(sp.Pow) if (split := _radicand(node)) is not None]
    squares = [pair for product in products if product is not None and (pair := _squares(product)) is not None]
    found = dict.fromkeys(sorted(squares, key=lambda pair: (sp.count_ops(pair[0] + pair[1]), str(pair))))
    groups = []
    for index, (sigma, tau) in enumerate(found, start=1):
        tail = f"_{index}" if len(found) > 1 else ""
        A, D = (sp.Symbol(letter + tail, positive=True) for letter in "AD")
        scale = _fraction(sigma)[1] * _fraction(tau)[1] if cleared else sp.S.One
        groups.append(Group(sigma, tau, scale, A, D, sp.Dummy(f"L{tail}")))
    return tuple(groups)


def _fraction(square: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    numerator, denominator = square.as_numer_denom()
    return numerator, denominator


def _same(first: sp.Expr | None, second: sp.Expr) -> bool:
    return first is not None and sp.expand(first - second) == 0


def _product_of(argument: sp.Expr) -> sp.Expr | None:
    """A, where `argument` = c/√A; None for another argument."""
    square = rational.cancel(c**2 / argument**2)
    return None if square.has(c) else square


def _radicand(node: sp.Pow) -> tuple[sp.Expr, sp.Expr] | None:
    """(k, A) where the base of a half-integer or negative power is k(A − c²); None for another node."""
    if not (node.exp.is_Rational and (node.exp.q == 2 or node.exp < 0) and node.base.is_polynomial(c)):
        return None
    base = sp.expand(node.base)
    k = -base.coeff(c, 2)
    rest = sp.expand(base + k * c**2)
    if k == 0 or k.has(a, b) or rest.has(c):
        return None
    return k, sp.expand(rest / k)


def _squares(product: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """(σ, τ) with (a+σ)(b+τ) = `product`, or None."""
    product = sp.expand(product)
    if product.coeff(a, 1).coeff(b, 1) != 1:
        return None
    sigma, tau = product.coeff(a, 0).coeff(b, 1), product.coeff(a, 1).coeff(b, 0)
    return (sigma, tau) if _same(product, (a + sigma) * (b + tau)) else None


def readable(expr: sp.Expr) -> sp.Expr:
    """The same expression with (1 + erf(x/√2))/2 as Φ(x), mixture integrals as expectations, and signs outside."""
    if expr.has(sp.Integral):
        expr = expr.replace(lambda node: isinstance(node, sp.Integral), _mean)
    if expr.has(sp.erf):
        expr = expr.replace(lambda node: node.is_Add and node.has(sp.erf), _cdf)
    return expr.replace(_all_negative, _sign_outside) if expr.has(sp.Add) else expr


def _all_negative(node: sp.Expr) -> bool:
    return node.is_Mul and any(_negative(arg) for arg in node.args)


def _negative(expr: sp.Expr) -> bool:
    return bool(expr.is_Add and all(term.could_extract_minus_sign() for term in expr.args))


def _sign_outside(node: sp.Expr) -> sp.Expr:
    """(−x − y)·z as −(x + y)·z."""
    args = [-arg if _negative(arg) else arg for arg in node.args]
    sign = (-1) ** sum(_negative(arg) for arg in node.args)
    return sp.Mul(sign, *args)


def _cdf(node: sp.Expr) -> sp.Expr:
    """Replace q + q·erf(x/√2) = 2q·Φ(x) inside a sum, and q − q·erf as 2q·Φ(−x)."""
    for term in node.args:
        coefficient, function = term.as_independent(sp.erf, as_Add=False)
        if isinstance(function, sp.erf) and (constant := abs(coefficient)) in node.args:
            rest = sp.Add(*(other for other in node.args if other not in (term, constant)))
            sign = 1 if coefficient == constant else -1
            return rest + 2 * constant * PHI(sign * sp.sqrt(2) * function.args[0])
    return node


def _mean(node: sp.Expr) -> sp.Expr:
    """E[f] for the integral of a density times f over its variable; nested ones become one."""
    factors = [f for f in sp.Mul.make_args(node.function) if type(f).__name__ != "KolmogorovDensity"]
    inner, variables = sp.Mul(*factors), [limit[0] for limit in node.limits]
    if isinstance(inner, MEAN):
        inner, variables = inner.args[0], [*variables, *inner.args[1:]]
    return MEAN(inner, *sorted(variables, key=str))
