"""S, T and the kernels as short programs for floating-point arithmetic, before any language is chosen.

Python and C are written from the same program, so what keeps it accurate is here, once:

* √(ab − c²) comes from the exact difference, and angles from two-argument arctangents: no digits are lost as ρ → ±1;
* D = A − c² is a sum of positive terms in delta = ab − c², and so is every polynomial that can be written that way;
* e^E·sinh(x) and e^E·cosh(x) are one function each: no overflow where the product is finite;
* averages over the Kolmogorov mixture are sums over the `nodes` of its quadrature rule, rounded to doubles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from glutheory.errors import DerivationError
from glutheory.ground.normal_form import KAPPA
from glutheory.printing.contents import Report, kernel_formulas
from glutheory.printing.groups import THETA, Group, a, b, c
from glutheory.printing.quadrature import accuracy, needs_quadrature
from glutheory.printing.stable import DELTA, floats, stable
from glutheory.printing.ways import present, subtractions
from glutheory.symbolic.duals import HERMITE, MIXTURE, Dual, split_mixture
from glutheory.symbolic.kolmogorov import rule

POINT = (a, b, c)
KERNELS = {"nngp": "The NNGP kernel", "ntk": "The neural tangent kernel"}
MEANINGS = {"S": "E[phi(u) phi(v)]", "T": "E[phi'(u) phi'(v)] = dS/dc"}
#: Functions that each language defines for itself, beside `mean_…`, the averages over κ, κ'; `root` is √(ab − c²).
OWN = ("root", "exp_sinh", "exp_cosh", "Phi")
#: √(ab − c²) and π − θ.
ROOT = sp.Symbol("root", positive=True)
SUPPLEMENT = sp.Symbol("supplement", real=True)
#: κ' under a name that is an identifier everywhere.
KAPPA_PRIME = sp.Symbol("kappa_prime", positive=True)
_GIVEN = (a, b, c, DELTA, KAPPA, KAPPA_PRIME)
_ATAN2 = sp.Function("atan2")  # SymPy's own turns into arctan(y/x), which divides by zero at |ρ| = 1
#: The rule's proved error is about 2^−bits of the integrand's bound: below the rounding errors of doubles.
BITS = 56


@dataclass(frozen=True)
class Let:
    """One local variable.

    Attributes:
        symbol: its name.
        value: what it is.
        comment: what it means; may be empty.
    """

    symbol: sp.Symbol
    value: sp.Expr
    comment: str = ""


@dataclass(frozen=True)
class Function:
    """One function of the program.

    Attributes:
        name: "S", "T", "nngp", "ntk", with a branch's role for a product; "S_given" where κ, κ' are given.
        arguments: its arguments, real numbers.
        meaning: what it computes, in ASCII.
        lines: the local variables, each of which may use earlier ones.
        diverges: whether the value is infinite where root = 0.
        value: the result.
    """

    name: str
    arguments: tuple[sp.Symbol, ...]
    meaning: str
    lines: tuple[Let, ...]
    diverges: bool
    value: sp.Expr

    @property
    def used(self) -> set[sp.Basic]:
        """Every symbol that a line or the result reads."""
        return set().union(self.value.free_symbols, *(line.value.free_symbols for line in self.lines))


@dataclass(frozen=True)
class Program:
    """What a floating-point module consists of.

    Attributes:
        functions: in an order in which each uses earlier ones only.
        helpers: which of the functions `OWN` are used ("mean" for the averages).
        integrated: the duals whose S and T are quadratures, with the suffix of their names (`quadrature`).
    """

    functions: tuple[Function, ...]
    helpers: frozenset[str]
    integrated: tuple[tuple[str, Dual], ...] = ()

    @property
    def accuracy(self) -> str:
        """What the errors are like, in a sentence or two."""
        if self.integrated:
            return accuracy(own for _, own in self.integrated)
        values = [function.value for function in self.functions if function.name not in KERNELS]
        scale = "of the scale sqrt(f(a, a, a)*f(b, b, b)), f = S or T"
        # an exponent is small beside its terms only where its error is small as well
        plain = [value.replace(_exponential, lambda _: sp.S.One) for value in values]
        if any(map(subtractions, plain)):
            return (
                f"The formulas have subtractions: beside a few roundings {scale}, errors are those of sums whose terms "
                "nearly cancel."
            )
        exponents = " (times the size of the exponents)" if plain != values else ""
        return (
            f"Errors are a few roundings{exponents} {scale}, at |c| = sqrt(a*b) too, for variances from 1e-48 to 1e48."
        )


def program(found: Report, language: str) -> Program:
    """The program of a report's S, T, nngp and ntk; of each branch's S and T for a product of branches.

    Args:
        found: the report.
        language: its name, for errors.

    Raises:
        DerivationError: a symbolic constant, or functions that `language` lacks.
    """
    calls = [
        Function(name, POINT, f"{KERNELS[name]}, NTK parametrisation.", (), False, value)
        for name, value in kernel_calls(found).items()
    ]
    return program_of(branch_duals(found), calls, language)


def program_of(duals: Sequence[tuple[str, Dual]], calls: Sequence[Function], language: str) -> Program:
    """The program of S and T of these duals, whose names have these suffixes, and of functions that call them.

    Raises:
        DerivationError: a symbolic constant, functions that `language` lacks, or a quadrature without its accuracy.
    """
    for _, own in duals:
        _require_numbers(own, language)
    integrated = tuple((suffix, own) for suffix, own in duals if needs_quadrature(own))
    functions = [f for suffix, own in duals if not needs_quadrature(own) for f in _dual(own, suffix)]
    functions = [_checked(function, language) for function in (*functions, *calls)]
    values = [value for function in functions for value in (function.value, *(line.value for line in function.lines))]
    heads = {node.func.__name__ for value in values for node in value.atoms(sp.Function)}
    helpers = {"mean" if head.startswith("mean_") else head for head in heads}
    if integrated:
        from glutheory.printing.trial import tried  # which asks both roads: others do without

        for _, own in integrated:
            tried(own.activation, language)
        helpers.add("root")
    return Program(tuple(functions), frozenset(helpers.intersection((*OWN, "mean"))), integrated)


def require_closed(found: Report, language: str) -> None:
    """Refuse what no format for programs can express.

    Raises:
        DerivationError: a Hermite series or a symbolic constant.
    """
    for own in found.ntk.duals:
        if own.method == HERMITE:
            raise DerivationError(
                f"no {language} code for {own.activation.name!r}: its S is an infinite Hermite series whose "
                "coefficients are integrals; use the text or JSON format, or `evaluate` for values."
            )
    require_numbers(found, language)


def require_numbers(found: Report, language: str) -> None:
    """Refuse what no program can compute.

    Raises:
        DerivationError: a symbolic constant.
    """
    for own in found.ntk.duals:
        _require_numbers(own, language)


def _require_numbers(own: Dual, language: str) -> None:
    if own.activation.symbols:
        names = ", ".join(map(str, own.activation.symbols))
        raise DerivationError(
            f"no {language} code for {own.activation.name!r}: it contains the symbol {names}; give it a number."
        )


def branch_duals(found: Report) -> list[tuple[str, Dual]]:
    """The duals that are written out, with the suffix of their names: the gate's, or each branch's of a product."""
    if _single(found):
        return [("", found.ntk.dual)]
    return [(f"_{role}", own) for role, own in zip(found.network.roles, found.ntk.duals, strict=True)]


def kernel_calls(found: Report) -> dict[str, sp.Expr]:
    """NNGP and NTK in the NTK parametrisation, in c and calls S(a, b, c), T(a, b, c); S_branch1(…) for a product."""
    formulas = kernel_formulas(found.ntk)
    branches = found.ntk.kernels.branches
    calls = {symbol: sp.Function(symbol.name)(*branch.point) for branch in branches for symbol in (branch.S, branch.T)}
    if not _single(found):
        formulas = {name: sp.expand(found.ntk.kernels.named(formula)) for name, formula in formulas.items()}
    return {name: formulas[name].subs(calls) for name in KERNELS}


def _single(found: Report) -> bool:
    return len(found.network.branches) == 1 or found.network.gated


@lru_cache(maxsize=64)
def _dual(own: Dual, suffix: str) -> tuple[Function, ...]:
    """The functions of S and of T."""
    parts = [part for kernel in (own.s.kernel, own.t.kernel) for part in split_mixture(kernel)]
    notation = present(parts, stable=True)
    found: list[Function] = []
    for i, (name, meaning) in enumerate(MEANINGS.items()):
        fixed, mixed = notation.formulas[2 * i : 2 * i + 2]
        if own.method == MIXTURE and mixed != 0:
            given = _function(f"{name}{suffix}_given", f"{meaning} for given mixing variables.", mixed, notation.groups)
            found.append(given)
            fixed += sp.Function(f"mean_{name}{suffix}")(*POINT, DELTA)
        found.append(_function(f"{name}{suffix}", f"{meaning}.", fixed, notation.groups))
    return tuple(found)


def _function(name: str, meaning: str, formula: sp.Expr, groups: tuple[Group, ...]) -> Function:
    given = name.endswith("_given")
    formula = formula.subs(sp.Symbol("kappa'", positive=True), KAPPA_PRIME)
    lines: list[Let] = []
    diverges = False
    for group in groups:
        own = _moved(group)
        if group.plain:
            formula, angles = _plain(group, formula)
            diverges = any(node.base == ROOT and node.exp < 0 for node in formula.atoms(sp.Pow))
            lines += angles
            continue
        angle = sp.Symbol(f"angle{group.A.name[1:]}", real=True)
        formula = formula.subs(own.arcsine, angle)
        if group.A in formula.free_symbols:
            lines.append(Let(group.A, own.product))
        if formula.free_symbols & {group.D, angle}:
            lines.append(Let(group.D, own.scale * DELTA + sp.expand(own.product - own.scale * a * b)))
        if angle in formula.free_symbols:
            lines.append(Let(angle, _ATAN2(sp.sqrt(own.scale) * c, sp.sqrt(group.D)), "an arcsine"))
    formula = stable(formula)
    read = set().union(formula.free_symbols, *(line.value.free_symbols for line in lines))
    first = []
    if ROOT in read or (DELTA in read and not given):
        first.append(Let(ROOT, sp.Function("root")(*POINT), "sqrt(a*b - c*c)"))
    if DELTA in read and not given:
        first.append(Let(DELTA, ROOT**2))
    return Function(name, _GIVEN if given else POINT, meaning, (*first, *lines), diverges, formula)


def _moved(group: Group) -> Group:
    """The group with κ' under its new name."""
    move = {sp.Symbol("kappa'", positive=True): KAPPA_PRIME}
    return Group(group.sigma.subs(move), group.tau.subs(move), group.scale, group.A, group.D, group.angle)


