"""NNGP and NTK of a two-layer network, derived from its definition for any product of branches.

    z(x) = front · Σ_r v_r ∏_i φ_i(γ w_{r,i}·x)

The neuron is differentiated with respect to each of its weights, the gradients at x and x' are multiplied, and the
expectation factors because the weights of different branches are independent. Nothing about gates is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import sympy as sp

from glutheory.errors import DerivationError, DomainError
from glutheory.ground import rational
from glutheory.networks import Network
from glutheory.symbolic.certify import Check
from glutheory.symbolic.gaussian import a, b, c

#: Width, input dimension, readout variance, inner product x·x', squared norms ‖x‖² and ‖x'‖².
m, d = sp.symbols("m d", positive=True)
sigma_v = sp.Symbol("sigma_v", positive=True)
g = sp.Symbol("g", real=True)
norm, norm_p = sp.symbols("g_x g_x'", positive=True)

#: The parametrisations: (front factor squared, γ squared, are the weight variances 1?).
PARAMETRIZATIONS: dict[str, tuple[sp.Expr, sp.Expr, bool]] = {
    "standard": (sp.S.One, sp.S.One, False),
    "ntk": (1 / m, 1 / d, True),
}

_v, _h, _hp = sp.Symbol("v", real=True), "h", "h'"
_WEIGHT_NAMES = {"hidden": "w", "gate": "w", "value": "p"}


class Moments(NamedTuple):
    """Second moments of a pair: of a branch's pre-activations at x and x', or the Gram entries that give them.

    Attributes:
        first: the variance at x, or ‖x‖².
        second: at x'.
        mixed: the covariance, or x·x'.
    """

    first: sp.Expr
    second: sp.Expr
    mixed: sp.Expr


#: Of a dual activation: the arguments of S and T.
DUAL = Moments(a, b, c)


def fed(network: Network, parametrization: str) -> Moments:  # noqa: ARG001 (every network of today is fed alike)
    """The Gram entries of what the branches' weights are multiplied with, at x and x': here of x and x' themselves."""
    return Moments(norm, norm_p, g)


@dataclass(frozen=True)
class Branch:
    """The symbols of one branch.

    Attributes:
        role: "hidden", "value", "gate" or "branch1", …
        S, T: its dual activations at x, x' (functions of its own covariance).
        sigma: the standard deviation of its weights (1 in the NTK parametrisation).
        moments: of its pre-activations: γ² σ² times what it is `fed` with.
        point: the same in the names that closed forms use, a, b, c, d and the like: where its duals are taken.
    """

    role: str
    S: sp.Symbol
    T: sp.Symbol
    sigma: sp.Expr
    moments: Moments
    point: Moments

    @property
    def covariance(self) -> sp.Expr:
        """Of its pre-activations at x and x': γ² σ² x·x'."""
        return self.moments.mixed


@dataclass(frozen=True)
class Kernels:
    """The derived kernels in terms of the branches' dual activations.

    Attributes:
        parametrization: "standard" or "ntk".
        inputs: what the branches are `fed` with.
        branches: the symbols used.
        nngp: E[z(x) z(x')].
        blocks: the NTK of each group of weights: "readout", then one per branch, by role.
        products: the gradient products whose expectations the blocks are, for printing.
    """

    parametrization: str
    inputs: Moments
    branches: tuple[Branch, ...]
    nngp: sp.Expr
    blocks: Mapping[str, sp.Expr]
    products: Mapping[str, sp.Expr]

    @cached_property
    def ntk(self) -> sp.Expr:
        """The sum of the blocks, with like terms collected."""
        return sp.collect(
            sp.expand(sp.Add(*self.blocks.values())), [s for br in self.branches for s in (br.S, br.T)], rational.factor
        )

    def named(self, expr: sp.Expr) -> sp.Expr:
        """The expression in a, b, c where they are every branch's: in the NTK parametrisation, as x·x' = c d there."""
        _, gamma, unit = PARAMETRIZATIONS[self.parametrization]
        return expr.subs(_names(DUAL, gamma)) if unit else expr

    def check(self) -> Check:
        """NTK = nngp/σ_v² + Σ_i (γ² x·x') ∂nngp/∂c_i: the chain rule replaced by a derivative of the NNGP (Price)."""
        _, gamma, unit = PARAMETRIZATIONS[self.parametrization]
        variance = sp.S.One if unit else sigma_v**2
        direct = self.nngp / variance
        for br in self.branches:
            # ∂S_i/∂c_i = T_i and nothing else depends on c_i
            direct += gamma * self.inputs.mixed * sp.diff(self.nngp, br.S) * br.T
        difference = sp.expand(sp.Add(*self.blocks.values()) - direct)
        return Check("NTK = NNGP/σ_v² + Σ_i (x·x') ∂NNGP/∂c_i", "symbolic", difference == 0)


