"""The two-parameter arcsine families, their reduction and their certificates."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from glutheory import Activation, Network, derivation
from glutheory.activations.parser import parse_expression
from glutheory.ground.normal_form import NormalCdf, Term, differentiate
from glutheory.symbolic.certificate_field import field_of, p, q
from glutheory.symbolic.certify import family_checks, price_check, zero_check
from glutheory.symbolic.family import Family, Shape, family
from glutheory.symbolic.gaussian import FIELD, a, b, c, isserlis, sigma, tau
from glutheory.symbolic.pairs import Part, bilinear
from glutheory.symbolic.reduction import ArcsineForm, ErfForm

ZERO, ONE, HALF = sp.S.Zero, sp.S.One, sp.S.Half
SHAPES = [Shape(kind, n) for kind, top in (("power", 3), ("cdf", 2), ("pdf", 2)) for n in range(top + 1)]
#: Families at scales that occur: ReLU^k, GELU, erf, the general one.
CERTIFIED = [
    (Shape("cdf", 0), Shape("cdf", 0), (ZERO, ZERO)),
    (Shape("cdf", 1), Shape("cdf", 1), (ZERO, ZERO)),
    (Shape("cdf", 2), Shape("cdf", 2), (ZERO, ZERO)),
    (Shape("cdf", 1), Shape("cdf", 1), (ONE, ONE)),
    (Shape("cdf", 0), Shape("cdf", 0), (sigma, tau)),
    (Shape("cdf", 1), Shape("cdf", 1), (sigma, tau)),
    (Shape("cdf", 1), Shape("pdf", 1), (ONE, HALF)),
    (Shape("cdf", 2), Shape("power", 1), (ZERO, ZERO)),
    (Shape("pdf", 1), Shape("pdf", 1), (sigma, tau)),
]


def _expression(form: ArcsineForm, a_: float, b_: float, c_: float, s2: float, t2: float) -> float:
    """The form in float arithmetic."""
    product = (a_ + s2) * (b_ + t2)
    expr = form.expression({a: a, b: b, sigma: sigma, tau: tau}, sp.Symbol("arcsine"), sp.Symbol("root"))
    values = {a: a_, b: b_, c: c_, sigma: s2, tau: t2, sp.Symbol("arcsine"): np.arcsin(c_ / np.sqrt(product))}
    return float(expr.subs({**values, sp.Symbol("root"): np.sqrt(product - c_**2)}))


_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(120)


def _factor(shape: Shape, x: np.ndarray, s2: float) -> np.ndarray:
    from scipy.stats import norm

    s = np.sqrt(s2)
    if shape.kind == "power":
        return np.asarray(x**shape.n)
    if shape.kind == "cdf":
        return np.asarray(x**shape.n * norm.cdf(x / s))
    he = np.polynomial.hermite_e.HermiteE.basis(shape.n)(x / s)
    return np.asarray((-1) ** shape.n * s ** -(shape.n + 1) * he * np.exp(-(x**2) / (2 * s2)) / np.sqrt(2 * np.pi))


def _gauss_hermite(first: Shape, second: Shape, a_: float, b_: float, c_: float, s2: float, t2: float) -> float:
    """E[f(u) g(v)] by a 120 × 120 product rule."""
    x, y = np.meshgrid(_NODES, _NODES, indexing="ij")
    u, v = np.sqrt(a_) * x, c_ / np.sqrt(a_) * x + np.sqrt(b_ - c_**2 / a_) * y
    weights = np.outer(_WEIGHTS, _WEIGHTS) / (2 * np.pi)
    return float(np.sum(weights * _factor(first, u, s2) * _factor(second, v, t2)))


@given(
    first=st.sampled_from(SHAPES),
    second=st.sampled_from(SHAPES),
    a_=st.floats(0.1, 1.5),
    b_=st.floats(0.1, 1.5),
    rho=st.floats(-0.95, 0.95),
    s2=st.floats(0.7, 3),
    t2=st.floats(0.7, 3),
)
def test_the_families_are_the_integrals(
    first: Shape, second: Shape, a_: float, b_: float, rho: float, s2: float, t2: float
) -> None:
    c_ = rho * np.sqrt(a_ * b_)
    ours = _expression(family(first, second).form, a_, b_, c_, s2, t2)
    # the integrand is analytic with scale s ≥ 0.8 against standard deviations ≤ 1.3: 120 nodes leave below 1e-9
    assert ours == pytest.approx(_gauss_hermite(first, second, a_, b_, c_, s2, t2), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize(("first", "second", "squares"), CERTIFIED, ids=str)
def test_certificates_pass(first: Shape, second: Shape, squares: tuple[sp.Expr, sp.Expr]) -> None:
    checks = family_checks(family(first, second), squares)
    assert all(check.passed for check in checks)
    assert all(check.method == "symbolic" for check in checks)


def _altered(form: ArcsineForm, table: str, factor: Fraction) -> ArcsineForm:
    changed = {k: v * factor.numerator / factor.denominator for k, v in getattr(form, table).items()}
    return replace(form, **{table: changed})


@pytest.mark.parametrize("table", ["arcsine", "roots", "constants"])
@pytest.mark.parametrize("factor", [Fraction(2), Fraction(-1), Fraction(101, 100)])
def test_the_certificate_refutes_a_wrong_form(table: str, factor: Fraction) -> None:
    right = family(Shape("cdf", 1), Shape("cdf", 1))
    wrong = Family(right.first, right.second, right.order, right.elementary, _altered(right.form, table, factor))
    assert not all(check.passed for check in family_checks(wrong, (ONE, ONE)))


def test_the_heat_equation_refutes_a_wrong_elementary_expectation() -> None:
    """Price's identity alone cannot see an elementary expectation that is wrong from the start."""
    shape = Shape("cdf", 1)
    right = family(shape, shape)
    doubled = _altered(right.elementary, "roots", Fraction(2))
    form = doubled
    for _ in range(2):
        form = form.integral()
    checks = {
        check.statement: check.passed for check in family_checks(Family(shape, shape, 2, doubled, form), (ONE, ONE))
    }
    assert checks["∂^2S/∂c^2 = E[f''(u) g''(v)]"]
    assert not checks["∂S/∂a = E[f''(u) g(v)]/2"]


