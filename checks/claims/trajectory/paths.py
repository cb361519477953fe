"""Two samples: where the outputs of trained networks go, where their kernels say they go, and how straight that is.

Torch's mean squared error on two samples at learning rate η moves the residual e by e ← (I − ηK) e. The network is
centred, its initial output subtracted, so that every path starts from e_0 = −Y.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from checks.settings import Settings
from checks.tools.roads import one_thread

Array = npt.NDArray[np.float64]
#: The released protocol: input dimension, hidden width (of the non-gated network), learning rate, steps, targets.
D, HIDDEN, RATE, STEPS = 75, 300, 1e-4, 1000
RELEASED = (0.03, 0.008)
#: Other targets of the same length: both outputs are to move alike, or against each other.
_SIDE = (RELEASED[0] ** 2 + RELEASED[1] ** 2) ** 0.5 * 0.5**0.5
ALIKE, OPPOSITE = (_SIDE, _SIDE), (_SIDE, -_SIDE)
#: Targets as large as the outputs at the start: the released ones times 32.
LARGE = (32 * RELEASED[0], 32 * RELEASED[1])
PAIR = ("relu", "reglu")
#: The cosine between inputs of equal norm.
ACUTE = 0.75
#: Networks trained side by side, and data sets whose expected kernels are computed in one matrix (speed only).
_TOGETHER, _AT_ONCE = 128, 128


@dataclass(frozen=True)
class Plan:
    """Sizes, fixed before anything is run.

    Attributes:
        sets: Gaussian data sets of two samples, each with one network of each kind.
        acute: the same with inputs of equal norm at an acute angle.
        further: whether networks of equal width, and larger targets, are looked at as well.
    """

    sets: int
    acute: int
    further: bool = False


FULL, QUICK = Plan(2048, 2048, further=True), Plan(320, 256)


@dataclass(frozen=True)
class Paths:
    """Of networks of one kind, one data set each.

    Attributes:
        residuals: e_k, shape (steps + 1, sets, 2).
        kernels: of each network at the start, shape (sets, 2, 2).
        targets: Y, the same for all.
    """

    residuals: Array
    kernels: Array
    targets: tuple[float, float] = RELEASED

    @property
    def start(self) -> Array:
        """−Y, where the path of a centred network begins, shape (sets, 2)."""
        return np.asarray(np.broadcast_to(np.negative(self.targets), self.kernels.shape[:2]))


def width_of(name: str) -> int:
    """Of the networks of this kind, matched in size."""
    from glutheory.sampling.training import matched_width

    return matched_width(name, HIDDEN, D)


def gaussian(settings: Settings, count: int) -> Array:
    """Pairs of standard normal inputs, shape (count, 2, d)."""
    return np.random.default_rng(settings.stream("trajectory/data")).standard_normal((count, 2, D))


def normalised(settings: Settings, count: int, cosine: float) -> Array:
    """Pairs of inputs of norm √d with this cosine between them, shape (count, 2, d)."""
    x, y = np.moveaxis(gaussian(settings, count), 1, 0)
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    y = y - np.sum(x * y, axis=1, keepdims=True) * x
    y = y / np.linalg.norm(y, axis=1, keepdims=True)
    return np.asarray(np.stack((x, cosine * x + (1 - cosine**2) ** 0.5 * y), axis=1) * D**0.5)


def trained(
    settings: Settings,
    count: int,
    name: str,
    targets: tuple[float, float] = RELEASED,
    *,
    cosine: float | None = None,
    width: int | None = None,
    centred: bool = True,
) -> Paths:
    """Networks of this kind trained by gradient descent in float64, all kinds on the same data sets.

    Args:
        settings: the seed and the device.
        count: data sets.
        name: of the network.
        targets: Y.
        cosine: None: Gaussian inputs; else inputs of norm √d with this cosine between them.
        width: None: matched in size.
        centred: whether the initial output is subtracted from the network.
    """
    return _trained(settings, count, name, targets, cosine, width or width_of(name), centred)


@lru_cache(maxsize=64)
def _trained(
    settings: Settings,
    count: int,
    name: str,
    targets: tuple[float, float],
    cosine: float | None,
    width: int,
    centred: bool,
) -> Paths:
    import torch

    X = gaussian(settings, count) if cosine is None else normalised(settings, count, cosine)
    residuals, kernels = [], []
    with one_thread():
        for first in range(0, count, _TOGETHER):
            nets, inputs = in_plane(settings, name, width, X[first : first + _TOGETHER], first)
            goal = inputs.new_tensor(targets).expand(len(inputs), 2)
            if centred:
                goal = nets.outputs(inputs) + goal
            kernels.append(nets.ntk(inputs))
            found = [nets.step(inputs, goal, RATE) for _ in range(STEPS)]
            residuals.append(torch.stack([*found, nets.outputs(inputs) - goal]))
    return Paths(torch.cat(residuals, dim=1).cpu().numpy(), torch.cat(kernels).cpu().numpy(), targets)


def in_plane(settings: Settings, name: str, width: int, X: Array, first: int) -> tuple[Any, Any]:
    """Networks in the coordinates of the plane of their two inputs, and the inputs in these, shape (sets, 2, 2).

    Gradients are in the plane, and what the weights are across it changes no output: they are left away, after they
    were drawn, so that these are the networks of `Ensemble` on X.
    """
    import torch

    from glutheory.sampling.training import Ensemble

    nets = Ensemble(
        name,
        inputs=D,
        width=width,
        seed=settings.stream("trajectory/networks"),
        draws=range(first, first + len(X)),
        device=settings.device,
        dtype=torch.float64,
    )
    axes = np.linalg.qr(np.swapaxes(X, 1, 2))[0]
    plane = torch.tensor(np.swapaxes(axes, 1, 2)).to(nets.readout)
    nets.weights = [plane @ weight for weight in nets.weights]
    return nets, nets.inputs(X @ axes)


@lru_cache(maxsize=8)
def expected(settings: Settings, count: int, name: str) -> Array:
    """The expected kernels of these networks on the Gaussian data sets, from the formula, shape (count, 2, 2)."""
    from checks.tools.biased import matrices

    parts = []
    for X in np.array_split(gaussian(settings, count), -(-count // _AT_ONCE)):
        K = matrices(name, X.reshape(-1, D), width_of(name))[0].reshape(len(X), 2, len(X), 2)
        parts.append(K[np.arange(len(X)), :, np.arange(len(X))])
    return np.concatenate(parts)
