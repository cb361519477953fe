"""The two-layer task on images: MNIST and CIFAR-10 as in the released code, digits in their place at matched ratios.

The target is the digit, or the number of the class, as a real number, and the loss the mean squared error. What hangs
on the released code's data is taken over as ratios: hidden units per input, the share of a batch in the data, epochs,
and rate times width. The largest eigenvalue of the kernel is in proportion to the width, on inputs of mean square 1,
so that this product, times the number of steps, is the training time of the leading mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from checks.settings import Settings
from checks.tools.checkpoints import remembered
from checks.tools.data import images
from checks.tools.roads import one_thread
from checks.tools.training_task import NAMES, parallel
from glutheory import datasets
from glutheory.errors import DomainError
from glutheory.ground.store import Arrays

Array = npt.NDArray[np.float64]
#: The early look is at the step at which rate times width times steps is this, or at the first one. It was chosen on
#: digits with other networks and another order of the data than those that are judged.
EARLY = 1.75
#: Looks at the loss, about equidistant in the logarithm of the step.
_LOOKS = 60
#: Of a quick run: images to train on, their batch, epochs, and rate times width.
_QUICK = (300, 8, 8, 0.0625)
#: Networks of each kind: fewer where each of them takes an hour.
_SEEDS, _RELEASED_SEEDS = 24, 16


@dataclass(frozen=True)
class Protocol:
    """What the released code does with one set of images.

    Attributes:
        data: its name there.
        images, inputs: to train on, and their numbers of pixels.
        hidden, batch, rate, epochs: width of the non-gated network, and stochastic gradient descent.
        scale: mean and standard deviation for pixels in [0, 1]; None: those of the images trained on.
    """

    data: str
    images: int
    inputs: int
    hidden: int
    batch: int
    rate: float
    epochs: int
    scale: tuple[float, float] | None


MNIST = Protocol("MNIST", 60_000, 784, 3136, 256, 1e-5, 150, (0.1307, 0.3081))
CIFAR10 = Protocol("CIFAR-10", 50_000, 3072, 5120, 128, 3e-4, 150, None)
#: By what `glutheory.datasets` calls a set of the same format.
PROTOCOLS = {"mnist": MNIST, "cifar10": CIFAR10}


@dataclass(frozen=True)
class ImageTask:
    """What is trained.

    Attributes:
        protocol: of the released code, followed or scaled.
        source: the images, with their checksum.
        n, d: images to train on, and pixels.
        hidden, batch, rate, epochs: of this run.
        scale: as in `Protocol`.
        seeds: splits of the images with one network of each kind.
        together: networks trained side by side.
        released: whether the images have the format of the protocol's, and are trained on as there.
    """

    protocol: Protocol
    source: str
    n: int
    d: int
    hidden: int
    batch: int
    rate: float
    epochs: int
    scale: tuple[float, float] | None
    seeds: int
    together: int
    released: bool

    @property
    def steps(self) -> int:
        """Per epoch; the last batch is the rest."""
        return -(-self.n // self.batch)

    @property
    def total(self) -> int:
        """Steps."""
        return self.epochs * self.steps

    @property
    def early(self) -> int:
        """The step of the early look."""
        return min(max(1, round(EARLY / (self.rate * self.hidden))), self.total - 1)

    @property
    def looks(self) -> npt.NDArray[np.int64]:
        """The steps after which the loss is looked at, ascending."""
        spaced = np.round(np.geomspace(1, self.total, _LOOKS)).astype(np.int64)
        return np.unique(np.concatenate(([0, self.early], spaced)))

    def width(self, name: str) -> int:
        """Of this network, matched in size."""
        from glutheory.sampling.training import matched_width

        return matched_width(name, self.hidden, self.d)


def task(settings: Settings) -> ImageTask:
    """The protocol on the images of the run.

    Raises:
        DomainError: they cannot be read, are not square, or too few.
    """
    found = images(settings.images)
    d = int(np.prod(found.pixels.shape[1:]))
    own = PROTOCOLS.get(found.name)
    same = own is not None and own.inputs == d
    protocol = own if own is not None and same else MNIST
    held = len(found) - round(len(found) * protocol.images / (protocol.images + 10_000))
    n = len(found) - held
    if n < 20:
        raise DomainError(f"the images of {found.name} are {len(found)}: give at least 24 to train on.")
    hidden = round(d * protocol.hidden / protocol.inputs)
    if not settings.profile.thorough:
        most, batch, epochs, product = _QUICK
        sizes = (hidden, batch, product / hidden, epochs)
        return ImageTask(protocol, found.source, min(n, most), d, *sizes, None, _SEEDS, together=12, released=False)
    if same:
        sizes = (hidden, protocol.batch, protocol.rate, protocol.epochs)
        return ImageTask(
            protocol, found.source, n, d, *sizes, protocol.scale, _RELEASED_SEEDS, together=1, released=True
        )
    batch = max(1, round(n * protocol.batch / protocol.images))
    sizes = (hidden, batch, protocol.rate * protocol.hidden / hidden, protocol.epochs)
    return ImageTask(protocol, found.source, n, d, *sizes, None, _SEEDS, together=8, released=False)


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
    with one_thread():
        parts = parallel(lambda job: _remembered(given, settings, centred, *job), jobs)
    found = {}
    for index, name in enumerate(NAMES):
        mine = parts[index * len(groups) : (index + 1) * len(groups)]
        found[name] = np.concatenate([part["loss"] for part in mine], axis=1)
    return found


def _remembered(given: ImageTask, settings: Settings, centred: bool, name: str, seeds: tuple[int, ...]) -> Arrays:
    sizes = {key: value for key, value in asdict(given).items() if key not in ("seeds", "together", "protocol")}
    key: dict[str, Any] = {"what": "training on images", "task": sizes, "centred": centred, "network": name}
    key |= {"seed": settings.seed, "device": settings.device, "seeds": list(seeds)}
    return remembered(settings.checkpoints, key, lambda: {"loss": _run(given, settings, centred, name, seeds)})


def _run(given: ImageTask, settings: Settings, centred: bool, name: str, seeds: tuple[int, ...]) -> Array:
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
    return np.asarray(torch.stack(losses).double().cpu().numpy())


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
