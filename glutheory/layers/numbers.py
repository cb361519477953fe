"""The numbers of a stack by name: variances of weights and biases, and factors; each once for a repeated block.

    block.gate        the variance of a group of weights, under its name
    block.gate.bias   of its biases, where it has some
    block.residual    the factor of what is added        block.scale   that of a scale layer

The name is that of the group in the first repetition without its number: block1.gate, block2.gate, … have one variance,
block.gate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from glutheory.activations import nearest
from glutheory.errors import DomainError
from glutheory.layers.records import (
    Dense,
    Layer,
    Parallel,
    Product,
    Repeat,
    Residual,
    Scale,
    factor_of,
    positive,
)


@dataclass(frozen=True)
class Places:
    """A composition whose every dense layer and factor is an object of its own.

    Attributes:
        layers: the layers, the factor of every residual a scale layer at the end of its block.
        names: of the variance and of the biases of a dense layer, or of a factor, by the `id` of the record.
    """

    layers: tuple[Layer, ...]
    names: Mapping[int, tuple[str, ...]]


def numbers_of(layers: Sequence[Layer]) -> dict[str, Fraction]:
    """All of them, from the inputs on."""
    walk = _Walk({})
    walk.layers(layers, "")
    return walk.found


def changed_numbers(layers: Sequence[Layer], values: Mapping[str, Any]) -> tuple[Layer, ...]:
    """The layers with these values in place of their own, exactly.

    Raises:
        DomainError: no such number, or a value that it may not have.
    """
    walk = _Walk(values)
    made = walk.layers(layers, "")
    for name in values:
        if name not in walk.found:
            raise DomainError(f"variances has the key {str(name)[:60]!r}: {nearest(str(name)[:60], walk.found)}")
    return made


def places_of(layers: Sequence[Layer]) -> Places:
    """The layers taken apart, for those who walk them and ask at each which number is there."""
    walk = _Walk({}, apart=True)
    return Places(walk.layers(layers, ""), walk.names)


class _Walk:
    """Makes the layers anew, with the values that are given in place of their own.

    Attributes:
        found: every number that was met, with its value.
        names: see `Places`; only where residuals are taken apart, so that every record stays.
    """

    def __init__(self, values: Mapping[str, Any], *, apart: bool = False) -> None:
        self._values, self._apart = values, apart
        self.found: dict[str, Fraction] = {}
        self.names: dict[int, tuple[str, ...]] = {}

    def layers(self, layers: Sequence[Layer], prefix: str) -> tuple[Layer, ...]:
        return tuple(self._one(layer, prefix) for layer in layers)

    def _one(self, layer: Layer, prefix: str) -> Layer:
        if isinstance(layer, Dense):
            return self._dense(layer, prefix + (layer.name or "dense"))
        if isinstance(layer, Product):
            named = zip(layer.branches, layer.groups, strict=True)
            return replace(layer, branches=tuple(self._dense(own, prefix + group) for own, group in named))
        if isinstance(layer, Scale):
            return self._scale(layer.factor, f"{prefix}scale")
        if isinstance(layer, Residual):
            block, factor = self.layers(layer.block, prefix), self._scale(layer.scale, f"{prefix}residual")
            return Residual((*block, factor)) if self._apart else Residual(block, factor.factor)
        if isinstance(layer, Repeat):
            return replace(layer, block=self.layers(layer.block, f"{prefix}{layer.name}."))
        if isinstance(layer, Parallel):
            return Parallel(tuple(self.layers(block, prefix) for block in layer.blocks))
        return layer

    def _dense(self, layer: Dense, name: str) -> Dense:
        name = self._fresh(name)
        variance = self._number(name, layer.variance, positive)
        names: tuple[str, ...] = (name,)
        bias = layer.bias
        if layer.bias:
            names = (name, self._fresh(f"{name}.bias"))
            bias = self._number(names[1], layer.bias, positive)
        made = replace(layer, variance=variance, bias=bias)
        self.names[id(made)] = names
        return made

    def _scale(self, factor: Fraction, name: str) -> Scale:
        name = self._fresh(name)
        made = Scale(self._number(name, factor, factor_of))
        self.names[id(made)] = (name,)
        return made

    def _number(self, name: str, own: Fraction, read: Callable[[str, Any], Fraction]) -> Fraction:
        self.found[name] = read(f"variances[{name!r}]", self._values[name]) if name in self._values else own
        return self.found[name]

    def _fresh(self, name: str) -> str:
        """A name that is used once: a second `dense` is `dense2`, as in `glutheory.layers.walk`."""
        count = 1
        found = name
        while found in self.found:
            count += 1
            found = f"{name}{count}"
        return found
