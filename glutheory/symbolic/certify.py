"""Certificates of the closed forms: identities checked by means that the derivation did not use.

The derivation integrates upwards with its own rules; the certificate differentiates the finished SymPy expression with
`sympy.diff` and reduces the difference to zero in ℚ(a, b, p, q, c)[w]/(w² − D), p² = a+σ, q² = b+τ. Where that is not
possible (symbolic constants inside exponentials, say) it evaluates the difference in ball arithmetic at exact random
points, and says so: such a check is strong evidence, not a proof.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import sympy as sp
from flint import acb, arb, fmpq
from sympy.polys.domains import QQ
from sympy.polys.fields import field

from glutheory.ground.balls import Tape, precision
from glutheory.symbolic.family import Family, Shape, derivatives, family, mean
from glutheory.symbolic.gaussian import U, V, a, b, c, sigma, tau
from glutheory.symbolic.pairs import Part
from glutheory.symbolic.reduction import ArcsineForm

p, q = sp.symbols("p q", positive=True)
_W, _TH = sp.Symbol("w", positive=True), sp.Symbol("theta", real=True)
_D = p**2 * q**2 - c**2
_POINTS, _BITS, _SEED = 32, 256, 2605


Squares = tuple[sp.Expr, sp.Expr]


@dataclass(frozen=True)
class Check:
    """One verified (or refuted) identity.

    Attributes:
        statement: what was checked, for people.
        method: "symbolic", or "ball arithmetic at N points" where no symbolic decision was reached.
        passed: the outcome.
    """

    statement: str
    method: str
    passed: bool


_RPI, _R2 = sp.symbols("sqrt_pi sqrt_2", positive=True)


def algebraically_zero(expr: sp.Expr) -> bool:
    """Whether an expression in a, b, c, p, q, √D and atan(c/√D) is identically zero (a decision, not a heuristic).

    √D and √2 become generators of a field of rational functions, reduced by their squares; π is transcendental, and
    atan(c/√D) is over the algebraic functions, so both may count as free.
    """
    expr = sp.sympify(expr).subs(sp.atan(c / sp.sqrt(_D)), _TH)
    expr = expr.replace(
        lambda node: node.is_Pow and node.exp.is_Rational and node.exp.q == 2 and sp.expand(node.base - _D) == 0,
        lambda node: _W ** (2 * node.exp),
    )
    expr = expr.subs({sp.sqrt(sp.pi): _RPI, sp.sqrt(2): _R2}).subs(sp.pi, _RPI**2)
    # other constants, such as log(2), may count as free too: what vanishes for all values vanishes for theirs
    constants = sorted((node for node in expr.atoms(sp.Function) if not node.free_symbols), key=str)
    expr = expr.xreplace({node: sp.Symbol(f"constant_{i}") for i, node in enumerate(constants)})
    symbols = sorted(expr.free_symbols | {_W, _R2, p, q, c}, key=str)
    numerator = field(symbols, QQ)[0].from_expr(expr).numer
    ring = numerator.ring
    for generator, square in ((_W, _D), (_R2, sp.Integer(2))):
        numerator = numerator.rem([ring.from_expr(generator**2 - square)]) if numerator else numerator
    return not numerator


def zero_check(statement: str, expr: sp.Expr, symbols: Sequence[sp.Symbol]) -> Check:
    """Check that `expr` vanishes for all admissible symbols: by simplification, otherwise by balls at exact points."""
    expr = sp.expand(expr)
    if expr == 0 or (expr.count_ops() < 200 and sp.simplify(expr) == 0):
        return Check(statement, "symbolic", True)
    rng = random.Random(_SEED)
    passed = True
    with precision(_BITS):
        program = Tape([expr], list(symbols)).bind()
        for _ in range(_POINTS):
            values = {s: fmpq(rng.randint(1, 400), 97) for s in symbols}
            if c in values:
                # |c| ≤ min(a, b) keeps the point admissible
                low = min(values.get(a, fmpq(1)), values.get(b, fmpq(1)))
                values[c] = low * fmpq(rng.randint(-96, 96), 97)
            value = acb(program([arb(values[s]) for s in symbols])[0])
            passed = passed and bool(value.contains(0)) and bool(abs(value).upper() < arb(2) ** (-_BITS // 2))
    return Check(statement, f"ball arithmetic at {_POINTS} points", passed)


def _values(squares: Squares) -> dict[sp.Symbol, sp.Expr]:
    """a, b, σ, τ in terms of p, q and the squared scales, which may be numbers or the symbols σ, τ."""
    return {a: p**2 - squares[0], b: q**2 - squares[1], sigma: squares[0], tau: squares[1]}


def _explicit(form: ArcsineForm, squares: Squares) -> sp.Expr:
    """The form in (p, q, c) with its arcsine as atan(c/√D), which differentiates to algebraic functions."""
    return form.expression(_values(squares), sp.atan(c / sp.sqrt(_D)), sp.sqrt(_D))


def _mean_expression(shape: Shape, level: int, squares: Squares, first: bool) -> sp.Expr:
    scale, square, root = (U, sigma, p) if first else (V, tau, q)
    values = tuple(_values(squares)[symbol] for symbol in (a, b, sigma, tau))
    x, y = (sp.sympify(part.as_expr(*values)) if part else sp.S.Zero for part in mean(shape, level, scale, square))
    return x + y / (sp.sqrt(2 * sp.pi) * root)


def _heat_equation(fam: Family, squares: Squares) -> bool:
    """∂S/∂a = E[f''(u) g(v)]/2, with the right-hand side derived on its own; ∂/∂a = (1/2p) ∂/∂p at fixed σ."""
    values = tuple(_values(squares)[symbol] for symbol in (a, b, sigma, tau))
    right = sum(
        (
            coefficient.as_expr(*values) * _explicit(family(shape, fam.second).form, squares)
            for coefficient, shape in derivatives(fam.first, 2, sigma)
        ),
        sp.S.Zero,
    )
    return algebraically_zero(sp.diff(_explicit(fam.form, squares), p) / p - right)


@cache
def family_checks(fam: Family, squares: Squares) -> tuple[Check, ...]:
    """The certificate of a family at these squared scales: Price k times, the values at c = 0, the heat equation in a.

    The heat equation compares two families that were integrated separately, so it also tests the elementary
    expectation from which both started.
    """
    k = fam.order
    derivative = _explicit(fam.form, squares)
    checks = []
    for level in range(k):
        product = _mean_expression(fam.first, level, squares, True) * _mean_expression(
            fam.second, level, squares, False
        )
        right = algebraically_zero(derivative.subs(c, 0) - product)
        checks.append(
            Check(
                f"{_derivative('S', level)}(a,b,0) = E[f{level * chr(39)}(u)]·E[g{level * chr(39)}(v)]",
                "symbolic",
                right,
            )
        )
        derivative = sp.diff(derivative, c)
    price = algebraically_zero(derivative - _explicit(fam.elementary, squares))
    primes = chr(39) * k
    checks.append(Check(f"{_derivative('S', k)} = E[f{primes}(u) g{primes}(v)]", "symbolic", price))
    checks.append(Check("∂S/∂a = E[f''(u) g(v)]/2", "symbolic", _heat_equation(fam, squares)))
    return tuple(checks)


def _derivative(name: str, order: int) -> str:
    return name if order == 0 else (f"∂{name}/∂c" if order == 1 else f"∂^{order}{name}/∂c^{order}")


def price_check(s_parts: Sequence[Part], t_parts: Sequence[Part], squares: Squares) -> Check:
    """∂S/∂c = T for the arcsine parts with these squared scales, S and T derived separately."""

    def total(parts: Sequence[Part]) -> sp.Expr:
        chosen = [part for part in parts if part.family is not None and part.squares == squares]
        return sp.Add(*(part.coefficient * _explicit(part.family.form, squares) for part in chosen if part.family))

    passed = algebraically_zero(sp.diff(total(s_parts), c) - total(t_parts))
    return Check("∂S/∂c = T = E[φ'(u) φ'(v)], both derived separately", "symbolic", passed)
