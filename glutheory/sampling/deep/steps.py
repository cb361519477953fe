"""The layers of a network on a batch of inputs and draws: what each computes, how δ goes back through it, and its NTK.

All arrays have the shape (draws, rows, units); draws may be 1 where all draws share them, as the inputs. Rows are the
inputs, or all positions of the first input, then of the second and so on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch

from glutheory.sampling.deep.streams import Rows
from glutheory.sampling.deep.tangents import Tangents, by_inputs, gram
from glutheory.sampling.features import Features


@dataclass(eq=False)
class Units:
    """The units of a layer.

    Attributes:
        value: shape (draws, rows, units).
        delta: the derivatives of the output by them, of the same shape, as far as they have come back; None for 0.
    """

    value: torch.Tensor
    delta: torch.Tensor | None = None

    def give(self, delta: torch.Tensor) -> None:
        """Derivatives that come back from one of the layers that the units are given to."""
        self.delta = delta if self.delta is None else self.delta + delta


class Step(Protocol):
    """A layer that was passed; going back ends it, and it may use up what it remembers."""

    output: Units

    def back(self, delta: torch.Tensor, tangents: Tangents) -> None:
        """Give the inputs their derivatives, and add the kernel of the layer's own weights."""


@dataclass(frozen=True)
class Linear:
    """h ↦ factor·W h + shift·b with independent standard normal W and b.

    Attributes:
        inputs: h.
        weights: the rows of W, each with its entry of b where there are biases.
        factor: σ/√fan-in.
        shift: σ_b; 0: no biases.
        outside: what the blocks of weights and biases of the NTK are multiplied with: factor² and shift² in the ntk
            parametrisation, 1 in the standard one, where they are part of the weights.
        group: the name of the weights.
    """

    inputs: Units
    weights: tuple[Rows, ...]
    factor: float
    shift: float
    outside: tuple[float, float]
    group: str

    def image(self) -> torch.Tensor:
        """What the layer computes."""
        h, parts = self.inputs.value, []
        for rows in self.weights:
            own = rows.numbers()
            part = (h @ own[..., : h.shape[-1]].mT).mul_(self.factor)
            parts.append(part.add_(own[..., -1].unsqueeze(1), alpha=self.shift) if self.shift else part)
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)

    def back(self, delta: torch.Tensor, tangents: Tangents) -> torch.Tensor:
        """The derivatives by the inputs; the kernel of the weights is added."""
        h = self.inputs.value
        if tangents.wants(self.group):
            weights, biases = self.outside
            kernel = gram(h).mul_(weights)
            if self.shift:
                kernel.add_(biases)
            tangents.add(self.group, kernel * gram(delta))
        total: torch.Tensor | None = None
        for rows in self.weights:
            part = delta[..., rows.start : rows.stop] @ rows.numbers()[..., : h.shape[-1]]
            total = part if total is None else total.add_(part)
        assert total is not None
        return total.mul_(self.factor)


@dataclass(eq=False)
class Dense:
    """A dense layer."""

    linear: Linear
    output: Units = field(init=False)

    def __post_init__(self) -> None:
        self.output = Units(self.linear.image())

    def back(self, delta: torch.Tensor, tangents: Tangents) -> None:
        """δ through the weights."""
        self.linear.inputs.give(self.linear.back(delta, tangents))


@dataclass(eq=False)
class Product:
    """A product of branches.

    Attributes:
        branches: their dense layers.
        values: compiled, takes their images to ∏_i φ_i(u_i).
        slopes: compiled, takes them and δ to that, and then to the derivatives by each image; None: no way back.
    """

    branches: tuple[Linear, ...]
    values: Features
    slopes: Features | None
    output: Units = field(init=False)
    _images: list[torch.Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self._images = [branch.image() for branch in self.branches]
        # the program works in place, and the images are needed again on the way back
        given = self._images if self.slopes is None else [image.clone() for image in self._images]
        self.output = Units(_run(self.values, given, given[0])[0])

    def back(self, delta: torch.Tensor, tangents: Tangents) -> None:
        """δ through the product, and then through every branch."""
        assert self.slopes is not None
        _, *slopes = _run(self.slopes, self._images, delta)
        for branch, slope in zip(self.branches, slopes, strict=True):
            branch.inputs.give(branch.back(slope, tangents))


@dataclass(eq=False)
class Norm:
    """RMSNorm or LayerNorm, with gain 1 and shift 0.

    Attributes:
        inputs: h.
        centred: whether the mean over the units is subtracted first.
        gain, shift: whether they are trained.
        group: the name of gain and shift.
    """

    inputs: Units
    centred: bool
    gain: bool
    shift: bool
    group: str
    output: Units = field(init=False)
    _length: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        h = self.inputs.value
        if self.centred:
            h = h - h.mean(-1, keepdim=True)
        self._length = h.square().mean(-1, keepdim=True).sqrt()
        self.output = Units(h / self._length)

    def back(self, delta: torch.Tensor, tangents: Tangents) -> None:
        """δ without its parts along z and, where centred, along the mean."""
        z = self.output.value
        if tangents.wants(self.group):
            if self.gain:
                tangents.add(self.group, gram(tangents.summed(delta * z)))
            if self.shift:
                tangents.add(self.group, gram(tangents.summed(delta)))
        along = (delta * z).mean(-1, keepdim=True)
        if self.centred:
            delta = delta - delta.mean(-1, keepdim=True)
        self.inputs.give((delta - along * z) / self._length)


@dataclass(eq=False)
class Scale:
    """The units times a number."""

    inputs: Units
    factor: float
    output: Units = field(init=False)

    def __post_init__(self) -> None:
        self.output = Units(self.inputs.value * self.factor)

    def back(self, delta: torch.Tensor, tangents: Tangents) -> None:  # noqa: ARG002
        """δ times the number."""
        self.inputs.give(delta * self.factor)


@dataclass(eq=False)
class Sum:
    """The sum of two layers."""

    parts: tuple[Units, Units]
    output: Units = field(init=False)

    def __post_init__(self) -> None:
        one, two = self.parts
        self.output = Units(one.value + two.value)

    def back(self, delta: torch.Tensor, tangents: Tangents) -> None:  # noqa: ARG002
        """δ to both."""
        for part in self.parts:
            part.give(delta)


@dataclass(eq=False)
class Mean:
    """The mean over the positions of each of `rows` inputs."""

    inputs: Units
    rows: int
    output: Units = field(init=False)

    def __post_init__(self) -> None:
        self.output = Units(by_inputs(self.inputs.value, self.rows).mean(2))

    def back(self, delta: torch.Tensor, tangents: Tangents) -> None:  # noqa: ARG002
        """An equal share of δ to every position."""
        count = self.inputs.value.shape[1] // self.rows
        self.inputs.give((delta / count).repeat_interleave(count, dim=1))


def _run(features: Features, images: list[torch.Tensor], delta: torch.Tensor) -> list[torch.Tensor]:
    extra = features.program.buffers - len(images)
    return features.program.run([*images, *(torch.empty_like(images[0]) for _ in range(extra))], delta)
