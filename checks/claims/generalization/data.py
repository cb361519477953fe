"""The data of one draw as tensors: images in two stratified parts, or windows from the two halves of a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from checks.claims.generalization.task import Course, Material
from checks.settings import Settings
from checks.tools.data import images, text
from glutheory import datasets

if TYPE_CHECKING:
    import torch

Rows = npt.NDArray[Any]


@dataclass(frozen=True)
class Part:
    """Inputs and targets.

    Attributes:
        inputs: images (n, channels, h, w) in [-1, 1], or tokens (n, t).
        targets: labels (n,), or the next tokens (n, t).
        shuffled: the targets in an order that has nothing to do with the inputs, for a negative control.
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    shuffled: torch.Tensor


def origin(material: Material, settings: Settings) -> str:
    """Where the data come from; a text's contents hang on the version of Python."""
    return (text(settings.text) if material.length else images(settings.images)).source


def parts(course: Course, settings: Settings) -> tuple[Part, Part]:
    """What a network is trained on, and what it is tested on; the same for the two networks of a pair."""
    import torch

    seed = settings.stream(f"generalization/data/{course.draw}")
    found = []
    material = course.material
    pairs = _windows(material, settings, seed) if material.length else _images(material, settings, seed)
    for inputs, targets in pairs:
        order = np.random.default_rng([seed, 1]).permutation(len(targets))
        tensors = (torch.from_numpy(rows).to(settings.device) for rows in (inputs, targets, targets[order]))
        found.append(Part(*tensors))
    return found[0], found[1]


def _images(material: Material, settings: Settings, seed: int) -> list[tuple[Rows, Rows]]:
    train, test = datasets.split(images(settings.images), material.test, seed=seed)
    return [
        (2 * part.pixels[:count] - 1, part.labels[:count])
        for part, count in ((train, material.train), (test, material.test))
    ]


def _windows(material: Material, settings: Settings, seed: int) -> list[tuple[Rows, Rows]]:
    halves = datasets.split(text(settings.text), 0.5)
    found = []
    for part, (half, count) in enumerate(zip(halves, (material.train, material.test), strict=True)):
        # one generator for each part
        rows = datasets.windows(half, material.length, count, 2 * seed + part)
        found.append((rows[:, :-1].copy(), rows[:, 1:].copy()))
    return found
