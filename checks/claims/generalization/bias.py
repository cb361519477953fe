"""The bias of a gap whose training loss is measured on altered images, the test loss on images as they are.

The gap as released is test - altered, the gap itself test - training; at the same weights the first is off by
training - altered, the bias. It is measured on every network, and between the two of a pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.claims.generalization.measures import TEST, TRAIN, at_equal_loss, matched, mean_interval, one_sided
from checks.claims.generalization.plan import EARLY, EQUIVALENCE_LEVEL, PAPER_EPOCHS, WEAKER_LIMIT
from checks.claims.generalization.runs import Block
from checks.claims.generalization.training import COLUMNS
from checks.tools.signs import worst
from glutheory.claims import About, Evidence, Figure, Finding, Grade

Array = npt.NDArray[np.float64]
ALTERED, RUNNING = COLUMNS.index("augmented"), COLUMNS.index("running")
KINDS = ("plain", "gated")


@dataclass(frozen=True)
class Direction:
    """What is said of a number of every network: that its mean over networks is below 0, or above.

    Attributes:
        what: the number, and what is said of it.
        sign: -1 or 1.
        values: the number of plain and of gated networks in nats, shape (2, pairs).
    """

    what: str
    sign: int
    values: Array


def directions(name: str, block: Block) -> tuple[Direction, ...]:
    """What is said of the networks of an architecture and optimiser, from exploratory runs and those with seed 0."""
    gap, bias = measured(block)
    if name.startswith("MLP-Mixer"):
        return (Direction("gap on altered images, mean over the epochs, below 0", -1, (gap + bias).mean(axis=-1)),)
    early = Direction(f"bias after epoch {EARLY}, above 0", 1, bias[..., EARLY - 1])
    late = Direction("bias after the last epoch, below 0", -1, bias[..., -1])
    return (early, late) if _turns(name) else (early,)


def says(name: str, block: Block, sign: int) -> bool:
    """Whether a bias of this sign is said of these networks."""
    return any(item.sign == sign for item in directions(name, block))


def measured(block: Block, column: int = ALTERED) -> tuple[Array, Array]:
    """The gap on images as they are, and its bias, after each of the first epochs; shape (2, pairs, epochs)."""
    both = np.stack((block.plain, block.gated))[:, :, 1 : PAPER_EPOCHS + 1]
    return both[..., TEST] - both[..., TRAIN], both[..., TRAIN] - both[..., column]


def bias(name: str, block: Block) -> Evidence:
    """The corrected form: where the bias is of one sign, and which."""
    found: dict[str, Figure] = {}
    findings = []
    for item in directions(name, block):
        for kind, values in zip(KINDS, item.values, strict=True):
            row, finding = one_sided(item.sign * values)
            found[f"{item.what}: {kind}"] = {"mean": mean_interval(values), **row}
            findings.append(finding)
    gap, by_epoch = measured(block)
    _, logged = measured(block, RUNNING)
    both = np.stack((block.plain, block.gated))
    at = at_equal_loss(both[..., TRAIN], both[..., TRAIN] - both[..., ALTERED], block.gates).values
    figures: dict[str, Figure] = {
        "tests": found,
        "level": EQUIVALENCE_LEVEL,
        "p needed to refute": WEAKER_LIMIT,
        "mean over the epochs, nats": {
            "gap on images as they are": _compared(gap),
            "bias": _compared(by_epoch),
            "bias of the loss over the steps of the epoch": _compared(logged),
        },
        "at equal training loss on images as they are, nats": {
            "gap": _compared(matched(block).values),
            "bias": _compared(at),
        },
        "at equal training loss on altered images, nats": {"gap": _compared(matched(block, ALTERED).values)},
        "bias by epoch": {
            kind: [float(f"{x:.4g}") if np.isfinite(x) else None for x in rows.mean(axis=0)]
            for kind, rows in zip(KINDS, by_epoch, strict=True)
        },
    }
    finding = worst(findings) if np.isfinite(both).all() else Finding.UNDECIDED
    what = (
        f"{name}: the bias of a gap that is measured on altered images: {_said(name)} (t-tests; chosen after runs with "
        "seed 0, so that other seeds confirm it)"
    )
    return Evidence(Grade.STATISTICAL, what, finding, About.CORRECTED, f"{name}: bias", figures)


def _said(name: str) -> str:
    if name.startswith("MLP-Mixer"):
        return "downwards by more than the gap, on average over the epochs"
    return f"upwards after epoch {EARLY}" + (", downwards after the last" if _turns(name) else "")


def _turns(name: str) -> bool:
    """Whether the sign after the last epoch is said; with AdamW it was dropped after the runs with seed 0.

    They left it undecided. The committed run has seed 1, of which no draw was seen when this form was fixed.
    """
    return name.endswith("SGD")


def _compared(values: Array) -> Figure:
    """Means over the last axis of shape (2, pairs, …), with 95 % intervals over pairs: each kind, and in a pair."""
    plain, gated = values.mean(axis=-1)
    return {
        "plain": mean_interval(plain),
        "gated": mean_interval(gated),
        "gated - plain": mean_interval(gated - plain),
    }
