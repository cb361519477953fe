"""Road 1's numbers: against textbook formulas, against identities, at the ends of the domain."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from glutheory import DomainError, PrecisionError, activation, evaluate
from glutheory.activations import Activation, Z
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point
from glutheory.symbolic import evaluation
from glutheory.symbolic.duals import CLOSED as CLOSED_FORM
from glutheory.symbolic.duals import HERMITE, MIXTURE, dual
from glutheory.symbolic.evaluation import evaluate_balls
from tests.strategies import EXTRA, by_name, points
from tests.zoo import BALLS, BY_BALLS, CLOSED, LOGISTIC, READ, TAME, TEXTBOOK, ZOO

mp = mpmath.MPContext()
mp.dps = 60
INNER = [("1", "1", "0.3"), ("2", "0.5", "-0.9"), ("0.01", "30", "0.2"), ("1", "1", "0.999999"), ("4", "9", "-5.9999")]


@pytest.mark.parametrize("name", TEXTBOOK)
@pytest.mark.parametrize("point", INNER, ids=str)
def test_textbook_formulas(name: str, point: tuple[str, str, str]) -> None:
    ours = evaluate(name, *point, digits=40)
    # the reference cancels near ρ = ±1: 75 digits leave 45
    with precision(250):
        for value, expected in zip(ours, TEXTBOOK[name](*Point.of(*point).balls()[:3]), strict=True):
            assert abs(arb(mpmath.nstr(value, 60)) - expected) <= arb(10) ** -39 * abs(expected)


def _by_sampling_grid(act: Activation, a: float, b: float, c: float) -> float:
    """S by a 200 × 200 Gauss–Hermite rule in float64: for smooth activations at moderate variance."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(180)
    keep = weights > 1e-300
    nodes, weights = nodes[keep], weights[keep]
    f = sp.lambdify(Z, act.expr, ["scipy", "numpy"])
    x, y = np.meshgrid(nodes, nodes, indexing="ij")
    u, v = np.sqrt(a) * x, c / np.sqrt(a) * x + np.sqrt(b - c * c / a) * y
    return float(np.sum(np.outer(weights, weights) * f(u) * f(v)) / (2 * np.pi))


@pytest.mark.parametrize("act", [*ZOO, *EXTRA], ids=by_name)
def test_every_closed_form_against_a_product_rule(act: Activation) -> None:
    kinked = act.expr.has(sp.Max, sp.Min, sp.Abs, sp.Heaviside, sp.sign)
    for a, b, c in ((0.5, 0.75, 0.25), (1.0, 0.25, -0.375)):
        S, _ = evaluate(act, a, b, c, digits=15)
        # the rule is exact to rounding for entire functions; a kink leaves O(1/180), a jump O(1/√180)
        tolerance = 3e-2 if kinked else 1e-9
        assert float(S) == pytest.approx(_by_sampling_grid(act, a, b, c), abs=tolerance)


@given(act=st.sampled_from([*CLOSED, *EXTRA]), point=points())
def test_symmetry_and_cauchy_schwarz(act: Activation, point: Point) -> None:
    found = dual(act)
    S, T = evaluate_balls(found, point, 20)
    swapped = evaluate_balls(found, Point(point.b, point.a, point.c), 20)
    assert S.overlaps(swapped[0])
    assert T.overlaps(swapped[1]) or not T.is_finite()
    with precision(100):
        ends = [evaluate_balls(found, Point(v, v, v), 20)[0] for v in (point.a, point.b)]
        assert not ends[0] * ends[1] * (1 + arb(10) ** -18) < S * S


@given(act=st.sampled_from([*CLOSED, *EXTRA]), point=points())
def test_t_is_the_slope_of_s(act: Activation, point: Point) -> None:
    """Central differences in exact arithmetic: S(c+h) − S(c−h) = 2h·T(c) + O(h³)."""
    root = float(point.a * point.b) ** 0.5
    rho = float(point.c) / root
    if abs(rho) > 0.95 or isinstance(point.c, sp.Expr):
        return
    # the third derivative in c grows like (ab)^(−3/2)·S(1−ρ²)^(−5/2): with h this small the error is below 1e-12·scale
    h = Fraction(root) / 10**9
    found = dual(act)
    up, down = (evaluate_balls(found, Point(point.a, point.b, point.c + s * h), 45)[0] for s in (1, -1))
    T = evaluate_balls(found, point, 20)[1]
    with precision(200):
        slope = (up - down) / (2 * arb(h.numerator) / arb(h.denominator))
        scale = abs(T) + abs(up) / arb(root)
        assert abs(slope - T) < scale * arb("1e-9")


