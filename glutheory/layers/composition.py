"""A composition of layers: checked, with a name for every group of weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import cached_property
from typing import Any

from glutheory.activations import Activation, activation, activation_names, nearest
from glutheory.errors import DomainError, UnknownNameError
from glutheory.layers.blocks import check_blocks
from glutheory.layers.blocks import inner as _blocks
from glutheory.layers.kinds import check_kinds, groups_of
from glutheory.layers.numbers import changed_numbers, numbers_of
from glutheory.layers.records import (
    MOST_NESTED,
    Block,
    Layer,
    Norm,
    Parallel,
    Positions,
    Product,
    Repeat,
    Residual,
    serial,
)
from glutheory.layers.text import written
from glutheory.networks import Network
from glutheory.shown import Shown

#: Letters of a name that is made from the layers, and the number of layers that are listed one by one.
_LONG, _LISTED = 300, 10**6


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
        object.__setattr__(self, "notes", tuple(self.notes))
        if _depth(self.layers) > MOST_NESTED:
            raise DomainError(
                f"layers is nested more than {MOST_NESTED} blocks deep: lay blocks out one after the other, or use "
                "repeat."
            )
        check_blocks(self.layers)
        check_kinds(self.layers)
        object.__setattr__(self, "name", self.name or self._written())

    def _written(self) -> str:
        said = written(self.layers[:_LONG])
        return said if len(said) <= _LONG else f"{said[: _LONG - 30].rpartition(',')[0]}, … ({len(self.layers)} layers)"

    def __repr__(self) -> str:
        said = self._written()
        return f"<Stack {said}>" if said == self.name else f"<Stack {self.name}: {said}>"

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups of trained weights, from the inputs on: embedding, block1.value and so on.

        Raises:
            DomainError: so many layers that no list holds their names.
        """
        if _count(self.layers) > _LISTED:
            raise DomainError(f"the stack has more than {_LISTED} layers, too many to name: give it less depth.")
        return groups_of(self.layers)

    @property
    def numbers(self) -> dict[str, Fraction]:
        """The variances of weights and biases and the factors by name, those of a repeated block once.

        ``embedding``, ``block.gate``, ``block.gate.bias`` (where there are biases), ``block.residual`` (the factor of
        what is added), ``block.scale``. `glutheory.gram` takes other values for them, and the kernels of torch, JAX,
        GPyTorch and scikit-learn have derivatives with respect to them.
        """
        return numbers_of(self.layers)

    @cached_property
    def products(self) -> tuple[Product, ...]:
        """The products of branches among the layers, those of a repeated block once."""
        found: list[Product] = []
        waiting = list(reversed(self.layers))
        while waiting:
            layer = waiting.pop()
            found += [layer] if isinstance(layer, Product) else []
            waiting += [own for block in reversed(_blocks(layer)) for own in reversed(block)]
        return tuple(found)

    @property
    def activations(self) -> tuple[Activation, ...]:
        """Those of all products."""
        return tuple(act for layer in self.products for act in layer.activations)

    @property
    def gated(self) -> bool:
        """Whether one of the products is a gated linear unit."""
        return any(layer.network.gated for layer in self.products)

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
            DomainError: no name, nor a list of names.
            UnknownNameError: a name or pattern that no group of trained weights has.
        """
        if trained is None:
            return frozenset(self.groups)
        if not isinstance(trained, Iterable):
            raise DomainError(f"trained is {trained!r}: give the name of a group of weights, or a list of names.")
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

    def with_numbers(self, values: Mapping[str, Any], name: str = "") -> Stack:
        """The stack with these values for some of its `numbers`.

        Raises:
            DomainError: no such number, a variance that is not positive, or a factor that is 0.
        """
        return replace(self, layers=changed_numbers(self.layers, values), name=name)

    def changed(self, change: Callable[[Network], Network], name: str = "") -> Stack:
        """The stack with every product's network changed by this function, and all else as it is.

        The branches that are left keep their weights, the last ones theirs; branches that are added in front have the
        variances of the first.

        Raises:
            DomainError: the function returns something that is no network.
        """
        return replace(self, layers=_changed(self.layers, change), name=name)

    def ungated(self, name: str = "") -> Stack:
        """The stack whose gated products have lost their value branch."""
        return self.changed(_bare, name)


def composed(*layers: Block, name: str = "") -> Stack:
    """A stack of these layers, one after the other.

    Raises:
        DomainError: layers that do not fit together, or something that is no layer.
    """
    return Stack(serial(*layers), str(name))


def _depth(layers: tuple[Layer, ...]) -> int:
    """The number of blocks within blocks, without calling itself."""
    depth, level = 0, [layers]
    while level:
        level = [block for own in level for layer in own for block in _blocks(layer)]
        depth += 1
        if depth > MOST_NESTED:
            break
    return depth


def _count(layers: tuple[Layer, ...]) -> int:
    """The number of layers that a walk meets, repetitions counted."""
    found = 0
    for layer in layers:
        own = sum(map(_count, _blocks(layer)))
        found += 1 + (own * layer.times if isinstance(layer, Repeat) else own)
    return found


def _bare(net: Network) -> Network:
    """A gated network without its value branch, under the name that the zoo has for it."""
    if not net.gated:
        return net
    in_zoo = net.gate.name in activation_names() and activation(net.gate.name) == net.gate
    return net.ungated(net.gate.name if in_zoo else None)


def _changed(layers: tuple[Layer, ...], change: Callable[[Network], Network]) -> tuple[Layer, ...]:
    return tuple(_change(layer, change) for layer in layers)


def _change(layer: Layer, change: Callable[[Network], Network]) -> Layer:
    if isinstance(layer, Product):
        made = change(layer.network)
        if not isinstance(made, Network):
            raise DomainError(f"change returns {repr(made)[:60]}: return a Network.")
        added = max(0, len(made.branches) - len(layer.branches))
        branches = (replace(layer.branches[0], name=""),) * added + layer.branches
        return replace(layer, network=made, branches=branches[-len(made.branches) :])
    if isinstance(layer, Residual | Repeat):
        return replace(layer, block=_changed(layer.block, change))
    if isinstance(layer, Parallel):
        return replace(layer, blocks=tuple(_changed(block, change) for block in layer.blocks))
    return layer
