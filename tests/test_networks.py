"""The variances of a network's weights: one reading of what a caller gave, for every road."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp

import glutheory
from glutheory.activations import activation
from glutheory.errors import DomainError, UnknownNameError
from glutheory.networks import Network, Weights, network, product, weights

X = np.eye(2)
STANDARD: dict[str, Any] = {"parametrization": "standard", "width": 8}


def sampled(name: str, **options: Any) -> Any:
    from glutheory.sampling import empirical_ntk

    return empirical_ntk(name, X, seed=0, **{"width": 8, **options})


ROADS: dict[str, Callable[..., Any]] = {
    "gram": lambda name, **options: glutheory.gram(name, X, **options),
    "empirical_ntk": sampled,
}


def test_what_is_left_out() -> None:
    net, triple = network("reglu"), product("relu", "erf", "tanh")
    assert weights(net, 5, "standard", 8) == Weights(True, 8, Fraction(1, 8), (Fraction(1, 5),) * 2)
    assert weights(net, 5, "ntk") == Weights(False, 1, Fraction(1), (Fraction(1),) * 2)
    assert weights(triple, 5, "ntk", variances={"branch2": "1/3"}).branches == (
        Fraction(1),
        Fraction(1, 3),
        Fraction(1),
    )
    assert weights(net, 5, "standard", 8, {"gate": 0.1, "readout": 2}).branches == (Fraction(1, 5), Fraction(0.1))


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"parametrization": "mup"}, "parametrization is 'mup': use 'ntk' or 'standard'."),
        ({"variances": 2.0}, "variances is 2.0: give a mapping from readout, value, gate to positive numbers."),
        ({"variances": ["gate"]}, r"variances is \['gate'\]: give a mapping from readout, value, gate to positive"),
        ({"variances": {"hidden": 1}}, "has the key 'hidden': the weights of 'reglu' are readout, value, gate."),
        ({"variances": {3: 1}}, "variances has the key 3: the weights of 'reglu' are readout, value, gate."),
        *(
            ({"variances": {"gate": value}}, r"variances\['gate'\] is .*: give a positive number")
            for value in (0, -1, 10**400, "1e-400", sp.sqrt(2))
        ),
        *(
            ({"variances": {"gate": value}}, r"variances\['gate'\] is .*: give a finite real number")
            for value in ("x", True, float("nan"), float("inf"), None, 1j)
        ),
    ],
)
def test_a_mistake_is_the_same_sentence_on_every_road(road: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(DomainError, match=words):
        ROADS[road]("reglu", **{**STANDARD, **options})


@pytest.mark.parametrize("value", [0.3, "0.3", Fraction(3, 10), np.float64(0.3)])
def test_numbers_of_every_kind_sample_the_same_network(value: Any) -> None:
    pytest.importorskip("torch")
    first, second = (sampled("reglu", **STANDARD, variances={"gate": given}) for given in (0.3, value))
    assert (first == second).all()


@dataclass(frozen=True)
class _Tagged(Network):
    """A network with one more field, as a layer would add."""

    layer: str = ""


def test_another_gate_or_none_drops_no_field_of_the_network() -> None:
    net = _Tagged("mine", network("swiglu").branches, "a layer")
    assert net.gate == activation("silu")
    assert net.with_gate(activation("relu"), "other") == _Tagged("other", network("reglu").branches, "a layer")
    assert net.ungated() == _Tagged("silu(beta=1)", network("silu").branches, "a layer")
    assert network("swiglu").ungated("silu") == network("silu")


@pytest.mark.parametrize(
    ("name", "gate"), [("swiglu", "silu"), ("ReGLU", "relu"), ("mish_glu", "mish"), ("SiLU", "silu")]
)
def test_a_gated_network_stands_for_its_gate(name: str, gate: str) -> None:
    """As on the command line, on both roads; what is unknown is said as it was written."""
    assert glutheory.evaluate(name, 1, 2, "1/2", digits=12) == glutheory.evaluate(gate, 1, 2, "1/2", digits=12)
    own, wanted = (glutheory.enclose(act, 1, 2, "1/2", digits=10) for act in (name, gate))
    assert all(one.overlaps(other) for one, other in zip(own, wanted, strict=True))
    with pytest.raises(UnknownNameError, match="unknown activation 'swigloo'"):
        glutheory.evaluate("swigloo", 1, 1, 0)


def test_a_gated_network_of_two_branches_is_a_product() -> None:
    with pytest.raises(DomainError, match="gated has 2 branches: give the gate alone"):
        glutheory.gated("relu", "gelu")
