"""Closed forms made short: the angle, the determinant D and the product A get names.

    A = (a+σ)(b+τ),   D = A − c²,   θ = arccos(c/√(ab)) where σ = τ = 0

A formula of the arcsine family is p·arcsin(c/√A) + N/(A^i D^(k−1/2)) + K; the shortest of a few equivalent ways to
write N (in a, b, c; in powers of D; over c² + D = A) and the angle is taken. Nothing is approximated, and
`Notation.expand` undoes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from glutheory.printing.groups import Group, find_groups
from glutheory.printing.ways import safest, shortest, ways


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
    choose = safest if stable else shortest
    for group in groups:
        formula = group.name_in(formula)
    total, symbols = sp.S.Zero, [symbol for group in groups for symbol in (group.angle, group.D)]
    # the plain group comes first: the rest without roots and arcsines may merge with its angle
    constant = sp.Add(*(s for s in sp.Add.make_args(formula) if not s.has(*symbols))) if groups else formula
    for group in groups:
        slope = sp.diff(formula, group.angle)
        roots = sp.Add(*(s for s in sp.Add.make_args(formula) if s.has(group.D)))
        total += choose(ways(group, slope, roots, constant))
        constant = sp.S.Zero
    return total + constant