def test_price_check_refutes_t_for_s() -> None:
    terms = (Term(ONE, 1, NormalCdf(ONE)),)
    parts = bilinear(terms, terms)
    slopes = bilinear(differentiate(terms), differentiate(terms))
    assert price_check(parts, slopes, (ONE, ONE)).passed
    assert not price_check(parts, parts, (ONE, ONE)).passed
    doubled = [Part(2 * p.coefficient, p.rule, p.order, p.factors, p.family, p.squares, p.value) for p in slopes]
    assert not price_check(parts, doubled, (ONE, ONE)).passed


def test_zero_check_says_how_it_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    assert zero_check("x", (a + b) ** 2 - a**2 - 2 * a * b - b**2, [a, b]).method == "symbolic"
    assert not zero_check("x", sp.exp(c) - 1 - c, [a, b, c]).passed
    monkeypatch.setattr(sp, "simplify", lambda expr: expr)
    check = zero_check("x", sp.sinh(c) * 2 - sp.exp(c) + sp.exp(-c), [a, b, c])
    assert check.passed
    assert check.method.startswith("ball arithmetic")
    assert not zero_check("x", sp.sinh(c) * 2 - sp.exp(c) + sp.exp(-c) * (1 + sp.Rational(1, 10**30)), [a, b, c]).passed


def test_algebraic_zero_is_a_decision() -> None:
    def algebraically_zero(expr: sp.Expr) -> bool:
        field = field_of(expr)
        return field.vanishes(field.quotient(expr))

    root = sp.sqrt(p**2 * q**2 - c**2)
    assert algebraically_zero(root**3 - root * (p**2 * q**2 - c**2))
    assert not algebraically_zero(root**3 - root * (p**2 * q**2 + c**2))
    assert not algebraically_zero(sp.atan(c / root))


FORMS = st.builds(
    lambda arcs, roots, consts: ArcsineForm(
        {n: FIELD(v) for n, v in arcs.items() if v},
        {k: FIELD(v) for k, v in roots.items() if v},
        {(n, 0): FIELD(v) for n, v in consts.items() if v},
    ),
    st.dictionaries(st.integers(0, 3), st.integers(-5, 5), max_size=2),
    st.dictionaries(st.tuples(st.integers(-2, 3), st.integers(0, 1)), st.integers(-5, 5), max_size=3),
    st.dictionaries(st.integers(0, 3), st.integers(-5, 5), max_size=2),
)


@given(FORMS)
def test_the_integral_of_a_form_has_it_as_derivative_and_starts_at_zero(form: ArcsineForm) -> None:
    A = sp.Rational(7, 3) * sp.Rational(9, 4)
    values = {a: sp.Rational(4, 3), b: sp.Rational(5, 4), sigma: ONE, tau: ONE}
    arcsine, root = sp.asin(c / sp.sqrt(A)), sp.sqrt(A - c**2)
    integral = form.integral().expression(values, arcsine, root)
    difference = sp.diff(integral, c) - form.expression(values, arcsine, root)
    for point in (sp.Rational(-3, 2), sp.Rational(1, 7), sp.Rational(9, 5)):
        assert abs(sp.N(difference.subs(c, point), 40)) < 1e-30
    assert abs(sp.N(integral.subs(c, 0), 40)) < 1e-30


@given(
    st.lists(st.integers(-4, 4), max_size=3),
    st.lists(st.integers(-4, 4), max_size=3),
    st.lists(st.integers(-4, 4), max_size=3),
)
def test_the_integral_of_an_erf_form(erf: list[int], exponential: list[int], polynomial: list[int]) -> None:
    lists = [[sp.Integer(v) for v in values] for values in (erf, exponential, polynomial)]
    form = ErfForm(sp.Rational(3, 5), *lists)
    integral = form.integral().expression()
    difference = sp.diff(integral, c) - form.expression()
    for point in (sp.Rational(-3, 2), sp.Rational(1, 7)):
        assert abs(sp.N(difference.subs(c, point), 40)) < 1e-30
    assert integral.subs(c, 0) == 0


@pytest.mark.parametrize(
    ("n", "m", "value"), [(2, 2, a * b + 2 * c**2), (4, 0, 3 * a**2), (3, 1, 3 * a * c), (1, 2, 0)]
)
def test_isserlis(n: int, m: int, value: sp.Expr) -> None:
    assert sp.expand(sum(k * a**i * b**j * c**r for k, i, j, r in isserlis(n, m)) - value) == 0


@pytest.mark.parametrize("constant", ["sqrt(3)", "exp(1)", "sqrt(6)", "sqrt(sqrt(2))", "sqrt(log(2))"])
def test_constants_beyond_those_of_the_gaussian(constant: str) -> None:
    """√3, E, √6, 2^(1/4) and √log 2 are variables of the field of their own."""
    own = derivation(Network("own", (Activation("own", parse_expression(f"max(z,0) + {constant}*z")),)))
    assert own.verify().passed
