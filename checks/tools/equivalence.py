"""Are two means equal up to a margin? The paired equivalence test, beside the ordinary test of a difference.

A difference that is not significant is no evidence of equality. Two one-sided t-tests are: with the mean m and standard
deviation s of n paired differences, both hypotheses "true mean ≤ −margin" and "true mean ≥ margin" are rejected at the
level α exactly if the interval m ± t(1−α, n−1) s/√n of level 1 − 2α lies inside (−margin, margin). The probability to
call different things equivalent is at most α. The margin is fixed before the data are seen, by what would matter.

Normal differences are presupposed, as by every t-test. The tests and the interval are those of statsmodels, which has
no exact power of this test; that is ours.

Sources: D. J. Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987) 657; its power: K. F. Phillips, ibid. 18 (1990) 137.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import integrate, special, stats

from checks.tools.statistical_models import described
from glutheory.errors import DomainError
from glutheory.ground.arguments import integer, real


@dataclass(frozen=True)
class Equivalence:
    """Paired differences, tested for equivalence and for difference.

    Attributes:
        count: n, how many differences.
        mean: of the differences.
        deviation: their standard deviation, with n − 1.
        margin: means within (−margin, margin) count as equal; in units of the differences.
        level: α of each of the two verdicts.
        low: lower end of the interval of level 1 − 2α.
        high: its upper end.
        pvalue: of equivalence: the larger of the two one-sided p-values.
        equivalent: whether it is below α.
        difference_pvalue: of the ordinary two-sided t-test that the true mean is 0.
        different: whether that is below α. Both verdicts can hold (a difference too small to matter) or neither (too
            few data).
        power: the probability of `equivalent` if the true mean were 0 and `deviation` the true one. It says whether the
            data could have shown equivalence; a plan needs `equivalence_power` with a deviation known beforehand.
    """

    count: int
    mean: float
    deviation: float
    margin: float
    level: float
    low: float
    high: float
    pvalue: float
    equivalent: bool
    difference_pvalue: float
    different: bool
    power: float


def equivalence(differences: Any, margin: float, *, level: float = 0.05) -> Equivalence:
    """Two one-sided t-tests (TOST) of paired differences, with the interval and the ordinary test beside them.

    If all differences are equal, their deviation is 0 and the tests compare the mean itself with the margin and with 0.

    Args:
        differences: shape (n,), n >= 2, one per pair.
        margin: positive, in units of the differences.
        level: α in (0, 1/2).

    Raises:
        DomainError: fewer than two differences, one that is not finite, or a margin or level out of range.
    """
    try:
        values = np.asarray(differences, dtype=np.float64)
    except (TypeError, ValueError):
        raise DomainError(
            "differences is no array of real numbers: give one difference per pair, shape (n,)."
        ) from None
    if values.ndim != 1 or len(values) < 2:
        raise DomainError(f"differences has the shape {values.shape}: give at least 2, one per pair, shape (n,).")
    # NaN fails every comparison; the squares of larger numbers would overflow
    usable = np.abs(values) < 1e150
    if not usable.all():
        index = int(np.argmin(usable))
        raise DomainError(f"differences has the value {values[index]} at {index}: remove or correct that pair.")
    margin, level = real("margin", margin, above=0), real("level", level, above=0, below=0.5)
    count, sample = len(values), described(values)
    mean, deviation = float(sample.mean), float(sample.std) if np.ptp(values) > 0 else 0.0
    if deviation > 0:
        # a margin of many deviations is infinitely many
        with np.errstate(over="ignore"):
            pvalue, difference_pvalue = sample.ttost_mean(-margin, margin)[0], sample.ttest_mean(0)[1]
        low, high = sample.tconfint_mean(2 * level)
        power = equivalence_power(margin, deviation, count, level=level)
    else:
        # the limits
        pvalue, difference_pvalue = (1 + np.sign(abs(mean) - margin)) / 2, float(mean == 0)
        low, high, power = mean, mean, 1.0
    return Equivalence(
        count=count,
        mean=mean,
        deviation=deviation,
        margin=margin,
        level=level,
        low=float(low),
        high=float(high),
        pvalue=float(pvalue),
        equivalent=bool(pvalue < level),
        difference_pvalue=float(difference_pvalue),
        different=bool(difference_pvalue < level),
        power=power,
    )


def equivalence_power(
    margin: float, deviation: float, count: int, *, level: float = 0.05, difference: float = 0.0
) -> float:
    """The probability that `equivalence` finds n normal differences equivalent.

    Args:
        margin: positive.
        deviation: the true standard deviation of a difference, positive.
        count: n >= 2.
        level: α in (0, 1/2).
        difference: the true mean; 0 asks whether equality can be shown at all.

    Raises:
        DomainError: an argument out of range.
    """
    margin, deviation = real("margin", margin, above=0), real("deviation", deviation, above=0)
    level, difference = real("level", level, above=0, below=0.5), real("difference", difference)
    count = integer("count", count, 2)
    error = deviation / math.sqrt(count)
    return _power(margin / error, difference / error, count - 1, level)


def _power(margin: float, difference: float, freedom: int, level: float) -> float:
    """The power where the mean has standard error 1, known with so many degrees of freedom.

    The mean is within margin − t u with probability Φ(margin − difference − t u) − Φ(t u − margin − difference), u
    being the estimated error, and u√freedom has the chi distribution with `freedom` degrees of freedom.
    """
    quantile = float(stats.t.ppf(1 - level, freedom))
    # beyond this the density holds less than 1e-14
    end = min(margin / quantile, math.sqrt(float(stats.chi2.isf(1e-14, freedom)) / freedom))
    half = freedom / 2
    constant = math.log(2) + half * math.log(half) - float(special.gammaln(half))

    def integrand(u: float) -> float:
        reach = margin - quantile * u
        inside = special.ndtr(reach - difference) - special.ndtr(-reach - difference)
        return float(inside) * math.exp(constant + (freedom - 1) * math.log(u) - half * u * u)

    # the density has its bulk at 1
    points = [1.0] if end > 1 else None
    value, _ = integrate.quad(integrand, 0.0, end, points=points, epsabs=1e-12, epsrel=1e-10, limit=200)
    return min(float(value), 1.0)
