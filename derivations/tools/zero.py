"""Deciding that an expression is zero, exactly: the symbolic checks of the proofs.

Every function value, exponential and root in the expression becomes a new generator, and the numerator of what is
then a rational function is expanded modulo the known relations (w² = base for a root, sin² + cos² = 1, Γ(x+1) = xΓ(x)).
If nothing is left the expression is zero identically: this is sound whatever other relations the generators may have.
It never evaluates numerically and never calls ``simplify``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import sympy as sp

from derivations.tools.means import Means, decided, signed
from derivations.tools.proof import Outcome, confirmed

Relation = tuple[sp.Symbol, sp.Expr]  # (w, base): w² = base


def _roots(expr: sp.Expr) -> tuple[sp.Expr, list[Relation]]:
    """Half-integer powers as powers of generators, inner roots first."""
    relations: list[Relation] = []
    while True:
        powers = [n for n in expr.atoms(sp.Pow) if n.exp.is_Rational and n.exp.q == 2 and not _inner_root(n.base)]
        if not powers:
            return expr, relations
        base = min((n.base for n in powers), key=sp.default_sort_key)
        w = sp.Dummy(f"w_{len(relations)}", positive=True)
        relations.append((w, base))
        chosen = {n: w ** (2 * n.exp) for n in powers if n.base == base}
        expr = expr.xreplace(chosen)


def _inner_root(base: sp.Expr) -> bool:
    return any(node.exp.is_Rational and node.exp.q == 2 for node in base.atoms(sp.Pow))


def _gammas(expr: sp.Expr) -> sp.Expr:
    """Factorials and Γ at arguments that differ by integers as multiples of one Γ."""
    expr = expr.rewrite(sp.gamma) if expr.has(sp.factorial, sp.binomial) else expr
    table = {}
    for node in expr.atoms(sp.gamma):
        number, rest = node.args[0].as_coeff_Add()
        steps = int(sp.floor(number))
        if rest == 0 or steps == 0:
            continue
        base = rest + number - steps
        factors = [base + i for i in range(steps)] if steps > 0 else [1 / (base - i) for i in range(1, 1 - steps)]
        table[node] = sp.Mul(*factors) * sp.gamma(base)
    return expr.xreplace(table)


def _powers(expr: sp.Expr) -> sp.Expr:
    """Exponentials and symbolic powers as integer powers of symbols: with f = x^k, x^(k+1) is x·f, x^(−2k) f^(−2)."""
    nodes = [node for node in expr.atoms(sp.Pow) if not node.exp.is_Rational] + list(expr.atoms(sp.exp))
    outer = [node for node in nodes if not any(node != other and other.has(node) for other in nodes)]
    parts: dict[sp.Expr, list[tuple[sp.Expr, sp.Expr, sp.Expr]]] = {}
    for node in outer:
        base, exponent = node.as_base_exp()
        terms = [term.as_coeff_Mul() for term in sp.Add.make_args(sp.expand(exponent))]
        parts[node] = [(base, rest, value) for value, rest in terms]
    scales: dict[tuple[sp.Expr, sp.Expr], sp.Integer] = {}
    for base, rest, value in (item for items in parts.values() for item in items):
        if value.is_Rational and rest != 1 and not isinstance(rest, sp.log):
            scales[base, rest] = sp.ilcm(scales.get((base, rest), 1), value.q)
    names = {key: sp.Dummy(f"p_{i}") for i, key in enumerate(sorted(scales, key=sp.default_sort_key))}

    def power(base: sp.Expr, rest: sp.Expr, value: sp.Expr) -> sp.Expr:
        if base == sp.E and isinstance(rest, sp.log):
            return rest.args[0] ** value
        scale = scales.get((base, rest))
        return base ** (value * rest) if scale is None else names[base, rest] ** (value * scale)

    table = {node: sp.Mul(*(power(*item) for item in items)) for node, items in parts.items()}
    return expr.xreplace(table)


def _generators(expr: sp.Expr) -> tuple[sp.Expr, list[Relation]]:
    """Functions, exponentials and symbolic powers as symbols; cos is tied to sin of the same argument."""
    expr = _powers(expr)
    table: dict[sp.Expr, sp.Symbol] = {}
    relations: list[Relation] = []
    powers = [node for node in expr.atoms(sp.Pow) if not node.exp.is_Rational]
    atoms = sorted({*expr.atoms(sp.Function, sp.Derivative, sp.Subs), *powers}, key=sp.default_sort_key)
    outer = [node for node in atoms if not any(node != other and other.has(node) for other in atoms)]
    for node in outer:
        table[node] = sp.Dummy(f"f_{len(table)}")
    for node in outer:
        if isinstance(node, sp.cos):
            sine = table.setdefault(sp.sin(node.args[0]), sp.Dummy(f"f_{len(table)}"))
            relations.append((table[node], 1 - sine**2))
    return expr.xreplace(table), relations


def is_zero(expr: sp.Expr, relations: Iterable[Relation] = ()) -> bool:
    """Whether `expr` was reduced to zero; True is a proof, False is only "not shown".

    Args:
        expr: a SymPy expression.
        relations: further rules (w, base), w² = base, for symbols that stand for roots.
    """
    expr, functions = _generators(_gammas(sp.sympify(expr)))
    expr, roots = _roots(expr)
    numerator = sp.expand(sp.fraction(sp.together(expr))[0])
    # a root's base may hold the generators made before it: reduce the last one first
    for w, base in (*reversed(roots), *functions, *relations):
        if numerator.has(w):
            top, bottom = sp.fraction(sp.together(base))
            reduced = sp.prem(numerator, sp.expand(bottom * w**2 - top), w)
            numerator = sp.expand(reduced)
    return bool(numerator == 0)


def zero(*exprs: sp.Expr | tuple[sp.Expr, sp.Expr], relations: Sequence[Relation] = ()) -> Outcome:
    """The outcome of showing that every one of the expressions is zero, and that both of every pair are equal.

    A pair is for what SymPy cancels as soon as it is subtracted: its symbols are in what was decided all the same.
    """
    if not exprs:
        raise ValueError("no expression given: there is nothing to show zero.")
    pairs = [expr if isinstance(expr, tuple) else (expr, sp.S.Zero) for expr in exprs]
    decided(*(side for pair in pairs for side in pair))
    passed = all(is_zero(left - right, relations) for left, right in pairs)
    return confirmed(passed, Means.REWRITING, "the difference reduces to zero symbolically")


def vanishing(*exprs: sp.Expr) -> Callable[[], Outcome]:
    """A check that every one of the expressions is zero."""
    return lambda: zero(*exprs)


def positive(*terms: sp.Expr) -> Outcome:
    """Each term is nonnegative by the assumptions on its symbols: products and sums of factors of known sign."""
    decided(*terms)
    signed(*terms, strict=False)
    return confirmed(all(sp.sympify(term).is_nonnegative for term in terms), Means.SIGNS)


def strictly(*terms: sp.Expr) -> Outcome:
    """Each term is positive by the assumptions on its symbols."""
    decided(*terms)
    signed(*terms, strict=True)
    return confirmed(all(sp.sympify(term).is_positive for term in terms), Means.SIGNS)
