"""Names as people and libraries write them lead into the zoo, each to one member."""

from __future__ import annotations

import numpy as np
import pytest

from glutheory import Activation, UnknownNameError, activation, gram, network
from glutheory.activations import activation_names, canonical
from glutheory.activations.names import LIBRARY_NAMES, squeezed
from glutheory.networks import GATES, network_names

#: torch's classes, transformers' names, and what people type.
SPELLINGS = {
    "ReLU": "relu",
    "ReLU6": "relu6",
    "LeakyReLU": "leaky_relu",
    "leaky-relu": "leaky_relu",
    "Hardtanh": "hard_tanh",
    "Hardsigmoid": "hard_sigmoid",
    "Hardswish": "hard_swish",
    "hard-swish": "hard_swish",
    "SiLU": "silu",
    "Swish": "swish",
    "GELU": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "GELUTanh": "gelu_tanh",
    "QuickGELU": "quick_gelu",
    "quick-gelu": "quick_gelu",
    "linear": "identity",
    "Mish": "mish",
    "ELU": "elu",
    "SELU": "selu",
    "CELU": "celu",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Tanh": "tanh",
    "xIELU": "xielu",
    "ReLU^2": "relu2",
    "squared ReLU": "squared_relu",
    "LogCosh": "log_cosh",
}
GATED = {"SwiGLU": "swiglu", "GeGLU": "geglu", "GEGLU": "geglu", "ReGLU": "reglu", "Mish-GLU": "mish_glu", "GLU": "glu"}


@pytest.mark.parametrize(("written", "name"), SPELLINGS.items())
def test_activations(written: str, name: str) -> None:
    assert activation(written) == activation(name)
    assert network(written).name == name


@pytest.mark.parametrize(("written", "name"), GATED.items())
def test_gated_networks(written: str, name: str) -> None:
    assert network(written) == network(name)


def test_every_name_leads_to_one_member() -> None:
    assert len({squeezed(name) for name in network_names()}) == len(network_names())
    assert {squeezed(name) for name in LIBRARY_NAMES}.isdisjoint(map(squeezed, network_names()))
    assert set(LIBRARY_NAMES.values()) <= set(activation_names())
    for name in network_names():
        assert network(name.upper()).name == name
    assert all(canonical(name) == name for name in activation_names())


@pytest.mark.parametrize("name", ["gelu_10", "relo", "", "swigluu", "_", "a" * 10_000])
def test_other_names_stay_unknown(name: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        network(name)
    assert len(str(caught.value)) < 400
    assert GATES.keys() & {"relo"} == set()


def test_a_formula_in_a_names_place_is_told_where_formulas_go() -> None:
    with pytest.raises(UnknownNameError, match=r"Activation\('z\*erf\(z\)'\), on the command line with --activation"):
        network("z*erf(z)")
    with pytest.raises(UnknownNameError, match="of type int: give a name"):
        network(3)  # type: ignore[arg-type]


def test_an_activation_is_the_network_of_it() -> None:
    rows = np.random.default_rng(1).standard_normal((3, 2))
    own = Activation("z*erf(z)")
    assert np.array_equal(gram(activation("silu"), rows), gram("silu", rows))
    assert network(activation("silu")) == network("silu")
    assert network(own).branches == (own,)
    assert network(activation("silu", beta=2)).name == "silu(beta=2)"
