"""A gated network and the non-gated one it is compared with: found from one name or two, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence

from glutheory.errors import DomainError
from glutheory.networks import Network, network, partner

#: Names that are not written in small letters.
_WRITTEN = {
    "relu": "ReLU", "gelu": "GELU", "silu": "SiLU", "glu": "GLU", "gtu": "GTU",
    "reglu": "ReGLU", "geglu": "GEGLU", "swiglu": "SwiGLU",
}  # fmt: skip


def written(name: str) -> str:
    """The name of a network as papers write it: "SwiGLU"."""
    return _WRITTEN.get(name, name)


def pair(names: Sequence[str | Network]) -> tuple[Network, Network]:
    """The non-gated and the gated network of a comparison.

    Args:
        names: networks or their names, one of each kind, in any order; or one of them, whose partner has the same
            activation as its gate, e.g. SiLU and SwiGLU.

    Raises:
        DomainError: no names or more than two, two of the same kind, or a product of branches that is no gated network.
        UnknownNameError: no such network.
    """
    found = [network(name) for name in names]
    if len(found) == 1:
        found.append(partner(found[0]))
    if len(found) != 2:
        raise DomainError(f"{len(found)} networks are given: give a gated and a non-gated one, e.g. relu reglu.")
    plain, gated = sorted(found, key=lambda net: net.gated)
    if plain.gated or not gated.gated:
        kind = "gated" if plain.gated else "non-gated"
        raise DomainError(f"{found[0].name} and {found[1].name} are both {kind}: give one of each kind, or one alone.")
    return plain, gated
