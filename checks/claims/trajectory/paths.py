"""Two samples: where the outputs of trained networks go, where their kernels say they go, and how straight that is.

Torch's mean squared error on two samples at learning rate η moves the residual e = z − y by e ← (I − ηK) e.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from checks.settings import Settings
from checks.tools.roads import one_thread
from checks.tools.training_task import NOISE

Array = npt.NDArray[np.float64]
#: Of the protocol: input dimension and hidden width (of the non-gated network; gated ones are matched in size).
D, HIDDEN = 75, 300
#: Points on a path of `straightness_of`; its polygon is shorter than the curve by less than 1e-6 of it.
_POINTS = 1000


@dataclass(frozen=True)
class Plan:
    """Sizes, fixed before anything is run.

    Attributes:
        rate: the learning rate.
        steps: of gradient descent.
        pairs: Gaussian data sets of two samples, each with one network of each kind.
        acute: the same with inputs of equal norm at an acute angle.
        widths: of the non-gated networks whose kernels are sampled on those, without training.
    """

    rate: float
    steps: int
    pairs: int
    acute: int
    widths: tuple[int, ...] = ()


#: The protocol; and the same in fewer, larger steps, which are still small: ηλ < 0.2.
FULL = Plan(1e-4, 600, pairs=256, acute=256, widths=(300, 1200))
QUICK = Plan(4e-4, 150, pairs=64, acute=256)

#: The cosine between those inputs.
ACUTE = 0.75

#: The targets: y = x·w + 0.1 noise with w of variance 1/d or 1, or a quarter of the first's size away from the outputs.
TARGETS = ("unit", "large", "small")


@dataclass(frozen=True)
class Paths:
    """Of networks of one kind, one pair of samples each.

    Attributes:
        residuals: e_k, shape (steps + 1, pairs, 2).
        kernels: of each network at the start, shape (pairs, 2, 2).
    """

    residuals: Array
    kernels: Array

    @property
    def start(self) -> Array:
        return np.asarray(self.residuals[0])


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


@lru_cache(maxsize=64)
def trained(plan: Plan, settings: Settings, name: str, targets: str, cosine: float | None) -> Paths:
    """Networks of this kind trained by gradient descent, all kinds on the same pairs: Gaussian, or of this cosine."""
    import torch

    from glutheory.sampling.training import Ensemble, matched_width

    rng = np.random.default_rng(settings.stream("trajectory/targets"))
    count = plan.pairs if cosine is None else plan.acute
    X = gaussian(settings, count) if cosine is None else normalised(settings, count, cosine)
    w = rng.standard_normal((count, D, 1)) * (1 if targets == "large" else D**-0.5)
    Y = (X @ w)[..., 0] + NOISE * rng.standard_normal((count, 2))
    with one_thread():
        nets = Ensemble(
            name,
            inputs=D,
            width=matched_width(name, HIDDEN, D),
            seed=settings.stream("trajectory/networks"),
            draws=range(count),
            device=settings.device,
        )
        inputs = nets.inputs(X)
        goal = torch.tensor(Y, dtype=inputs.dtype, device=inputs.device)
        if targets == "small":
            goal = nets.outputs(inputs) + goal / 4
        kernels = nets.ntk(inputs)
        residuals = [nets.step(inputs, goal, plan.rate) for _ in range(plan.steps)]
        residuals.append(nets.outputs(inputs) - goal)
    return Paths(*(part.double().cpu().numpy() for part in (torch.stack(residuals), kernels)))


@lru_cache(maxsize=32)
def sampled(settings: Settings, name: str, width: int, count: int, cosine: float) -> Array:
    """Kernels of random networks on normalised pairs, shape (count, 2, 2)."""
    from glutheory.sampling.training import Ensemble, matched_width

    X = normalised(settings, count, cosine)
    parts = []
    with one_thread():
        for i in range(count):
            net = Ensemble(
                name,
                inputs=D,
                width=matched_width(name, width, D),
                seed=settings.stream("trajectory/kernels"),
                draws=(i,),
                device=settings.device,
            )
            parts.append(net.ntk(X[i])[0].double().cpu().numpy())
    return np.array(parts)


def follow(kernels: Array, start: Array, plan: Plan) -> Array:
    """The residuals (I − ηK)^k e_0, shape (steps + 1, pairs, 2)."""
    values, vectors = np.linalg.eigh(kernels)
    parts = np.einsum("pji,pj->pi", vectors, start)
    k = np.arange(plan.steps + 1)[:, None, None]
    return np.asarray(np.einsum("pij,kpj->kpi", vectors, (1 - plan.rate * values) ** k * parts))


def deviation(paths: Paths, kernels: Array, plan: Plan) -> Array:
    """The largest distance, over the steps, from the path of these kernels, relative to |e_0|; shape (pairs,)."""
    distance = np.linalg.norm(paths.residuals - follow(kernels, paths.start, plan), axis=2)
    return np.asarray(distance.max(axis=0) / np.linalg.norm(paths.start, axis=1))


def straightness(path: Array) -> Array:
    """Of paths of residuals, shape (points, pairs, 2), ended by a straight line to 0: |e_0| over the length."""
    length = np.linalg.norm(np.diff(path, axis=0), axis=2).sum(axis=0) + np.linalg.norm(path[-1], axis=1)
    return np.asarray(np.linalg.norm(path[0], axis=1) / length)


def straightness_of(kernels: Array, start: Array) -> Array:
    """Of the whole path of the gradient flow ė = −Ke; in the eigenbasis it is the curve y = y_0 (x/x_0)^κ."""
    values, vectors = np.linalg.eigh(kernels)
    slow, fast = np.einsum("pji,pj->ip", vectors, start)
    x = np.linspace(1, 0, _POINTS + 1)[:, None]
    return straightness(np.stack((slow * x, fast * x ** (values[:, 1] / values[:, 0])), axis=2))


def initial_cosine(kernels: Array, start: Array) -> Array:
    """The cosine between the first step, −Ke, and the direction to the target, −e."""
    step = np.einsum("pij,pj->pi", kernels, start)
    lengths = np.linalg.norm(step, axis=1) * np.linalg.norm(start, axis=1)
    return np.asarray(np.sum(step * start, axis=1) / lengths)
