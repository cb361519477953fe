"""A deep kernel made ready for drawing: arguments checked, memory planned; then batch after batch of draws."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
import torch

from glutheory.errors import DomainError
from glutheory.ground.arguments import integer
from glutheory.layers import Stack, run
from glutheory.layers import records as layers
from glutheory.networks import PARAMETRIZATIONS
from glutheory.sampling.deep.passes import Setting, nngp, ntk
from glutheory.sampling.features import features
from glutheory.sampling.inputs import check_choice, check_device, check_dtype, check_inputs
from glutheory.sampling.weights import Neurons

#: Draws at a time, at most: beyond it nothing is gained.
_MOST = 256


@dataclass(frozen=True)
class DeepSampler:
    """Everything about a deep kernel but the draw, checked and on its device.

    Attributes:
        setting: what all draws share.
        inputs: X, shape (n, d) or (n, positions, d), in the dtype and on the device of the computation.
        batch: draws at a time.
    """

    setting: Setting
    inputs: torch.Tensor
    batch: int

    def blocks(self, seed: int, draw: int) -> dict[str, torch.Tensor]:
        """The NTK of one draw by groups of weights, each of shape (n, n)."""
        return {name: block[0] for name, block in next(self.batches(seed, range(draw, draw + 1))).items()}

    def batches(self, seed: int, draws: range) -> Iterator[dict[str, torch.Tensor]]:
        """The NTKs of some draws by groups of weights, each of shape (draws of the batch, n, n), batch after batch."""
        for own in self._own(draws):
            found = ntk(self.setting, seed, own, apart=True)
            yield {name: self._checked(block) for name, block in found.items()}

    def total(self, seed: int, draw: int) -> torch.Tensor:
        """The kernel of one draw, shape (n, n)."""
        return next(self.totals(seed, range(draw, draw + 1)))

    def totals(self, seed: int, draws: range) -> Iterator[torch.Tensor]:
        """The kernels of some draws, one by one, each of shape (n, n)."""
        for own in self._own(draws):
            if self.setting.kind == "nngp":
                yield from self._checked(nngp(self.setting, seed, own))
            else:
                yield from self._checked(ntk(self.setting, seed, own, apart=False)[""])

    def _own(self, draws: range) -> Iterator[range]:
        return (
            range(start, min(start + self.batch, draws.stop)) for start in range(draws.start, draws.stop, self.batch)
        )

    def settings(self) -> dict[str, Any]:
        """The stack and what is asked of it, as JSON."""
        return {
            "network": [_written(layer) for layer in self.setting.stack.layers],
            "trained": sorted(self.setting.trained),
        }

    @property
    def width(self) -> int:
        """Units of every layer."""
        return self.setting.width

    def _checked(self, kernel: torch.Tensor) -> torch.Tensor:
        low, high = torch.aminmax(kernel)
        if not bool(torch.isfinite(low) & torch.isfinite(high)):
            remedy = "give dtype=torch.float64, or" if kernel.dtype == torch.float32 else "give"
            raise DomainError(
                f"the kernel of {self.setting.stack.name[:60]} is not finite in {kernel.dtype}: {remedy} X without "
                "rows of zeros, which norms cannot take, and with smaller norms."
            )
        return kernel


def deep_sampler(
    stack: Stack,
    X: Any,
    *,
    width: int,
    device: str | torch.device,
    dtype: torch.dtype,
    parametrization: str,
    kind: str,
    variances: Mapping[str, float] | None,
    trained: str | Iterable[str] | None,
    workspace: int,
) -> DeepSampler:
    """Check every argument and prepare the draws; the arguments are those of `empirical_ntk`."""
    width = integer("width", width, 1)
    check_choice("kind", kind, ("ntk", "nngp"))
    check_choice("parametrization", parametrization, PARAMETRIZATIONS)
    if variances is not None:
        raise DomainError(f"variances is {variances!r}, but a stack's layers have their own: leave it out.")
    if trained is not None and kind == "nngp":
        raise DomainError("trained is given with kind='nngp', for which nothing is trained: leave it out.")
    inputs = check_inputs(X, check_device(device), check_dtype(dtype), sequences=stack.sequences)
    rows = inputs.flatten(0, -2)
    need = _Need(len(rows), width, kind)
    run(stack.layers, inputs.shape[-1], need)
    workspace = integer("workspace", workspace, 1)
    drawn = need.largest * Neurons.BYTES
    each = need.weights * inputs.itemsize + need.units * inputs.itemsize + drawn + 4 * len(rows) ** 2 * inputs.itemsize
    kept = need.weights * inputs.itemsize <= workspace
    setting = Setting(
        stack=stack,
        rows=rows.unsqueeze(0),
        inputs=len(inputs),
        width=width,
        standard=parametrization == "standard",
        kind=kind,
        trained=stack.chosen(trained),
        most=None if kept else max(1, workspace // Neurons.BYTES),
    )
    return DeepSampler(setting, inputs, min(max(1, workspace // each), _MOST) if kept else 1)


@dataclass
class _Need:
    """Rules for `layers.run` that count the numbers of one draw; the state is the number of units.

    Attributes:
        rows: of the inputs, positions counted.
        width, kind: of the networks, and of the kernel.
        weights: numbers of weights.
        largest: of the layer that has most.
        units: numbers of all layers' units.
    """

    rows: int
    width: int
    kind: str
    weights: int = field(default=0, init=False)
    largest: int = field(default=0, init=False)
    units: int = field(default=0, init=False)

    def dense(self, state: int, layer: layers.Dense, group: str) -> int:  # noqa: ARG002
        count = 1 if layer.readout else self.width
        own = count * (state + (layer.bias > 0))
        self.weights += own
        self.largest = max(self.largest, own)
        self.units += self.rows * count
        return count

    def product(self, state: int, layer: layers.Product, groups: tuple[str, ...]) -> int:
        # asked for here, so that an activation that cannot be sampled is known before anything is drawn
        buffers = features(layer.network, self.kind).program.buffers
        for own, group in zip(layer.branches, groups, strict=True):
            self.dense(state, own, group)
        self.units += self.rows * self.width * max(1, buffers - len(groups))
        return self.width

    def norm(self, state: int, layer: layers.Norm, group: str) -> int:  # noqa: ARG002
        return self._kept(state)

    def scale(self, state: int, layer: layers.Scale) -> int:  # noqa: ARG002
        return self._kept(state)

    def add(self, state: int, other: int) -> int:  # noqa: ARG002
        return self._kept(state)

    def positions(self, state: int, layer: layers.Positions) -> int:  # noqa: ARG002
        return state

    def _kept(self, state: int) -> int:
        self.units += self.rows * state
        return state


def _written(layer: layers.Layer) -> str:
    """All that a layer's image depends on, activations by their definitions."""
    if isinstance(layer, layers.Product):
        acts = [sp.srepr(act.expr) for act in layer.activations]
        return f"Product({acts}, {layer.branches!r}, {layer.name!r})"
    if isinstance(layer, layers.Residual):
        return f"Residual({[_written(own) for own in layer.block]}, {layer.scale})"
    if isinstance(layer, layers.Repeat):
        return f"Repeat({[_written(own) for own in layer.block]}, {layer.times}, {layer.name!r})"
    if isinstance(layer, layers.Parallel):
        return f"Parallel({[[_written(own) for own in block] for block in layer.blocks]})"
    return repr(layer)
