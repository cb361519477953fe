"""The inputs of the Gram matrices, and the data on which the small networks are trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from checks.settings import Settings
from checks.tools.data import images, text

#: Inputs of every Gram matrix, as in the paper's code.
INPUTS = 64
#: Sign vectors onto which the 256 outputs of the byte model are projected: the sum over them estimates the trace over
#: all outputs without bias and costs 8 backward passes instead of 256.
PROBES = 8
#: Windows of text in training and held out.
WINDOWS = 2048
#: No two windows of text among the inputs of a matrix end in the same so many bytes: else its smallest eigenvalue says
#: how alike these two are, whatever the network.
DISTINCT = 4


@dataclass(frozen=True)
class Data:
    """Of one seed; torch tensors on the device.

    Attributes:
        probe: the inputs of the Gram matrices; held-out ones where there is training.
        output: what is differentiated, of what the model returns: shape (n, outputs), summed over outputs.
        train, test: inputs and classes, or None where there is no training; classes are those of all positions (text)
            or of the image.
    """

    probe: Any
    output: Callable[[Any], Any]
    train: tuple[Any, Any] | None = None
    test: tuple[Any, Any] | None = None


def data(architecture: str, real: bool, seed: int, device: str, settings: Settings | None = None) -> Data:
    """Random inputs as in the paper's code, or real data: held-out ones, and those to train on."""
    from glutheory.architectures import example_inputs

    byte = architecture.startswith("gpt2")
    if not real:
        return Data(example_inputs(architecture, INPUTS, seed).to(device), _last if byte else _same)
    run = settings or Settings()
    return _bytes(architecture, seed, device, run.text) if byte else _images(seed, device, run.images)


def _same(values: Any) -> Any:
    return values


def _last(values: Any) -> Any:
    """Of the last position."""
    return values[:, -1]


def _images(seed: int, device: str, source: str) -> Data:
    """Images, the pixels shifted and scaled to mean 0 and variance 1 over those to train on."""
    import torch

    from glutheory.datasets import split

    train, test = split(images(source), seed=seed)
    mean, scale = train.pixels.mean(), train.pixels.std()
    sets = []
    for part in (train, test):
        pixels = torch.from_numpy((part.pixels - mean) / scale).float()
        sets.append((pixels.to(device), torch.from_numpy(part.labels).long().to(device)))
    return Data(sets[1][0][:INPUTS], _same, sets[0], sets[1])


def _bytes(architecture: str, seed: int, device: str, source: str) -> Data:
    """Windows of one part of a text in training, of the other part held out."""
    import torch

    from glutheory.architectures import ARCHITECTURES
    from glutheory.datasets import split, windows

    length = ARCHITECTURES[architecture].sequence
    sets = []
    for index, part in enumerate(split(text(source), seed=seed)):
        rows = torch.as_tensor(windows(part, length, WINDOWS // (1 + 3 * index), seed + index)).long().to(device)
        sets.append((rows[:, :-1], rows[:, 1:]))
    signs = torch.randint(2, (ARCHITECTURES[architecture].outputs, PROBES), generator=_generator(seed)) * 2 - 1
    projection = (signs / PROBES**0.5).to(device)

    def output(values: Any) -> Any:
        return values[:, -1] @ projection.to(values)

    return Data(_distinct(sets[1][0]), output, sets[0], sets[1])


def _distinct(rows: Any) -> Any:
    """The first ones that end differently."""
    seen: dict[tuple[int, ...], int] = {}
    for index, ends in enumerate(rows[:, -DISTINCT:].tolist()):
        seen.setdefault(tuple(ends), index)
    return rows[list(seen.values())[:INPUTS]]


def _generator(seed: int) -> Any:
    import torch

    return torch.Generator().manual_seed(seed)
