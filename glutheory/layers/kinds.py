"""Two readings of a composition without any kernel: how its weights are called, and whether its layers fit."""

from __future__ import annotations

from collections.abc import Sequence

from glutheory.errors import DomainError
from glutheory.layers.records import Dense, Layer, Norm, Positions, Product, Scale
from glutheory.layers.walk import run

#: What units are: raw data; centred and Gaussian given the layer below, as after a dense layer; images of such under
#: activations; the output.
INPUTS, STREAM, UNITS, OUTPUT = "inputs", "stream", "units", "output"


def check_kinds(layers: Sequence[Layer]) -> None:
    """Refuse layers that cannot stand where they do.

    Raises:
        DomainError: one sentence about the first of them.
    """
    run(layers, INPUTS, _Kinds(), most=2)


def groups_of(layers: Sequence[Layer]) -> tuple[str, ...]:
    """The names of the groups of trained weights, in the order of the walk."""
    found: list[str] = []
    run(layers, "", _Groups(found))
    return tuple(found)


class _Groups:
    """Rules that collect the names of the groups of trained weights."""

    def __init__(self, found: list[str]) -> None:
        self._found = found

    def dense(self, state: str, layer: Dense, group: str) -> str:
        self._found += [group] * layer.trained
        return state

    def product(self, state: str, layer: Product, groups: tuple[str, ...]) -> str:
        self._found += [group for group, own in zip(groups, layer.branches, strict=True) if own.trained]
        return state

    def norm(self, state: str, layer: Norm, group: str) -> str:  # noqa: ARG002
        self._found += [group] * bool(group)
        return state

    def scale(self, state: str, layer: Scale) -> str:  # noqa: ARG002
        return state

    def positions(self, state: str, layer: Positions) -> str:  # noqa: ARG002
        return state

    def add(self, state: str, other: str) -> str:  # noqa: ARG002
        return state


class _Kinds:
    """Rules that say what the units are after each layer, or why it cannot stand there."""

    def dense(self, state: str, layer: Dense, group: str) -> str:
        _no_output(state, group)
        return OUTPUT if layer.readout else STREAM

    def product(self, state: str, layer: Product, groups: tuple[str, ...]) -> str:  # noqa: ARG002
        _no_output(state, layer.network.name)
        return UNITS

    def norm(self, state: str, layer: Norm, group: str) -> str:  # noqa: ARG002
        _no_output(state, "layernorm" if layer.centred else "rmsnorm")
        if layer.centred and state == INPUTS:
            raise DomainError(
                "layernorm stands on the inputs, whose mean is no matter of their inner products: centre the data, or "
                "put a dense layer before it."
            )
        return state

    def scale(self, state: str, layer: Scale) -> str:  # noqa: ARG002
        return state

    def positions(self, state: str, layer: Positions) -> str:  # noqa: ARG002
        return state

    def add(self, state: str, other: str) -> str:
        if OUTPUT in (state, other):
            raise DomainError("a residual stands after the readout, which must be the last layer: put it before.")
        if state == INPUTS:
            raise DomainError("a sum with the inputs themselves: put a dense layer (the embedding) before it.")
        return state


def _no_output(state: str, what: str) -> None:
    if state == OUTPUT:
        raise DomainError(f"{what} stands after the readout, which must be the last layer: use dense() within a stack.")
