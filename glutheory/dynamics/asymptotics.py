"""What a loss curve does at first and at last: its slope at the start, its slowest mode at the end."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np

from glutheory.dynamics.loss import LossCurve
from glutheory.ground.matrices import Array


@dataclass(frozen=True)
class Early:
    """L(k) = value + slope·k + curvature·k²/2 + O(k³), in steps k or, for the flow, in time t.

    For the flow the slope is −2 Tr[K(Σ + YYᵀ)] and the curvature 4 Tr[K²(Σ + YYᵀ)].

    Attributes:
        value: Tr Σ + ‖Y‖².
        slope: of the curve at 0; negative for stable rates.
        curvature: its second derivative there.
    """

    value: float
    slope: float
    curvature: float


@dataclass(frozen=True)
class Late:
    """L(k) → weight·exp(−decay·k) as k → ∞.

    Attributes:
        decay: per step, or per unit of time for the flow: of the slowest mode that carries any loss; negative if the
            loss diverges, 0 if it has a floor.
        weight: the initial loss in that mode.
        eigenvalue: λ of that mode: the smallest, or at large rates the largest.
        half_life: ln 2/decay; infinite where the loss does not decay.
        dominates_from: from here on the mode holds at least half of the loss; infinite beyond the largest double.
    """

    decay: float
    weight: float
    eigenvalue: float
    half_life: float
    dominates_from: float

    @property
    def factor(self) -> float:
        """By what the loss is multiplied in each step: max (1 − ηλ)²; infinite beyond the largest double."""
        with np.errstate(over="ignore"):
            return float(np.exp(-self.decay))


def early(curve: LossCurve, rate: float | None) -> Early:
    """The curve near its start; `rate` None: the gradient flow."""
    decays = curve.decays(rate)
    with np.errstate(over="ignore"):
        moments = [float(np.sum(curve.weights * decays**power)) for power in range(3)]
    return Early(moments[0], -moments[1], moments[2])


def late(curve: LossCurve, rate: float | None) -> Late:
    """The curve near its end; `rate` None: the gradient flow. A curve that is 0 has decay ∞ and weight 0."""
    decays, held = curve.decays(rate), curve.weights > 0
    if not held.any():
        return Late(math.inf, 0.0, float(curve.eigenvalues.min()), 0.0, 0.0)
    least = float(decays[held].min())
    slow = held & (decays == least)
    weight, rest = float(np.sum(curve.weights[slow])), held & ~slow
    gaps, others = decays[rest] - least, curve.weights[rest]
    half_life = math.log(2) / least if least > 0 else math.inf
    return Late(least, weight, float(curve.eigenvalues[slow].min()), half_life, _dominates(gaps, others, weight))


def _dominates(gaps: Array, others: Array, weight: float) -> float:
    """The t with Σ others·exp(−gaps t) = weight; 0 if the others are smaller from the start.

    By logarithms, as weights may be of any size. One other alone is at the weight at (ln w − ln weight)/gap: all of
    them are above it before the last of these times, and below it after the last for n of each.
    """
    from scipy.optimize import brentq
    from scipy.special import logsumexp

    logs = np.log(others) - math.log(weight)

    def excess(t: float) -> float:
        return float(logsumexp(logs - gaps * t))

    if not others.size or excess(0.0) <= 0:
        return 0.0
    with np.errstate(over="ignore"):
        low, high = (float(np.max((logs + more) / gaps)) for more in (0.0, math.log(len(logs))))
    if len(logs) == 1 or math.isinf(low):
        return low
    low, high = max(low, 0.0), min(high, sys.float_info.max)
    if excess(low) <= 0:  # but for rounding it is there
        return low
    if excess(high) >= 0:
        return high if high < sys.float_info.max else math.inf
    return float(brentq(excess, low, high, xtol=sys.float_info.min, rtol=1e-12, maxiter=5000))
