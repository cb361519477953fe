"""The six networks trained on images: their losses step by step, with the labels as they are and without their mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from checks.claims.training.image_task import ImageTask
from checks.settings import Settings
from checks.tools.data import images
from checks.tools.sharing import shared_out
from checks.tools.training_task import NAMES
from glutheory import datasets
from glutheory.errors import DomainError
from glutheory.ground.store import Arrays

Array = npt.NDArray[np.float64]


@lru_cache(maxsize=2)
def curves(given: ImageTask, settings: Settings, centred: bool) -> dict[str, Array]:
    """Training losses of every network at the looks, shape (looks, seeds); those with centred targets end early.

    Args:
        given: the task.
        settings: of the run.
        centred: whether the mean of the targets is subtracted.
    """
    groups = [range(i, min(i + given.together, given.seeds)) for i in range(0, given.seeds, given.together)]
    jobs = [(name, tuple(group)) for name in NAMES for group in groups]
    keys = [_key(given, settings, centred, *job) for job in jobs]
    parts = shared_out(partial(_run, given, settings.alone, centred), jobs, keys, settings)
    found = {}
    for index, name in enumerate(NAMES):
        mine = parts[index * len(groups) : (index + 1) * len(groups)]
        found[name] = np.concatenate([part["loss"] for part in mine], axis=1)
    return found


def _key(given: ImageTask, settings: Settings, centred: bool, name: str, seeds: tuple[int, ...]) -> dict[str, Any]:
    sizes = {key: value for key, value in asdict(given).items() if key not in ("seeds", "together", "protocol", "name")}
    key: dict[str, Any] = {"what": "training on images", "task": sizes, "centred": centred, "network": name}
    return key | {"seed": settings.seed, "device": settings.device, "seeds": list(seeds)}


def _run(given: ImageTask, settings: Settings, centred: bool, name: str, seeds: tuple[int, ...]) -> Arrays:
    import torch

    from glutheory.sampling.training import Ensemble

    nets = Ensemble(
        name,
        inputs=given.d,
        width=given.width(name),
        seed=settings.stream("training/image networks"),
        draws=seeds,
        device=settings.device,
    )
    sets = [data(given, settings, seed) for seed in seeds]
    X = nets.inputs(np.stack([pixels for pixels, _ in sets]))
    means = [labels.mean() if centred else 0.0 for _, labels in sets]
    Y = torch.as_tensor(np.stack([labels - mean for (_, labels), mean in zip(sets, means, strict=True)])).to(X)
    looks = given.looks[given.looks <= given.early] if centred else given.looks
    losses = []
    for k, index in enumerate(_batches(given, settings, int(looks[-1]))):
        if k in looks:
            losses.append((nets.outputs(X) - Y).square().mean(1))
        if index is not None:
            nets.step(X[:, index], Y[:, index], given.rate)
    return {"loss": torch.stack(losses).double().cpu().numpy()}


def _batches(given: ImageTask, settings: Settings, steps: int) -> Iterator[Any]:
    """So many batches, epoch by epoch in a new order, and None for the look after the last one."""
    import torch

    seed, done = settings.stream("training/image order"), 0
    for epoch in range(given.epochs):
        order = torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(given.n)).to(settings.device)
        for start in range(0, given.n, given.batch):
            if done == steps:
                break
            done += 1
            yield order[start : start + given.batch]
    yield None


def data(given: ImageTask, settings: Settings, seed: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Normalised pixels (n, d) to train on, and the labels as real numbers (n,)."""
    found = images(settings.images)
    part, _ = datasets.split(found, len(found) - given.n, seed=settings.stream(f"training/images/{seed}"))
    pixels = part.pixels.reshape(given.n, given.d)
    mean, deviation = given.scale or (float(pixels.mean()), float(pixels.std()))
    if not deviation > 0:
        raise DomainError(f"the images of {found.name} are all of one colour: give others.")
    return (pixels - np.float32(mean)) / np.float32(deviation), part.labels.astype(np.float32)
