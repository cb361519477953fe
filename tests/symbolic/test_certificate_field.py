"""The certificate's field: its derivative is SymPy's, and it tells what vanishes from what does not."""

from __future__ import annotations

import pytest
import sympy as sp

from glutheory.symbolic.certificate_field import ANGLE, D, field_of, p, q
from glutheory.symbolic.gaussian import c, sigma

FUNCTIONS = (
    sp.sqrt(D) * c / (p**2 - sigma),
    c**2 * ANGLE / sp.pi + sp.sqrt(2) / (sp.sqrt(sp.pi) * p) - D ** sp.Rational(-3, 2),
    sp.log(2) * (p - sigma * q) * ANGLE * sp.sqrt(D),
)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("variable", [c, p])
def test_its_derivative_is_that_of_sympy(function: sp.Expr, variable: sp.Symbol) -> None:
    field = field_of(function)
    found = field.derivative(field.quotient(function), variable)
    assert field.equal(found, field.quotient(sp.diff(function, variable)))
    assert not field.equal(found, field.quotient(sp.diff(function, variable) + c * sp.sqrt(D) / 7))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_its_value_at_zero_is_that_of_sympy(function: sp.Expr) -> None:
    field = field_of(function)
    assert field.equal(field.at_zero(field.quotient(function)), field.quotient(function.subs(c, 0)))


def test_squares_of_roots_are_what_they_are() -> None:
    field = field_of()
    assert field.vanishes(field.quotient(sp.sqrt(D) * sp.sqrt(D) + c**2 - (p * q) ** 2))
    assert field.vanishes(field.quotient(2 / sp.sqrt(2) - sp.sqrt(2)))
    assert field.vanishes(field.quotient(sp.sqrt(sp.pi) ** 3 - sp.pi * sp.sqrt(sp.pi)))
    assert not field.vanishes(field.quotient(sp.sqrt(D) - p * q))
    with pytest.raises(ValueError, match="sqrt"):
        field.quotient(sp.sqrt(3))
