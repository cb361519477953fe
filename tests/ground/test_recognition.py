"""A definition that is a member of the zoo is recognised in whatever form; a slightly different one is not."""

from __future__ import annotations

import pytest
import sympy as sp

from glutheory import Activation, activation, activation_names
from glutheory.activations import Z
from glutheory.ground.recognition import recognised

FORMS = {
    "z/(1+exp(-1.702*z))": "quick_gelu",
    "z*sigmoid(2*z)": "silu(beta=2)",
    "z*exp(3*z)/(1+exp(3*z))": "silu(beta=3)",
    "z*(1+tanh(0.7*z))/2": "silu(beta=7/5)",
    "max(0.2*z,z)": "leaky_relu(slope=1/5)",
    "0.3*z+0.7*max(0,z)": "leaky_relu(slope=3/10)",
    "max(0,z)+min(0,exp(z)-1)": "elu(alpha=1)",
    "max(0,z)+0.3*min(0,exp(z)-1)": "elu(alpha=3/10)",
    "(z+abs(z))/2": "relu",
    "z*(1+erf(z/sqrt(2)))/2": "gelu",
    "heaviside(z-0.5)*z": "jump_relu(theta=1/2)",
    "2*sigmoid(2*z)-1": "tanh",
    "sin(30*z)": "sine(omega=30)",
}


@pytest.mark.parametrize(("formula", "label"), FORMS.items())
def test_forms(formula: str, label: str) -> None:
    found = recognised(Activation(formula).expr)
    assert found is not None
    assert found.label == label


def test_the_repr_says_it() -> None:
    """Of own definitions; a member, which says so itself, and one with a symbol have nothing to add."""
    assert repr(Activation("Z/(1+exp(-1.702*Z))")) == (
        "<Activation Z/(1+exp(-1.702*Z)), quick_gelu of the zoo: z/(1 + exp(-1.702*z))>"
    )
    beta = sp.Symbol("beta", positive=True)
    for other in (
        Activation("z*erf(z)"),
        activation("silu", beta=3),
        activation("silu", beta=beta),
        Activation("a", Z * sp.cos(Z)),
    ):
        assert "of the zoo" not in repr(other)


@pytest.mark.parametrize("name", activation_names())
def test_the_zoo_knows_itself(name: str) -> None:
    own = activation(name).expr
    found = recognised(own)
    assert found is not None
    assert found.expr == own


@pytest.mark.long
@pytest.mark.parametrize(
    "expr",
    [
        sp.Max(0, Z) + sp.Rational(1, 10**12),  # alike to floats, not the same
        Z * sp.erf(Z),
        sp.Max(0, Z) + sp.Max(0, Z - 5),  # ReLU at all places that are tried
        sp.exp(Z) / (1 + sp.Symbol("t", positive=True)),
        sp.Heaviside(Z - 4),  # 0 at all places, as xielu of 0 would be, which is no function of z
        sp.Rational(1, 10**30) * Z * sp.tanh(Z),
    ],
)
def test_what_only_looks_like_a_member_is_none(expr: sp.Expr) -> None:
    assert recognised(expr) is None
