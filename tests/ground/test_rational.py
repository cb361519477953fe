"""FLINT's `factor` and `cancel` give what SymPy's give, as the same expressions."""

from __future__ import annotations

import pytest
import sympy as sp

from glutheory.ground import rational

a, b = sp.symbols("a b", positive=True)
x = sp.Dummy("x")

EXPRESSIONS = (
    a,
    2 * a + 2 * b,
    -a - b,
    (a - b) / -2,
    (4 - a**2) / (2 * b - a * b),
    (a**2 - b**2) ** 3 / (6 * sp.pi * (b - a) ** 2),
    sp.pi * a**2 + sp.pi * a * b,
    1 / a + 1 / b + sp.Rational(1, 3),
    (x**2 * a - a) / (x + 1) + (a + b) ** 2 - a**2 - 2 * a * b - b**2,
    a - a,
    sp.sqrt(2) * a + sp.sqrt(2) * b,
    (a**2 + a * sp.sqrt(b)) / a,
    sp.exp(a) * a + sp.exp(a) * b,
    sp.Rational(6, 4),
    sp.sqrt(2) * sp.pi,
)


@pytest.mark.parametrize("name", ["factor", "cancel"])
@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_the_result_is_that_of_sympy(name: str, expr: sp.Expr) -> None:
    assert sp.srepr(getattr(rational, name)(expr)) == sp.srepr(getattr(sp, name)(expr))


def test_a_quotient_is_in_lowest_terms() -> None:
    ring = rational.Ring((a, b))
    numerator, denominator = ring.quotient((a**2 - b**2) / (2 * a + 2 * b))
    assert {ring.expression(abs_) for abs_ in (numerator, -numerator)} == {a - b, b - a}
    assert abs(ring.expression(denominator)) == 2


def test_what_is_not_rational_is_refused() -> None:
    with pytest.raises(rational.NotRational):
        rational.Ring((a,)).quotient(sp.sqrt(a))
    with pytest.raises(ZeroDivisionError):
        rational.Ring((a, b)).quotient(1 / sp.Add(a, sp.Mul(-1, a), evaluate=False))


@pytest.mark.parametrize("name", ["factor", "cancel"])
def test_large_numbers_in_exponents_need_no_dense_polynomials(name: str) -> None:
    """For SymPy these are powers of one exponential, of degree 10^12."""
    power, inverse = sp.exp(-(10**12) / (25 * a + 7)), sp.exp(10**12 / (25 * a + 7))
    found = getattr(rational, name)((a * power + b * power) / sp.sqrt(a))
    assert sp.expand(found - (a + b) * power / sp.sqrt(a)) == 0
    assert sp.simplify(getattr(rational, name)(sp.sqrt(a) * power * inverse) - sp.sqrt(a)) == 0