@pytest.mark.parametrize("name", LOGISTIC)
def test_the_logistic_family_in_known_cases(name: str) -> None:
    if name == "tanh":
        assert evaluate(name, 1, 1, 0, digits=30)[0] == 0
    if name == "silu":
        # odd part z/2: E[φ(u)φ(v)] − E[φ(u)φ(−v)] = c/2
        plus, minus = (mp.mpf(evaluate(name, 2, "0.5", c, digits=30)[0]) for c in ("0.3", "-0.3"))
        assert abs(plus - minus - mp.mpf("0.15")) < mp.mpf(10) ** -29
    if name == "sigmoid":
        assert evaluate(name, 3, 2, 0, digits=30)[0] == mpmath.mpf("0.25")
    if name == "softplus":
        # softplus' = sigmoid
        T = evaluate("softplus", 2, 1, "0.7", digits=30)[1]
        assert abs(T - evaluate("sigmoid", 2, 1, "0.7", digits=30)[0]) < mp.mpf(10) ** -29


def test_tanh_is_a_rescaled_sigmoid() -> None:
    """tanh(z) = 2σ(2z) − 1."""
    S, T = evaluate("tanh", 1, "0.5", "0.2", digits=30)
    s, t = map(mp.mpf, evaluate("sigmoid", 4, 2, "0.8", digits=30))
    assert abs(S - (4 * s - 1)) < mp.mpf(10) ** -29
    assert abs(T - 16 * t) < mp.mpf(10) ** -28


def test_silu_beta_interpolates_between_linear_and_relu() -> None:
    S, _ = evaluate(activation("silu", beta="1e-6"), 1, 1, "0.5", digits=20)
    assert abs(S - mp.mpf("0.125")) < 1e-6
    S, _ = evaluate(activation("silu", beta=1000), 1, 1, "0.5", digits=20)
    assert abs(S - evaluate("relu", 1, 1, "0.5", digits=20)[0]) < 1e-5
    # scaling: z σ(βz) = (βz) σ(βz)/β
    S, T = evaluate(activation("silu", beta="1.702"), 1, 2, "0.5", digits=25)
    beta = mp.mpf("1.702")
    square = Fraction("1.702") ** 2
    s, t = map(mp.mpf, evaluate("silu", square, 2 * square, square / 2, digits=25))
    assert abs(S - s / beta**2) < mp.mpf(10) ** -24
    assert abs(T - t) < mp.mpf(10) ** -24


ENDS = [
    ("relu", (1, 4, 2), ("1.0", "0.5")),
    ("relu", (1, 4, -2), ("0", "0")),
    ("abs", (1, 4, -2), ("2", "-1")),
    ("sign", (3, 3, 3), ("1", "inf")),
    ("step", (2, 2, -2), ("0", "inf")),
    ("step", (0, 2, 0), ("0.25", "inf")),
    ("relu", (0, 2, 0), ("0", "0.25")),
    ("leaky_relu", (0, 0, 0), ("0", "0.255025")),
    ("exp", (0, 2, 0), (str(mp.e), str(mp.e))),
    ("cos", (0, 0, 0), ("1", "0")),
    ("monomial3", (0, 5, 0), ("0", "0")),
    ("erf", (sp.sqrt(2), sp.sqrt(8), 2), None),
]


@pytest.mark.parametrize(("name", "point", "expected"), ENDS, ids=str)
def test_the_ends_of_the_domain(name: str, point: tuple[object, ...], expected: tuple[str, str] | None) -> None:
    found = evaluate(name, *point, digits=30)
    if expected is None:
        reference = evaluate(
            name, *(mp.mpf(sp.N(x, 60)) * (1 - mp.mpf(10) ** -45 * (i == 2)) for i, x in enumerate(point)), digits=25
        )
        assert abs(found[0] - reference[0]) < mp.mpf(10) ** -20
        return
    for value, text in zip(found, expected, strict=True):
        assert mpmath.isinf(value) if text == "inf" else abs(value - mp.mpf(text)) < mp.mpf(10) ** -29


