"""How a state passes through a composition: the order of the layers and the names of their weights, no kernel.

Each road has rules of its own for what a layer does to its state, and `run` calls them one after the other. Blocks
within blocks call each other, which `MOST_NESTED` bounds; repetitions and layers in a row are loops, however many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from glutheory.errors import DomainError
from glutheory.layers.records import Dense, Layer, Norm, Parallel, Positions, Product, Repeat, Residual, Scale

S = TypeVar("S")


class Rules(Protocol[S]):
    """What each layer does to a state, which is never changed in place: several blocks may be given the same one."""

    def dense(self, state: S, layer: Dense, group: str) -> S:
        """A dense layer whose group of weights has this name."""

    def product(self, state: S, layer: Product, groups: tuple[str, ...]) -> S:
        """A product of branches, each with its own group of weights."""

    def norm(self, state: S, layer: Norm, group: str) -> S:
        """RMSNorm or LayerNorm; the group is that of its gain and shift, if it has any."""

    def scale(self, state: S, layer: Scale) -> S:
        """The units times a number."""

    def add(self, state: S, other: S) -> S:
        """The sum of two states, `other` being the image of a block that ends with independent, centred weights."""

    def positions(self, state: S, layer: Positions) -> S:
        """The mean over positions."""


def by_depth(layers: Sequence[Layer], state: S, rules: Rules[S], depths: Collection[int]) -> Iterator[tuple[int, S]]:
    """The states that these layers would end with, were their one repetition repeated so and so often, ascending.

    Every block is walked once, and for each depth what comes after them.

    Raises:
        DomainError: not one `Repeat` among the layers.
    """
    places = [k for k, layer in enumerate(layers) if isinstance(layer, Repeat)]
    if len(places) != 1:
        raise DomainError(f"stack has {len(places)} layers that are repeated: give one with one repeat(…).")
    names, (place,) = _Names(), places
    repeated = layers[place]
    assert isinstance(repeated, Repeat)
    state = _run(layers[:place], state, rules, names, "", None)
    wanted = set(depths)
    for number in range(1, max(wanted, default=0) + 1):
        state = _run(repeated.block, state, rules, names, f"{repeated.name}{number}.", None)
        if number in wanted:
            yield number, _run(layers[place + 1 :], state, rules, names.copy(), "", None)


class _Names:
    """Names that are used once: a second `value` is `value2`."""

    def __init__(self, used: Mapping[str, int] | None = None) -> None:
        self._used: Counter[str] = Counter(used or {})

    def copy(self) -> _Names:
        return _Names(self._used)

    def fresh(self, name: str) -> str:
        self._used[name] += 1
        count = self._used[name]
        return name if count == 1 else self.fresh(f"{name}{count}")


def run(layers: Sequence[Layer], state: S, rules: Rules[S], *, most: int | None = None) -> S:
    """The state after these layers.

    Args:
        layers: one after the other.
        state: before the first; see `Rules`.
        rules: what each does.
        most: repetitions of a block at most, and none after one that leaves the state as it was: for states that say
            little, such as what kind of units there are.
    """
    return _run(layers, state, rules, _Names(), "", most)


def _run(layers: Sequence[Layer], state: S, rules: Rules[S], names: _Names, prefix: str, most: int | None) -> S:
    for layer in layers:
        if isinstance(layer, Dense):
            state = rules.dense(state, layer, names.fresh(prefix + (layer.name or "dense")))
        elif isinstance(layer, Product):
            state = rules.product(state, layer, tuple(names.fresh(prefix + group) for group in layer.groups))
        elif isinstance(layer, Norm):
            trained = layer.gain or layer.shift
            state = rules.norm(state, layer, names.fresh(prefix + (layer.name or "norm")) if trained else "")
        elif isinstance(layer, Scale):
            state = rules.scale(state, layer)
        elif isinstance(layer, Positions):
            state = rules.positions(state, layer)
        elif isinstance(layer, Residual):
            image = _run(layer.block, state, rules, names, prefix, most)
            state = rules.add(state, image if layer.scale == 1 else rules.scale(image, Scale(layer.scale)))
        elif isinstance(layer, Parallel):
            images = [_run(block, state, rules, names, prefix, most) for block in layer.blocks]
            state = images[0]
            for image in images[1:]:
                state = rules.add(state, image)
        else:
            state = _repeat(layer, state, rules, names, prefix, most)
    return state


def _repeat(layer: Repeat, state: S, rules: Rules[S], names: _Names, prefix: str, most: int | None) -> S:
    times = layer.times if most is None else min(layer.times, most)
    for number in range(1, times + 1):
        before = state
        state = _run(layer.block, state, rules, names, f"{prefix}{layer.name}{number}.", most)
        # otherwise repetitions of repetitions of repetitions would take 2, 4, 8 times as long
        if most is not None and state == before:
            break
    return state
