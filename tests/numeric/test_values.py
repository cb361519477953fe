"""`gram` against road 1: every activation, variances 1e-12 … 1e6, all angles; the tolerances are those promised.

1e-14 of the scale √(K(x,x) K(y,y)) is 45 ulps. What is measured stays below 2e-15; the margin is for other libraries'
elementary functions.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import glutheory as glu
from glutheory.networks import Network, product
from glutheory.numeric import gram
from tests.numeric.cases import GAPS, MP, VARIANCES, Pair, crowd, duals, kernels, pair, scale
from tests.zoo import DEGREES, FAST, FAST_NETWORKS, JUMPS
from tests.zoo import FAST_LOGISTIC as LOGISTIC

CLOSED = tuple(name for name in FAST if name not in LOGISTIC)
RELU_FAMILY = ("step", "relu", "relu2")
TOLERANCE = 1e-14
NETWORKS: tuple[Network, ...] = (
    *(glu.network(name) for name in ("bilinear", "reglu", "geglu")),
    product("relu", "gelu"),
    product("identity", "sin", "relu2"),
    product("erf", "erf", "cos"),
    product("exp", "relu"),
)


def _gram_of(network: Network | str, points: Pair, alone: bool, **options: Any) -> list[float]:
    """NNGP and NTK of a pair, in a matrix of its own or among many rows."""
    x, y = points.x[None, :], points.y[None, :]
    if not alone:
        rest = crowd(len(points.x))
        x, y = np.concatenate([x, rest]), np.concatenate([y, rest])
    return [float(part[0, 0]) for part in gram(network, x, y, kind="both", **options)]


def _error(found: float, wanted: mpmath.mpf, size: mpmath.mpf) -> float:
    if math.isinf(found) and abs(wanted) > 1e300:
        return 0.0 if (found > 0) == (wanted > 0) else math.inf
    return float(abs(MP.mpf(found) - wanted) / size) if size else float(abs(found))


def _check(network: Network | str, points: Pair, alone: bool) -> None:
    a, b, c = points.inner()
    for found, wanted, size in zip(
        _gram_of(network, points, alone), kernels(network, a, b, c), scale(network, a, b), strict=True
    ):
        if MP.isinf(wanted):
            assert found == float(wanted)
        elif not MP.isinf(size):
            assert _error(found, wanted, size) <= TOLERANCE


pairs = st.builds(
    pair,
    st.sampled_from(VARIANCES),
    st.sampled_from(VARIANCES),
    st.sampled_from(GAPS),
    st.sampled_from([2, 3, 8, 70]),
    st.integers(0, 9),
)


@pytest.mark.parametrize("name", CLOSED)
@given(points=pairs, alone=st.booleans())
@example(points=pair(1.0, 4.0, -0.03, 5, 0), alone=True)  # a distance of opposite rows of different norms
def test_every_closed_form_is_accurate(name: str, points: Pair, alone: bool) -> None:
    _check(name, points, alone)


@pytest.mark.parametrize("name", LOGISTIC)
@pytest.mark.parametrize(
    ("a", "b", "gap"),
    [
        (1.0, 1.0, 0.3),
        (1e-12, 1e-6, -1e-6),
        (1.0, 1.0, 0.0),
        (4.0, 30.0, 1e-10),
        (300.0, 300.0, -1e-3),
        (1e4, 1e6, 0.06),
        (1e6, 1e6, 1e-15),
        (1.0, 4e4, -0.02),
        (25.0, 25.0, 0.9),
    ],
)
def test_the_logistic_family_is_accurate(name: str, a: float, b: float, gap: float) -> None:
    _check(name, pair(a, b, gap, 4, 1), alone=gap > 0)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda net: net.name)
@given(points=pairs, alone=st.booleans())
def test_products_of_branches_are_accurate(network: Network, points: Pair, alone: bool) -> None:
    _check(network, points, alone)


@pytest.mark.parametrize("name", ["swiglu", "glu", "gtu"])
def test_gated_logistic_networks_are_accurate(name: str) -> None:
    _check(name, pair(1.0, 4.0, 0.3, 4, 2), alone=False)


@pytest.mark.parametrize("name", [n for n in CLOSED if n not in JUMPS])
@given(points=pairs.filter(lambda p: abs(float(p.inner()[2])) > 0), alone=st.booleans())
def test_the_derivative_is_accurate(name: str, points: Pair, alone: bool) -> None:
    """T alone: a readout variance of 2^120 lets the readout's block vanish beside the hidden one's."""
    a, b, c = points.inner()
    d, big = len(points.x), 2**120
    options: dict[str, Any] = {
        "parametrization": "standard",
        "width": 1,
        "variances": {"hidden": Fraction(1, d), "readout": big},
    }
    found = MP.mpf(_gram_of(name, points, alone, **options)[1]) - duals(name, a, b, c)[0]
    wanted = duals(name, a, b, c)[1]
    size = MP.sqrt(duals(name, a, a, a)[1] * duals(name, b, b, b)[1])
    if not MP.isinf(size) and size < 1e200:
        assert abs(found / MP.mpf(big) / d - wanted) <= TOLERANCE * size


@pytest.mark.parametrize("name", RELU_FAMILY)
@given(
    a=st.sampled_from(VARIANCES),
    gap=st.floats(1e-15, 0.9),
    exponent=st.floats(-15, 0),
    seed=st.integers(0, 99),
    alone=st.booleans(),
)
def test_the_relu_family_is_relatively_accurate_for_opposite_rows(
    name: str, a: float, gap: float, exponent: float, seed: int, alone: bool
) -> None:
    """S ~ (π − θ)³ is tiny there: an angle from inner products would leave no digit of it."""
    points = pair(a, 1.0, -gap * 10**exponent, 6, seed)
    wanted = duals(name, *points.inner())[0]
    found = _gram_of(name, points, alone)[0]
    assert abs(MP.mpf(found) - wanted) <= 1e-12 * wanted


@pytest.mark.parametrize("norms", [(1e-150, 1e-150), (1e150, 1e150), (1e-150, 1e150), (1e-310, 1.0), (9e151, 9e151)])
@pytest.mark.parametrize("name", ["relu", "reglu", "geglu", "erf", "sin", "gaussian", "relu2", "step"])
@pytest.mark.parametrize("gap", [0.0, -1e-10, 0.3])
def test_extreme_norms_are_right(name: str, norms: tuple[float, float], gap: float) -> None:
    unit = pair(1.0, 1.0, gap, 3, 5)
    points = Pair(unit.x * norms[0], unit.y * norms[1])
    a, b, c = points.inner()
    for found, wanted, size in zip(
        _gram_of(name, points, True), kernels(name, a, b, c), scale(name, a, b), strict=True
    ):
        if MP.isinf(wanted):
            assert found == float(wanted)
        elif abs(wanted) > MP.mpf("1.7e308"):
            assert found == math.copysign(math.inf, wanted)
        else:
            # 1e-305 is where float64 itself loses digits
            assert abs(MP.mpf(found) - wanted) <= TOLERANCE * size + MP.mpf("1e-305")


@pytest.mark.parametrize("name", FAST_NETWORKS)
@pytest.mark.parametrize("norm", [1e-150, 1.0, 1e8, 1e150])
def test_nothing_is_ever_nan(name: str, norm: float) -> None:
    rng = np.random.default_rng(3)
    X = norm * rng.standard_normal((6, 4))
    X[1], X[2], X[3] = X[0], -X[0], 0.0
    X[4], X[5] = [norm, 0, 0, 0], [0, norm, 0, 0]
    for part in gram(name, X, kind="both"):
        assert not np.isnan(part).any()
        np.testing.assert_array_equal(part, part.T)


@pytest.mark.parametrize("name", FAST_NETWORKS)
@pytest.mark.parametrize("norm", [1e153, 1e160, 1e200, 1e300])
def test_norms_whose_squares_leave_float64(name: str, norm: float) -> None:
    """Homogeneous kernels are infinite or right, others refused: NaN, 5e299 or a ZeroDivisionError before."""
    X = np.concatenate([norm * np.random.default_rng(3).standard_normal((4, 3)), np.eye(3)])
    homogeneous = all(act.name in DEGREES for act in glu.network(name).branches)
    for kind in ("nngp", "ntk"):
        if homogeneous:
            K = gram(name, X, kind=kind)
            assert not np.isnan(K).any()
            np.testing.assert_array_equal(K[4:, 4:], gram(name, X[4:], kind=kind))
        else:
            with pytest.raises(glu.DomainError, match=r"can be evaluated up to .*: scale the rows down"):
                gram(name, X, kind=kind)


@pytest.mark.parametrize("network", [product("step", "sign"), product("identity", "step", "exp")], ids=str)
def test_poles_and_zeros_of_branches_make_no_nan(network: Network) -> None:
    """At ρ = −1 the step's S is 0 where the sign's T is infinite; the other product is +∞ there."""
    X = np.array([[1.0, 2.0], [-1.0, -2.0], [1.0, 2.0], [0.0, 0.0]])
    for part in gram(network, X, kind="both"):
        assert not np.isnan(part).any()
    assert gram(network, X)[0, 2] == math.inf


@pytest.mark.parametrize("name", FAST)
def test_a_zero_row_has_the_activation_at_zero(name: str) -> None:
    X = np.array([[0.0, 0.0], [0.6, 0.8]])
    S, K = gram(name, X, kind="both")
    at_zero = float(duals(name, Fraction(0), Fraction(0), Fraction(0))[0])
    mean = float(duals(name, Fraction(0), Fraction(1, 2), Fraction(0))[0])
    np.testing.assert_allclose(S[0], [at_zero, mean], rtol=1e-14, atol=1e-15)
    np.testing.assert_array_equal(S[0], K[0])


@pytest.mark.parametrize(
    "name", ["relu", "reglu", "gelu", "geglu", "swiglu", "tanh", "softplus", "sin", "gaussian", "erf"]
)
@pytest.mark.parametrize("step", [0.0, 1e-15, 1e-9, 1e-5])
def test_near_duplicates_stay_positive_semidefinite(name: str, step: float) -> None:
    """Entries accurate to an ulp of a matrix of rank about 1 move λ_min by less than 1e-14 λ_max."""
    rng = np.random.default_rng(4)
    X = rng.standard_normal((1, 12)) + step * rng.standard_normal((80, 12))
    for part in gram(name, X, kind="both"):
        eigenvalues = np.linalg.eigvalsh(part)
        assert eigenvalues[0] >= -1e-14 * eigenvalues[-1]


@pytest.mark.parametrize("name", ["silu", "geglu", "relu2", "exp"])
def test_parameters_and_definitions_reach_the_evaluator(name: str) -> None:
    """An activation is known by its definition, not by what it is called."""
    X = crowd(3, 4)
    net = glu.network(name)
    renamed = Network("mine", tuple(glu.Activation("f", act.expr) for act in net.branches))
    np.testing.assert_array_equal(gram(renamed, X), gram(net, X))


@pytest.mark.parametrize(("name", "parameters"), [("silu", {"beta": "1.702"}), ("leaky_relu", {"slope": "-0.5"})])
def test_parameters(name: str, parameters: dict[str, str]) -> None:
    act = glu.activation(name, **parameters)
    points = pair(2.0, 0.5, 0.2, 3, 1)
    S, T = glu.evaluate(act, *points.inner(), digits=20)
    found = _gram_of(Network(name, (act,)), points, True)
    c = points.inner()[2]
    assert found == pytest.approx([float(S), float(S + T * c.numerator / c.denominator)], rel=1e-14)