@given(point=points(-12, 6), act=st.sampled_from([act for act in TAME if act.name not in BY_BALLS]))
def test_extreme_variances_give_their_digits(act: Activation, point: Point) -> None:
    _has_its_digits(act, point)


@pytest.mark.slow
@given(point=points(-12, 6), act=st.sampled_from([act for act in TAME if act.name in BY_BALLS]))
def test_extreme_variances_of_kinks_anywhere_give_their_digits(act: Activation, point: Point) -> None:
    """Kinks at 1, say, make values like exp(-1/a) of a small variance a."""
    _has_its_digits(act, point)


def test_the_exponent_of_a_value_costs_working_precision() -> None:
    """About exp(-5e10): 36 bits, and as many as 1 + ρ = 1e-15 costs."""
    a, b, near = Fraction(3460), Fraction(283_000), 1 - Fraction(1, 10**15)
    c = -near * Fraction(math.sqrt(a * b)) * (1 - Fraction(1, 2**50))
    _has_its_digits(activation("jump_relu"), Point.of(a, b, c))


def _has_its_digits(act: Activation, point: Point) -> None:
    S, T = evaluate_balls(dual(act), point, 30)
    for value in (S, T):
        assert not value.is_nan()
        assert value.rel_accuracy_bits() >= 100 or value.contains(0) or not value.is_finite()


@pytest.mark.parametrize("name", ["shifted_relu", "jump_relu", "hard_swish"])
@pytest.mark.parametrize("variance", ["1e-3", "1e-6"])
def test_kinks_away_from_zero_at_small_variances(name: str, variance: str) -> None:
    """In milliseconds: the working precision must not grow with the exponent of a value like exp(-1/a)."""
    a = Fraction(variance)
    for rho in (Fraction(3, 10), Fraction(-7, 10), Fraction(1)):
        _has_its_digits(activation(name), Point(a, a, rho * a))
    S, T = evaluate_balls(dual(activation("shifted_relu")), Point(a, a, a), 30)
    with precision(200):
        # E[(u−1)²₊] = (1+a)Φ(−1/√a) − √a φ(1/√a), E[1{u>1}] = Φ(−1/√a), the tail by its own relative accuracy
        x = 1 / arb(a.numerator) * a.denominator
        tail, density = (x / 2).sqrt().erfc() / 2, (-x / 2).exp() / (2 * arb.pi() * x).sqrt()
        assert T.overlaps(tail)
        assert S.overlaps((1 + 1 / x) * tail - density)


@pytest.mark.parametrize("rho", [Fraction(3, 10), Fraction(-99, 100), Fraction(1)])
@pytest.mark.parametrize("variance", ["1e-4", "1e-6", "1"])
def test_kinks_on_the_other_side_of_a_flat_piece(variance: str, rho: Fraction) -> None:
    """(−z−1)₊, (|z|−1)₊ and 3 − (|z|−1)₊ by (z−1)₊: in milliseconds too; nearly 1 less nearly 1 hung."""
    a = Fraction(variance)

    def values(expr: sp.Expr, c: Fraction) -> tuple[mpmath.mpf, mpmath.mpf]:
        return evaluate(Activation("own", expr), a, a, c, digits=30)

    S, T = (mp.mpf(value) for value in values(sp.Max(0, Z - 1), rho * a))
    other_S, other_T = (mp.mpf(value) for value in values(sp.Max(0, Z - 1), -rho * a))
    gap = sp.Max(0, sp.Abs(Z) - 1)
    wanted = {sp.Max(0, -Z - 1): (S, T), gap: (2 * (S + other_S), 2 * (T - other_T))}
    for expr, pair in wanted.items():
        for found, value in zip(values(expr, rho * a), pair, strict=True):
            assert abs(found - value) <= mp.mpf(10) ** -28 * abs(value)
    # 3 around 0: the same T, and a mean that small variances do not change
    assert values(3 - gap, rho * a)[1] == values(gap, rho * a)[1]


def test_relative_accuracy_survives_the_cancellation_at_minus_one() -> None:
    """ReLU near ρ = −1: S ~ √(ab)(π−θ)³/(6π) is tiny and still has all its digits."""
    rho = -1 + Fraction(1, 10**20)
    S, _ = evaluate("relu", 1, 1, rho, digits=30)
    gap = mp.mpf(10) ** -20
    angle = mp.acos(1 - gap)
    expected = (mp.sin(angle) - angle * mp.cos(angle)) / (2 * mp.pi)
    assert abs(S - expected) < abs(expected) * mp.mpf(10) ** -25
    assert S < 1e-29


