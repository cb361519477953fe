"""One batch of networks: forward through any composition of layers, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from glutheory.layers import Stack, run
from glutheory.layers import records as layers
from glutheory.sampling.deep import steps
from glutheory.sampling.deep.steps import Linear, Step, Units
from glutheory.sampling.deep.streams import Streams
from glutheory.sampling.deep.tangents import Tangents, gram
from glutheory.sampling.features import features


@dataclass(frozen=True)
class Setting:
    """What all draws of a kernel share.

    Attributes:
        stack: the layers.
        rows: what the first weights are multiplied with, shape (1, n or n·positions, d).
        inputs: n.
        width: units of every layer but the readout.
        standard: whether weights have their variances themselves; else these are factors outside.
        kind: "ntk" or "nngp".
        trained: the groups of weights that count for the NTK.
        most: numbers of weights in memory at a time, None for all of a batch.
    """

    stack: Stack
    rows: torch.Tensor
    inputs: int
    width: int
    standard: bool
    kind: str
    trained: frozenset[str]
    most: int | None


def ntk(setting: Setting, seed: int, draws: Sequence[int], *, apart: bool) -> dict[str, torch.Tensor]:
    """The NTKs of some draws, by groups of weights if `apart`, else under the name "", each (draws, n, n)."""
    forward = _Forward(setting, seed, draws)
    last = run(setting.stack.layers, Units(setting.rows), forward)
    n = setting.inputs
    delta = last.value.new_zeros(len(draws), n, last.value.shape[-1])
    # the output, or the first unit: all are alike
    delta[..., 0] = 1
    last.give(delta)
    tangents = Tangents(n, setting.trained, apart=apart)
    while forward.steps:
        step = forward.steps.pop()
        output, step.output.delta = step.output.delta, None
        assert output is not None
        step.back(output, tangents)
    zero = last.value.new_zeros(len(draws), n, n)
    names = [name for name in setting.stack.groups if name in setting.trained] if apart else [""]
    return {name: symmetric(tangents.sums.get(name, zero)) for name in names}


def nngp(setting: Setting, seed: int, draws: Sequence[int]) -> torch.Tensor:
    """The covariances of the output given all weights but the readout's; without readout the mean over units."""
    last = run(setting.stack.layers, Units(setting.rows), _Forward(setting, seed, draws))
    found = gram(last.value).expand(len(draws), -1, -1)
    if not any(isinstance(layer, layers.Dense) and layer.readout for layer in setting.stack.layers):
        found = found / last.value.shape[-1]
    return symmetric(found)


def symmetric(kernels: torch.Tensor) -> torch.Tensor:
    """Exactly symmetric, whatever rounding did."""
    return (kernels + kernels.mT).mul_(0.5)


class _Forward:
    """Rules for `layers.run`: compute, and remember the way back."""

    def __init__(self, setting: Setting, seed: int, draws: Sequence[int]) -> None:
        self._setting = setting
        self._streams = Streams(seed, draws, setting.rows, setting.most)
        self.steps: list[Step] = []

    def dense(self, state: Units, layer: layers.Dense, group: str) -> Units:
        if layer.readout and self._setting.kind == "nngp":
            # averaged exactly: these numbers' Gram matrix is its covariance
            part = state.value * _factor(layer, state)
            ones = part.new_full((*part.shape[:-1], 1), float(layer.bias) ** 0.5)
            return Units(torch.cat([part, ones], dim=-1))
        return self._passed(steps.Dense(self._linear(state, layer, group)))

    def product(self, state: Units, layer: layers.Product, groups: tuple[str, ...]) -> Units:
        branches = tuple(self._linear(state, own, group) for own, group in zip(layer.branches, groups, strict=True))
        back = features(layer.network, "ntk") if self._setting.kind == "ntk" else None
        return self._passed(steps.Product(branches, features(layer.network, "nngp"), back))

    def norm(self, state: Units, layer: layers.Norm, group: str) -> Units:
        return self._passed(steps.Norm(state, layer.centred, layer.gain, layer.shift, group))

    def scale(self, state: Units, layer: layers.Scale) -> Units:
        return self._passed(steps.Scale(state, float(layer.factor)))

    def add(self, state: Units, other: Units) -> Units:
        return self._passed(steps.Sum((state, other)))

    def positions(self, state: Units, layer: layers.Positions) -> Units:  # noqa: ARG002
        return self._passed(steps.Mean(state, self._setting.inputs))

    def _linear(self, state: Units, layer: layers.Dense, group: str) -> Linear:
        count = 1 if layer.readout else self._setting.width
        neurons = self._streams.neurons(count, state.value.shape[-1] + (layer.bias > 0))
        factor, shift = _factor(layer, state), float(layer.bias) ** 0.5
        outside = (1.0, 1.0) if self._setting.standard else (factor**2, shift**2)
        return Linear(state, neurons, factor, shift, outside, group)

    def _passed(self, step: Step) -> Units:
        if self._setting.kind == "ntk":
            self.steps.append(step)
        return step.output


def _factor(layer: layers.Dense, state: Units) -> float:
    return math.sqrt(float(layer.variance) / state.value.shape[-1])
