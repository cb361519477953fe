"""The curves over ρ against the derived formulas, the defining integral and difference quotients."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import glutheory as glu
from glutheory.activations import Activation, activation
from glutheory.errors import DomainError
from glutheory.figures.chart import Role
from glutheory.studies.kernel import KernelStudy, charts, kernel_study, text
from glutheory.studies.kernel.curves import Curves, curves
from glutheory.studies.kernel.text import remark
from glutheory.terminal import Terminal
from tests.strategies import by_name
from tests.zoo import FAST_CLOSED, FAST_LOGISTIC

SIZES = (0.0, 1e-9, 0.03, 1 / 32, 0.2, 0.7, 0.99, 1 - 1e-7, 1 - 1e-12, 1.0)
RHO = np.unique([sign * size for size in SIZES for sign in (-1, 1)])
#: A few, for the activations whose digits take a tenth of a second each.
FEW = np.array([-1, -1 + 1e-12, 0.03, 0.5, 1])
VARIANCES = ((1.0, 1.0), (0.25, 4.0), (2.0**-20, 2.0**-20), (64.0, 64.0))
#: The bound of `gram`; its own errors are about 5e-16. exp of a variance 64 multiplies the rounding of √a by 4·64.
CLOSE = 1e-14


def exact(act: Activation, a: float, b: float, rho: float) -> tuple[float, float, float, float]:
    """S, T, K and K̃ from the derived formula; all variances here are squares of powers of two, so that c is exact."""
    c = Fraction(rho) * Fraction(math.sqrt(a * b))
    S, T = glu.evaluate(act, Fraction(a), Fraction(b), c, digits=25)
    m = mpmath.mpf(c.numerator) / c.denominator
    return float(S), float(T), float(S + m * T), float(2 * m * S + m**2 * T)


def scales(act: Activation, a: float, b: float) -> list[float]:
    """√(f(x,x) f(x',x')) of the four: what errors are measured by; inf where φ jumps."""
    own, other = exact(act, a, a, 1.0), exact(act, b, b, 1.0)
    return [math.sqrt(x * y) for x, y in zip(own, other, strict=True)]


def hold(act: Activation, rho: np.ndarray, a: float, b: float) -> None:
    found, sizes = curves(act, rho, a, b), scales(act, a, b)
    for i, point in enumerate(rho):
        for name, column, value, size in zip(
            ("S", "T", "K", "K̃"), found.columns, exact(act, a, b, float(point)), sizes, strict=True
        ):
            if math.isinf(value):
                assert column[i] == value, (name, point)
            else:
                # where φ jumps there is no finite scale, and T is accurate relative to itself
                size = size if math.isfinite(size) else max(1.0, abs(value))
                assert abs(column[i] - value) <= CLOSE * size, (name, point, column[i], value)


@pytest.mark.parametrize(("a", "b"), VARIANCES)
@pytest.mark.parametrize("act", FAST_CLOSED, ids=by_name)
def test_closed_forms(act: Activation, a: float, b: float) -> None:
    hold(act, RHO, a, b)


@pytest.mark.parametrize("name", ["silu", "sigmoid"])
def test_logistic_family(name: str) -> None:
    hold(activation(name), FEW, 0.25, 4.0)


@pytest.mark.slow
@pytest.mark.parametrize(("a", "b"), VARIANCES)
@pytest.mark.parametrize("name", FAST_LOGISTIC)
def test_logistic_family_everywhere(name: str, a: float, b: float) -> None:
    hold(activation(name), RHO, a, b)


@pytest.mark.parametrize("name", ["relu", "step", "gelu", "erf", "silu", "exp", "abs"])
def test_the_defining_integral(name: str) -> None:
    """Road 2, which shares nothing with the formulas that are used near ρ = 0."""
    rho = np.array([-1 + 1e-12, 0.0, 0.01, 0.8])
    act = activation(name)
    found = curves(act, rho, 1.0, 4.0)
    for i, point in enumerate(rho):
        balls = glu.enclose(act, 1, 4, 2 * Fraction(float(point)), digits=18)
        for column, ball in zip((found.S, found.T), balls, strict=True):
            value = float(ball.mid())
            assert abs(column[i] - value) <= CLOSE * max(1.0, abs(value))


@pytest.mark.parametrize("name", ["relu", "gelu", "silu", "sigmoid", "cos", "step"])
def test_slopes_at_zero(name: str) -> None:
    act, (a, b), h = activation(name), (0.25, 4.0), 2.0**-30
    above, below = (_high(act, a, b, sign * h) for sign in (1, -1))
    found = curves(act, np.array([0.0]), a, b).slopes
    for slope, up, down in zip(found, above, below, strict=True):
        with mpmath.workdps(40):
            quotient = float((up - down) / (2 * h))
        # its own error is h²·f'''/6 ~ 1e-18, and 30 digits over h leave 20
        assert slope == pytest.approx(quotient, rel=1e-14, abs=1e-16)


def _high(act: Activation, a: float, b: float, rho: float) -> list[mpmath.mpf]:
    c = Fraction(rho) * Fraction(math.sqrt(a * b))
    S, T = glu.evaluate(act, Fraction(a), Fraction(b), c, digits=30)
    with mpmath.workdps(40):
        m = mpmath.mpf(c.numerator) / c.denominator
        return [S, T, S + m * T, 2 * m * S + m**2 * T]


def test_the_study_counts_an_activation_once_and_keeps_the_order() -> None:
    study = kernel_study(["reglu", "relu", "erf", "step"], a=2.0, points=5)
    assert [(item.plain, item.gated) for item in study.curves] == [
        ("relu", "reglu"), ("erf", "erf_glu"), ("step", "step_glu"),
    ]  # fmt: skip
    assert study.table == (-1.0, -0.5, 0.0, 0.5, 1.0)
    for item in study.curves:
        assert set(study.table) <= set(item.rho.tolist())
        assert np.all(np.diff(item.rho) > 0)
        assert item.rho[0] == -1
        assert item.rho[-1] == 1


def test_progress_is_told() -> None:
    steps: list[tuple[int, str]] = []
    kernel_study(["relu", "gelu"], points=2, advance=lambda count, name: steps.append((count, name)))
    assert steps == [(0, "relu"), (1, ""), (0, "gelu"), (1, "")]


def test_normalised_curves_end_at_one() -> None:
    plain, scaled = (kernel_study(["geglu"], b=3.0, points=3, normalised=x).curves[0] for x in (False, True))
    for first, second, slope, slope_scaled in zip(
        plain.columns, scaled.columns, plain.slopes, scaled.slopes, strict=True
    ):
        assert second[-1] == 1
        np.testing.assert_allclose(second * first[-1], first, rtol=1e-15)
        assert slope_scaled * first[-1] == pytest.approx(slope, rel=1e-15)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"a": 0.0}, "variance a is 0.0: give a number from 1e-12 to 1e+06"),
        ({"b": math.nan}, "variance b is nan"),
        ({"a": math.inf}, "variance a is inf"),
        ({"networks": ["sign"], "normalised": True}, "T of 'sign' is infinite at ρ = 1"),
        ({"networks": ["rellu"]}, "did you mean"),
        ({"networks": ["exp"], "a": 360.0}, "S of 'exp' is beyond float64 at variances 360 and 360: give smaller"),
    ],
)
def test_what_is_refused(options: dict[str, object], part: str) -> None:
    given = {"networks": ["relu"], "points": 2, **options}
    with pytest.raises(glu.GlutheoryError, match=part.replace("+", r"\+")):
        kernel_study(**given)  # type: ignore[arg-type]


def test_correlations_outside_are_refused() -> None:
    with pytest.raises(DomainError, match="correlations lie there"):
        curves(activation("relu"), np.array([0.0, 1.0000001]), 1.0, 1.0)


@pytest.fixture(scope="module")
def study() -> KernelStudy:
    return kernel_study(["reglu", "step", "gelu"], a=1.0, b=4.0, points=5)


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("width", [80, 100])
def test_the_text_shows_the_numbers(study: KernelStudy, unicode: bool, width: int) -> None:
    page = text(study, Terminal(width=width, unicode=unicode))
    assert page.isascii() is not unicode
    assert max(map(len, page.splitlines())) <= width
    tables = [line.split() for line in page.splitlines() if line[:2].strip() in ("-1", "-0", "0", "+0", "+1")]
    assert len(tables) == 15
    rows = {row[0]: row[1:] for row in tables[:5]}  # relu
    for rho, cells in rows.items():
        expected = exact(activation("relu"), 1.0, 4.0, float(rho))
        for cell, value in zip(cells, expected, strict=True):
            # six digits are printed
            assert float(cell) == pytest.approx(value, rel=5e-6, abs=1e-15)
    assert any(row[2:] == ["inf", "-inf", "inf"] for row in tables[5:10])  # step at ρ = −1
    assert ("K̃" if unicode else "K~") in page


def test_the_remark_is_what_the_curves_say(study: KernelStudy) -> None:
    relu, step, gelu = study.curves
    # ReGLU brings inputs within about 6 degrees closer: checks/claims/decorrelation/statement.py
    assert "above K for some 0 < ρ < 1, from ρ = 0.99" in remark(relu)
    assert remark(relu).endswith(" on.")
    assert "φ jumps" in remark(step)
    assert "K̃ is nowhere above K" in remark(gelu)
    rho = np.array([0.2, 0.4, 0.6, 1.0])
    K, gated = np.array([0.5, 0.5, 0.5, 1.0]), np.array([0.4, 0.6, 0.4, 1.0])
    made = Curves("p", "g", rho, K, K, K, gated, (0.0, 0.0, 0.0, 0.0))
    assert "from ρ = 0.4000 to 0.4000." in remark(made)


def test_json_and_charts(study: KernelStudy) -> None:
    content = json.loads(json.dumps(study.as_json(charts(study)), allow_nan=False))
    assert list(content) == [
        "schema", "schema_version", "package_version", "a", "b", "normalised", "curves", "stacks", "charts",
    ]  # fmt: skip
    assert (content["schema"], content["schema_version"]) == ("glutheory.kernel", 1)
    relu, step = content["curves"][:2]
    assert set(relu) == {"plain", "gated", "rho", "S", "T", "K", "K_gated", "slopes"}
    assert relu["S"] == study.curves[0].S.tolist()
    assert step["T"][0] == step["T"][-1] == "inf"
    assert step["K"][0] == "-inf"
    titles = [chart.title for chart in charts(study)]
    assert len(titles) == 3
    # one activation with an infinite kernel: all are drawn as they are
    assert charts(study)[2].y == "kernel"
    assert [series.role for series in charts(study)[2].series] == [Role.PLAIN, Role.GATED] * 3


def test_the_kernels_of_the_figure_end_at_one() -> None:
    chart = charts(kernel_study(["silu"], points=2))[2]
    assert [series.y[-1] for series in chart.series] == [1, 1]
    assert [series.label for series in chart.series] == ["silu ($K$)", r"swiglu ($\tilde K$)"]
