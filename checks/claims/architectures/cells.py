"""One network with one seed: built, trained where that is asked for, and the Gram matrices of its Jacobian."""

from __future__ import annotations

import zlib
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from checks.claims.architectures.data import DISTINCT, INPUTS, PROBES, WINDOWS, Data, data
from checks.claims.architectures.plainly import plain_kernels
from checks.claims.architectures.task import Case
from checks.claims.architectures.training import BATCH, DECAY, RATE, losses, train
from checks.settings import Settings
from checks.tools.checkpoints import keep, known
from checks.tools.data import images, sized, text
from checks.tools.roads import one_thread
from glutheory.ground.store import Arrays
from glutheory.ground.workers import completed

Array = npt.NDArray[np.float64]
#: The name of a network and a seed.
Pair = tuple[str, int]


@dataclass(frozen=True)
class Cell:
    """What was computed of one network with one seed.

    Attributes:
        grams: Gram matrices (n, n) by time, set of parameters and whether in float64.
        parameters: numbers of parameters: all, and those of the feed-forward parts.
        backbone: a checksum of all other parameters at the start.
        dropout: the largest rate of dropout of any layer.
        loss: mean cross-entropy on the training data before and after training; NaN without training.
        held_out: the same on the held-out data.
    """

    grams: dict[tuple[str, str, bool], Array]
    parameters: tuple[int, int]
    backbone: int
    dropout: float
    loss: tuple[float, float]
    held_out: tuple[float, float]


def cell(case: Case, settings: Settings, name: str, seed: int) -> Cell:
    """Computed, or taken from the checkpoints."""
    return cells(case, settings, [(name, seed)])[name, seed]


def cells(case: Case, settings: Settings, pairs: Sequence[Pair]) -> dict[Pair, Cell]:
    """Of the networks of these names and seeds, computed where the checkpoints have none."""
    folder, keys = settings.checkpoints, {pair: _key(case, settings, *pair) for pair in pairs}
    found = {pair: content for pair, key in keys.items() if (content := known(folder, key)) is not None}
    # kept here and not where it is computed, which may be a machine with other files
    with closing(_computed(case, settings, [pair for pair in pairs if pair not in found])) as computed:
        for pair, content in computed:
            keep(folder, keys[pair], content)
            found[pair] = content
    return {pair: _read(found[pair]) for pair in pairs}


def _computed(case: Case, settings: Settings, pairs: Sequence[Pair]) -> Generator[tuple[Pair, Arrays], None, None]:
    work = partial(_one, case, settings.alone)
    if settings.workers == 1 or len(pairs) < 2:
        yield from map(work, pairs)
    else:
        yield from completed(work, pairs, settings.workers)


def _one(case: Case, settings: Settings, pair: Pair) -> tuple[Pair, Arrays]:
    return pair, _compute(case, settings, *pair)


def _key(case: Case, settings: Settings, name: str, seed: int) -> dict[str, Any]:
    """Everything that determines what is computed, in JSON types."""
    double = case.double(name, seed)
    own: dict[str, Any] = {"epochs": case.epochs, "inputs": INPUTS, "network": name, "index": seed, "double": double}
    own |= {
        "protocol": [PROBES, WINDOWS, DISTINCT, BATCH, RATE, DECAY],
        "real": case.size == "small",
        "plainly": case.plainly,
    }
    sizes = asdict(sized(case.architecture, settings, **case.changes))
    del sizes["source"]
    key = {"what": "architectures", "sizes": sizes, "seed": settings.seed, "device": settings.device, **own}
    if settings.own_data and case.size == "small":
        key["data"] = [images(settings.images).source, text(settings.text).source]
    return key


def _read(found: Arrays) -> Cell:
    grams = {}
    for path, values in found.items():
        if path != "facts":
            time, which, kind = path.split("-")
            grams[time, which, kind == "double"] = values
    facts = found["facts"]
    return Cell(
        grams,
        (int(facts[0]), int(facts[1])),
        int(facts[2]),
        float(facts[3]),
        (float(facts[4]), float(facts[5])),
        (float(facts[6]), float(facts[7])),
    )


def _compute(case: Case, settings: Settings, name: str, seed: int) -> Arrays:
    import torch

    from glutheory.architectures import build, feed_forward_parameters

    # by default convolutions on a GPU have 10 bits
    with one_thread(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        start = settings.stream(f"architectures/{case.architecture}/{seed}")
        size = sized(case.architecture, settings, **case.changes)
        model = build(size, name, seed=start, device=settings.device)
        items = data(case.architecture, case.size == "small", start, settings.device, settings)
        inner = set(feed_forward_parameters(model))
        sizes = {key: value.numel() for key, value in model.named_parameters()}
        facts = [sum(sizes.values()), sum(sizes[key] for key in inner), _checksum(model, inner), _dropout(model)]
        found = _grams(model, items, "initial", case, double=case.double(name, seed))
        before = losses(model, items) if case.epochs else (np.nan, np.nan)
        after = before
        if case.epochs:
            train(model, items, epochs=case.epochs, seed=start)
            after = losses(model, items)
            found |= _grams(model, items, "trained", case, double=case.double(name, seed))
        facts += [before[0], after[0], before[1], after[1]]
        return {**found, "facts": np.array(facts, dtype=np.float64)}


def _grams(model: Any, items: Data, time: str, case: Case, *, double: bool) -> Arrays:
    """Of all parameters and of those of the feed-forward parts, in float32 and, if asked for, in float64."""
    found = {}
    for kind in ("single", "double")[: 1 + double]:
        model, inputs = (model.double(), items.probe.double()) if kind == "double" else (model, items.probe)
        inputs = inputs if items.probe.is_floating_point() else items.probe
        plainly = case.plainly and kind == "single"
        matrices = plain_kernels(model, inputs, items.output) if plainly else kernels(model, inputs, items)
        for which, gram in matrices.items():
            found[f"{time}-{which}-{kind}"] = gram
    model.float()
    return found


def kernels(model: Any, inputs: Any, items: Data) -> dict[str, Array]:
    """The Gram matrices of the Jacobian, float64 numpy, for both sets of parameters."""
    import torch

    from glutheory.architectures import feed_forward_parameters
    from glutheory.sampling import module_ntk

    blocks = module_ntk(model, inputs, output=items.output, blocks=True)
    inner = set(feed_forward_parameters(model))
    chosen = {"all": list(blocks.values()), "ffn": [block for key, block in blocks.items() if key in inner]}
    return {which: torch.stack(parts).double().sum(0).cpu().numpy() for which, parts in chosen.items()}


def _checksum(model: Any, inner: set[str]) -> int:
    """Of the parameters that the six networks of a seed have in common."""
    value = 0
    for key, parameter in sorted(model.named_parameters()):
        if key not in inner:
            value = zlib.crc32(key.encode() + parameter.detach().cpu().contiguous().numpy().tobytes(), value)
    return value


def _dropout(model: Any) -> float:
    import torch

    return max((layer.p for layer in model.modules() if isinstance(layer, torch.nn.Dropout)), default=0.0)
