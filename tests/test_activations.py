"""The zoo as data: definitions against plain `math`, parameters, names, errors."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import sympy as sp

from glutheory import Activation, DomainError, ExpressionError, UnknownNameError, activation, activation_names
from glutheory.activations import Z
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point
from glutheory.symbolic.duals import dual
from tests.strategies import named


def _phi(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


DEFINITIONS: dict[str, Callable[[float], float]] = {
    "identity": lambda z: z,
    "monomial2": lambda z: z * z,
    "monomial3": lambda z: z**3,
    "step": lambda z: 1.0 if z > 0 else 0.5 if z == 0 else 0.0,
    "sign": lambda z: math.copysign(1, z) if z else 0.0,
    "abs": abs,
    "relu": lambda z: max(0.0, z),
    "leaky_relu": lambda z: z if z > 0 else z / 100,
    "relu2": lambda z: max(0.0, z) ** 2,
    "erf": math.erf,
    "normal_cdf": _phi,
    "gelu": lambda z: z * _phi(z),
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "silu": lambda z: z / (1 + math.exp(-z)),
    "softplus": lambda z: math.log1p(math.exp(z)),
    "sin": math.sin,
    "cos": math.cos,
    "exp": math.exp,
    "gaussian": lambda z: math.exp(-z * z / 2),
}


def test_the_table_is_complete() -> None:
    assert set(DEFINITIONS) == set(activation_names())


@pytest.mark.parametrize("name", activation_names())
@pytest.mark.parametrize("z", [-3.0, -0.5, 0.0, 0.25, 2.0])
def test_definitions(name: str, z: float) -> None:
    exact = sp.Rational(z)
    assert float(activation(name).expr.subs(Z, exact)) == pytest.approx(DEFINITIONS[name](z), rel=1e-14, abs=1e-15)


def test_parameters() -> None:
    assert activation("silu", beta=2).expr == Z / (1 + sp.exp(-2 * Z))
    assert activation("silu", beta="1.702").label == "silu(beta=851/500)"
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
