"""Certificates of the closed forms: identities checked by means that the derivation did not use.

The derivation integrates upwards with its own rules; the certificate differentiates the finished SymPy expression and
reduces the difference to zero in ℚ(a, b, p, q, c)[w]/(w² − D), p² = a+σ, q² = b+τ
(`glutheory.symbolic.certificate_field`). Where that is not possible (symbolic constants inside exponentials, say) it
evaluates the difference in ball arithmetic at exact random points, and says so: such a check is strong evidence, not a
proof.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import sympy as sp
from flint import acb, arb, fmpq

from glutheory.ground.balls import Tape, precision
from glutheory.symbolic.certificate_field import ANGLE, D, field_of, p, q
from glutheory.symbolic.family import Family, Shape, derivatives, family, mean
from glutheory.symbolic.gaussian import U, V, a, b, c, sigma, tau
from glutheory.symbolic.pairs import Part
from glutheory.symbolic.reduction import ArcsineForm

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


def zero_check(statement: str, expr: sp.Expr, symbols: Sequence[sp.Symbol]) -> Check:
    """Check that `expr` vanishes for all admissible symbols: by simplification, otherwise by balls at exact points."""
    expr = sp.expand(expr)
    if expr == 0 or (expr.count_ops() < 200 and sp.simplify(expr) == 0):
        return Check(statement, "symbolic", True)
    return ball_check(statement, expr, symbols)


def ball_check(statement: str, expr: sp.Expr, symbols: Sequence[sp.Symbol]) -> Check:
    """Check that balls of `expr` around exact random points are narrow and contain zero."""
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
    """The form in (p, q, c) with its arcsine as atan(c/√D)."""
    return form.expression(_values(squares), ANGLE, sp.sqrt(D))


@cache
def _function(fam: Family, squares: Squares) -> sp.Expr:
    """The family in (p, q, c) at these squared scales."""
    return _explicit(fam.form, squares)


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
            coefficient.as_expr(*values) * _function(family(shape, fam.second), squares)
            for coefficient, shape in derivatives(fam.first, 2, sigma)
        ),
        sp.S.Zero,
    )
    field = field_of(*squares)
    slope = field.derivative(field.quotient(_function(fam, squares)), p)
    return field.equal(slope, field.quotient(sp.sympify(right) * p))


@cache
def family_checks(fam: Family, squares: Squares) -> tuple[Check, ...]:
    """The certificate of a family at these squared scales: Price k times, the values at c = 0, the heat equation in a.

    The heat equation compares two families that were integrated separately, so it also tests the elementary
    expectation from which both started.
    """
    k = fam.order
    field = field_of(*squares)
    derivative = field.quotient(_function(fam, squares))
    checks = []
    for level in range(k):
        product = _mean_expression(fam.first, level, squares, True) * _mean_expression(
            fam.second, level, squares, False
        )
        right = field.equal(field.at_zero(derivative), field.quotient(product))
        checks.append(
            Check(
                f"{_derivative('S', level)}(a,b,0) = E[f{level * chr(39)}(u)]·E[g{level * chr(39)}(v)]",
                "symbolic",
                right,
            )
        )
        derivative = field.derivative(derivative, c)
    price = field.equal(derivative, field.quotient(_explicit(fam.elementary, squares)))
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
        return sp.Add(*(part.coefficient * _function(part.family, squares) for part in chosen if part.family))

    S, T = total(s_parts), total(t_parts)
    field = field_of(S, T)
    passed = field.equal(field.derivative(field.quotient(S), c), field.quotient(T))
    statement = "∂S/∂c = T = E[φ'(u) φ'(v)], both derived separately"
    if passed or not field.constants:
        return Check(statement, "symbolic", passed)
    # constants that count as free may depend on each other, as √6 and √2·√3 do; p, q ≥ 1 and |c| ≤ min(a, b) keep D > 0
    difference = (sp.diff(S, c) - T).subs({p: 1 + a, q: 1 + b})
    return zero_check(statement, difference, sorted(difference.free_symbols, key=str))
