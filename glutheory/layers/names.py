"""Names that libraries give to activations of the zoo: the one table of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from glutheory.activations import Activation, activation, activation_names
from glutheory.errors import UnknownNameError

#: Name -> name in the zoo. Names that the zoo itself has are not repeated, but for swish, which has a
#: parameter there.
LIBRARY_NAMES: Mapping[str, str] = MappingProxyType(
    {
        # transformers
        "gelu_accurate": "gelu_tanh",
        "gelu_fast": "gelu_tanh",
        "gelu_new": "gelu_tanh",
        "gelu_python": "gelu",
        "gelu_python_tanh": "gelu_tanh",
        "gelu_pytorch_tanh": "gelu_tanh",
        "hardswish": "hard_swish",
        "linear": "identity",
        "swish": "silu",
        # torch
        "hardsigmoid": "hard_sigmoid",
        "hardtanh": "hard_tanh",
        # what people call them
        "quick-gelu": "quick_gelu",
        "tanh-gelu": "gelu_tanh",
    }
)


def library_activation(name: str) -> Activation:
    """The activation of the zoo that a library calls so.

    Raises:
        UnknownNameError: it is none of the zoo.
    """
    own = LIBRARY_NAMES.get(name, name)
    if own not in activation_names():
        raise UnknownNameError(
            f"config has the activation {name[:60]!r}, which is not of the zoo: build the stack with "
            "glutheory.composed, whose product takes any activation."
        )
    return activation(own)
