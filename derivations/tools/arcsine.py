"""The functions of the arcsine family as an algebraic differential field: exact derivatives and zero tests.

With P = a + s² = p², Q = b + t² = q² (s = t = 0 gives the plain variances) every closed form of the family is a
rational function of p, q, s, t, c, of the root w = √(PQ − c²) and of the angle ϑ = arcsin(c/(pq)), where

    ∂ϑ/∂c = 1/w,   ∂w/∂c = −c/w,   ϑ = 0 and w = pq at c = 0.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from derivations.tools.means import decided, named
from derivations.tools.proof import Outcome, Step, both, every
from derivations.tools.zero import is_zero, zero
from glutheory.symbolic.gaussian import a, b, c

p, q = sp.symbols("p q", positive=True)
s, t = sp.symbols("s t", nonnegative=True)
w = sp.Symbol("w", positive=True)
theta = sp.Symbol("vartheta", real=True)

#: D = PQ − c², and the relation w² = D.
D = p**2 * q**2 - c**2
RELATION = (w, D)


def d_dc(expr: sp.Expr, times: int = 1) -> sp.Expr:
    """The derivative in c at fixed a, b, s, t."""
    for _ in range(times):
        expr = sp.diff(expr, c) + sp.diff(expr, theta) / w - sp.diff(expr, w) * c / w
    return expr


def at_zero(expr: sp.Expr) -> sp.Expr:
    """The value at c = 0."""
    return expr.subs({theta: 0, w: p * q, c: 0}, simultaneous=True)


def vanish(*exprs: sp.Expr | tuple[sp.Expr, sp.Expr]) -> Outcome:
    """The outcome of showing that every one of the expressions is zero in the field, and both of every pair equal."""
    sides = [side for expr in exprs for side in (expr if isinstance(expr, tuple) else (expr,))]
    symbols = set().union(*(sp.sympify(side).free_symbols for side in sides))
    # a = p² − s² is as free as p; the angle and the root are functions of p, q and c
    depend = {p: "a p", q: "b q", theta: "a b c p q", w: "a b c p q"}
    named(*(name for symbol, names in depend.items() if symbol in symbols for name in names.split()))
    return zero(*exprs, relations=[RELATION])


def read(expr: sp.Expr, first: sp.Expr = sp.S.Zero, second: sp.Expr = sp.S.Zero) -> sp.Expr:
    """An expression in a, b, c, √(PQ − c²), arcsin(c/√(PQ)) as an element of the field; s² = `first`, t² = `second`.

    Raises:
        ValueError: a root or an arcsine that is not of this form.
    """
    decided(expr)
    moved = expr.subs({a: p**2 - first, b: q**2 - second}, simultaneous=True)
    table: dict[sp.Expr, sp.Expr] = {}
    for node in moved.atoms(sp.asin):
        if not is_zero(sp.expand(node.args[0]) - c / (p * q)):
            raise ValueError(f"the arcsine of {node.args[0]} is not ϑ")
        table[node] = theta
    moved = moved.xreplace(table)
    table = {}
    for node in moved.atoms(sp.Pow):
        if node.exp.is_Rational and node.exp.q == 2 and node.base.has(c):
            factor = sp.cancel(sp.expand(node.base) / D)
            if not factor.is_positive or factor.has(c, w):
                raise ValueError(f"the root of {node.base} is not a multiple of w")
            table[node] = (sp.sqrt(factor) * w) ** (2 * node.exp)
    return moved.xreplace(table)


def show(expr: sp.Expr, values: dict[sp.Symbol, sp.Expr] | None = None) -> sp.Expr:
    """The element written in a, b, c, s, t, for printing; `values` for s and t."""
    values = values or {}
    first, second = a + values.get(s, s) ** 2, b + values.get(t, t) ** 2
    plain = expr.subs(values)
    root = {theta: sp.asin(c / sp.sqrt(first * second)), w: sp.sqrt(first * second - c**2)}
    return plain.subs({p: sp.sqrt(first), q: sp.sqrt(second), **root}, simultaneous=True)


def rules_step(product: str = "PQ") -> Step:
    """The step that justifies `d_dc` and `at_zero`: the field's rules, by ordinary differentiation."""
    angle, root = sp.asin(c / (p * q)), sp.sqrt(D)

    def check() -> Outcome:
        # (∂ϑ/∂c)·w is a square root of 1 that is 1 at c = 0 and continuous, hence 1
        slope = sp.diff(angle, c)
        squared = zero(slope**2 * D - 1, sp.diff(root, c) * root + c)
        start = zero((slope * root).subs(c, 0) - 1, angle.subs(c, 0), root.subs(c, 0) - p * q)
        return both(squared, start)

    statement = (
        r"\frac{\partial\vartheta}{\partial c} = \frac{1}{w}, \qquad \frac{\partial w}{\partial c} = -\frac{c}{w}, "
        r"\qquad "
        rf"\vartheta\big|_{{c=0}} = 0, \qquad w\big|_{{c=0}} = \sqrt{{{product}}}"
    )
    return Step(
        "derivatives of the angle and of the root",
        statement,
        "differentiation of $\\arcsin$ and of the root",
        check,
        every("p q c"),
        names={
            r"\vartheta": rf"\arcsin\frac{{c}}{{\sqrt{{{product}}}}}",
            "w": rf"\sqrt{{{product} - c^2}}",
            **dict(zip(product, ("p^2", "q^2"), strict=True)),
        },
    )


def solves(solution: sp.Expr, right: sp.Expr, *, order: int = 1, start: tuple[sp.Expr, ...]) -> Callable[[], Outcome]:
    """A check that ∂^order solution/∂c^order = right and that its derivatives of lower order at c = 0 are `start`."""

    def check() -> Outcome:
        if len(start) != order:
            raise ValueError(f"start has {len(start)} values: an equation of order {order} needs {order}.")
        initial = ((at_zero(d_dc(solution, k)), value) for k, value in enumerate(start))
        decided(solution)
        return vanish((d_dc(solution, order), right), *initial)

    return check
