"""Identities between sums over indices of any range: matrices of every size, decided by comparing coefficients.

A `Form` is a finite sum of terms: a coefficient (a SymPy expression without indices) times powers of components such
as K_ij or v_i. Some indices are bound: summed over their range, whose size is a symbol. Two forms with the same normal
form (bound indices renamed in every way, the least taken; symmetric tensors with their indices in order; δ contracted)
are equal for every size and all values of the components. Orthogonality and the like are rules, applied where told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count, permutations
from typing import TypeAlias

import sympy as sp

from derivations.tools.means import Means, decided, named
from derivations.tools.proof import Outcome, confirmed
from derivations.tools.zero import is_zero

_FRESH = count()


@dataclass(frozen=True, order=True)
class Index:
    """An index and the name of its range."""

    name: str
    range: str = "n"


Component: TypeAlias = tuple[str, tuple[Index, ...]]
#: Components with their exponents, and which indices are bound.
Monomial: TypeAlias = tuple[frozenset[tuple[Component, sp.Expr]], frozenset[Index]]
Rule: TypeAlias = "Callable[[Mapping[Component, sp.Expr]], Form | None]"
_DELTA = "delta"


@dataclass(frozen=True)
class Tensor:
    """A named array; K[i, j] is a component.

    Raises:
        ValueError: a name that the normal form keeps for symmetric arrays and for δ.
    """

    name: str
    symmetric: bool = False

    def __post_init__(self) -> None:
        if self.name.endswith("*") or self.name == _DELTA:
            raise ValueError(f"the name is {self.name!r}: use one that neither ends with * nor is {_DELTA}.")

    def __getitem__(self, indices: Index | tuple[Index, ...]) -> Form:
        found_ = indices if isinstance(indices, tuple) else (indices,)
        ordered = tuple(sorted(found_)) if self.symmetric else found_
        name = f"{self.name}*" if self.symmetric else self.name
        named(self.name, *(index.range for index in ordered))
        return Form({(frozenset({((name, ordered), sp.S.One)}), frozenset()): sp.S.One})


def delta(i: Index, j: Index) -> Form:
    """1 where the indices agree, else 0."""
    if i.range != j.range:
        raise ValueError(f"{i.name} and {j.name} have different ranges.")
    return Form({(frozenset({((f"{_DELTA}*", tuple(sorted((i, j)))), sp.S.One)}), frozenset()): sp.S.One})


class Form:
    """A sum of terms; see the head of the module."""

    def __init__(self, terms: Mapping[Monomial, sp.Expr]) -> None:
        self.terms: dict[Monomial, sp.Expr] = {}
        for monomial, value in terms.items():
            reduced, factor = _contracted(monomial)
            key = _canonical(reduced)
            self.terms[key] = self.terms.get(key, sp.S.Zero) + value * factor

    def __add__(self, other: Form | sp.Expr | int) -> Form:
        total = dict(self.terms)
        for key, value in form(other).terms.items():
            total[key] = total.get(key, sp.S.Zero) + value
        return Form(total)

    __radd__ = __add__

    def __neg__(self) -> Form:
        return self * -1

    def __sub__(self, other: Form | sp.Expr | int) -> Form:
        return self + -form(other)

    def __rsub__(self, other: Form | sp.Expr | int) -> Form:
        return form(other) - self

    def __mul__(self, other: Form | sp.Expr | int) -> Form:
        total: dict[Monomial, sp.Expr] = {}
        for (first, bound), value in self.terms.items():
            for (second, more), factor in form(other).terms.items():
                # the other's bound indices are renamed, so that two sums do not share one
                fresh = {index: Index(f"_{next(_FRESH)}", index.range) for index in more}
                product: dict[Component, sp.Expr] = dict(first)
                for component, power in _renamed(second, fresh):
                    product[component] = product.get(component, sp.S.Zero) + power
                kept = frozenset((key, power) for key, power in product.items() if power != 0)
                key = (kept, bound | frozenset(fresh.values()))
                total[key] = total.get(key, sp.S.Zero) + value * factor
        return Form(total)

    __rmul__ = __mul__

    def __pow__(self, power: int | sp.Expr) -> Form:
        """The power; any exponent of one component, a whole one of a product, of a sum one that is not negative.

        Raises:
            ValueError: another exponent of a sum: it has no normal form here.
        """
        decided(power)
        if power == 0:
            return form(1)
        whole = sp.sympify(power).is_integer
        if len(self.terms) == 1:
            (((components, bound), value),) = self.terms.items()
            # √(u²) is not u: an exponent that may be broken is that of one component alone
            alone = len(components) == 1 and next(iter(components))[1] == 1
            if not bound and value == 1 and (whole or alone):
                return Form({(frozenset((c, e * power) for c, e in components), bound): sp.S.One})
        if not sp.sympify(power).is_Integer or power < 0:
            raise ValueError(f"the exponent is {power}: of a sum only whole numbers from 0 on are taken.")
        total = form(1)
        for _ in range(int(power)):
            total = total * self
        return total

    def over(self, *indices: Index) -> Form:
        """The sum over these indices; a term without one of them is multiplied by the size of its range."""
        total: dict[Monomial, sp.Expr] = {}
        for (components, bound), value in self.terms.items():
            used = {index for (_, where), _ in components for index in where}
            size = sp.Mul(*(sp.Symbol(index.range, positive=True) for index in indices if index not in used))
            key = (components, bound | frozenset(index for index in indices if index in used))
            total[key] = total.get(key, sp.S.Zero) + value * size
        return Form(total)

    def where(self, rule: Rule) -> Form:
        """Every term's components replaced by what the rule makes of them; None leaves them.

        An index whose last component goes leaves the size of its range.
        """
        total = form(0)
        for (canonical, summed), value in self.terms.items():
            # free for the rule, the term's indices must not have the names that a normal form gives bound ones
            fresh = {index: Index(f"_{next(_FRESH)}", index.range) for index in summed}
            components, bound = frozenset(_renamed(canonical, fresh)), frozenset(fresh.values())
            made = rule(dict(components)) or Form({(components, frozenset()): sp.S.One})
            for (inner, more), factor in made.terms.items():
                used = {index for (_, places), _ in inner for index in places}
                size = sp.Mul(*(sp.Symbol(index.range, positive=True) for index in bound - used))
                total = total + Form({(inner, (bound & used) | more): value * factor * size})
        return total

    def subs(self, values: Mapping[sp.Symbol, sp.Expr]) -> Form:
        """With these values for symbols of the coefficients."""
        return Form({monomial: value.subs(values) for monomial, value in self.terms.items()})

    def derivative(self, name: str, by: Index) -> Form:
        """∂/∂(name)_by, for a vector that occurs in powers of its components."""
        total = form(0)
        for (components, bound), value in self.terms.items():
            for (tensor, where), power in components:
                if tensor == name:
                    rest = frozenset(item for item in components if item[0] != (tensor, where))
                    lowered = {((tensor, where), power - 1)} if power != 1 else set()
                    delta_ = ((f"{_DELTA}*", tuple(sorted((where[0], by)))), sp.S.One)
                    total = total + Form({(rest | lowered | {delta_}, bound): value * power})
        return total


def form(value: Form | sp.Expr | int) -> Form:
    """A number or an expression without indices as a form."""
    if isinstance(value, Form):
        return value
    decided(value)
    return Form({(frozenset(), frozenset()): sp.sympify(value)})


def total(value: Form | sp.Expr | int, *indices: Index) -> Form:
    """The sum over these indices."""
    return form(value).over(*indices)


def _renamed(
    components: Iterable[tuple[Component, sp.Expr]], table: Mapping[Index, Index]
) -> list[tuple[Component, sp.Expr]]:
    moved: dict[Component, sp.Expr] = {}
    for (name, where), power in components:
        places = tuple(table.get(index, index) for index in where)
        key = (name, tuple(sorted(places)) if name.endswith("*") else places)
        moved[key] = moved.get(key, sp.S.Zero) + power
    return list(moved.items())


def _contracted(monomial: Monomial) -> tuple[Monomial, sp.Expr]:
    """Sums over one index of a δ carried out, δ_ii = 1."""
    components, bound = monomial
    size = sp.S.One
    while True:
        for (name, where), power in components:
            if name != f"{_DELTA}*":
                continue
            rest = components - {((name, where), power)}
            i, j = where
            if i == j:
                used = {index for (_, places), _ in rest for index in places}
                if i in bound and i not in used:
                    size, bound = size * sp.Symbol(i.range, positive=True), bound - {i}
                components = rest
                break
            gone = next((index for index in where if index in bound), None)
            if gone is not None:
                kept = j if gone == i else i
                moved = _renamed(rest, {gone: kept})
                if not rest or all(kept not in places for (_, places), _ in moved):
                    # nothing else carries the index: what is left is a δ with itself
                    moved = [*moved, ((f"{_DELTA}*", (kept, kept)), sp.S.One)]
                components, bound = frozenset(moved), bound - {gone}
                break
            if power != 1:  # δ is its own square
                components = rest | {((name, where), sp.S.One)}
                break
            if any(j in places for (_, places), _ in rest):  # both free: the factors beside it take the first
                components = frozenset(_renamed(rest, {j: i})) | {((name, where), power)}
                break
        else:
            return (components, bound), size


def _canonical(monomial: Monomial) -> Monomial:
    """The least of all renamings of the bound indices, range by range."""
    components, bound = monomial
    if not bound:
        return monomial
    ordered = sorted(bound)
    best: tuple[str, Monomial] | None = None
    targets = [Index(f"#{k}", index.range) for k, index in enumerate(sorted(ordered, key=lambda x: x.range))]
    by_range = sorted(ordered, key=lambda x: (x.range, x.name))
    for order in permutations(range(len(by_range))):
        table = {by_range[k]: targets[place] for k, place in enumerate(order)}
        if any(old.range != new.range for old, new in table.items()):
            continue
        moved = frozenset(_renamed(components, table))
        text = str(sorted((name, places, str(power)) for (name, places), power in moved))
        if best is None or text < best[0]:
            best = text, (moved, frozenset(table.values()))
    assert best is not None
    return best[1]


def unit_diagonal(name: str) -> Rule:
    """The rule C_ii = 1 of a symmetric tensor."""

    def rule(components: Mapping[Component, sp.Expr]) -> Form | None:
        kept = {key: power for key, power in components.items() if key[0] != f"{name}*" or key[1][0] != key[1][1]}
        return None if len(kept) == len(components) else Form({(frozenset(kept.items()), frozenset()): sp.S.One})

    return rule


def orthonormal(value: Form, name: str, place: int) -> Form:
    """Σ_k Q_ki Q_kj = δ_ij, wherever the summed index stands at `place` of two components of Q and nowhere else."""
    return _summed(value, name, place, 2)


def unit(value: Form, name: str, place: int) -> Form:
    """Σ_k V_ik² = 1, wherever the summed index stands at `place` of one squared component and nowhere else."""
    return _summed(value, name, place, 1)


def _summed(value: Form, name: str, place: int, most: int) -> Form:
    while (hit := _pair(value, name, place, most)) is not None:
        monomial, index, carriers = hit
        components, bound = monomial
        first, second = (key[1][1 - place] for key, power in carriers for _ in range(int(power)))
        rest = (components - set(carriers)) | {((f"{_DELTA}*", tuple(sorted((first, second)))), sp.S.One)}
        others = {key: factor for key, factor in value.terms.items() if key != monomial}
        value = Form(others) + Form({(rest, bound - {index}): value.terms[monomial]})
    return value


def _pair(
    value: Form, name: str, place: int, most: int
) -> tuple[Monomial, Index, list[tuple[Component, sp.Expr]]] | None:
    """A term with a bound index that only two equal factors, or two of one kind, carry."""
    for components, bound in value.terms:
        for index in sorted(bound):
            carriers = [(key, power) for key, power in components if index in key[1]]
            two = len(carriers) <= most and sum(power for _, power in carriers) == 2
            if two and all(key[0] == name and key[1][place] == index != key[1][1 - place] for key, _ in carriers):
                return (components, bound), index, carriers
    return None


def same(*differences: Form) -> Outcome:
    """That every one of the forms vanishes identically, for every size."""
    if not differences:
        raise ValueError("no form given: there is nothing to show zero.")
    passed = True
    for difference in differences:
        for value in difference.terms.values():
            passed = passed and is_zero(value)
    return confirmed(passed, Means.REWRITING, "the coefficients of all products of components agree, for every size")
