"""Two-layer networks as data: the branches of a hidden unit, the variances of its weights, and the zoo.

    non-gated   z(x) = V φ(W x)                     branches (φ,)
    gated       z(x) = V [ (P x) ⊙ φ(W x) ]         branches (identity, φ)

Source: Shazeer 2020 (arXiv 2002.05202) for the gates; arXiv 2605.20749, Eqs. 1 and 2, for the setting.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from glutheory.activations import Activation, activation, activation_names, canonical, unknown
from glutheory.errors import DomainError, UnknownNameError
from glutheory.ground.arguments import as_exact, integer
from glutheory.shown import Shown

PARAMETRIZATIONS = ("ntk", "standard")

#: Names of the gated networks and the activation of their gate branch.
GATES: dict[str, str] = {
    "bilinear": "identity",
    "glu": "sigmoid",
    "reglu": "relu",
    "geglu": "gelu",
    "swiglu": "silu",
    "gtu": "tanh",
}
#: And of all others: mish_glu is gated by mish, and every activation of the zoo so.
SUFFIX = "_glu"

_LONGEST = 60  #: characters of a name


@dataclass(frozen=True, repr=False)
class Network(Shown):
    """A two-layer network without biases whose hidden unit is ``∏_i φ_i(w_i·x)`` with independent weights.

    Attributes:
        name: its name in the zoo, or one made from the branches.
        branches: the activations φ_i; a gated network is ``(identity, φ)``: the value branch, then the gate.
    """

    name: str
    branches: tuple[Activation, ...]

    def __repr__(self) -> str:
        branches = " * ".join(act.label for act in self.branches)
        kind = "gated" if self.gated else "non-gated" if len(self.branches) == 1 else "product of branches"
        return f"<Network {self.name}: {kind}, {branches}>"

    def __post_init__(self) -> None:
        if not self.branches:
            raise DomainError("branches is empty: a hidden unit needs at least one activation.")

    @property
    def gated(self) -> bool:
        """Whether this is a gated linear unit: an identity (value) branch times one gate."""
        return len(self.branches) == 2 and self.branches[0].name == "identity"

    @property
    def gate(self) -> Activation:
        """The last branch: the gate of a gated network, the activation of a non-gated one."""
        return self.branches[-1]

    def with_gate(self, gate: Activation, name: str) -> Network:
        """The network under another name with another last branch, and with all else that this one has."""
        return replace(self, name=name, branches=(*self.branches[:-1], gate))

    def ungated(self, name: str | None = None) -> Network:
        """The network whose only branch is the gate, named after it, with all else that this one has."""
        return replace(self, name=name or self.gate.label, branches=(self.gate,))

    @property
    def roles(self) -> tuple[str, ...]:
        """The names of the branches' weight blocks: hidden; value and gate; or branch1, branch2 and so on."""
        if len(self.branches) == 1:
            return ("hidden",)
        if self.gated:
            return ("value", "gate")
        return tuple(f"branch{i}" for i in range(1, len(self.branches) + 1))


def network_names() -> tuple[str, ...]:
    """The names of the zoo: every activation (non-gated), then the gated networks."""
    return (*activation_names(), *GATES)


def canonical_network(name: str) -> str:
    """The zoo's name for it, e.g. ``swiglu`` for SwiGLU and ``mish_glu`` for MishGLU; without one the name itself."""
    own = canonical(name)
    if own in activation_names():
        return own
    squeezed = "".join(letter for letter in name[:_LONGEST].lower() if letter.isalnum())
    if squeezed in GATES:
        return squeezed
    stem = canonical(squeezed.removesuffix("glu"))
    return stem + SUFFIX if squeezed.endswith("glu") and stem in activation_names() else name


def gate_of(name: str) -> str:
    """The activation that the gated network of that name has as its gate; any other name itself."""
    stem = name.removesuffix(SUFFIX)
    return GATES.get(name, stem if stem in activation_names() else name)


def gate_named(act: Activation | str) -> Activation | str:
    """The gate where a gated network is named ("swiglu" stands for silu); anything else as it is."""
    return gate_of(canonical_network(act)) if isinstance(act, str) and len(act) <= _LONGEST else act


def network(name: str | Network | Activation) -> Network:
    """The network of that name: an activation's name is the non-gated one; see `GATES` and `SUFFIX` for gated ones.

    Names are read in any case, with or without underscores; an activation is the network whose only branch it is.

    Raises:
        UnknownNameError: no such network; the message suggests the nearest names.
    """
    if isinstance(name, Network):
        return name
    if isinstance(name, Activation):
        usual = name.name in activation_names() and activation(name.name) == name
        return Network(name.name if usual else name.label, (name,))
    own = canonical_network(name) if isinstance(name, str) else name
    if own in activation_names():
        return Network(own, (activation(own),))
    if isinstance(own, str) and gate_of(own) != own:
        return Network(own, (activation("identity"), activation(gate_of(own))))
    raise UnknownNameError(unknown("network", name, network_names()))


