"""A gated network and the non-gated one it is compared with: found from one name or two, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence

from glutheory.errors import DomainError
from glutheory.networks import GATES, Network, network

#: Names that are not written in small letters.
_WRITTEN = {
    "relu": "ReLU", "gelu": "GELU", "silu": "SiLU", "glu": "GLU", "gtu": "GTU",
    "reglu": "ReGLU", "geglu": "GEGLU", "swiglu": "SwiGLU",
}  # fmt: skip


def written(name: str) -> str:
    """The name of a network as papers write it: "SwiGLU"."""
    return _WRITTEN.get(name, name)


def pair(names: Sequence[str]) -> tuple[Network, Network]:
    """The non-gated and the gated network of a comparison.

    Args:
        names: one of each kind, in any order; or one of them, whose partner has the same activation as its gate, e.g.
            SiLU and SwiGLU.

    Raises:
        DomainError: no names or more than two, two of the same kind, or one that no network has as its gate.
        UnknownNameError: no such network.
    """
    found = [network(name) for name in names]
    if len(found) == 1:
        found.append(_partner(found[0]))
    if len(found) != 2:
        raise DomainError(f"{len(found)} networks are given: give a gated and a non-gated one, e.g. relu reglu.")
    plain, gated = sorted(found, key=lambda net: net.gated)
    if plain.gated or not gated.gated:
        kind = "gated" if plain.gated else "non-gated"
        raise DomainError(f"{found[0].name} and {found[1].name} are both {kind}: give one of each kind, or one alone.")
    return plain, gated


def _partner(net: Network) -> Network:
    if net.gated:
        return net.ungated(net.gate.name)
    for gated, gate in GATES.items():
        if gate == net.name:
            return network(gated)
    raise DomainError(f"{net.name} is the gate of no network of the zoo: give one of {', '.join(GATES.values())}.")
