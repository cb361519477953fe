"""A gated network and the non-gated one it is compared with: found from one name or two, and how they are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from glutheory.errors import DomainError
from glutheory.layers import Stack
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


def stack_pair(stacks: Sequence[Stack]) -> tuple[Stack, Stack]:
    """The stack without gates and the one with them.

    Args:
        stacks: one of each kind, in any order; or one alone, whose partner has all else alike, and no value branches,
            or one more in every product.

    Raises:
        DomainError: no stack or more than two, two of the same kind, or products that are no gated networks.
    """
    if not 0 < len(stacks) <= 2:
        raise DomainError(f"{len(stacks)} stacks are given: give one with gates and one without, or one alone.")
    first, *others = stacks
    second = others[0] if others else _other(first)
    if first.gated == second.gated:
        kind = "gates" if first.gated else "no gates"
        raise DomainError(f"{first.name!r} and {second.name!r} both have {kind}: give one of each kind, or one alone.")
    return (second, first) if first.gated else (first, second)


def _other(stack: Stack) -> Stack:
    """All else alike, with the gates taken away or put in."""
    change: Callable[[Network], Network] = (lambda net: partner(net) if net.gated else net) if stack.gated else partner
    own = {layer.network.name for layer in stack.products}
    made = stack.changed(change)
    # the line that names it, where that begins with its network
    if len(own) == 1 and stack.name.startswith(f"{(name := own.pop())} x "):
        return replace(made, name=made.products[0].network.name + stack.name[len(name) :])
    return made
