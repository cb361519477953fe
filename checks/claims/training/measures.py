"""What is read off two training curves, and what is claimed of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.tools.signs import Events
from checks.tools.training_task import PAIRS, Task, Trained

Array = npt.NDArray[np.float64]
#: The probability that any test of this check refutes a true statement. Networks are dear: with few of them no test can
#: promise what those of the other checks do.
LEVEL = 0.01
#: Sign tests on the Gaussian task, all two-sided: 6 crossings, 3 rates, 3 predictions (each at both rates), 3 with unit
#: targets, 3 held-out losses.
TESTS = 18
#: So each of them, to either side, has this much. Only one side refutes, which leaves LEVEL/2 for the three t intervals
#: of the time scale: an interval of confidence 1 - LEVEL/3 lies beyond a true margin with probability LEVEL/6 at most.
LIMIT = LEVEL / (2 * TESTS)


@dataclass(frozen=True)
class Race:
    """A gated network against its non-gated partner, one column per seed.

    Attributes:
        gap: ln(gated loss/non-gated loss) at the looks, shape (looks, seeds): positive where the gated one is behind.
        epoch: of the looks, shape (looks,).
    """

    gap: Array
    epoch: Array

    @property
    def end(self) -> Array:
        return np.asarray(self.gap[-1])

    def at(self, epoch: float) -> Array:
        """The gap at the look nearest to this epoch."""
        return np.asarray(self.gap[int(np.argmin(np.abs(self.epoch - epoch)))])

    @property
    def crossing(self) -> Array:
        """The epoch from which on the gated loss is lower: 0 if it always was, infinite if it is not at the end."""
        found = np.zeros(self.gap.shape[1])
        for seed, gap in enumerate(self.gap.T):
            ahead = np.flatnonzero(~(gap < 0))
            if len(ahead) and ahead[-1] == len(gap) - 1:
                found[seed] = np.inf
            elif len(ahead):
                last = ahead[-1]
                share = gap[last] / (gap[last] - gap[last + 1]) if np.isfinite(gap[last]) else 0.0
                found[seed] = self.epoch[last] + share * (self.epoch[last + 1] - self.epoch[last])
        return found

    @property
    def advantage(self) -> Array:
        """The area of the gap where the non-gated network is ahead, in epochs (times the natural logarithm's unit)."""
        ahead = np.clip(self.gap, 0.0, None)
        return np.asarray(np.sum((ahead[1:] + ahead[:-1]) / 2 * np.diff(self.epoch)[:, None], axis=0))


def races(
    task: Task, runs: Mapping[tuple[str, float, bool], Trained]
) -> dict[tuple[tuple[str, str], float, bool], Race]:
    """By pair, rate and whether the targets are large."""
    found = {}
    for plain, gated in PAIRS:
        for rate, large in {(rate, large) for name, rate, large in runs if name == plain}:
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                gap = np.log(runs[gated, rate, large].loss) - np.log(runs[plain, rate, large].loss)
            found[(plain, gated), rate, large] = Race(gap, task.epoch)
    return found


@dataclass(frozen=True)
class Statement:
    """What is claimed.

    Attributes:
        crosses: of the gaps early and at the end, whether the two curves cross as claimed.
        shrinks: of the advantages at the lower and the higher rate, whether the rate changes it as claimed.
        exponent: p in "the crossing comes after a number of epochs in proportion to rate^p".
        earlier: of the crossing and the one that the kernels at initialisation predict, whether they are as claimed
            where descent with the plain kernel converges.
        beyond: the same where it diverges.
        of_mean: of the early gaps on images, with the targets as they are and with their mean subtracted.
    """

    crosses: Callable[[Array, Array], Events] = lambda early, end: (early > 0) & (end < 0)
    shrinks: Callable[[Array, Array], Events] = lambda low, high: high < low
    exponent: float = -1.0
    earlier: Callable[[Array, Array], Events] = lambda crossing, predicted: crossing < predicted
    beyond: Callable[[Array, Array], Events] = lambda crossing, predicted: crossing > predicted
    of_mean: Callable[[Array, Array], Events] = lambda raw, centred: centred < raw / 2


MUTANTS: dict[str, Statement] = {
    "gated and non-gated exchanged": Statement(crosses=lambda early, end: (early < 0) & (end > 0)),
    "no crossing: the non-gated loss stays lower": Statement(crosses=lambda early, end: (early > 0) & (end > 0)),
    "no crossing: the gated loss is always lower": Statement(crosses=lambda early, end: (early < 0) & (end < 0)),
    "a larger rate enlarges the early advantage": Statement(shrinks=lambda low, high: high > low),
    "the crossing epoch does not depend on the rate": Statement(exponent=0.0),
    "the crossing epoch falls as 1/rate^2": Statement(exponent=-2.0),
    "the initial kernels predict the crossing within a factor 2": Statement(
        earlier=lambda crossing, predicted: np.abs(np.log(crossing / predicted)) < np.log(2)
    ),
}
#: To be tried where a rate is beyond the bound of a plain kernel; the quick profile has none.
BEYOND_MUTANTS: dict[str, Statement] = {
    "the crossing comes before that of the initial kernels at every rate": Statement(
        beyond=lambda crossing, predicted: crossing < predicted
    ),
    "beyond the bound the initial kernels predict it within a factor 2": Statement(
        beyond=lambda crossing, predicted: np.abs(np.log(crossing / predicted)) < np.log(2)
    ),
}
#: What the evidence on images has to refute by itself.
IMAGE_MUTANTS: dict[str, Statement] = {
    **{label: mutant for label, mutant in MUTANTS.items() if mutant.crosses is not Statement.crosses},
    "the early lead does not hang on the mean of the targets": Statement(
        of_mean=lambda raw, centred: centred > raw / 2
    ),
}
