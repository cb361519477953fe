"""Names for the long numbers of a definition: λ and α of SELU, and k₁, k₂, … for those of a user's own activation.

A number is long where its fraction and its decimal both have more than `SHORT` digits. Of the numbers in a definition,
one that is a short number times small powers of constants named before is written with these, and any other gets a
name. Where powers of short ones make S and T long, as those of 1.702 do, these get names as well. Equality is that
of rational numbers: what is printed is the exact number.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from glutheory.activations.zoo import CONSTANTS

#: Digits of a number that needs no name, and of a numerator or denominator whose powers need none.
SHORT, _FEW = 12, 2
#: The highest power of a constant that is looked for.
_HIGHEST = 4
#: Names that have a meaning of their own in S and T.
_TAKEN = frozenset({"a", "b", "c", "A", "D", "theta", "kappa", "rho"})
#: How many constants a product has at most: the search grows exponentially with it.
_COMBINED = 2


def written(value: sp.Rational) -> str:
    """The number exactly, as a decimal where it ends and is no longer than the fraction."""
    fraction = str(value)
    places = max(sp.multiplicity(2, value.q), sp.multiplicity(5, value.q))
    if value.q == 1 or 10**places % value.q:
        return fraction
    digits = str(abs(int(value.p)) * 10**places // int(value.q)).rjust(places + 1, "0")
    decimal = f"{'-' if value.is_negative else ''}{digits[:-places]}.{digits[-places:]}"
    return decimal if len(decimal) <= len(fraction) else fraction


def long(value: sp.Rational) -> bool:
    """Whether the number is hard to read."""
    return len(written(abs(value)).replace(".", "").lstrip("0").replace("/", "")) > SHORT


def grows(value: sp.Rational) -> bool:
    """Whether the number is hard to read, or a fraction whose powers are."""
    return long(value) or (not value.is_Integer and max(len(str(abs(value.p))), len(str(value.q))) > _FEW)


@dataclass(frozen=True)
class Constants:
    """Positive numbers with names.

    Attributes:
        table: pairs (symbol, number), in the order in which they were met.
        all_that: what numbers are written by them: those that are `long`, or that one of which this is true.
    """

    table: tuple[tuple[sp.Symbol, sp.Rational], ...] = ()
    all_that: Callable[[sp.Rational], bool] = long

    def __bool__(self) -> bool:
        return bool(self.table)

    @property
    def values(self) -> dict[sp.Symbol, sp.Rational]:
        """What to replace the names by."""
        return dict(self.table)

    @property
    def symbols(self) -> tuple[sp.Symbol, ...]:
        """The names."""
        return tuple(symbol for symbol, _ in self.table)

    @cached_property
    def _products(self) -> list[tuple[sp.Expr, sp.Rational]]:
        """Products of powers of one or two constants with their numbers, the lowest powers first."""
        powers = [n for n in range(-_HIGHEST, _HIGHEST + 1) if n]
        found = [((abs(n), n < 0), symbol**n, value**n) for symbol, value in self.table for n in powers]
        for (x, p), (y, q) in itertools.combinations(self.table, _COMBINED):
            found += [((abs(m) + abs(n), m < 0 or n < 0), x**m * y**n, p**m * q**n) for m in powers for n in powers]
        return [(product, value) for _, product, value in sorted(found, key=lambda row: row[0])]

    def product(self, number: sp.Rational) -> sp.Expr | None:
        """The number as a short one times powers of constants; None for what is none."""
        for product, value in self._products:
            ratio = number / value
            if not self.all_that(ratio):
                return ratio * product
        return None

    def named(self, expr: sp.Expr) -> sp.Expr:
        """The expression with its long numbers written by the constants, where they are products of these."""
        if not self.table:
            return expr
        found = {number: self.product(number) for number in expr.atoms(sp.Rational) if self.all_that(number)}
        return expr.xreplace({number: product for number, product in found.items() if product is not None})

    def of(self, exprs: Iterable[sp.Expr], all_that: Callable[[sp.Rational], bool] = long) -> Constants:
        """These and a name for every other such number of the expressions, the shortest numbers first."""
        given = list(exprs)
        numbers = {abs(number) for expr in given for number in expr.atoms(sp.Rational) if all_that(number)}
        taken = {symbol.name for expr in given for symbol in expr.free_symbols} | {s.name for s in self.symbols}
        own = self
        for number in sorted(numbers, key=lambda value: (len(written(value)), value)):
            if own.product(number) is None:
                name = next(name for i in itertools.count(1) if (name := f"k_{i}") not in taken)
                taken.add(name)
                own = replace(own, table=(*own.table, (sp.Symbol(name, positive=True), number)))
        return own


def constants(
    exprs: Iterable[sp.Expr],
    parameters: Iterable[tuple[str, sp.Expr]] = (),
    all_that: Callable[[sp.Rational], bool] = long,
) -> Constants:
    """Names for the long numbers of these definitions: those of the zoo, of parameters, then k₁, k₂ and so on.

    Args:
        exprs: the definitions.
        parameters: pairs (name, value) of the activations; of two values the first has the name.
        all_that: of which numbers this is true they have names.
    """
    given = list(exprs)
    taken = {symbol.name for expr in given for symbol in expr.free_symbols}
    zoo = Constants(tuple((sp.Symbol(n, positive=True), sp.Rational(v)) for n, v in CONSTANTS if n not in taken))
    used = set().union(*(zoo.named(expr).free_symbols for expr in given))
    table = [row for row in zoo.table if row[0] in used]
    taken |= _TAKEN | {symbol.name for symbol, _ in table}
    for name, value in parameters:
        if name not in taken and value.is_Rational and value.is_positive and all_that(value):
            taken.add(name)
            table.append((sp.Symbol(name, positive=True), value))
    return Constants(tuple(table), all_that).of(given, all_that)