def partner(network: str | Network) -> Network:
    """The other one of a pair: of a gated network that of its gate alone, of a non-gated one that which it gates.

    Raises:
        DomainError: a product of branches that is no gated linear unit.
        UnknownNameError: no such network.
    """
    net, act = _named(network), _named(network).gate
    usual = act.name in activation_names() and activation(act.name) == act
    if net.gated:
        return net.ungated(act.name if usual else act.label)
    if len(net.branches) > 1:
        raise DomainError(
            f"{net.name!r} is a product of {len(net.branches)} branches: give one of one activation, gated or not."
        )
    if not usual:
        return gated(act)
    return _named(next((name for name, gate in GATES.items() if gate == act.name), act.name + SUFFIX))


_named = network  #: for functions with an argument of that name


def matched_width(network: str | Network, width: int, inputs: int, outputs: int = 1) -> int:
    """The hidden width with which a network has about as many weights as a non-gated one of width `width`.

    For k branches int(width·(inputs + outputs)/(k·inputs + outputs)), as in the code of arXiv 2605.20749 (k = 2).

    Args:
        network: a `Network` or a name of the zoo.
        width: of the non-gated network.
        inputs: the dimension of x.
        outputs: the dimension of z.

    Raises:
        DomainError: a number that is no positive integer, or so few weights that no neuron is left.
        UnknownNameError: no such network.
    """
    branches = len(_named(network).branches)
    width, inputs = integer("width", width, 1), integer("inputs", inputs, 1)
    outputs = integer("outputs", outputs, 1)
    matched = width * (inputs + outputs) // (branches * inputs + outputs)
    if matched < 1:
        raise DomainError(f"width is {width}: give at least {branches}, or the gated network has no neuron.")
    return matched


def gated(gate: Activation | str, *others: object) -> Network:
    """The gated linear unit with this gate, named after it, e.g. ``gated("sin")``.

    Raises:
        DomainError: more than a gate: its other branch is the identity, and `product` has any branches.
        UnknownNameError: no such activation.
    """
    if others:
        raise DomainError(
            f"gated has {1 + len(others)} branches: give the gate alone, whose value branch is the identity, or all "
            "branches to glutheory.product, as in product('relu', 'gelu')."
        )
    act = activation(gate)
    return Network(f"gated {act.label}", (activation("identity"), act))


def product(*branches: Activation | str, name: str | None = None) -> Network:
    """The network whose hidden unit is the product of these branches, e.g. ``product("identity", "gelu")``."""
    acts = tuple(activation(branch) for branch in branches)
    return Network(name or " * ".join(act.label for act in acts), acts)


@dataclass(frozen=True)
class Weights:
    """The variances of a network's weights, exact.

    Attributes:
        standard: whether the weights themselves have them; in the ntk parametrisation weights have variance 1, and
            these are squared factors outside.
        width: m; 1 in the ntk parametrisation, which has no width.
        readout: σ_v².
        branches: σ_i², in the order of the branches.
    """

    standard: bool
    width: int
    readout: Fraction
    branches: tuple[Fraction, ...]


def weights(
    network: Network, d: int, parametrization: str, width: Any = None, variances: Mapping[str, Any] | None = None
) -> Weights:
    """The variances that a caller gave; LeCun's, 1/m and 1/d, where one is missing, or 1 in the ntk parametrisation.

    Args:
        network: whose `roles` they belong to.
        d: the dimension of x.
        parametrization: "ntk" or "standard".
        width: m, which only "standard" needs and reads.
        variances: role, or "readout", to a positive number (int, float, Fraction, str).

    Raises:
        DomainError: an unknown parametrisation or role, no mapping, a width or a variance that is not positive.
    """
    if parametrization not in PARAMETRIZATIONS:
        raise DomainError(f"parametrization is {parametrization!r}: use {' or '.join(map(repr, PARAMETRIZATIONS))}.")
    standard, known = parametrization == "standard", ("readout", *network.roles)
    if not isinstance(variances, Mapping | None):
        raise DomainError(f"variances is {variances!r}: give a mapping from {', '.join(known)} to positive numbers.")
    given = variances or {}
    for role in given:
        if role not in known:
            raise DomainError(
                f"variances has the key {role!r}: the weights of {network.name!r} are {', '.join(known)}."
            )
    m = _width(width) if standard else 1
    usual = {"readout": Fraction(1, m), **dict.fromkeys(network.roles, Fraction(1, d if standard else 1))}
    found = usual | {role: _variance(role, value) for role, value in given.items()}
    return Weights(standard, m, found["readout"], tuple(found[role] for role in network.roles))


def _width(width: Any) -> int:
    try:
        return integer("width", width, 1)
    except DomainError:
        raise DomainError(
            f"width is {width!r}: the standard parametrisation needs the number of hidden units, a positive integer."
        ) from None


def _variance(role: str, value: Any) -> Fraction:
    """Exact, and within double precision, in which the kernels are computed."""
    exact = as_exact(f"variances[{role!r}]", value)
    try:
        number = float(exact) if isinstance(exact, Fraction) else math.nan
    except OverflowError:
        number = math.inf
    if not isinstance(exact, Fraction) or not 0 < number < math.inf:
        raise DomainError(
            f"variances[{role!r}] is {repr(value)[:60]}: give a positive number (int, float, Fraction, str)."
        )
    return exact
