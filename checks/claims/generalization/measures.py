"""What is read off training curves: gaps at equal training loss, epochs to reach it, and clouds of points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.claims.generalization.plan import EQUIVALENCE_LEVEL, WEAKER_LIMIT
from checks.claims.generalization.runs import Block, Gates
from checks.claims.generalization.training import COLUMNS
from checks.tools.statistical_models import described
from glutheory.claims import Figure, Finding

Array = npt.NDArray[np.float64]
#: Equal training losses at which the networks of a gate are compared, evenly spaced in the logarithm.
LEVELS = 8
#: Where the losses stand in a history.
TRAIN, TEST = COLUMNS.index("train"), COLUMNS.index("test")


@dataclass(frozen=True)
class AtEqualLoss:
    """Networks at equal training losses, which are those that all networks of a gate reach after epoch 1.

    Attributes:
        levels: training losses in nats, shape (gates, LEVELS), decreasing; NaN where the networks share no range.
        values: what was asked for there, shape (kinds, pairs, LEVELS).
        epochs: when the training loss first is that low, the same shape.
    """

    levels: Array
    values: Array
    epochs: Array

    @property
    def shared(self) -> float:
        """The least factor between the largest and the smallest level; 0 where there is no range."""
        with np.errstate(invalid="ignore"):
            return float(np.nan_to_num(self.levels[:, 0] / self.levels[:, -1], nan=0.0).min())


@dataclass(frozen=True)
class Matched(AtEqualLoss):
    """The pairs of one block; `values` are gaps, test loss minus training loss, of plain and gated networks."""

    @property
    def gain(self) -> Array:
        """Ln of the gated network's gap over the plain one's, both averaged over the levels; shape (pairs,).

        NaN where a gap is not positive.
        """
        logs = log_means(self.values)
        return np.asarray(logs[1] - logs[0])

    @property
    def curves(self) -> Array:
        """Half the differences of the gaps, gated minus plain, over the mean gap of the pair; shape (pairs, LEVELS)."""
        gaps = self.values
        return np.asarray((gaps[1] - gaps[0]) / np.abs(gaps).mean(axis=(0, 2))[:, None] / 2)

    @property
    def pace(self) -> Array:
        """Ln of the gated network's epochs over the plain one's, averaged over the levels; shape (pairs,)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.log(self.epochs[1] / self.epochs[0]).mean(axis=1))


def matched(block: Block, measured: int = TRAIN) -> Matched:
    """Compare the networks of a block at equal training losses, of the column in which these were measured."""
    both = np.stack((block.plain, block.gated))
    train = both[..., measured]
    found = at_equal_loss(train, both[..., TEST] - train, block.gates)
    return Matched(found.levels, found.values, found.epochs)


def at_equal_loss(train: Array, values: Array, gates: Gates) -> AtEqualLoss:
    """What networks have at equal training losses.

    Args:
        train: their training losses at initialisation and after every epoch, shape (kinds, pairs, epochs + 1).
        values: what is asked for, the same shape.
        gates: the pairs of each gate, with its name.
    """
    shape = (*train.shape[:2], LEVELS)
    levels, there, epochs = [], np.full(shape, np.nan), np.full(shape, np.nan)
    for _, rows in gates:
        mine = np.full(LEVELS, np.nan)
        with np.errstate(invalid="ignore"):
            # after the first epoch, so that nothing hangs on the outputs at initialisation
            top, bottom = float(train[:, rows, 1].min()), float(train[:, rows].min(axis=2).max())
        if 0 < bottom < top < np.inf:
            mine = np.exp(np.linspace(np.log(top), np.log(bottom), LEVELS))
            mine[0], mine[-1] = top, bottom
            for kind in range(len(train)):
                for pair in range(*rows.indices(shape[1])):
                    there[kind, pair], epochs[kind, pair] = along(train[kind, pair], values[kind, pair], mine)
        levels.append(mine)
    return AtEqualLoss(np.array(levels), there, epochs)


def along(train: Array, values: Array, levels: Array) -> tuple[Array, Array]:
    """The value and the epoch where the training loss is first as low as each level: linear in its logarithm.

    Only epochs with a training loss below all before count, so that the loss falls along the curve.
    """
    best = np.minimum.accumulate(train)
    records = np.flatnonzero(np.concatenate(([True], train[1:] < best[:-1])))
    with np.errstate(invalid="ignore", divide="ignore"):
        x = -np.log(train[records])
    at = -np.log(levels)
    return np.interp(at, x, values[records]), np.interp(at, x, records.astype(np.float64))


def log_means(values: Array) -> Array:
    """Ln of the means over the last axis; NaN where one is not positive."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = values.mean(axis=-1)
        return np.where(mean > 0, np.log(mean), np.nan)


def clouds(losses: Array, epochs: int, measured: int = TRAIN) -> Array:
    """The points (training loss, gap) after the first epochs, shape (pairs, epochs, 2)."""
    rows = losses[:, 1 : epochs + 1]
    train = rows[..., measured]
    return np.stack((train, rows[..., TEST] - train), axis=-1)


def mean_interval(values: Array) -> Figure:
    """The mean of independent numbers with its 95 % interval of Student's t; None where one is not finite."""
    if not np.isfinite(values).all():
        return None
    sample = described(values)
    low, high = sample.tconfint_mean(0.05)
    return {"mean": float(sample.mean), "low": float(low), "high": float(high)}


def one_sided(*values: Array) -> tuple[dict[str, Figure], Finding]:
    """Whether the mean of each of these samples is above 0: t-tests, all of which must say so, or one the contrary."""
    if not all(np.isfinite(rows).all() and np.ptp(rows) > 0 for rows in values):
        return {"p": None}, Finding.UNDECIDED
    above, below = (
        max_or_min(float(described(rows).ttest_mean(0, side)[1]) for rows in values)
        for max_or_min, side in ((max, "larger"), (min, "smaller"))
    )
    figures: dict[str, Figure] = {"p of being so": above, "p of the contrary": below}
    if above <= EQUIVALENCE_LEVEL:
        return figures, Finding.SUPPORTS
    return figures, Finding.REFUTES if below <= WEAKER_LIMIT else Finding.UNDECIDED
