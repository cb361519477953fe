"""Closed forms made short: the angle, the determinant D and the product A get names.

    A = (a+σ)(b+τ),   D = A − c²,   θ = arccos(c/√(ab)) where σ = τ = 0

A formula of the arcsine family is p·arcsin(c/√A) + N/(A^i D^(k−1/2)) + K; of the equivalent ways to write one group's
part, `ways` (N in a, b, c; in powers of D; over c² + D = A; the angle as arcsine or arc-cosine), the shortest is taken,
for programs the one with the fewest subtractions. Nothing is approximated, and `Notation.expand` undoes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import sympy as sp

from glutheory.ground import rational
from glutheory.ground.normal import Phi, Phi2, Phi2Rho
from glutheory.printing.groups import THETA, Group, a, b, c, find_groups

#: Names of an activation's parameters, constants beside a, b, c.
_PARAMETERS = ("slope", "beta", "lambda", *(f"k_{i}" for i in range(1, 10)))
_W = sp.Dummy("W", positive=True)


@dataclass(frozen=True)
class Notation:
    """Formulas in terms of named auxiliary quantities.

    Attributes:
        formulas: the short forms, in the order in which the long ones were given.
        groups: the auxiliary quantities that exist, used or not.
    """

    formulas: tuple[sp.Expr, ...]
    groups: tuple[Group, ...]

    @property
    def definitions(self) -> tuple[tuple[sp.Symbol, sp.Expr], ...]:
        """(symbol, meaning) of each quantity that the formulas use, in an order in which each may use earlier ones."""
        used = set().union(*(formula.free_symbols for formula in self.formulas))
        return tuple(pair for group in self.groups for pair in group.definitions(used))

    def has(self, what: Callable[[sp.Rational], bool]) -> bool:
        """Whether this is true of some number in them."""
        shown = (*self.formulas, *(meaning for _, meaning in self.definitions))
        return any(what(number) for formula in shown for number in formula.atoms(sp.Rational))

    def expand(self, formula: sp.Expr) -> sp.Expr:
        """The formula in a, b, c again."""
        for group in self.groups:
            formula = formula.subs(group.meanings, simultaneous=True)
        return formula


def present(formulas: Iterable[sp.Expr], *, stable: bool = False) -> Notation:
    """Write these expressions in a, b, c (and mixing variables) shortly, with common auxiliary quantities.

    Args:
        formulas: the expressions.
        stable: write them for floating-point arithmetic: with the fewest subtractions, and with rational scales as they
            are, since powers of cleared denominators may overflow.
    """
    given = tuple(formulas)
    groups = find_groups(given, cleared=not stable)
    return Notation(tuple(_present(formula, groups, stable) for formula in given), groups)


def _present(formula: sp.Expr, groups: tuple[Group, ...], stable: bool) -> sp.Expr:
    choose = safest if stable else _shortest
    formula = formula.replace(Phi2, _with_correlation)
    for group in groups:
        formula = group.name_in(formula)
    aside = [s for s in sp.Add.make_args(formula) if formula.has(Phi2Rho, Phi) and s.has(Phi2Rho, Phi, sp.exp)]
    # distribution functions and densities of two normal variables are written as they come
    formula -= sp.Add(*aside)
    total, symbols = sp.S.Zero, [symbol for group in groups for symbol in (group.angle, group.D)]
    # the plain group comes first: the rest without roots and arcsines may merge with its angle
    constant = sp.Add(*(s for s in sp.Add.make_args(formula) if not s.has(*symbols))) if groups else formula
    for group in groups:
        slope = sp.diff(formula, group.angle)
        roots = sp.Add(*(s for s in sp.Add.make_args(formula) if s.has(group.D)))
        total += choose(ways(group, slope, roots, constant))
        constant = sp.S.Zero
    return total + constant + sp.Add(*aside)


def _with_correlation(x: sp.Expr, y: sp.Expr, along: sp.Expr, across: sp.Expr) -> sp.Expr:
    """Φ₂ by its correlation, in which c² + D is the product A."""
    return Phi2Rho(x, y, along / sp.sqrt(sp.factor(sp.expand(along**2 + across**2))))


def _shortest(candidates: Iterable[sp.Expr]) -> sp.Expr:
    """The candidate with the fewest operations; the first of several."""
    return min(candidates, key=sp.count_ops)


def safest(candidates: Iterable[sp.Expr]) -> sp.Expr:
    """The candidate with the fewest subtractions, then the shortest."""
    return min(candidates, key=lambda expr: (subtractions(expr), sp.count_ops(expr)))


def subtractions(expr: sp.Expr) -> int:
    """The number of summands with a minus sign."""
    sums = (node for node in sp.preorder_traversal(expr) if node.is_Add)
    return sum(term.could_extract_minus_sign() for node in sums for term in node.args)


def ways(group: Group, slope: sp.Expr, roots: sp.Expr, constant: sp.Expr) -> Iterator[sp.Expr]:
    """slope·arcsin(c/√A) + roots + constant, written in several ways.

    Args:
        group: the auxiliary quantities.
        slope: the coefficient of the arcsine.
        roots: the summands that contain √D.
        constant: summands without arcsine and root that may be merged with the angle.
    """
    slope = rational.factor(slope)
    for form in _root_forms(group, roots):
        plain = _joined(slope, group.arcsine, form) + constant
        if group.plain and slope != 0:
            # arcsin(c/√(ab)) = (π − θ) − π/2: the arc-cosine form of Cho and Saul, where that takes no further summand
            rest = rational.factor(sp.expand(constant - slope * sp.pi / 2))
            angular = _joined(slope, sp.pi - THETA, form) + rest
            yield angular if _summands(angular) <= _summands(plain) else plain
        else:
            yield plain


def _summands(expr: sp.Expr) -> int:
    return len(sp.Add.make_args(expr))


def _joined(slope: sp.Expr, angle: sp.Expr, roots: sp.Expr) -> sp.Expr:
    """slope·angle + roots with the common constant factor in front."""
    if slope == 0 or roots == 0:
        return slope * angle + roots
    for constants in (_PARAMETERS, ()):
        (p, first), (q, second) = (_split(expr, constants) for expr in (slope, roots))
        ratio = rational.cancel(q / p)
        if ratio.is_Rational:
            return p / ratio.q * (ratio.q * first * angle + ratio.p * second)
    return slope * angle + roots


def _split(expr: sp.Expr, constants: Iterable[str]) -> tuple[sp.Expr, sp.Expr]:
    """The constant factor and the rest."""
    variables = [symbol for symbol in expr.free_symbols if symbol.name not in constants]
    constant, rest = expr.as_independent(*variables, as_Add=False)
    return constant, rest


def _root_forms(group: Group, roots: sp.Expr) -> list[sp.Expr]:
    """N/(A^i·D^(k−1/2)) with N written in a, b, c, in powers of D, and over c² + D = A."""
    if roots == 0:
        return [sp.S.Zero]
    if roots.has(sp.exp):
        return [_exponentials(group, roots, choose) for choose in (safest, _shortest)]
    # a rational function of W = √D, W^lowest times an even one
    numerator, denominator = sp.fraction(rational.cancel(sp.together(roots.subs(group.D, _W**2))))
    above, below = sp.Poly(numerator, _W), sp.Poly(denominator, _W)
    degrees = [degree for (degree,), _ in above.terms()]
    lowest = min(degrees) - below.degree()
    if len(below.terms()) > 1 or any((degree - min(degrees)) % 2 for degree in degrees) or lowest % 2 == 0:
        return [roots]
    even = sp.Add(*(value * group.square ** ((degree - min(degrees)) // 2) for (degree,), value in above.terms()))
    numerator, denominator = sp.fraction(rational.cancel(even / below.LC()))
    if not numerator.is_polynomial(c) or denominator.has(c):
        return [roots]
    digits = _digits(numerator, sp.expand(group.square))
    while digits[0] == 0:
        digits, lowest = digits[1:], lowest + 2
    front = sp.sqrt(group.D) ** lowest / _with_name(group, denominator)
    return [front * form for form in _numerators(group, digits)]


def _exponentials(group: Group, roots: sp.Expr, choose: Callable[[Iterable[sp.Expr]], sp.Expr]) -> sp.Expr:
    """A sum of exponentials, each coefficient in the chosen form; e^(x+y) and e^(x−y), y odd in c, as one pair."""
    sums: dict[sp.Expr, sp.Expr] = {}
    for term in sp.Add.make_args(sp.expand_mul(roots)):
        factors = sp.Mul.make_args(term)
        exponent = rational.factor(sp.Add(*(factor.args[0] for factor in factors if isinstance(factor, sp.exp))))
        rest = sp.Mul(*(factor for factor in factors if not isinstance(factor, sp.exp)))
        sums[exponent] = sums.get(exponent, sp.S.Zero) + rest
    total = sp.S.Zero
    while sums:
        exponent, own = sums.popitem()
        mirror = rational.factor(exponent.subs(c, -c))
        if mirror not in sums:
            total += sp.exp(exponent) * choose(_root_forms(group, own))
            continue
        other, middle, half = sums.pop(mirror), (exponent + mirror) / 2, rational.factor((exponent - mirror) / 2)
        even, odd = (choose(_root_forms(group, sp.expand(own + sign * other))) for sign in (1, -1))
        total += sp.exp(rational.factor(middle)) * (even * sp.cosh(half) + odd * sp.sinh(half))
    return total


def _digits(numerator: sp.Expr, square: sp.Expr) -> list[sp.Expr]:
    """The polynomial in powers of D: Σ digits[i]·D^i with digits of degree below 2 in c."""
    digits, rest = [], sp.expand(numerator)
    while rest != 0:
        quotient, digit = sp.div(sp.Poly(rest, c), sp.Poly(square, c))
        digits.append(sp.expand(digit.as_expr()))
        rest = sp.expand(quotient.as_expr())
    return digits or [sp.S.Zero]


def _with_name(group: Group, expr: sp.Expr) -> sp.Expr:
    """The factored expression with A's two factors replaced by its symbol as often as both occur."""
    expr = rational.factor(expr)
    if group.plain:
        return expr
    # (a + 1/2)(b + 1/2) occurs as (2a + 1)(2b + 1)/4
    fractions = [sp.together(factor).as_numer_denom() for factor in group.product.args]
    whole, part = (sp.Mul(*side) for side in zip(*fractions, strict=True))
    powers = expr.as_powers_dict()
    times = min(powers.get(factor, 0) for factor, _ in fractions)
    return expr / whole**times * (part * group.A) ** times if times > 0 else expr


def _numerators(group: Group, digits: list[sp.Expr]) -> list[sp.Expr]:
    """The ways to write Σ digits[i]·D^i; first the one without subtractions, which also loses no digits in floats."""
    D, forms = group.D, []
    if len(digits) == 2 and not group.plain:
        # r·A + q·D = r·k·c² + (q + r)·D
        r = rational.cancel(digits[0] / group.product)
        if r.is_polynomial(a, b, c):
            forms.append(rational.factor(r) * group.scale * c**2 + rational.factor(sp.expand(digits[1] + r)) * D)
    forms.append(sp.Add(*(_with_name(group, digit) * D**i for i, digit in enumerate(digits))))
    if len(digits) > 1:
        forms.append(rational.factor(sp.Add(*(digit * group.square**i for i, digit in enumerate(digits)))))
    return [sp.factor_terms(form) for form in forms]
