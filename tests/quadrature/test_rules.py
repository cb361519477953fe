"""Road 2 against itself: identities of every dual, rules that agree, error bounds that cover the errors."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from types import ModuleType

import pytest
import sympy as sp
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from glutheory.activations import Activation, activation
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
from tests.quadrature.references import BITS
from tests.strategies import EXTRA, points, variances
from tests.zoo import CLOSED, LOGISTIC, ZOO

# ---------------------------------------------------------------- identities that every dual obeys


@pytest.mark.slow
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
        else:  # T of jumps has no scale: of its own size, or absolutely where it may be 0
            assert ball.rad() <= (1 if ball.contains(0) else abs(ball).upper()) * 1.0001e-20


@pytest.mark.slow
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


@pytest.mark.long
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
        panels = panelled(frame, (part.value, part.slope), logs, 10**7)
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
@pytest.mark.parametrize(
    ("a", "b", "c"),
    [
        ("0.1", 3, "-0.4"),
        (1, 1, "0.3"),
        (2, 2, "1.9"),
    ],
)
@pytest.mark.slow
def test_the_logistic_family_by_lattice_and_panels(name: str, a: object, b: object, c: object) -> None:
    point, part = Point.of(a, b, c), model(activation(name).expr).whole
    lattice = smooth_means(point, part.functions, (-65.0, -65.0))
    with precision(BITS):
        panels = panelled(Frame.of(point), (part.value, part.slope), (-65.0, -65.0), 10**7)
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
        values = (
            module.double_sum(frame, part.functions, made, (-60.0, -60.0))
            if module is toeplitz
            else module.double_sum(frame, compiled(part.functions), made, 2)
        )
        for i in range(2):
            bound = module.error(frame, family, made, i)
            assert abs(values[i] - truth[i]) <= bound
            assert abs(values[i] - truth[i]) > 1e-30  # the error is there: the bound is not vacuous
            assert coarser > 1 or bound < math.exp(-20)


@pytest.mark.parametrize("name", ["gelu", "sin", "silu", "exp", "monomial3"])
@pytest.mark.parametrize("c", ["0.3", "-1.9"])
def test_small_values_with_fewer_bits(name: str, c: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lattice's sums as at high precision, at a low one: the same to all but the guard bits."""
    point, functions = Point.of(1, 4, c), model(activation(name).expr).whole.functions
    found = []
    for many in (10**6, 0):
        monkeypatch.setattr(toeplitz, "_MANY_BITS", many)
        with precision(400):
            frame = Frame.of(point)
            made = toeplitz.plan(frame, strips(functions), (-150.0, -150.0))
            assert made is not None
            found.append(toeplitz.double_sum(frame, functions, made, (-150.0, -150.0)))
    with precision(400):
        for one, two in zip(*found, strict=True):
            assert one.overlaps(two)
            assert max(one.rad(), two.rad()) < 1e-62


# ---------------------------------------------------------------- conventions, precision, refusals


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
