"""The normal form says the same as the definition, and is closed under differentiation."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad
from scipy.stats import kstwobign

from glutheory.activations import Activation, Z
from glutheory.ground.normal_form import (
    KAPPA,
    ExpQuad,
    NormalCdf,
    NormalPdf,
    Term,
    as_expression,
    collect,
    differentiate,
    is_mixture,
    read,
)
from tests.strategies import EXTRA, by_name
from tests.zoo import READ

POINTS = (-2.3, -0.7, 0.4, 1.9)


def _value(terms: tuple[Term, ...], x: float) -> float:
    """The sum of the terms at x; the expectation over KAPPA by quadrature with scipy's Kolmogorov density."""
    expr = sp.Add(*(as_expression(term) for term in terms)).subs(Z, x)
    if not expr.has(KAPPA):
        return float(sp.re(sp.N(expr)))
    f = sp.lambdify(KAPPA, expr, ["scipy", "numpy"])
    return float(quad(lambda k: float(f(k)) * kstwobign.pdf(k), 0.05, 6, limit=200)[0])


@pytest.mark.parametrize("act", [*READ, *EXTRA], ids=by_name)
def test_the_normal_form_is_the_definition(act: Activation) -> None:
    terms = read(act.expr)
    assert terms is not None
    # scipy's Kolmogorov density is good to about 1e-9
    tolerance = 1e-8 if is_mixture(terms) else 1e-12
    for x in POINTS:
        assert _value(terms, x) == pytest.approx(float(act.expr.subs(Z, x)), rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("act", [*READ, *EXTRA], ids=by_name)
def test_the_derivative_of_the_normal_form_is_the_derivative(act: Activation) -> None:
    terms = read(act.expr)
    assert terms is not None
    derived = tuple(t for t in differentiate(terms) if not (isinstance(t.kernel, NormalPdf) and t.kernel.s == 0))
    tolerance = 1e-7 if is_mixture(terms) else 1e-11
    for x in POINTS:
        step = 1e-4
        f = sp.lambdify(Z, act.expr, ["scipy", "numpy"])
        slope = (8 * (f(x + step) - f(x - step)) - (f(x + 2 * step) - f(x - 2 * step))) / (12 * step)
        # the five-point formula errs by about step⁴ and by rounding over step
        assert _value(derived, x) == pytest.approx(float(np.real(slope)), rel=max(tolerance, 1e-9), abs=1e-8)


def test_powers_of_z_move_into_the_order_of_a_density() -> None:
    s = sp.Symbol("s", positive=True)
    terms = collect([Term(sp.S.One, 3, NormalPdf(s, 2))])
    assert all(term.power == 0 for term in terms)
    density = sp.exp(-(Z**2) / (2 * s**2)) / (s * sp.sqrt(2 * sp.pi))
    assert sp.simplify(sum(map(as_expression, terms)) - Z**3 * sp.diff(density, Z, 2)) == 0


def test_z_delta_vanishes_and_z_delta_prime_is_minus_delta() -> None:
    zero = sp.S.Zero
    assert collect([Term(sp.S.One, 1, NormalPdf(zero))]) == ()
    assert collect([Term(sp.S.One, 1, NormalPdf(zero, 1))]) == (Term(-sp.S.One, 0, NormalPdf(zero)),)


def test_like_terms_cancel() -> None:
    cdf = NormalCdf(sp.S.One)
    assert collect([Term(sp.S.One, 1, cdf), Term(-sp.S.One, 1, cdf), Term(sp.S(2), 0, ExpQuad())]) == (
        Term(sp.S(2), 0, ExpQuad()),
    )


@pytest.mark.parametrize(
    "expr",
    [
        sp.erf(Z) ** 2,
        sp.sin(Z) * sp.Heaviside(Z - 1),
        sp.sqrt(1 + Z**2),
        sp.exp(-(Z**2)) * sp.Heaviside(Z),
        sp.erf(Z) * sp.Heaviside(Z),
        sp.tanh(Z - 1),
        sp.tanh(Z) * sp.erf(Z),
        sp.exp(Z**2 / 8),
        sp.Max(0, Z**3 - 3 * Z + 1),
        1 / (2 + sp.exp(Z)),
        sp.atan(Z),
    ],
    ids=str,
)
def test_what_has_no_normal_form_is_refused(expr: sp.Expr) -> None:
    assert read(expr) is None


def test_pieces_are_read_by_their_kinks() -> None:
    """Steps at the kinks, and an exponential that is not read where it is zero, lest it cancel."""
    one, zero = sp.S.One, sp.S.Zero
    assert read(sp.Max(0, Z - 1)) == (Term(-one, 0, NormalCdf(zero, one)), Term(one, 1, NormalCdf(zero, one)))
    assert read(sp.exp(sp.Min(0, Z))) == (
        Term(one, 0, NormalCdf(zero, zero)),
        Term(one, 0, NormalCdf(zero, zero, one, -1)),
    )
    assert read(sp.erf(2 * Z - 1)) == (
        Term(-one, 0, ExpQuad()),
        Term(2 * one, 0, NormalCdf(sp.sqrt(2) / 4, one / 2)),
    )
