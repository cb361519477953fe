"""How many steps of gradient descent a loss curve takes to a relative error: whole numbers between two certain bounds.

The error is ‖e_k‖/‖e_0‖, hence k_ε is the first k with E L(k) ≤ ε² E L(0). Below the largest stable rate the loss falls
with every step, and k_ε is found by bisection: a step counts as too early, or as late enough, only if the loss there is
above, or below, beyond all errors of the kernel, of its decomposition and of rounding. Modes are taken as logarithms:
10^100 steps are no more work than ten. Theory: ``python -m derivations steps_to_error``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from glutheory.dynamics.loss import LossCurve
from glutheory.dynamics.rounding import UNIT
from glutheory.errors import DomainError
from glutheory.ground.arguments import real

#: Nobody waits longer; and a float64 can still hold it.
_LONGEST = 1 << 1000


@dataclass(frozen=True)
class Steps:
    """The number of steps k_ε, as far as it is known.

    Attributes:
        low: k_ε is at least this.
        high: k_ε is at most this; None if the loss is not known to come so low.
    """

    low: int
    high: int | None

    @property
    def exact(self) -> bool:
        """Whether the number is known."""
        return self.low == self.high

    @property
    def value(self) -> float:
        """The middle of the two bounds; infinite if there is no upper one."""
        return float("inf") if self.high is None else (self.low + self.high) / 2


def steps_to(curve: LossCurve, error: float, rate: float) -> Steps:
    """The first k with E L(k) ≤ error² · E L(0).

    Args:
        curve: the loss in the modes of the kernel, with the error of the kernel.
        error: ε, between 0 and 1: the relative error ‖e_k‖/‖e_0‖ to be reached.
        rate: η, below `LossCurve.largest_stable_rate`: there the loss falls with every step.

    Raises:
        DomainError: an error that is not in (0, 1), a rate at which the loss need not fall, or no loss at the start.
    """
    error, rate = checked(curve, error, rate)
    loss, target = _relative(curve, rate), error**2

    def early(k: int) -> bool:
        value, off = loss(k)
        return value - off > target * (1 + 4 * UNIT)

    def late(k: int) -> bool:
        value, off = loss(k)
        return value + off <= target * (1 - 4 * UNIT)

    before = _last(early)
    after = before + 1
    while not late(after):
        if after > _LONGEST:
            return Steps(before + 1, None)
        after = 2 * after
    return Steps(before + 1, _between(lambda k: not late(k), before, after) + 1)


def checked(curve: LossCurve, error: float, rate: float) -> tuple[float, float]:
    """The error and the rate as `steps_to` takes them, and what it refuses refused."""
    error, rate = real("error", error, above=0, below=1), real("rate", rate, above=0)
    top = float(curve.eigenvalues.max()) + curve.error
    if not 0 < rate * top < 2:
        raise DomainError(f"rate is {rate!r}: give one between 0 and 2/λ_max = {2 / top if top else np.inf:.6g}.")
    if not curve.initial > 0:
        raise DomainError("curve has no loss at the start: give targets other than 0.")
    return error, rate


def _last(holds: Callable[[int], bool]) -> int:
    """A k ≥ 0 at which it holds and does not one step on; it holds at 0."""
    low, high = 0, 1
    while holds(high) and high <= _LONGEST:
        low, high = high, 2 * high
    return _between(holds, low, high)


def _between(holds: Callable[[int], bool], low: int, high: int) -> int:
    """A k in [low, high) at which it holds and does not one step on; it holds at `low`, and not at `high`."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _relative(curve: LossCurve, rate: float) -> Callable[[int], tuple[float, float]]:
    """E L(k)/E L(0) and a bound on its error, as a function of k."""
    # weights near the ends of the range of doubles would lose digits
    curve = curve.scaled(-int(np.frexp(curve.weights.max())[1]))
    own = (len(curve.weights) + 4) * UNIT + curve.weight_error / curve.initial

    def loss(k: int) -> tuple[float, float]:
        value, off = float(curve.descent(k, rate)), float(curve.uncertainty(k, rate))
        # `own` is the error of the initial loss, a sum of n terms, and of the two quotients
        return value / curve.initial, (off + 2 * own * (value + off)) / curve.initial

    return loss
