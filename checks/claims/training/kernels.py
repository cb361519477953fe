"""What the kernels at initialisation predict for the two-layer task: when the losses cross, and which rates are stable.

A step on a random batch is e ← (I − (2r/n)K) e in expectation, e on all n points, r torch's rate for the mean squared
error; the noise of the batches is left out, as it is in the theory that is tested.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from checks.settings import Settings
from checks.tools.biased import matrices
from checks.tools.sharing import shared_out
from checks.tools.training_task import PAIRS, Task, data
from glutheory.dynamics import LossCurve, crossings, decompose, expected_loss
from glutheory.ground.store import Arrays

#: What is trained: whether the targets are large, and the index of the rate.
CASES = ((True, 0), (True, 1), (False, 0))


@dataclass(frozen=True)
class Prediction:
    """Of one pair of networks, one entry per seed; infinite where the gated loss is never the lower one for good.

    Attributes:
        expected: the epoch of the last crossing for the expected kernels, shape (cases, seeds).
        own: the same for the kernels of the very networks that are trained, shape (cases, linearised seeds).
        alignment: Yᵀ(K − K̃)Y/YᵀKY for the large targets, shape (seeds).
        bounds: the rates from which on descent diverges with the expected kernels, shape (2, seeds).
        curves: expected mean squared errors over the epochs, large targets, lower rate; shape (2, looks, seeds).
    """

    expected: np.ndarray
    own: np.ndarray
    alignment: np.ndarray
    bounds: np.ndarray
    curves: np.ndarray


@lru_cache(maxsize=4)
def predictions(task: Task, settings: Settings) -> dict[tuple[str, str], Prediction]:
    """For every pair."""
    jobs = [(pair, seed) for pair in PAIRS for seed in range(task.seeds)]
    keys = [_key(task, settings, *job) for job in jobs]
    parts = shared_out(partial(_predict, task, settings.alone), jobs, keys, settings)
    found = {}
    for index, pair in enumerate(PAIRS):
        mine = parts[index * task.seeds : (index + 1) * task.seeds]
        found[pair] = Prediction(
            **{
                name: np.stack([part[name] for part in mine if name in part], axis=-1)
                for name in ("expected", "own", "alignment", "bounds", "curves")
            }
        )
    return found


def _key(task: Task, settings: Settings, pair: tuple[str, str], seed: int) -> dict[str, Any]:
    sizes = {name: value for name, value in asdict(task).items() if name not in ("seeds", "together", "linearised")}
    key = {"what": "kernels", "task": sizes, "seed": settings.seed, "pair": list(pair), "index": seed}
    return {**key, "own": seed < task.linearised}


def _predict(task: Task, settings: Settings, pair: tuple[str, str], seed: int) -> Arrays:
    X = data(task, settings, seed, True)[0].X
    targets = {large: data(task, settings, seed, large)[0].Y for large in (True, False)}
    curves: dict[bool, list[LossCurve]] = {True: [], False: []}
    forms, bounds = [], []
    for name in pair:
        K, covariance = matrices(name, X, task.width(name))
        modes = decompose(K)
        for large, Y in targets.items():
            curves[large].append(expected_loss(modes, covariance, Y))
        forms.append(float(targets[True] @ K @ targets[True]))
        bounds.append(curves[True][-1].largest_stable_rate * task.n / 2)
    steps, rate = task.epoch * task.steps, 2 * task.rates[0] / task.n
    found = {
        "expected": _last(task, curves),
        "alignment": np.array((forms[0] - forms[1]) / forms[0]),
        "bounds": np.array(bounds),
        "curves": np.array([curve.descent(steps, rate) / task.n for curve in curves[True]]),
    }
    if seed < task.linearised:
        found["own"] = _last(task, _linearised(task, settings, pair, seed))
    return found


def _linearised(task: Task, settings: Settings, pair: tuple[str, str], seed: int) -> dict[bool, list[LossCurve]]:
    """The loss curves of the linearisation at their start of the networks that are trained."""
    import torch

    from glutheory.sampling.training import Ensemble

    curves: dict[bool, list[LossCurve]] = {True: [], False: []}
    X = data(task, settings, seed, True)[0].X
    for name in pair:
        start = settings.stream("training/networks")
        net = Ensemble(name, inputs=task.d, width=task.width(name), seed=start, draws=(seed,), dtype=torch.float64)
        modes, outputs = decompose(net.ntk(X)[0].numpy()), net.outputs(X)[0].numpy()
        for large, own in curves.items():
            own.append(expected_loss(modes, None, data(task, settings, seed, large)[0].Y - outputs))
    return curves


def _last(task: Task, curves: dict[bool, list[LossCurve]]) -> np.ndarray:
    """In epochs, for each of the cases."""
    found = []
    for large, index in CASES:
        all_ = crossings(*curves[large], rate=2 * task.rates[index] / task.n)
        last = all_.found[-1] if all_.found else None
        found.append(last.step / task.steps if last is not None and last.lower == "second" else np.inf)
    return np.array(found)