def _plain(group: Group, formula: sp.Expr) -> tuple[sp.Expr, list[Let]]:
    """The formula in the root and the angles of the group with σ = τ = 0."""
    angle = sp.Symbol("angle", real=True)
    formula = formula.subs(THETA, sp.pi - SUPPLEMENT).subs(group.arcsine, angle).subs(group.D, ROOT**2)
    meanings = (
        Let(SUPPLEMENT, _ATAN2(ROOT, -c), "pi - arccos(c/sqrt(a*b))"),
        Let(angle, _ATAN2(c, ROOT), "arcsin(c/sqrt(a*b))"),
    )
    return formula, [line for line in meanings if line.symbol in formula.free_symbols]


def _checked(function: Function, language: str) -> Function:
    """The function with numbers that floats can hold.

    Raises:
        DerivationError: complex numbers, functions that the language lacks, or numbers beyond the range of floats.
    """
    lines = tuple(Let(line.symbol, floats(line.value, language), line.comment) for line in function.lines)
    value = floats(function.value, language)
    return Function(function.name, function.arguments, function.meaning, lines, function.diverges, value)


def _exponential(node: sp.Basic) -> bool:
    return isinstance(node, sp.exp) or getattr(node.func, "__name__", "") in ("exp_sinh", "exp_cosh")


@dataclass(frozen=True)
class Node:
    """One node of the trapezoidal rule on log κ.

    Attributes:
        kappa: κ, correctly rounded.
        weight: its weight, density included, correctly rounded.
    """

    kappa: float
    weight: float


def nodes() -> tuple[Node, ...]:
    """The nodes in increasing order; those whose weight is below 1e-20 are left out."""
    found = (Node(float(kappa.mid()), float(weight.mid())) for kappa, weight in rule(BITS).nodes)
    return tuple(node for node in found if node.weight > 1e-20)
