"""Definitions as people write them: texts, functions, other symbols, floats, Piecewise; or one sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

from glutheory import Activation, DomainError, ExpressionError, activation, derivation, evaluate, gram
from glutheory.activations import Z
from glutheory.activations.numbers import shown, text

PLAIN, REAL, POSITIVE = sp.Symbol("z"), sp.Symbol("z", real=True), sp.Symbol("z", positive=True)
X = sp.Symbol("x")
ERF = Z * sp.erf(Z)


@pytest.mark.parametrize(
    "given",
    [
        "z*erf(z)",
        lambda u: u * sp.erf(u),
        sp.Lambda(X, X * sp.erf(X)),
        PLAIN * sp.erf(PLAIN),
        REAL * sp.erf(REAL),
        X * sp.erf(X),
        Z * sp.erf(PLAIN),
        1.0 * ERF,
    ],
    ids=["text", "function", "Lambda", "plain z", "real z", "x", "two symbols", "float"],
)
def test_all_forms_are_one_definition(given: Any) -> None:
    assert Activation("mine", given).expr == ERF


def test_a_name_may_be_the_formula() -> None:
    assert Activation("z*erf(z)").expr == ERF
    assert Activation(lambda z: z * sp.erf(z)).name == "z*erf(z)"  # type: ignore[arg-type]
    assert Activation("tanh", sp.tanh).expr == sp.tanh(Z)


@pytest.mark.parametrize(
    ("call", "fragment"),
    [
        (lambda: Activation("e", POSITIVE * sp.erf(POSITIVE)), r"assumed to be positive.*glutheory\.symbols\.z"),
        (lambda: Activation("e", sp.Symbol("z", integer=True) ** 2), "assumed to be integer"),
        (lambda: Activation("e", np.tanh), "write it with SymPy's functions"),
        (lambda: Activation("e", lambda z: z if z > 0 else 0), "cases with sympy.Piecewise"),
        (lambda: Activation("e", lambda _: None), "is None: give a formula"),
        (lambda: Activation("e", object()), "give a formula such as"),
        (lambda: Activation("e", sp.Symbol("a") * X), "does not depend on z"),
        (lambda: Activation("e", 3), "does not depend on z"),
        (lambda: Activation("e", sp.Piecewise((Z, sp.Eq(Z, 0)), (1, True))), "does not depend on z"),
        (lambda: Activation("e", "erf"), "write erf"),
        (lambda: Activation("e", sp.I * Z), "imaginary unit"),
        (lambda: Activation("e", sp.sqrt(-1 - Z**2)), "not real"),
    ],
)
def test_what_is_refused_is_one_sentence(call: Callable[[], object], fragment: str) -> None:
    with pytest.raises(ExpressionError, match=fragment) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


PIECEWISE = [
    (((Z, Z > 0), (sp.exp(Z) - 1, True)), sp.exp(sp.Min(0, Z)) + sp.Max(0, Z) - 1),
    (((Z, Z >= 0), (0, True)), sp.Max(0, Z)),
    (((0, Z <= -1), (Z + 1, Z < 0), (1, True)), sp.Max(-1, sp.Min(0, Z)) + 1),
    (((1, Z**2 < 1), (0, True)), sp.Heaviside(Z + 1) - sp.Heaviside(Z - 1)),
    (((Z, sp.Ne(Z, 0)), (0, True)), Z),
    (((2 * Z, (Z > 1) & (Z < 2)), (Z**2, True)), None),
    (((sp.sqrt(Z), Z > 0), (0, True)), sp.sqrt(sp.Max(0, Z))),
]


@pytest.mark.parametrize(("cases", "expected"), PIECEWISE)
def test_piecewise_is_the_same_function(cases: tuple[Any, ...], expected: sp.Expr | None) -> None:
    given = sp.Piecewise(*cases)
    found = Activation("p", given).expr
    if expected is not None:
        assert found == expected
    assert not found.has(sp.Piecewise)
    for place in (-2.7, -1.3, -0.6, 0.4, 1.2, 1.9, 3.3):  # beside the kinks, where both have the one value
        exact = sp.Rational(place)
        assert float(found.subs(Z, exact)) == pytest.approx(float(given.subs(Z, exact)), rel=1e-14, abs=1e-15)


def test_piecewise_within_a_function_and_without_overflow() -> None:
    found = Activation("p", sp.tanh(sp.Piecewise((Z, Z > 0), (sp.exp(Z) - 1, True)))).expr
    assert found == sp.tanh(sp.Max(0, Z)) + sp.tanh(sp.exp(sp.Min(0, Z)) - 1)
    elu = sp.lambdify(Z, Activation("p", sp.Piecewise((Z, Z > 0), (sp.exp(Z) - 1, True))).expr, "math")
    assert elu(1e4) == 1e4  # exp(1e4) is no float


@pytest.mark.parametrize(
    ("cases", "fragment"),
    [
        (((Z, Z > 0),), "do not cover every z"),
        (((Z, sp.sin(Z) > 0), (0, True)), "cannot be read"),
        (((sp.log(Z), Z > 0), (0, True)), "not finite at its end z = 0"),
    ],
)
def test_piecewise_that_is_refused(cases: tuple[Any, ...], fragment: str) -> None:
    with pytest.raises(ExpressionError, match=fragment):
        Activation("p", sp.Piecewise(*cases))


def test_roads_take_what_people_write() -> None:
    """A jumpless Piecewise is ELU to every road that is asked by name as well."""
    own, elu = Activation("p", sp.Piecewise((Z, Z > 0), (sp.exp(Z) - 1, True))), activation("elu")
    assert evaluate(own, 1, 2, "1/2", digits=20) == evaluate(elu, 1, 2, "1/2", digits=20)
    rows = np.random.default_rng(0).standard_normal((4, 3))
    assert np.array_equal(gram(own, rows), gram("elu", rows))
    assert derivation(own).network.branches == (own,)
    relu = sp.Max(0, Z)
    assert Activation("not", relu - sp.Rational(1, 100)).expr != relu  # the comparison sees a constant


FLOATS = [
    (1.702, "1.702"),
    ("1.702", "1.702"),
    (0.1, "1/10"),
    (1 / 3, "0.3333333333333333"),
    ("1/3", "1/3"),
    (2.0, "2"),
]


@pytest.mark.parametrize(("beta", "label"), FLOATS)
def test_a_float_is_the_decimal_that_is_written(beta: Any, label: str) -> None:
    own = activation("silu", beta=beta)
    assert own.label == f"silu(beta={label})"
    if isinstance(beta, float):
        assert own == activation("silu", beta=repr(beta))
        assert Activation("q", Z / (1 + sp.exp(-beta * Z))).expr == own.expr


def test_numbers_are_shown_as_people_write_them() -> None:
    assert shown(sp.Rational(-851, 500)) == "-1.702"
    assert shown(sp.Rational(1, 1024)) == "0.0009765625"
    assert shown(sp.Rational(1000, 3003)) == "1000/3003"
    assert shown(sp.sqrt(2)) == "sqrt(2)"
    assert text(Z / (1 + sp.exp(-sp.Rational(851, 500) * Z))) == "z/(1 + exp(-1.702*z))"
    with pytest.raises(DomainError, match="give a finite number"):
        activation("silu", beta=math.inf)
