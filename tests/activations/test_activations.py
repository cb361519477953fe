"""The zoo as data: definitions against plain `math`, parameters, names, errors."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import sympy as sp
from flint import arb

from glutheory import Activation, DomainError, ExpressionError, UnknownNameError, activation, activation_names
from glutheory.activations import Z
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point
from glutheory.symbolic.duals import dual
from tests.strategies import named
from tests.zoo import ROWS


def test_the_table_is_complete() -> None:
    """One row of `tests.zoo` for every name, and none besides."""
    assert set(ROWS) == set(activation_names())


@pytest.mark.parametrize("name", activation_names())
@pytest.mark.parametrize("z", [-3.0, -0.5, 0.0, 0.25, 2.0])
def test_definitions(name: str, z: float) -> None:
    exact = sp.Rational(z)
    assert float(activation(name).expr.subs(Z, exact)) == pytest.approx(ROWS[name].phi(z), rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_agrees_with_itself(name: str) -> None:
    """Homogeneity, growth, the grid's function and the textbook's, against the row's own φ."""
    row = ROWS[name]
    scaled = [
        row.phi(2 * z) == pytest.approx(2**row.growth * row.phi(z), rel=1e-15) for z in (-1.5, -0.25, 0.5, 0.75, 2.0)
    ]
    assert all(scaled) is row.homogeneous
    if math.isfinite(row.growth):
        assert max(abs(row.phi(z)) for z in (-600.0, 600.0)) <= 6 * 600**row.growth
    for function in (row.arrays or ())[:1]:
        for z in (-2.0, 0.0, 0.7):
            assert float(function(np.array(z))) == pytest.approx(row.phi(z), rel=1e-14)
    if row.textbook:
        nodes, weights = np.polynomial.hermite_e.hermegauss(100)
        mean = sum(w * row.phi(x) ** 2 for x, w in zip(nodes, weights, strict=True)) / math.sqrt(2 * math.pi)
        S, _ = row.textbook(arb(1), arb(1), arb(1))
        # a rule of an even number of nodes is exact for even powers of z on either side of 0
        assert float(S) == pytest.approx(mean, rel=1e-12)


def test_parameters() -> None:
    assert activation("silu", beta=2).expr == Z / (1 + sp.exp(-2 * Z))
    assert activation("silu", beta="1.702").label == "silu(beta=1.702)"
    assert activation("leaky_relu").label == "leaky_relu(slope=1/100)"
    slope = sp.Symbol("slope", real=True)
    assert activation("leaky_relu", slope=slope).symbols == (slope,)
    relu = activation("relu")
    assert activation(relu) is relu
    assert relu.label == "relu"


BAD = [
    (lambda: activation("relo"), UnknownNameError, "did you mean 'relu'"),
    (lambda: activation("qqqqqq"), UnknownNameError, "the known names are identity"),
    (lambda: activation("relu", slope=1), DomainError, "has no parameter 'slope'"),
    (lambda: activation("silu", beta=0), DomainError, "it must be positive"),
    (lambda: activation("silu", beta=-1), DomainError, "it must be positive"),
    (lambda: activation("silu", beta=sp.Symbol("b")), DomainError, "positive=True"),
    (lambda: activation("leaky_relu", slope="x"), DomainError, "give a finite number"),
    (lambda: activation("leaky_relu", slope=math.nan), DomainError, "give a finite number"),
    (lambda: activation("leaky_relu", slope=sp.I), DomainError, "give a finite real number"),
    (lambda: activation("leaky_relu", slope=Z), DomainError, "give a finite real number"),
    (lambda: activation(activation("relu"), slope=1), DomainError, "go with a name of the zoo"),
    (lambda: Activation("constant", sp.Integer(3)), ExpressionError, "does not depend on z"),
]


@pytest.mark.parametrize(("call", "error", "fragment"), BAD, ids=named)
def test_bad_input(call: Callable[[], object], error: type[Exception], fragment: str) -> None:
    with pytest.raises(error, match=fragment) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_irrational_points_keep_their_determinant() -> None:
    """Ab − c² of SymPy constants is formed with twice the working precision."""
    point = Point.of(sp.sqrt(2), sp.pi, 1)
    with precision(100):
        assert point.balls()[3].rel_accuracy_bits() > 90


def test_the_second_representation_is_asked_for_a_positive_variance() -> None:
    series = dual(activation("silu")).series("1", 4)
    assert series.coefficients[1].contains(0.5)
    with pytest.raises(DomainError, match="variance is 0"):
        dual(activation("silu")).series(0)