def _names(called: Moments, scale: sp.Expr) -> dict[sp.Symbol, sp.Expr]:
    """‖x‖², ‖x'‖² and x·x' where they are called `called` after multiplication by `scale`."""
    return {symbol: name / scale for symbol, name in zip((norm, norm_p, g), called, strict=True)}


def _branches(network: Network, inputs: Moments, gamma: sp.Expr, unit: bool) -> tuple[Branch, ...]:
    found = []
    for i, role in enumerate(network.roles, start=1):
        suffix = "" if len(network.roles) == 1 or role == "gate" else f"_{role}"
        sigma = sp.S.One if unit else sp.Symbol(f"sigma_{_WEIGHT_NAMES.get(role, f'w{i}')}", positive=True)
        S, T = sp.symbols(f"S{suffix} T{suffix}", real=True)
        scale = gamma * sigma**2
        # the last branch's a, b, c are those of S and T themselves; with unit variances every branch has the same
        alike = unit or i == len(network.roles)
        first, second = sp.symbols(f"a_{i} b_{i}", positive=True)
        called = DUAL if alike else Moments(first, second, scale * g)
        moments, names = Moments(*(scale * entry for entry in inputs)), _names(called, scale)
        found.append(Branch(role, S, T, sigma, moments, Moments(*(moment.subs(names) for moment in moments))))
    return tuple(found)


def expectation(
    product: sp.Expr, table: Mapping[sp.Expr, sp.Expr], groups: tuple[tuple[sp.Symbol, ...], ...]
) -> sp.Expr:
    """E of a product of functions of independent groups of variables: the product of the groups' expectations."""
    result = sp.S.One
    rest = list(sp.Mul.make_args(product))
    for group in groups:
        own = sp.Mul(*(f for f in rest if f.has(*group)))
        rest = [f for f in rest if not f.has(*group)]
        if own != 1 and own not in table:
            raise DerivationError(f"the expectation of {own} is not in the table of dual activations.")
        result *= table.get(own, sp.S.One)
    return result * sp.Mul(*rest)


def kernels(network: Network, parametrization: str = "ntk") -> Kernels:
    """Derive the NNGP and the NTK of a network.

    Args:
        network: any product of branches.
        parametrization: "standard" (variances σ_v², σ_w², …) or "ntk" (unit variances, scales 1/√m and 1/√d outside).

    Raises:
        DomainError: an unknown parametrisation.
    """
    if parametrization not in PARAMETRIZATIONS:
        raise DomainError(f"parametrization is {parametrization!r}: use {' or '.join(map(repr, PARAMETRIZATIONS))}.")
    front, gamma, unit = PARAMETRIZATIONS[parametrization]
    inputs = fed(network, parametrization)
    branches = _branches(network, inputs, gamma, unit)
    here = [sp.Symbol(f"{_h}_{br.role}", real=True) for br in branches]
    there = [sp.Symbol(f"{_hp}_{br.role}", real=True) for br in branches]
    phi = [sp.Function(f"phi_{br.role}", real=True) for br in branches]
    neuron, neuron_p = (_v * sp.Mul(*(f(x) for f, x in zip(phi, args, strict=True))) for args in (here, there))
    table: dict[sp.Expr, sp.Expr] = {_v**2: sp.S.One if unit else sigma_v**2}
    for f, x, xp, br in zip(phi, here, there, branches, strict=True):
        table[f(x) * f(xp)] = br.S
        table[f(x).diff(x) * f(xp).diff(xp)] = br.T
    groups = ((_v,), *zip(here, there, strict=True))
    neurons = front * m  # m independent neurons, each with the squared front factor
    products: dict[str, sp.Expr] = {"readout": sp.diff(neuron, _v) * sp.diff(neuron_p, _v)}
    for x, xp, br in zip(here, there, branches, strict=True):
        # ∂h/∂w · ∂h'/∂w = γ² x·x' where x and x' are what the branch is fed with
        products[br.role] = sp.diff(neuron, x) * sp.diff(neuron_p, xp) * gamma * inputs.mixed
    blocks = {role: neurons * expectation(product, table, groups) for role, product in products.items()}
    nngp = neurons * expectation(neuron * neuron_p, table, groups)
    return Kernels(parametrization, inputs, branches, nngp, blocks, products)
