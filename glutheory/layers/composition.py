"""A composition of layers: checked, with a name for every group of weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property

from glutheory.activations import nearest
from glutheory.errors import DomainError, UnknownNameError
from glutheory.layers.records import (
    MOST_NESTED,
    Block,
    Dense,
    Layer,
    Norm,
    Parallel,
    Positions,
    Product,
    Repeat,
    Residual,
    Scale,
    serial,
)
from glutheory.layers.text import written
from glutheory.layers.walk import run
from glutheory.networks import Network
from glutheory.shown import Shown

#: What units are: raw data; centred and Gaussian given the layer below, as after a dense layer; images of such under
#: activations; the output.
INPUTS, STREAM, UNITS, OUTPUT = "inputs", "stream", "units", "output"


@dataclass(frozen=True, repr=False)
class Stack(Shown):
    """A deep network: layers from the inputs on.

    Its kernels are those of one unit of the last layer: of the output, where that is a readout.

    Attributes:
        layers: one after the other.
        name: for tables and figures.
        notes: what the composition leaves out of the model it was made from.

    Raises:
        DomainError: layers that do not fit together; the message says which and what would.
    """

    layers: tuple[Layer, ...]
    name: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", serial(self.layers))
        if _depth(self.layers) > MOST_NESTED:
            raise DomainError(
                f"layers is nested more than {MOST_NESTED} blocks deep: lay blocks out one after the other, or use "
                "repeat."
            )
        run(self.layers, INPUTS, _Kinds(), most=2)
        object.__setattr__(self, "name", self.name or written(self.layers))

    def __repr__(self) -> str:
        said = written(self.layers)
        return f"<Stack {said}>" if said == self.name else f"<Stack {self.name}: {said}>"

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups of trained weights, from the inputs on: embedding, block1.value and so on."""
        found: list[str] = []
        run(self.layers, "", _Groups(found))
        return tuple(found)

    @property
    def sequences(self) -> bool:
        """Whether the data are sequences, (n, positions, d): there is a mean over positions."""
        return any(isinstance(layer, Positions) for layer in self.layers)

    @cached_property
    def centred(self) -> bool:
        """Whether a layernorm stands anywhere, which asks for the means of the units."""
        level, found = list(self.layers), False
        while level and not found:
            found = any(isinstance(layer, Norm) and layer.centred for layer in level)
            level = [inner for layer in level for block in _blocks(layer) for inner in block]
        return found

    def chosen(self, trained: str | Iterable[str] | None) -> frozenset[str]:
        """The groups of these names or patterns (``"block*.gate"``); all of them for None.

        Raises:
            UnknownNameError: a name or pattern that no group of trained weights has.
        """
        if trained is None:
            return frozenset(self.groups)
        found: set[str] = set()
        for pattern in (trained,) if isinstance(trained, str) else trained:
            own = {group for group in self.groups if fnmatchcase(group, str(pattern))}
            if not own:
                raise UnknownNameError(
                    f"trained has the name {str(pattern)[:40]!r}, which no group of trained weights has: "
                    f"{nearest(str(pattern)[:40], self.groups[:1000])}"
                )
            found |= own
        return frozenset(found)

    def changed(self, change: Callable[[Network], Network], name: str = "") -> Stack:
        """The stack with every product's network changed by this function, and all else as it is.

        The branches that are left keep their weights, the last ones theirs.
        """
        return replace(self, layers=_changed(self.layers, change), name=name)

    def ungated(self, name: str = "") -> Stack:
        """The stack whose gated products have lost their value branch."""
        return self.changed(lambda net: net.ungated() if net.gated else net, name)


def composed(*layers: Block, name: str = "") -> Stack:
    """A stack of these layers, one after the other.

    Raises:
        DomainError: layers that do not fit together, or something that is no layer.
    """
    return Stack(serial(*layers), str(name))


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
            raise DomainError("a sum of blocks contains the readout: put it after the residual or the parallel layer.")
        if state == INPUTS:
            raise DomainError("a residual stands on the inputs: put a dense layer (the embedding) before it.")
        if other != STREAM:
            raise DomainError(
                "a block whose image is added ends with a product or a norm, and its image would not be independent of "
                "what it is added to: end the block with a dense layer."
            )
        return state


def _no_output(state: str, what: str) -> None:
    if state == OUTPUT:
        raise DomainError(f"{what} stands after the readout, which must be the last layer: use dense() within a stack.")


def _depth(layers: tuple[Layer, ...]) -> int:
    """The number of blocks within blocks, without calling itself."""
    depth, level = 0, [layers]
    while level:
        level = [block for own in level for layer in own for block in _blocks(layer)]
        depth += 1
        if depth > MOST_NESTED:
            break
    return depth


def _blocks(layer: Layer) -> tuple[tuple[Layer, ...], ...]:
    if isinstance(layer, Residual | Repeat):
        return (layer.block,)
    return layer.blocks if isinstance(layer, Parallel) else ()


def _changed(layers: tuple[Layer, ...], change: Callable[[Network], Network]) -> tuple[Layer, ...]:
    return tuple(_change(layer, change) for layer in layers)


def _change(layer: Layer, change: Callable[[Network], Network]) -> Layer:
    if isinstance(layer, Product):
        made = change(layer.network)
        return replace(layer, network=made, branches=layer.branches[-len(made.branches) :])
    if isinstance(layer, Residual | Repeat):
        return replace(layer, block=_changed(layer.block, change))
    if isinstance(layer, Parallel):
        return replace(layer, blocks=tuple(_changed(block, change) for block in layer.blocks))
    return layer
