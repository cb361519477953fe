"""What becomes of a row of zeros, without any kernel."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy as sp

from glutheory.activations import Activation, Z, activation
from glutheory.errors import DomainError
from glutheory.layers import Stack, composed, dense, layernorm, parallel, product, readout, repeat, residual, rmsnorm
from glutheory.layers.pairs import inputs_of
from glutheory.layers.zeros import at_zero, check_zero_rows


def checked(made: Stack, a: int = 0) -> None:
    check_zero_rows(made.layers, inputs_of(made, a, 1, 0))


@pytest.mark.parametrize(
    "made",
    [
        composed(dense(), dense(bias=1), rmsnorm(), readout()),
        composed(product("softplus"), rmsnorm(), readout()),
        composed(product("softplus"), dense(), layernorm(), readout()),
        composed(product("tanh"), product("relu"), readout()),
        composed(product("identity", "relu", bias=(1, 0)), readout()),
        composed(product("step", bias=Fraction(1, 9)), layernorm(), readout()),
        composed(dense(), residual(product("cos"), dense()), rmsnorm(), readout()),
        composed(repeat(10**6, dense(bias=1), rmsnorm()), readout()),
    ],
)
def test_what_has_something_to_scale_passes(made: Stack) -> None:
    checked(made)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (composed(dense(), rmsnorm(), readout()), "a norm divides by its length"),
        (composed(product("identity", "cos"), rmsnorm(), readout()), "a norm divides by its length"),
        (composed(dense(), parallel(dense(), dense()), layernorm(), readout()), "a norm divides by its length"),
        (composed(dense(), repeat(9, residual(dense())), layernorm(), readout()), "a norm divides by its length"),
        (composed(product("cos"), layernorm(), readout()), "a layernorm divides by their spread"),
        (composed(product("cos", "softplus"), rmsnorm(), layernorm(), readout()), "a layernorm divides by their"),
        (composed(product("sign"), readout()), "where sign jumps"),
    ],
)
def test_what_has_not_is_refused(made: Stack, words: str) -> None:
    with pytest.raises(DomainError, match=words):
        checked(made)
    # the same stack at a row that is not zero
    checked(made, 1)


def test_values_at_zero() -> None:
    assert at_zero(activation("tanh"))
    assert not at_zero(activation("sigmoid"))
    assert not at_zero(activation("step"))  # 1/2
    assert at_zero(Activation("f", sp.sin(Z) ** 2 + sp.cos(Z) ** 2 - 1))
