"""What is claimed, and the negative controls: blocks altered so that the evidence must refute the claim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from checks.claims.generalization.bias import ALTERED
from checks.claims.generalization.effects import Table
from checks.claims.generalization.measures import TEST, TRAIN, matched
from checks.claims.generalization.runs import Block
from checks.claims.generalization.training import COLUMNS
from checks.tools.signs import Events

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Statement:
    """What is claimed, and of which data.

    Attributes:
        altered: what is put in the place of the networks, for negative controls.
        faster: of the ratio of the gated network's epochs to the plain one's, whether the training is as claimed.
    """

    altered: Callable[[Block], Block] = lambda block: block
    faster: Callable[[Array], Events] = lambda ratio: ratio < 1


#: How large the effects are that the negative controls put in: a ratio of gaps, and of epochs.
GAP_EFFECT, PACE_EFFECT = 2.0, 1.5


def with_gap(block: Block, ratio: float) -> Block:
    """The same block, the gated gaps scaled to this mean ratio to the plain ones at equal loss; their scatter stays."""
    factor = ratio / float(np.exp(np.mean(matched(block).gain)))
    if not np.isfinite(factor):
        return block
    gated = block.gated.copy()
    gated[..., TEST] = gated[..., TRAIN] + factor * (gated[..., TEST] - gated[..., TRAIN])
    return replace(block, gated=gated)


def with_pace(block: Block, ratio: float) -> Block:
    """The same block with gated networks that need this ratio of the plain ones' epochs, on average."""
    factor = ratio / float(np.exp(np.mean(matched(block).pace)))
    if not np.isfinite(factor):
        return block
    epochs = np.arange(block.gated.shape[1], dtype=np.float64)
    inner = np.clip(epochs / factor, 0.0, epochs[-1])
    gated = np.stack([[np.interp(inner, epochs, column) for column in rows.T] for rows in block.gated])
    return replace(block, gated=gated.transpose(0, 2, 1))


def with_shuffled_labels(block: Block) -> Block:
    """The test loss of the gated networks on shuffled test labels."""
    gated = block.gated.copy()
    gated[..., TEST] = gated[..., COLUMNS.index("shuffled")]
    return replace(block, gated=gated)


def with_exchanged_coordinates(block: Block) -> Block:
    """In place of the gated networks the plain ones, training loss and gap exchanged: the sum, the test loss, stays."""
    gated = block.plain.copy()
    gated[..., TRAIN] = gated[..., TEST] - gated[..., TRAIN]
    return replace(block, gated=gated)


MUTANTS: dict[str, Statement] = {
    "gated gaps twice as large as the plain ones": Statement(lambda block: with_gap(block, GAP_EFFECT)),
    "gated gaps half as large as the plain ones": Statement(lambda block: with_gap(block, 1 / GAP_EFFECT)),
    "the test labels of the gated networks shuffled": Statement(with_shuffled_labels),
    "the plain networks with training loss and gap exchanged": Statement(with_exchanged_coordinates),
    "gated networks that need half as many epochs again": Statement(lambda block: with_pace(block, PACE_EFFECT)),
    "faster gated networks, claimed to be slower": Statement(
        lambda block: with_pace(block, 1 / PACE_EFFECT), lambda ratio: ratio > 1
    ),
}


def with_bias(block: Block, nats: float, *, plain: bool = True) -> Block:
    """The same block, altered images so much harder for the gated networks, and for the plain ones if `plain`."""
    sides = [side.copy() for side in (block.plain, block.gated)]
    for side in sides if plain else sides[1:]:
        side[..., ALTERED] += nats
    return replace(block, plain=sides[0], gated=sides[1])


def with_exchanged_images(block: Block) -> Block:
    """The losses on altered images and on images as they are exchanged."""
    sides = [side.copy() for side in (block.plain, block.gated)]
    for side in sides:
        side[..., [TRAIN, ALTERED]] = side[..., [ALTERED, TRAIN]]
    return replace(block, plain=sides[0], gated=sides[1])


#: How much harder altered images are made, in nats.
PLANTED = 1.0
EASIER, HARDER = (f"altered images {PLANTED:g} nat {word}" for word in ("easier", "harder"))
#: They concern the blocks where a bias of this sign is said, which they turn round.
AGAINST = {EASIER: -1, HARDER: 1}
#: Of blocks with augmented images.
BIAS_MUTANTS: dict[str, Callable[[Block], Block]] = {
    "the losses on altered images and on images as they are exchanged": with_exchanged_images,
    EASIER: lambda block: with_bias(block, -PLANTED),
    HARDER: lambda block: with_bias(block, PLANTED),
    f"altered images {PLANTED:g} nat harder for gated networks alone": lambda block: with_bias(
        block, PLANTED, plain=False
    ),
}
#: It concerns the tables of which the two are compared.
EXCHANGED = "optimiser and gating exchanged"
#: Of two-way tables.
EFFECT_MUTANTS: dict[str, Callable[[Table], Table]] = {
    "the optimisers exchanged": lambda table: replace(table, losses=table.losses[::-1]),
    EXCHANGED: lambda table: replace(table, losses=table.losses.swapaxes(0, 1)),
}
