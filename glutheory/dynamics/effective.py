"""What a target asks of gradient descent: bounds of the steps from below and above, by the weight of its slow modes.

Proof: ``python -m derivations steps_to_error``, its steps 8 and 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from glutheory.dynamics.loss import LossCurve
from glutheory.dynamics.steps import checked


@dataclass(frozen=True)
class Effective:
    """Two-sided bounds of k_ε for one target, from the weight of its slow modes.

    Attributes:
        low, high: k_ε is between them (real numbers; `high` before rounding up); infinite if a mode that has to be
            learned never falls.
        condition: of the target, 1/(1 − r): at 1/λ_max it is λ_max/λ_j, j the last mode that has to be learned;
            infinite likewise.
    """

    low: float
    high: float
    condition: float


def effective_steps(curve: LossCurve, error: float, rate: float) -> Effective:
    """The best of the two bounds over all sets of slow modes.

    They are ``(ℓ + ½ ln τ)/(−ln r)`` with ℓ = ln(1/ε), and ``½ ln[(1 − τ)/(ε² − τ)]/(−ln r)``. A set has the modes
    whose factor |1 − ηλ| is at least r (from below), or above r (from above), and the share τ of the initial
    loss. Arguments and errors as of `steps_to`; the errors of the kernel are not counted.
    """
    error, rate = checked(curve, error, rate)
    decays = curve.decays(rate) / 2  # −ln |1 − ηλ|
    order = np.argsort(decays)
    slow, shares = decays[order], curve.weights[order] / curve.initial
    below = np.cumsum(shares)  # share of the modes at least as slow
    after = np.concatenate(([0.0], below[:-1]))  # share of those that are slower
    with np.errstate(divide="ignore", invalid="ignore"):
        low = (log(1 / error) + np.log(below) / 2) / slow
        free = after < error**2
        high = np.where(free, np.log((1 - after) / np.where(free, error**2 - after, 1.0)) / 2 / slow, np.inf)
        best = int(np.nanargmin(high))
        condition = float(np.divide(1, -np.expm1(-slow[best])))  # infinite if the mode never falls
    return Effective(max(0.0, float(np.nanmax(low))), float(high[best]), condition)
