"""The recursion of a composition, derived: each layer's rule applied to the state of the stream, blocks only once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import sympy as sp

from glutheory.errors import DomainError
from glutheory.layers.records import Dense, Layer, Norm, Parallel, Positions, Product, Repeat, Residual, Scale
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.kernels import Moments
from glutheory.symbolic.layer_steps import ZEROS, LayerSteps
from glutheory.symbolic.recursion import Call, Carried, Loop, Node, Recursion, State

#: The inputs' inner products over d, by their usual names.
GRAM = Moments(a, b, c)


@lru_cache(maxsize=128)
def recursion(
    layers: tuple[Layer, ...],
    standard: bool = False,
    centred: bool = False,
    inputs: bool = True,
    raw: bool = False,
) -> Recursion:
    """Derive the recursion of these layers.

    Args:
        layers: without a mean over positions.
        standard: the standard parametrisation, with the symbols d and m for the dimension and the width; else ntk.
        centred: whether products of means are followed, for layernorms.
        inputs: whether the layers stand on the inputs; else on a stream whose variances, means and NTK are given.
        raw: whether that stream are coordinates of the inputs all the same, such as their mean over positions.

    Raises:
        DomainError: a mean over positions within a block.
    """
    return _Composer(LayerSteps(standard, centred)).whole(layers, inputs, raw)


class _Composer:
    """Follows layers and blocks; what one layer does is `LayerSteps`."""

    def __init__(self, steps: LayerSteps) -> None:
        self._steps, self._names = steps, steps.names

    def whole(self, layers: tuple[Layer, ...], inputs: bool, raw: bool) -> Recursion:
        if inputs:
            start = State(GRAM, ZEROS, None, self._names.name("ray"), True)
        else:
            means = self._names.moments("M") if self._steps.centred else ZEROS
            start = State(GRAM, means, self._names.symbol("Theta"), self._names.name("ray"), raw)
        nodes, end = self._run(layers, start)
        return Recursion(start, nodes, end, self._steps.standard)

    def _run(self, layers: Sequence[Layer], state: State) -> tuple[tuple[Node, ...], State]:
        nodes: list[Node] = []
        for layer in layers:
            made, state = self._one(layer, state)
            nodes += made
        return tuple(nodes), state

    def _one(self, layer: Layer, state: State) -> tuple[tuple[Node, ...], State]:
        if isinstance(layer, Repeat):
            return self._repeat(layer, state)
        if isinstance(layer, Residual):
            nodes, image = self._run((*layer.block, *([] if layer.scale == 1 else [Scale(layer.scale)])), state)
            step, total = self._steps.add(state, image)
            return (*nodes, step), total
        if isinstance(layer, Parallel):
            found: list[Node] = []
            images = []
            for block in layer.blocks:
                nodes, image = self._run(block, state)
                found += nodes
                images.append(image)
            total = images[0]
            for image in images[1:]:
                step, total = self._steps.add(total, image)
                found.append(step)
            return tuple(found), total
        if isinstance(layer, Positions):
            raise DomainError("positions stands within a block: put it between the layers of the stack itself.")
        if isinstance(layer, Dense):
            step, after = self._steps.dense(layer, state)
        elif isinstance(layer, Product):
            step, after = self._steps.product(layer, state)
        elif isinstance(layer, Norm):
            step, after = self._steps.norm(layer, state)
        else:
            step, after = self._steps.scale(layer, state)
        return (step,), after

    # a repeated block

    def _repeat(self, layer: Repeat, state: State) -> tuple[tuple[Node, ...], State]:
        times = layer.times
        before: tuple[Node, ...] = ()
        # fan-ins differ where the first block stands on the inputs; variances are numbers from the second block on
        if times > 1 and ((state.inputs and self._steps.standard) or self._settles(layer, state)):
            before, state = self._run(layer.block, state)
            times -= 1
        if times == 1:
            nodes, state = self._run(layer.block, state)
            return (*before, *nodes), state
        inside = self._inside(state, self._kept(layer, state))
        body, after = self._run(layer.block, inside)
        fields = [*zip(inside.moments, state.moments, after.moments, strict=True)]
        fields += [*zip(inside.means, state.means, after.means, strict=True)]
        numbers = tuple(Carried(symbol, first, then) for symbol, first, then in fields if symbol != first)
        loop = Loop(times, numbers, (state.ntk, _sure(inside.ntk), after.ntk), (state.ray, inside.ray, after.ray), body)
        # after the loop the names within it stand for the values handed on last
        end = State(inside.moments, inside.means, inside.ntk, inside.ray, False)
        return (*before, loop), end

    def _inside(self, state: State, kept: frozenset[int]) -> State:
        """The state within a loop: names, but for what is the same in every repetition."""
        given = (*state.moments, *state.means)
        normed = kept >= {0, 1} and state.moments[:2] == (1, 1)
        bases = ("A", "B", "rho" if normed else "Sigma", "M", "M", "M")
        fields = [
            value if i in kept else self._names.symbol(base, positive=base in "AB")
            for i, (value, base) in enumerate(zip(given, bases, strict=True))
        ]
        inputs = state.inputs and not self._steps.standard
        return State(
            Moments(*fields[:3]), Moments(*fields[3:]), self._names.symbol("Theta"), self._names.name("ray"), inputs
        )

    def _kept(self, layer: Repeat, state: State) -> frozenset[int]:
        """Which of the variances, the covariance and the means a block hands on as it got them.

        By induction over the repetitions: what stays where the others that are claimed to stay do so.
        """
        kept = frozenset(range(6))
        while True:
            _, after = self._trial(layer, state, kept)
            pairs = zip((*state.moments, *state.means), (*after.moments, *after.means), strict=True)
            stays = kept & {i for i, (before, then) in enumerate(pairs) if before == then}
            if stays == kept:
                return kept
            kept = stays

    def _settles(self, layer: Repeat, state: State) -> bool:
        """Whether after one block the variances are numbers that stay, and the block would use them."""
        if all(value.is_number for value in state.moments[:2]):
            return False
        nodes, after = self._trial(layer, state, frozenset() if self._steps.centred else frozenset({3, 4, 5}))
        if not all(value.is_number for value in after.moments[:2]):
            return False
        steps = Recursion(state, nodes, after, False).steps()
        calls = [line for step in steps for line in step.lines if isinstance(line, Call)]
        return any(not value.is_number for call in calls for value in call.point[:2])

    def _trial(self, layer: Repeat, state: State, kept: frozenset[int]) -> tuple[tuple[Node, ...], State]:
        """One more block, whose names are not used."""
        trial = _Composer(LayerSteps(self._steps.standard, self._steps.centred))
        trial._names.used.update(self._names.used)
        return trial._run(layer.block, trial._inside(state, kept))


def _sure(symbol: sp.Symbol | None) -> sp.Symbol:
    assert symbol is not None
    return symbol
