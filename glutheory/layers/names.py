"""The activations that configurations name."""

from __future__ import annotations

from glutheory.activations import Activation, activation, activation_names, canonical
from glutheory.errors import UnknownNameError

#: Other than in the zoo, where swish has a parameter.
_OWN = {"swish": "silu"}


def library_activation(name: str) -> Activation:
    """The activation of the zoo that a library calls so.

    Raises:
        UnknownNameError: it is none of the zoo.
    """
    own = _OWN.get(name, canonical(name))
    if own not in activation_names():
        raise UnknownNameError(
            f"config has the activation {name[:60]!r}, which is not of the zoo: build the stack with "
            "glutheory.composed, whose product takes any activation."
        )
    return activation(own)