@pytest.mark.parametrize("digits", [1, 15, 50, 300])
def test_the_digits_asked_for_are_had(digits: int) -> None:
    S, T = evaluate_balls(dual(activation("gelu")), Point.of("2", "0.5", "0.3"), digits)
    assert min(S.rel_accuracy_bits(), T.rel_accuracy_bits()) >= 3.32 * digits


def test_the_result_does_not_depend_on_the_global_precision() -> None:
    before = mpmath.mp.dps
    try:
        mpmath.mp.dps = 5
        low = evaluate("silu", 1, 1, "0.5", digits=30)
        mpmath.mp.dps = 50
        assert low == evaluate("silu", 1, 1, "0.5", digits=30)
    finally:
        mpmath.mp.dps = before


BAD = [
    (("relu", 1, 1, "nan"), "c is 'nan'"),
    (("relu", float("inf"), 1, 0), "a is inf"),
    (("relu", -1, 1, 0), "a is -1: it is a variance"),
    (("relu", 1, 1, "1.5"), r"= 1.0 for a = 1, b = 1; give a smaller \|c\|\.$"),
    (("relu", 0.7, 0.3, math.nextafter(math.sqrt(0.7 * 0.3), 1)), r"a smaller \|c\| \(\|ρ\| = 1 exactly needs strings"),
    (("relu", 2, sp.pi, 3), r"give a smaller \|c\|\.$"),
    (("relu", 1, 0, "0.5"), "c is 1/2: it must be 0"),
]


@pytest.mark.parametrize(("arguments", "fragment"), BAD, ids=str)
def test_bad_points(arguments: tuple[Any, ...], fragment: str) -> None:
    with pytest.raises(DomainError, match=fragment):
        evaluate(*arguments)


@pytest.mark.parametrize("digits", [0, -3, 10**7, 2.5, "20", True])
def test_bad_digits(digits: object) -> None:
    with pytest.raises(DomainError, match="digits is"):
        evaluate("relu", 1, 1, 0, digits=digits)  # type: ignore[arg-type]


def test_symbolic_parameters_are_for_formulas_not_for_numbers() -> None:
    slope = sp.Symbol("slope", real=True)
    leaky = activation("leaky_relu", slope=slope)
    assert slope in dual(leaky).S.free_symbols
    assert all(check.passed for check in dual(leaky).checks())
    with pytest.raises(DomainError, match="symbolic parameter slope"):
        evaluate(leaky, 1, 1, 0)
    half = evaluate(activation("leaky_relu", slope="1/2"), 1, 2, "0.3", digits=20)[0]
    a, b, c = sp.Integer(1), sp.Integer(2), sp.Rational(3, 10)
    names = {str(s): s for s in dual(leaky).S.free_symbols}
    value = dual(leaky).S.subs({names["a"]: a, names["b"]: b, names["c"]: c, slope: sp.Rational(1, 2)})
    assert abs(half - mp.mpf(sp.N(value, 40))) < mp.mpf(10) ** -19


def test_a_precision_error_carries_what_was_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "MAX_BITS", 64)
    with pytest.raises(PrecisionError, match="digits is 30") as caught:
        evaluate("relu", 1, 1, -1 + Fraction(1, 10**60), digits=30)
    S, T = caught.value.reached
    assert S.is_finite()
    assert T.is_finite()


@pytest.mark.parametrize("act", [*READ, *EXTRA], ids=by_name)
def test_every_certificate_passes(act: Activation) -> None:
    """Symbolically, but for the closed forms of several or shifted kinks and of exponentials on half-lines."""
    checks = dual(act).checks()
    assert checks
    assert all(check.passed for check in checks)
    if act in ZOO:
        assert {check.method for check in checks} == {BALLS if act.name in BY_BALLS else "symbolic"}


def test_methods() -> None:
    assert {act.name for act in ZOO if dual(act).method == MIXTURE} == set(LOGISTIC)
    assert all(dual(act).method == CLOSED_FORM for act in (*CLOSED, *EXTRA))
    assert dual(Activation("u", sp.erf(Z) ** 2)).method == HERMITE
    assert dual(Activation("u", sp.Max(0, Z) + sp.exp(-((Z - 1) ** 2)))).method == HERMITE
