"""Tests of a mean with a known variance that hold for every sample size and every distribution.

The numbers to be tested (kernel entries of random networks) have heavy tails, so that a Gaussian z-score of 5 does not
mean a false alarm in 10⁻⁶. Catoni's influence function gives a test that does: for independent x_i with mean μ and
variance at most v, and ψ(x) = sign(x) log(1 + |x| + x²/2),

    P( ± Σ ψ(α(x_i − μ)) ≥ nα²v/2 + L ) ≤ exp(−L)                       (false alarm)

since exp ψ(x) ≤ 1 + x + x²/2. With α = √(2L/(nv)) the threshold is 2L and the test is as sharp as the Gaussian one up
to a constant. If the mean is μ + Δ instead, the same inequality for −ψ bounds the probability to miss it,

    P( no alarm ) ≤ exp(3L + LΔ²/v − Δ√(2Ln/v))                         (power)

Source: O. Catoni, Ann. Inst. H. Poincaré 48 (2012) 1148, Section 2. Both are inequalities, not approximations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MeanTest:
    """A two-sided test of many means at once, fixed before any number is drawn.

    Attributes:
        draws: n, the sample size of each mean.
        tests: how many means are tested (Bonferroni).
        false_alarm: the probability that any of them is rejected although all are right; a strict bound.
        miss: the probability of missing a wrong mean that defines `resolution`.
    """

    draws: int
    tests: int
    false_alarm: float
    miss: float = 1e-3

    def __post_init__(self) -> None:
        if self.tests < 1:
            raise DomainError(f"tests is {self.tests}: give at least 1.")
        if not (0 < self.false_alarm < 1 and 0 < self.miss < 1):
            raise DomainError(f"false_alarm is {self.false_alarm} and miss {self.miss}: give probabilities in (0, 1).")
        if self.draws < self.least_draws:
            raise DomainError(f"draws is {self.draws}: this test needs at least {self.least_draws}.")

    @property
    def level(self) -> float:
        """L: each one-sided test has a false alarm with probability at most exp(−L)."""
        return math.log(2 * self.tests / self.false_alarm)

    @property
    def least_draws(self) -> int:
        """The sample size from which on a wrong mean can be told at all."""
        return math.ceil(2 * (3 * self.level - math.log(self.miss)))

    @property
    def resolution(self) -> float:
        """η: a mean wrong by η·√(v/n) or more is missed with probability at most `miss`."""
        L, bend = self.level, self.level / self.draws
        return (math.sqrt(2 * L) - math.sqrt(2 * L - 4 * bend * (3 * L - math.log(self.miss)))) / (2 * bend)

    def statistic(self, samples: Array, mean: Any, variance: Any) -> Array:
        """|Σ ψ(α(x_i − mean))| over its threshold: above 1 rejects; infinite where a sample is no number.

        Args:
            samples: shape (draws, …), independent along the first axis.
            mean: the claimed means, shape (…).
            variance: upper bounds of the variances of one sample, shape (…), positive.
        """
        if len(samples) != self.draws:
            raise DomainError(f"samples has {len(samples)} rows, but the test was fixed for {self.draws} draws.")
        alpha = np.sqrt(2 * self.level / (self.draws * np.asarray(variance, dtype=np.float64)))
        x = alpha * (samples - np.asarray(mean, dtype=np.float64))
        total = np.sum(np.sign(x) * np.log1p(np.abs(x) + x * x / 2), axis=0)
        # a comparison with what is no number is false: it would never reject
        return np.asarray(np.nan_to_num(np.abs(total) / (2 * self.level), nan=np.inf))

    def miss_bound(self, shift: Any, variance: Any) -> Array:
        """A bound on the probability that means wrong by `shift` (shape of `variance`) pass, entry by entry."""
        L, v = self.level, np.asarray(variance, dtype=np.float64)
        # beyond this shift the bound no longer improves; ψ increases, so a larger error is caught if a smaller one is
        best = np.sqrt(self.draws * v / (2 * L))
        delta = np.minimum(np.abs(np.asarray(shift, dtype=np.float64)), best)
        exponent = 3 * L + L * delta**2 / v - delta * np.sqrt(2 * L * self.draws / v)
        return np.asarray(np.exp(np.minimum(exponent, 0.0)))
