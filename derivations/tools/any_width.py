"""The network f Σ_r v_r ∏_i φ_i(γ w_{i,r}·x) of every width m and dimension d: sums over indices, and their means."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from derivations.tools.finite_width import FRONT, GAMMA
from derivations.tools.sums import Component, Form, Index, Tensor, delta, form, total

#: Neurons r, s and coordinates j.
NEURON, ANOTHER, COORDINATE = Index("r", "m"), Index("s", "m"), Index("j", "d")
#: The two inputs, the readout weights.
X, X_PRIME, READOUT = Tensor("x"), Tensor("y"), Tensor("v")


def inner() -> Form:
    """x·x'."""
    return total(X[COORDINATE] * X_PRIME[COORDINATE], COORDINATE)


def readout_mean(value: Form, variance: sp.Expr) -> Form:
    """The mean over the readout weights, which have mean 0 and are independent: E[v_r v_s] = variance · δ_rs."""

    def rule(components: Mapping[Component, sp.Expr]) -> Form | None:
        weights = {where[0]: power for (name, where), power in components.items() if name == READOUT.name}
        rest = frozenset(item for item in components.items() if item[0][0] != READOUT.name)
        if not weights:
            return None
        powers = sorted(weights.values(), key=str)
        if powers == [2]:
            return Form({(rest, frozenset()): variance})
        if powers == [1, 1]:
            return Form({(rest, frozenset()): variance}) * delta(*weights)
        return form(0) if powers == [1] else None

    return value.where(rule)


def pair_mean(value: Form, name: str, mean: Form | sp.Expr) -> Form:
    """The mean over what `name`_r and `name`'_r depend on: their product has this mean, and is independent of the rest.

    Neurons are independent of one another and have one law; the second input's tensor is called `name` + "_y".
    """

    def rule(components: Mapping[Component, sp.Expr]) -> Form | None:
        for (found, where), power in components.items():
            other = (f"{name}_y", where)
            if found == name and power == 1 == components.get(other):
                rest = {key: value for key, value in components.items() if key not in ((found, where), other)}
                return Form({(frozenset(rest.items()), frozenset()): sp.S.One}) * mean
        return None

    return value.where(rule)


def pair(name: str, first: Index = NEURON, second: Index = NEURON) -> Form:
    """The product of a function of both inputs."""
    return Tensor(name)[first] * Tensor(f"{name}_y")[second]


def readout_block(*factors: str) -> Form:
    """Σ_r ∂z/∂v_r ∂z'/∂v_r for the neuron that is the product of these functions."""
    value = form(FRONT**2)
    for factor in factors:
        value = value * pair(factor)
    return value.over(NEURON)


def weight_block(*factors: str) -> Form:
    """Σ_rj over the weights of one branch: the slope of its function and the other factors of the neuron."""
    value: Form = X[COORDINATE] * X_PRIME[COORDINATE] * READOUT[NEURON] ** 2 * (FRONT**2 * GAMMA**2)
    for factor in factors:
        value = value * pair(factor)
    return value.over(NEURON, COORDINATE)


def output_product(*factors: str) -> Form:
    """z(x) z(x') for the neuron that is the product of these functions."""
    value: Form = READOUT[NEURON] * READOUT[ANOTHER] * FRONT**2
    for factor in factors:
        value = value * pair(factor, NEURON, ANOTHER)
    return value.over(NEURON, ANOTHER)
