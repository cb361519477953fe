"""Kernels as texts: the call that makes them again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from glutheory.errors import GlutheoryError
from glutheory.layers import Stack, read_stack
from glutheory.networks import Network, gated, product
from glutheory.networks import network as named_network


def plain(value: Any) -> Any:
    """Python's own numbers, lists and tuples in place of numpy's, whose texts are longer."""
    if isinstance(value, tuple | list):
        return type(value)(plain(part) for part in value)
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def network_text(network: Any) -> str:
    """The argument that makes this network: its name, `gated(...)` or `product(...)` where that suffices.

    Of a stack, the `read_stack(...)` that makes it; of one that no line describes, its layers in words.
    """
    if isinstance(network, Stack):
        with suppress(GlutheoryError):
            if read_stack(network.name) == network:
                return f"read_stack({network.name!r})"
        return repr(network)
    if not isinstance(network, Network):
        return repr(network)
    names = [act.name for act in network.branches]
    makers: tuple[tuple[str, Callable[[], Network]], ...] = (
        (repr(network.name), partial(named_network, network.name)),
        (f"gated({names[-1]!r})", partial(gated, names[-1])),
        (f"product({', '.join(map(repr, names))})", partial(product, *names)),
    )
    for text, make in makers:
        with suppress(GlutheoryError):
            if make() == network:
                return text
    branches = "".join(f"Activation({act.name!r}, {act.expr}), " for act in network.branches)
    return f"Network({network.name!r}, ({branches.rstrip()}))"
