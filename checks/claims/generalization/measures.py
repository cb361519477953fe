"""What is read off two training curves: gaps at equal training loss, epochs to reach it, and clouds of points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.claims.generalization.runs import Block

Array = npt.NDArray[np.float64]
#: Equal training losses at which the networks of a gate are compared, evenly spaced in the logarithm.
LEVELS = 8


@dataclass(frozen=True)
class Matched:
    """The pairs of one block at equal training losses, which are those that all networks of a gate reach after epoch 1.

    Attributes:
        levels: training losses in nats, shape (gates, LEVELS), decreasing; NaN where the networks share no range.
        gaps: test loss minus training loss there, shape (2, pairs, LEVELS): plain, gated.
        epochs: when the training loss first is that low, the same shape.
    """

    levels: Array
    gaps: Array
    epochs: Array

    @property
    def shared(self) -> float:
        """The least factor between the largest and the smallest level; 0 where there is no range."""
        with np.errstate(invalid="ignore"):
            return float(np.nan_to_num(self.levels[:, 0] / self.levels[:, -1], nan=0.0).min())

    @property
    def gain(self) -> Array:
        """Ln of the gated network's gap over the plain one's, both averaged over the levels; shape (pairs,).

        NaN where a gap is not positive.
        """
        mean = self.gaps.mean(axis=2)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where((mean > 0).all(axis=0), np.log(mean[1] / mean[0]), np.nan)

    @property
    def curves(self) -> Array:
        """Half the differences of the gaps, gated minus plain, over the mean gap of the pair; shape (pairs, LEVELS)."""
        return np.asarray((self.gaps[1] - self.gaps[0]) / np.abs(self.gaps).mean(axis=(0, 2))[:, None] / 2)

    @property
    def pace(self) -> Array:
        """Ln of the gated network's epochs over the plain one's, averaged over the levels; shape (pairs,)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.log(self.epochs[1] / self.epochs[0]).mean(axis=1))


def matched(block: Block) -> Matched:
    """Compare the networks of a block at equal training losses."""
    both = np.stack((block.plain, block.gated))
    shape = (*both.shape[:2], LEVELS)
    levels, gaps, epochs = [], np.full(shape, np.nan), np.full(shape, np.nan)
    for _, rows in block.gates:
        train = both[:, rows, :, 0]
        with np.errstate(invalid="ignore"):
            # after the first epoch, so that nothing hangs on the outputs at initialisation
            top, bottom = float(train[:, :, 1].min()), float(train.min(axis=2).max())
        mine = np.full(LEVELS, np.nan)
        if 0 < bottom < top < np.inf:
            mine = np.exp(np.linspace(np.log(top), np.log(bottom), LEVELS))
            mine[0], mine[-1] = top, bottom
            for side in (0, 1):
                for pair in range(*rows.indices(both.shape[1])):
                    gaps[side, pair], epochs[side, pair] = along(both[side, pair], mine)
        levels.append(mine)
    return Matched(np.array(levels), gaps, epochs)


def along(losses: Array, levels: Array) -> tuple[Array, Array]:
    """The gap and the epoch where the training loss is first as low as each level: linear in its logarithm.

    Only epochs with a training loss below all before count, so that the loss falls along the curve.
    """
    train = losses[:, 0]
    best = np.minimum.accumulate(train)
    records = np.flatnonzero(np.concatenate(([True], train[1:] < best[:-1])))
    with np.errstate(invalid="ignore", divide="ignore"):
        x = -np.log(train[records])
    gap = losses[records, 1] - train[records]
    return np.interp(-np.log(levels), x, gap), np.interp(-np.log(levels), x, records.astype(np.float64))


def clouds(losses: Array, epochs: int) -> Array:
    """The points (training loss, gap) after the first epochs, shape (pairs, epochs, 2)."""
    rows = losses[:, 1 : epochs + 1]
    return np.stack((rows[..., 0], rows[..., 1] - rows[..., 0]), axis=-1)
