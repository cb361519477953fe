"""Finite networks trained by full-batch gradient descent beside the theory: two-layer, LeCun, without biases.

Needs torch. The networks are those of `glutheory.sampling.training`; a bias that is set back to 0 after each step has
no effect, so that what is trained is what the kernels are of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError, MissingDependencyError
from glutheory.ground.arguments import integer
from glutheory.ground.files import plain
from glutheory.networks import Network

Array = npt.NDArray[np.float64]

#: Numbers of a layer of networks trained side by side: what fits a core's cache; and how often progress is told.
_TOGETHER, _TELL = 1 << 16, 20


@dataclass(frozen=True, eq=False)
class Trained:
    """The losses of trained networks.

    Attributes:
        losses: mean squared errors on the training data, shape (2, seeds, steps + 1); the non-gated networks first.
    """

    losses: Array

    @property
    def seeds(self) -> int:
        """How many networks of each kind."""
        return int(self.losses.shape[1])

    @property
    def steps(self) -> int:
        """How many steps each was trained."""
        return int(self.losses.shape[2]) - 1

    @property
    def crossings(self) -> tuple[int | None, ...]:
        """For each seed the step from which on the gated loss is the lower one to the end; None where it is not.

        0 if it always was.
        """
        behind = ~(self.losses[1] < self.losses[0])
        last = [int(row.nonzero()[0][-1]) if row.any() else -1 for row in behind]
        return tuple(None if step == self.steps else step + 1 for step in last)

    @property
    def mean_crossings(self) -> tuple[int, ...]:
        """The steps at which the lead of the mean losses changes hands."""
        lead = np.sign(np.diff(self.losses.mean(axis=1), axis=0)[0])
        return tuple(int(step) + 1 for step in np.nonzero(lead[1:] * lead[:-1] < 0)[0])

    def as_json(self) -> dict[str, Any]:
        """The mean and the range over the seeds at steps spread on the logarithmic scale, and the crossings."""
        at = marks(self.steps, 20).astype(int)
        kept = self.losses[:, :, at]
        names = ("mean", "low", "high")
        rows = [dict(zip(names, (f(side, axis=0) for f in (np.mean, np.min, np.max)), strict=True)) for side in kept]
        found = {"seeds": self.seeds, "steps": at, "networks": rows, "crossings": self.crossings}
        result: dict[str, Any] = plain({**found, "mean_crossings": self.mean_crossings})
        return result


def marks(last: int, per_decade: int) -> Array:
    """Whole steps from 0 to `last`, evenly spread on the logarithmic scale."""
    points = np.geomspace(1, last, max(2, math.ceil(per_decade * math.log10(max(last, 2))) + 1))
    return np.unique(np.concatenate([[0.0], np.round(points)]))


def check_torch() -> None:
    """Asked before anything long is computed.

    Raises:
        MissingDependencyError: torch is not installed.
    """
    try:
        import torch  # noqa: F401 (only asked for)
    except ImportError:
        raise MissingDependencyError.of("training networks needs", "torch", "torch") from None


def train(
    networks: Sequence[Network],
    widths: Sequence[int],
    X: Array,
    y: Array,
    *,
    rate: float,
    steps: int,
    seeds: int,
    seed: int,
    progress: Callable[[int], object] = lambda _: None,
) -> Trained:
    """Train `seeds` networks of each kind on the mean squared error, all data in every step.

    Args:
        networks: the two kinds.
        widths: their hidden units.
        X: inputs, shape (n, d).
        y: targets, shape (n,).
        rate: the learning rate.
        steps: how many.
        seeds: how many networks; the i-th of either kind has the weights of the seed's draw i.
        seed: of the weights.
        progress: called with the steps done since the last call, counted over all networks.

    Raises:
        DomainError: an argument that does not fit, or losses that grow beyond all numbers.
        MissingDependencyError: torch is not installed.
    """
    check_torch()
    from glutheory.sampling.sampler import one_thread

    steps, seeds = integer("steps", steps, 1), integer("seeds", seeds, 1)
    losses = np.empty((2, seeds, steps + 1))
    with one_thread():
        for side, (net, width) in enumerate(zip(networks, widths, strict=True)):
            together = max(1, _TOGETHER // (len(X) * width))
            for first in range(0, seeds, together):
                draws = range(first, min(first + together, seeds))
                losses[side, draws.start : draws.stop] = _losses(net, width, X, y, rate, steps, draws, seed, progress)
    if not np.isfinite(losses).all():
        raise DomainError(f"rate is {rate:.3g}, at which the trained networks diverge: give a smaller one.")
    return Trained(losses)


def _losses(
    net: Network,
    width: int,
    X: Array,
    y: Array,
    rate: float,
    steps: int,
    draws: range,
    seed: int,
    progress: Callable[[int], object],
) -> Array:
    import torch

    from glutheory.sampling.training import Ensemble

    nets = Ensemble(net, inputs=X.shape[1], width=width, seed=seed, draws=draws)
    inputs = nets.inputs(X)
    targets = torch.as_tensor(y).to(inputs).expand(len(draws), -1)
    found = torch.empty((steps + 1, len(draws)))
    for k in range(steps):
        found[k] = nets.step(inputs, targets, rate).square().mean(1)
        for bias in (*nets.biases, nets.offset):
            bias.zero_()
        if k % _TELL == _TELL - 1:
            progress(_TELL * len(draws))
    found[steps] = (nets.outputs(inputs) - targets).square().mean(1)
    progress(steps % _TELL * len(draws))
    return np.asarray(found.T.double().numpy())
