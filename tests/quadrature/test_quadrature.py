"""Road 2 against references that share nothing with it: textbook formulas, a plain grid, difference quotients."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import sympy as sp
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from glutheory.activations import Activation, Z, activation
from glutheory.errors import DomainError, ExpressionError, PrecisionError
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point
from glutheory.quadrature import enclose, jets, toeplitz
from glutheory.quadrature.compiled import compiled
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.line import Function
from glutheory.quadrature.model import model, slope_terms
from glutheory.quadrature.panels import panelled
from glutheory.quadrature.reduction import reduced
from glutheory.quadrature.rules import smooth_means
from glutheory.quadrature.strips import strips
from tests.strategies import EXTRA, by_name, named, points, variances
from tests.zoo import CLOSED, JUMPS, LOGISTIC, ROWS, TEXTBOOK, ZOO

BITS = 200


# ---------------------------------------------------------------- textbook formulas, in the angle θ, as balls

HARD = [
    ("1", "1", "0.3"),
    ("2", "0.5", "-0.999"),
    ("1", "1", "1"),
    ("0.25", "0.25", "-0.25"),
    ("3", "7", "0"),
    ("1", "1", "0.9999999999"),
    ("1", "1", "-0.9999999999"),
    ("1e-12", "1e-12", "0.5e-12"),
    ("1e-12", "100", "9e-6"),
    ("0.01", "100", "-0.5"),
    ("100", "100", "99.9999"),
]


def exact_balls(a: str, b: str, c: str) -> tuple[arb, arb, arb]:
    return Point.of(a, b, c).balls()[:3]


def scale_of(name: str, a: str, b: str) -> list[float]:
    """√(S(a,a,a)S(b,b,b)) and the same with T, from the textbook."""
    first, second = TEXTBOOK[name](*exact_balls(a, a, a)), TEXTBOOK[name](*exact_balls(b, b, b))
    return [math.sqrt(float(x) * float(y)) for x, y in zip(first, second, strict=True)]


@pytest.mark.parametrize("point", HARD, ids=str)
@pytest.mark.parametrize("name", TEXTBOOK)
def test_textbook_formulas(name: str, point: tuple[str, str, str]) -> None:
    with precision(BITS):
        found = enclose(name, *point, digits=30)
        expected = TEXTBOOK[name](*exact_balls(*point))
        for ball, truth, scale in zip(found, expected, scale_of(name, *point[:2]), strict=True):
            if not truth.is_finite():
                assert ball == arb.pos_inf()
                continue
            assert ball.overlaps(truth)
            limit = 1.0001e-30 * (scale if math.isfinite(scale) else float(abs(truth)))
            assert float(ball.rad()) <= limit
            # negative control: a value off by a few parts in 10^29 of the scale is not in the ball
            assert not ball.contains(truth + 100 * limit)


@pytest.mark.parametrize("name", ["relu", "step", "exp", "gaussian", "cos"])
@pytest.mark.parametrize("size", ["1e-12", "1e4", "1e6"])
def test_extreme_variances(name: str, size: str) -> None:
    c = Fraction(size) * Fraction(3, 10)
    with precision(BITS):
        a = exact_balls(size, size, "0")[0]
        expected = TEXTBOOK[name](a, a, a * 3 / 10)
        for ball, truth, scale in zip(
            enclose(name, size, size, c, digits=20), expected, TEXTBOOK[name](a, a, a), strict=True
        ):
            assert ball.overlaps(truth)
            limit = (scale if scale.is_finite() else truth) * arb("1e-20")
            assert ball.rad() <= limit * arb("1.001")


# ---------------------------------------------------------------- a plain grid in float64, for the smooth ones

FLOAT = {name: row.arrays for name, row in ROWS.items() if row.arrays}


def grid_mean(f: Callable[..., np.ndarray], a: float, b: float, rho: float) -> float:
    """E[f(u)f(v)] by a trapezoidal rule in (x, y), u = √a x, v = √b(ρx + √(1−ρ²)y), on [−9, 9]²."""
    step = 0.02
    x = step * np.arange(-450, 451)
    weight = np.exp(-x * x / 2) / math.sqrt(2 * math.pi) * step
    v = math.sqrt(b) * (rho * x[:, None] + math.sqrt((1 - rho) * (1 + rho)) * x[None, :])
    return float(np.sum(weight * f(math.sqrt(a) * x) * (f(v) @ weight)))


@pytest.mark.parametrize("name", FLOAT)
@pytest.mark.parametrize(
    ("a", "b", "rho"),
    [
        (1, 1, 0.25),
        (0.5, 2, -0.75),
        (4, 0.0625, 0.5),
        (100, 100, 0.5),
        (1, 1, 1),
        (1, 1, -1),
        (1, 1, 1 - 2**-33),
        (1, 1, -1 + 2**-33),
        (2.0**-40, 2.0**-40, 0.5),
        (1, 1, 0),
        (0, 1, 0),
        (0, 0, 0),
    ],
)
def test_a_plain_grid(name: str, a: float, b: float, rho: float) -> None:
    found = enclose(name, a, b, Fraction(rho) * Fraction(math.sqrt(a * b)), digits=20)
    for ball, f in zip(found, FLOAT[name], strict=True):
        expected = grid_mean(f, a, b, rho)
        size = math.sqrt(grid_mean(f, a, a, 1) * grid_mean(f, b, b, 1))
        assert abs(float(ball) - expected) <= 4e-14 * size
        assert float(ball.rad()) <= 1.0001e-20 * size


def test_the_grid_would_notice() -> None:
    wrong = grid_mean(FLOAT["silu"][0], 1, 1, 0.25 + 1e-9)
    assert abs(float(enclose("silu", 1, 1, 0.25)[0]) - wrong) > 1e-11


# ---------------------------------------------------------------- identities that every dual obeys


@settings(max_examples=40)
@given(st.sampled_from(ZOO), points())
def test_narrow_symmetric_and_bounded(act: Activation, point: Point) -> None:
    digits = 20
    found = enclose(act, point.a, point.b, point.c, digits=digits)
    swapped = enclose(act, point.b, point.a, point.c, digits=digits)
    first = enclose(act, point.a, point.a, point.a, digits=digits)
    second = enclose(act, point.b, point.b, point.b, digits=digits)
    for ball, other, one, two in zip(found, swapped, first, second, strict=True):
        if not ball.is_finite():
            assert ball == other == one == two == arb.pos_inf()
            continue
        assert ball.overlaps(other)
        bound = (one * two).sqrt()  # Cauchy–Schwarz
        if bound.is_finite():
            assert not abs(ball) > bound
            assert ball.rad() <= bound.upper() * 1.0001e-20
        else:
            assert ball.rad() <= abs(ball).upper() * 1.0001e-20


@settings(max_examples=40)
@given(st.sampled_from(ZOO + EXTRA), variances(), variances(), st.integers(-9, 9))
def test_price(act: Activation, a: Fraction, b: Fraction, tenths: int) -> None:
    """T = ∂S/∂c, by a difference quotient of enclosures."""
    root = Fraction(math.isqrt(int(a * b * 10**12)), 10**6)
    c, h = root * tenths / 10, root / 10**9
    with precision(BITS):
        above, below = enclose(act, a, b, c + h, digits=36)[0], enclose(act, a, b, c - h, digits=36)[0]
        quotient = (above - below) / (2 * h.numerator) * h.denominator
        value, slope = enclose(act, a, b, c, digits=25)
        size = float(abs(slope).upper()) + float(abs(value).upper()) / float(root)
        spread = math.sqrt(float(enclose(act, a, a, a, digits=5)[0]) * float(enclose(act, b, b, b, digits=5)[0]))
        assert abs(float(quotient - slope)) <= 1e-13 * (size + spread / float(root))


@settings(max_examples=15)
@given(
    st.sampled_from([a for a in CLOSED if a.name in ("gelu", "erf", "gaussian", "normal_cdf", "cos")]), points(-1, 1)
)
def test_three_rules_agree(act: Activation, point: Point) -> None:
    """The lattice, the reduction to one dimension and the panels share no error bound."""
    if abs(point.delta) < Fraction(1, 100) * point.a * point.b:
        return
    found, logs = model(act.expr), (-60.0, -60.0)
    lattice = smooth_means(point, found.whole.functions, logs)
    with precision(BITS):
        frame = Frame.of(point)
        part = found.whole
        panels = panelled(frame, (part.value, part.slope), logs)
        reductions = [
            reduced(frame, part.value, part.value, part.terms or (), -60.0),
            reduced(frame, part.slope, part.slope, slope_terms(part), -60.0),
        ]
        assert lattice is not None
        assert panels is not None
        for one, two, three in zip(lattice, panels, reductions, strict=True):
            assert one.overlaps(two)
            assert one.overlaps(three)
            assert max(float(ball.rad()) for ball in (one, two, three)) < 1e-24


@pytest.mark.parametrize("name", LOGISTIC)
@pytest.mark.parametrize(("a", "b", "c"), [(1, 1, "0.3"), ("0.1", 3, "-0.4"), (2, 2, "1.9")])
def test_the_logistic_family_by_lattice_and_panels(name: str, a: object, b: object, c: object) -> None:
    point, part = Point.of(a, b, c), model(activation(name).expr).whole
    lattice = smooth_means(point, part.functions, (-65.0, -65.0))
    with precision(BITS):
        panels = panelled(Frame.of(point), (part.value, part.slope), (-65.0, -65.0))
    assert lattice is not None
    assert panels is not None
    for one, two in zip(lattice, panels, strict=True):
        assert one.overlaps(two)
        assert float(one.rad() + two.rad()) < 1e-27


@pytest.mark.parametrize("module", [toeplitz, jets], ids=["lattice", "diagonal"])
@pytest.mark.parametrize("coarser", [1, 1.5, 2.5])
@pytest.mark.parametrize("name", ["tanh", "gelu", "gaussian"])
def test_error_bounds_cover_coarse_rules(module: ModuleType, coarser: float, name: str) -> None:
    """A step too large by a factor: the true error grows with the proved bound and never beyond it."""
    part = model(activation(name).expr).whole
    point, logs = Point.of(9, 9, "8.999"), (-25.0, -25.0)
    family = strips(part.functions)
    truth = enclose(name, 9, 9, "8.999", digits=40)
    with precision(BITS):
        frame = Frame.of(point)
        made = module.plan(frame, family, logs)
        assert made is not None
        made = replace(made, h=made.h * coarser)
        run = compiled(part.functions)
        values = (
            module.double_sum(frame, run.values(), made, (-60.0, -60.0))
            if module is toeplitz
            else (module.double_sum(frame, run, made, 2))
        )
        for i in range(2):
            bound = module.error(frame, family, made, i)
            assert abs(values[i] - truth[i]) <= bound
            assert abs(values[i] - truth[i]) > 1e-30  # the error is there: the bound is not vacuous
            assert coarser > 1 or bound < math.exp(-20)


# ---------------------------------------------------------------- beyond the zoo


def expression(expr: sp.Expr) -> Activation:
    return Activation(str(expr), expr)


GELU_TANH = Z * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * (Z + sp.Rational(44715, 10**6) * Z**3))) / 2
OTHERS: list[tuple[sp.Expr, Callable[..., np.ndarray]]] = [
    (sp.erf(Z) ** 2, lambda z: erf(z) ** 2),
    (sp.sqrt(1 + Z**2), lambda z: np.sqrt(1 + z * z)),
    (Z * sp.tanh(sp.log(1 + sp.exp(Z))), lambda z: z * np.tanh(np.logaddexp(0, z))),
    (sp.atan(Z), np.arctan),
    (GELU_TANH, lambda z: z * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))) / 2),
    (1 / sp.cosh(Z), lambda z: 1 / np.cosh(z)),
    (sp.sin(Z**2), lambda z: np.sin(z * z)),
]


@pytest.mark.parametrize(("expr", "f"), OTHERS, ids=named)
@pytest.mark.parametrize(("a", "b", "rho"), [(1, 1, 0.25), (0.5, 2, -0.75), (1, 1, 1), (0.25, 1, 0)])
def test_users_smooth_functions(expr: sp.Expr, f: Callable[..., np.ndarray], a: float, b: float, rho: float) -> None:
    ball = enclose(expression(expr), a, b, Fraction(rho) * Fraction(math.sqrt(a * b)), digits=20)[0]
    assert abs(float(ball) - grid_mean(f, a, b, rho)) < 1e-13
    assert float(ball.rad()) < 1e-19


def test_a_shifted_ramp() -> None:
    """max(0, z−1) = ramp of a shifted Gaussian: S by one mpmath integral over u, T by the bivariate normal law."""
    import mpmath

    act = expression(sp.Max(0, Z - 1))
    value, slope = enclose(act, 2, 1, "0.8", digits=20)
    context: Any = mpmath.MPContext()
    context.dps = 25
    r = context.mpf(1) - context.mpf("0.32")

    def inner(u: Any) -> Any:
        m, s = context.mpf("0.4") * u - 1, context.sqrt(r)
        return m * context.ncdf(m / s) + s * context.npdf(m / s)

    def outer(u: Any) -> Any:
        return (u - 1) * inner(u) * context.npdf(u, 0, context.sqrt(2))

    def tail(u: Any) -> Any:
        return context.ncdf((context.mpf("0.4") * u - 1) / context.sqrt(r)) * context.npdf(u, 0, context.sqrt(2))

    assert abs(float(value) - float(context.quad(outer, [1, 3, 6, 12, 20]))) < 1e-15
    assert abs(float(slope) - float(context.quad(tail, [1, 3, 6, 12, 20]))) < 1e-15
    shifted = enclose(expression(sp.Heaviside(Z - 1)), 2, 1, "0.8", digits=20)
    assert shifted[0].overlaps(slope)
    density = context.exp(-(context.mpf(1) + 2 - 2 * context.mpf("0.8")) / (2 * context.mpf("1.36")))
    assert abs(float(shifted[1]) - float(density / (2 * context.pi * context.sqrt("1.36")))) < 1e-15
    assert enclose(expression(sp.Heaviside(Z - 1)), 1, 1, -1)[1] == 0
    assert enclose(expression(sp.Heaviside(Z - 1)), 1, 1, 1)[1] == arb.pos_inf()


@pytest.mark.parametrize("point", [(1, 1, "0.4"), (2, "0.5", "-0.9"), (1, 1, 1), (1, 1, -1), (1, 3, 0)], ids=str)
def test_bilinearity(point: tuple[Any, Any, Any]) -> None:
    """|z|·tanh(z) (panels), relu + tanh (mixed): polarised from pieces that other rules do."""
    relu, tanh = sp.Max(0, Z), sp.tanh(Z)
    plus = enclose(expression(relu + tanh), *point, digits=25)
    minus = enclose(expression(relu - tanh), *point, digits=25)
    alone = [enclose(name, *point, digits=25) for name in ("relu", "tanh")]
    for i in range(2):
        assert (plus[i] + minus[i]).overlaps(2 * (alone[0][i] + alone[1][i]))
        assert float(plus[i].rad()) < 1e-24
    # an even and an odd function are uncorrelated: (f + g) with f even, g odd
    even, odd = sp.Abs(Z) * sp.exp(-(Z**2)), sp.Abs(Z) * sp.tanh(Z)
    both = enclose(expression(sp.expand(even + odd)), *point, digits=20)
    parts = [enclose(expression(part), *point, digits=20) for part in (even, odd)]
    for i in range(2):
        assert both[i].overlaps(parts[0][i] + parts[1][i])


def test_jumps_of_mixed_functions() -> None:
    act = expression(sp.Heaviside(Z) * sp.tanh(Z + 1))  # no normal form, a jump and a slope
    with precision(BITS):
        h = Fraction(1, 10**9)
        quotient = (
            enclose(act, 1, 2, "0.500000001", digits=36)[0] - enclose(act, 1, 2, "0.499999999", digits=36)[0]
        ) / 2
        slope = enclose(act, 1, 2, "0.5", digits=20)[1]
        assert abs(float(quotient * h.denominator - slope)) < 1e-15
        assert slope.rad() < slope * 1.0001e-20


# ---------------------------------------------------------------- conventions, precision, refusals


def test_zero_variances() -> None:
    assert enclose("relu", 0, 1, 0)[0] == 0
    assert enclose("relu", 0, 1, 0)[1].overlaps(arb(1) / 4)
    assert enclose("abs", 0, 0, 0) == (arb(0), arb(0))
    assert enclose("step", 0, 0, 0) == (arb(1) / 4, arb.pos_inf())
    assert enclose("step", 0, 2, 0)[1] == arb.pos_inf()
    assert enclose("sigmoid", 0, 0, 0) == (arb(1) / 4, arb(1) / 16)
    assert enclose("exp", 0, 2, 0, digits=15)[0].overlaps(arb(1).exp())
    assert enclose(expression(-sp.sign(Z) + Z), 0, 0, 0)[1] == arb.pos_inf()
    assert enclose(expression(sp.Max(0, Z + 1)), 0, 0, 0) == (arb(1), arb(1))
    shifted = enclose(expression(sp.Heaviside(Z - 1)), 4, 0, 0)
    assert shifted == (arb(0), arb(0))


@pytest.mark.parametrize("digits", [1, 7, 40, 80])
def test_digits(digits: int) -> None:
    for name in ("silu", "relu", "gelu"):
        low, high = enclose(name, 1, 2, "0.5", digits=digits), enclose(name, 1, 2, "0.5", digits=digits + 25)
        for coarse, fine in zip(low, high, strict=True):
            assert coarse.contains(fine)
            assert fine.rad() < coarse.rad() * 1e-20
            assert float(coarse.rad()) < 10.0**-digits


def test_exact_arguments() -> None:
    root = enclose("silu", 2, 3, sp.sqrt(6))
    near = enclose("silu", 2, 3, Fraction(math.isqrt(6 * 10**60), 10**30))
    assert abs(float(root[0] - near[0])) < 1e-25
    assert enclose("tanh", sp.pi, sp.E, 1)[0].overlaps(enclose("tanh", sp.E, sp.pi, 1)[0])
    assert enclose(activation("silu", beta=2), 1, 1, "0.5")[0].overlaps(enclose("silu", 4, 4, 2)[0] / 4)


def test_nearly_degenerate_constants() -> None:
    tiny = sp.Rational(1, 10**80)  # the determinant is far below the working precision
    a, b, c = sp.sqrt(2), sp.sqrt(2) / 4, sp.sqrt(2) / 2
    for one, two in zip(enclose("tanh", a, b, c - tiny), enclose("tanh", a, b, c), strict=True):
        assert one.overlaps(two)
        assert float(one.rad()) < 1e-29


def test_work_limits() -> None:
    # a kink that is no closed form, |ρ| so near 1 that the panels would be too many
    act = expression(sp.Abs(Z) * sp.tanh(Z))
    with pytest.raises(PrecisionError, match="30 digits") as caught:
        enclose(act, 1, 1, 1 - Fraction(1, 10**12))
    value, slope = caught.value.reached
    exact = enclose(act, 1, 1, 1)
    assert value.contains(exact[0])
    assert slope.contains(exact[1])
    # underflow beyond any scale: still correct balls
    with pytest.raises(PrecisionError) as caught:
        enclose(expression(sp.Max(0, Z - 1)), "1e-12", "1e-12", 0)
    assert caught.value.reached[0].contains(0)
    assert float(caught.value.reached[0].rad()) < 1e-20


def test_refusals() -> None:
    with pytest.raises(DomainError, match="symbol s"):
        enclose(activation("leaky_relu", slope=sp.Symbol("s", real=True)), 1, 1, 0)
    with pytest.raises(DomainError, match="c is"):
        enclose("relu", 1, 1, 2)
    with pytest.raises(DomainError, match="digits"):
        enclose("relu", 1, 1, 0, digits=0)
    for expr in (1 / Z, sp.exp(Z**2), sp.Max(0, Z**2 - 1), sp.sqrt(sp.Max(0, Z))):
        with pytest.raises(ExpressionError):
            enclose(expression(expr), 1, 1, 0)


def test_road_two_does_not_know_road_one() -> None:
    import ast
    from pathlib import Path

    import glutheory.quadrature

    for path in Path(glutheory.quadrature.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.startswith(("glutheory.symbolic", "glutheory.sampling")) for name in names)


def test_functions_know_their_deltas() -> None:
    part = model(activation("step").expr).whole
    assert part.slope.singular
    assert not part.value.singular
    assert part.slope == Function((sp.S.Zero,), (sp.S.Zero, sp.S.Zero), (sp.S.One,))


@pytest.mark.slow
@pytest.mark.parametrize("act", ZOO, ids=by_name)
@pytest.mark.parametrize("rho", ["0.3", "-0.9", "0.999999", "-0.999999999999", "1"])
@pytest.mark.parametrize(("a", "b"), [("1e4", "1e4"), ("1e6", "1e6"), ("1e-12", "1e6"), ("1", "1e6")])
def test_the_whole_range(act: Activation, a: str, b: str, rho: str) -> None:
    root = sp.sqrt(sp.Rational(a) * sp.Rational(b))
    value, slope = enclose(act, a, b, sp.Rational(rho) * root)
    assert value.is_finite()
    assert slope.is_finite() or act.name in JUMPS
