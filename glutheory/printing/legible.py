"""A report's formulas as people read them: with names for the long numbers of the definition.

S and T are bilinear in the coefficients m_i of φ = Σ m_i φ_i, products of the named constants. So they are derived anew
from the normal forms of the φ_i with these products as symbols: coefficients such as k₂(k₁ + k₂), which nobody could
read off their digits, come out by themselves; kinks and scales are named where the rules take symbols there. The new
formulas are taken only where SymPy finds them equal to the exact ones when the numbers are put back; else the long
numbers of the exact formulas are named one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sympy as sp

from glutheory.activations import Activation
from glutheory.errors import DerivationError, ExpressionError
from glutheory.ground import rational
from glutheory.ground.normal_form import KAPPA, Kernel, Term, collect, read
from glutheory.printing.constants import Constants
from glutheory.printing.groups import MEAN, find_groups
from glutheory.printing.samples import special_formulas
from glutheory.printing.ways import Notation, present
from glutheory.symbolic.duals import Dual

Pairs = tuple[tuple[sp.Symbol, sp.Expr], ...]


@dataclass(frozen=True)
class Legible:
    """The formulas of one activation.

    Attributes:
        constants: the named numbers; empty where the definition has no long ones.
        dual: the duals that the formulas are from, derived with the names; the exact ones where that is not possible.
        formulas: S and T.
        definitions: the auxiliary quantities (D, A, θ) that S and T use, with their meanings.
        special: the formulas of the six special values, None where there is none.
    """

    constants: Constants
    dual: Dual
    formulas: tuple[sp.Expr, sp.Expr]
    definitions: Pairs
    special: tuple[sp.Expr | None, ...]


def legible(own: Dual, notation: Notation, constants: Constants) -> Legible:
    """S and T of a closed form with names.

    Args:
        own: the duals.
        notation: the exact formulas in short form.
        constants: the names for the numbers of the network's definitions.
    """
    if not constants:
        return Legible(constants, own, averaged(notation), notation.definitions, special_formulas(notation))
    renamed = _renamed(own, constants)
    if renamed is not None:
        own = renamed
        notation = present([own.s.kernel, own.t.kernel])
    formulas, special = averaged(notation), special_formulas(notation)
    meanings = [meaning for _, meaning in notation.definitions]
    constants = constants.of([*formulas, *meanings, *(formula for formula in special if formula is not None)])
    S, T = map(constants.named, formulas)
    return Legible(
        constants,
        own,
        (S, T),
        tuple((symbol, constants.named(meaning)) for symbol, meaning in notation.definitions),
        tuple(None if formula is None else constants.named(formula) for formula in special),
    )


def averaged(notation: Notation) -> tuple[sp.Expr, sp.Expr]:
    """S and T with their mixed part as an expectation over the mixing variables, if there are any."""
    meanings = {key: value for group in notation.groups for key, value in group.meanings.items()}
    mixing = [symbol for symbol, meaning in meanings.items() if meaning.has(KAPPA)]
    S, T = (_average(formula, mixing) for formula in notation.formulas)
    return S, T


def _average(formula: sp.Expr, mixing: list[sp.Symbol]) -> sp.Expr:
    every = [*mixing, *(s for s in formula.free_symbols if s.name.startswith("kappa"))]
    fixed = sp.Add(*(s for s in sp.Add.make_args(formula) if not (every and s.has(*every))))
    if fixed == formula:
        return formula
    outside, inside = (formula - fixed).as_independent(*every, as_Add=False)
    return fixed + outside * MEAN(inside, KAPPA, sp.Symbol("kappa'", positive=True))


def _renamed(own: Dual, constants: Constants) -> Dual | None:
    """The duals derived with the names; None where S or T is not found equal to the exact one."""
    terms = _terms(own.activation.expr, constants)
    if terms is None:
        return None
    act = Activation(own.activation.name, constants.named(own.activation.expr))
    for candidate in (_within(terms, constants), terms):
        found = Dual(act, own.method, candidate)
        try:
            pairs = ((found.s.kernel, own.s.kernel), (found.t.kernel, own.t.kernel))
        except (DerivationError, ExpressionError, TypeError):  # SymPy's TypeError: x < y of symbols is undecided
            continue
        if all(_equal(named.xreplace(constants.values), exact) for named, exact in pairs):
            return found
    return None


def _equal(first: sp.Expr, second: sp.Expr) -> bool:
    """Whether SymPy finds them equal, the roots and arcsines of each group (A, D) written alike."""
    if sp.expand(first - second) == 0:
        return True
    for group in find_groups([second]):
        first, second = group.name_in(first), group.name_in(second)
    return bool(rational.cancel(sp.expand(first - second)) == 0)


def _terms(expr: sp.Expr, constants: Constants) -> tuple[Term, ...] | None:
    """The normal form of φ with the names in its coefficients; None where a part has none."""
    parts: dict[sp.Expr, sp.Expr] = {}
    for summand in sp.Add.make_args(sp.expand(constants.named(expr))):
        front, rest = _split(sp.Mul.make_args(summand), constants)
        parts[front] = parts.get(front, sp.S.Zero) + rest
    found: list[Term] = []
    for front, rest in parts.items():
        terms = read(rest)
        if terms is None:
            return None
        # the slope in max(0, k z) becomes a coefficient only here
        found += [Term(front * constants.named(term.coefficient), term.power, term.kernel) for term in terms]
    return collect(found)


def _within(terms: tuple[Term, ...], constants: Constants) -> tuple[Term, ...]:
    """The terms with names for kinks and scales as well."""

    def named(kernel: Kernel) -> Kernel:
        own = {key: constants.named(value) for key, value in vars(kernel).items() if isinstance(value, sp.Expr)}
        return replace(kernel, **own)

    return tuple(Term(term.coefficient, term.power, named(term.kernel)) for term in terms)


def _split(factors: Sequence[sp.Expr], constants: Constants) -> tuple[sp.Expr, sp.Expr]:
    """The product of the names' powers, and the rest with numbers."""
    front = [factor for factor in factors if factor.as_base_exp()[0] in constants.values]
    rest = sp.Mul(*(factor for factor in factors if factor not in front))
    return sp.Mul(*front), rest.xreplace(constants.values)
