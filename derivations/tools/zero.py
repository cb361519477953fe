"""Deciding that an expression is zero, exactly: the symbolic checks of the proofs.

Every function value, exponential and root in the expression becomes a new generator, and the numerator of what is
then a rational function is expanded modulo the known relations (w² = base for a root, sin² + cos² = 1). If nothing is
left the expression is zero identically: this is sound whatever other relations the generators may have. It never
evaluates numerically and never calls ``simplify``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import sympy as sp

from derivations.tools.proof import PROOF, Outcome

Relation = tuple[sp.Symbol, sp.Expr]  # (w, base): w² = base


def _roots(expr: sp.Expr) -> tuple[sp.Expr, list[Relation]]:
    """Half-integer powers as powers of generators, inner roots first."""
    relations: list[Relation] = []
    while True:
        powers = [n for n in expr.atoms(sp.Pow) if n.exp.is_Rational and n.exp.q == 2 and not _inner_root(n.base)]
        if not powers:
            return expr, relations
        base = min((n.base for n in powers), key=sp.default_sort_key)
        w = sp.Symbol(f"w_{len(relations)}", positive=True)
        relations.append((w, base))
        chosen = {n: w ** (2 * n.exp) for n in powers if n.base == base}
        expr = expr.xreplace(chosen)


def _inner_root(base: sp.Expr) -> bool:
    return any(node.exp.is_Rational and node.exp.q == 2 for node in base.atoms(sp.Pow))


def _generators(expr: sp.Expr) -> tuple[sp.Expr, list[Relation]]:
    """Functions, exponentials and symbolic powers as symbols; cos is tied to sin of the same argument."""
    powers = [node for node in expr.atoms(sp.Pow) if not node.exp.is_Rational]
    if powers or expr.has(sp.exp):
        expr = sp.expand(expr)  # x^(k+1) becomes x·x^k
        powers = [node for node in expr.atoms(sp.Pow) if not node.exp.is_Rational]
    table: dict[sp.Expr, sp.Symbol] = {}
    relations: list[Relation] = []
    atoms = sorted({*expr.atoms(sp.Function, sp.Derivative, sp.Subs), *powers}, key=sp.default_sort_key)
    outer = [node for node in atoms if not any(node != other and other.has(node) for other in atoms)]
    for node in outer:
        table[node] = sp.Symbol(f"f_{len(table)}")
    for node in outer:
        if isinstance(node, sp.cos):
            sine = table.setdefault(sp.sin(node.args[0]), sp.Symbol(f"f_{len(table)}"))
            relations.append((table[node], 1 - sine**2))
    return expr.xreplace(table), relations


def is_zero(expr: sp.Expr, relations: Iterable[Relation] = ()) -> bool:
    """Whether `expr` was reduced to zero; True is a proof, False is only "not shown".

    Args:
        expr: a SymPy expression.
        relations: further rules (w, base), w² = base, for symbols that stand for roots.
    """
    expr, functions = _generators(sp.sympify(expr))
    expr, roots = _roots(expr)
    numerator = sp.expand(sp.fraction(sp.together(expr))[0])
    # a root's base may hold the generators made before it: reduce the last one first
    for w, base in (*reversed(roots), *functions, *relations):
        if numerator.has(w):
            top, bottom = sp.fraction(sp.together(base))
            reduced = sp.prem(numerator, sp.expand(bottom * w**2 - top), w)
            numerator = sp.expand(reduced)
    return bool(numerator == 0)


def zero(*exprs: sp.Expr, relations: Sequence[Relation] = ()) -> Outcome:
    """The outcome of showing that every one of the expressions is zero."""
    if not exprs:
        raise ValueError("no expression given: there is nothing to show zero.")
    return Outcome(
        all(is_zero(expr, relations) for expr in exprs), PROOF, "the difference reduces to zero symbolically"
    )


def vanishing(*exprs: sp.Expr) -> Callable[[], Outcome]:
    """A check that every one of the expressions is zero."""
    return lambda: zero(*exprs)
