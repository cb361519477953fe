"""The two-layer Gaussian task of the paper's code, and the six networks trained on it.

y = x·w + 0.1 noise with Gaussian x; LeCun initialisation, biases from 0, gated networks of matched size; stochastic
gradient descent on the mean squared error. In the released code w is standard normal: the variance of the targets is
about d, and they are called large here. Weights of variance 1/d make it about 1; these, called unit, are beyond the
paper.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from checks.settings import Settings
from checks.tools.sharing import shared_out
from glutheory.ground.store import Arrays

Array = npt.NDArray[np.float64]
PAIRS = (("relu", "reglu"), ("gelu", "geglu"), ("silu", "swiglu"))
NAMES = tuple(name for pair in PAIRS for name in pair)
#: As they are written.
TITLES = {"relu": "ReLU", "reglu": "ReGLU", "gelu": "GELU", "geglu": "GEGLU", "silu": "SiLU", "swiglu": "SwiGLU"}
NOISE = 0.1
#: Held-out losses are taken this many times, and at the end.
_LOOKS = 12


@dataclass(frozen=True)
class Task:
    """Sizes, fixed before anything is run.

    Attributes:
        n, d, hidden, batch, epochs: of the protocol; `hidden` is the width of the non-gated networks.
        rates: the lower and the higher learning rate.
        early: the epoch at which the early advantage is read.
        seeds: data sets with one network of each kind, initialised and trained independently.
        together: networks trained side by side (speed only; what fits the cache).
        linearised: seeds for which the networks' own initial kernels are decomposed.
        probe: inputs on which the networks' kernels are looked at before and after.
        stride: epochs between two looks at the loss.
    """

    n: int
    d: int
    hidden: int
    batch: int
    epochs: int
    rates: tuple[float, float]
    early: int
    seeds: int
    together: int
    linearised: int
    probe: int = 50
    stride: int = 1

    @property
    def steps(self) -> int:
        """Per epoch; the last batch is the rest, as in torch's loader unless it is told to drop it."""
        return -(-self.n // self.batch)

    @property
    def epoch(self) -> Array:
        """The epochs at which the loss is looked at."""
        return np.arange(0, self.epochs + 1, self.stride, dtype=np.float64)

    def width(self, name: str) -> int:
        """Of this network, matched in size."""
        from glutheory.sampling.training import matched_width

        return matched_width(name, self.hidden, self.d)


#: The protocol; and a model of it at a quarter of the scale, with rates below the stability bound of every kernel.
FULL = Task(2000, 75, 1000, 256, 300, (0.005, 0.008), early=10, seeds=16, together=1, linearised=5)
QUICK = Task(400, 34, 200, 50, 64, (0.0125, 0.02), early=2, seeds=16, together=16, linearised=4, stride=2)


@dataclass(frozen=True)
class Data:
    """Inputs (n, d) and targets (n,)."""

    X: Array
    Y: Array


@lru_cache(maxsize=64)
def data(task: Task, settings: Settings, index: int, large: bool) -> tuple[Data, Data]:
    """A seed's data, and as many held-out ones; unit targets differ from large ones in the size of w alone."""
    rng = np.random.default_rng([settings.stream("training/data"), index])
    inputs = rng.standard_normal((2, task.n, task.d))
    w = rng.standard_normal(task.d) * (1 if large else task.d**-0.5)
    mine, held = (Data(X, X @ w + NOISE * rng.standard_normal(task.n)) for X in inputs)
    return mine, held


@dataclass(frozen=True)
class Trained:
    """What was seen of the networks of one kind at one rate, one column per seed.

    Attributes:
        loss: mean squared training error at `Task.epoch`, shape (looks, seeds).
        held_out: the same on new data at `held_epoch`, shape (times, seeds).
        held_epoch: shape (times,).
        condition: of the kernel on the probe before and after, shape (2, seeds).
        moved: ‖K_after − K_before‖/‖K_before‖ in the Frobenius norm on the probe, shape (seeds,).
    """

    loss: Array
    held_out: Array
    held_epoch: Array
    condition: Array
    moved: Array


@lru_cache(maxsize=4)
def trained(task: Task, settings: Settings) -> dict[tuple[str, float, bool], Trained]:
    """Every network, by name, learning rate and whether the targets are large; unit targets at the lower rate only."""
    groups = [range(i, min(i + task.together, task.seeds)) for i in range(0, task.seeds, task.together)]
    kinds = [(name, rate, True) for rate in task.rates for name in NAMES]
    kinds += [(name, task.rates[0], False) for name in NAMES]
    jobs = [(*kind, tuple(group)) for kind in kinds for group in groups]
    keys = [_key(task, settings, *job) for job in jobs]
    parts = shared_out(partial(_run, task, settings.alone), jobs, keys, settings)
    found = {}
    for index, kind in enumerate(kinds):
        mine = parts[index * len(groups) : (index + 1) * len(groups)]
        joined = {name: np.concatenate([part[name] for part in mine], axis=-1) for name in mine[0] if name != "epoch"}
        found[kind] = Trained(**joined, held_epoch=mine[0]["epoch"])
    return found


def _key(task: Task, settings: Settings, name: str, rate: float, large: bool, seeds: tuple[int, ...]) -> dict[str, Any]:
    """Of the networks of these seeds."""
    sizes = asdict(task)
    # neither the grouping nor what else is computed changes a network
    for irrelevant in ("seeds", "together", "linearised", "early", "rates"):
        del sizes[irrelevant]
    key = {"what": "training", "task": sizes, "seed": settings.seed, "device": settings.device}
    return key | {"network": name, "rate": rate, "large": large, "seeds": list(seeds)}


def _run(task: Task, settings: Settings, name: str, rate: float, large: bool, seeds: tuple[int, ...]) -> Arrays:
    import torch

    from glutheory.sampling.training import Ensemble, train

    nets = Ensemble(
        name,
        inputs=task.d,
        width=task.width(name),
        seed=settings.stream("training/networks"),
        draws=seeds,
        device=settings.device,
    )
    sets = []
    for part in zip(*(data(task, settings, index, large) for index in seeds), strict=True):
        X = nets.inputs(np.stack([item.X for item in part]))
        sets.append((X, torch.tensor(np.stack([item.Y for item in part])).to(X)))
    (X, Y), held = sets
    probe, every = X[:, : task.probe], max(1, task.epochs // _LOOKS)
    before = nets.ntk(probe)
    order = settings.stream("training/order")
    losses, held_out, epochs = [], [], []
    for epoch in train(nets, X, Y, rate=rate, epochs=task.epochs, seed=order, batch=task.batch):
        if epoch % task.stride == 0:
            losses.append((nets.outputs(X) - Y).square().mean(1))
        if epoch % every == 0 or epoch == task.epochs:
            held_out.append((nets.outputs(held[0]) - held[1]).square().mean(1))
            epochs.append(epoch)
    after = nets.ntk(probe)
    values = torch.linalg.eigvalsh(torch.stack((before, after)).double().cpu())
    found = {
        "loss": torch.stack(losses),
        "held_out": torch.stack(held_out),
        "condition": values[..., -1] / values[..., 0],
        "moved": torch.linalg.matrix_norm(after - before) / torch.linalg.matrix_norm(before),
        "epoch": torch.tensor(epochs),
    }
    return {key: value.double().cpu().numpy() for key, value in found.items()}
