"""Power laws from measurements: exponents with confidence intervals that allow for unequal errors.

    log y = log C + Σ_i α_i log x_i + error

is fitted by ordinary least squares (statsmodels). The errors of spectra differ from size to size, so the intervals use
White's covariance in the form HC3 (MacKinnon and White, J. Econometrics 29 (1985) 305), which is nearly unbiased in
small samples, and Student quantiles.

An interval is about the straight line that fits best *on this grid*. A curve that is not yet straight (finite sizes)
has other exponents further out: fit the largest sizes alone, and fit a theory's own values on the same grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from checks.tools.statistical_models import least_squares
from glutheory.errors import DomainError

Array = npt.NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class PowerLaw:
    """y ≈ constant · Π x_i^exponents[i].

    Attributes:
        names: of the variables x_i.
        exponents: α_i, in the order of the names.
        intervals: of the exponents, each with confidence `level`.
        constant: C.
        constant_interval: of C, likewise.
        residual: root mean square of the residuals of log y.
        points: the number of measurements.
        level: confidence of each interval.
    """

    names: tuple[str, ...]
    exponents: tuple[float, ...]
    intervals: tuple[Interval, ...]
    constant: float
    constant_interval: Interval
    residual: float
    points: int
    level: float

    def exponent(self, name: str) -> float:
        """The exponent of this variable."""
        return self.exponents[self.names.index(name)]

    def interval(self, name: str) -> Interval:
        """The interval of this variable's exponent."""
        return self.intervals[self.names.index(name)]

    def excludes(self, **exponents: float) -> bool:
        """Whether some claimed exponent lies outside its interval; variables left out are not tested."""
        ends = ((self.interval(name), value) for name, value in exponents.items())
        return any(not low <= value <= high for (low, high), value in ends)

    def within(self, margin: float, **exponents: float) -> bool:
        """Whether the whole interval of every claimed exponent lies closer to it than `margin` (equivalence)."""
        ends = ((self.interval(name), value) for name, value in exponents.items())
        return all(value - margin < low and high < value + margin for (low, high), value in ends)

    def __call__(self, **values: float) -> float:
        """The fitted y at these values of the variables."""
        powers = zip(self.names, self.exponents, strict=True)
        return self.constant * math.prod(float(values[name] ** power) for name, power in powers)


def power_law(y: Any, *, level: float = 0.999, **variables: Any) -> PowerLaw:
    """Fit y ≈ C Π x_i^α_i, e.g. ``power_law(y, n=sizes, d=dimensions)``.

    Args:
        y: positive measurements, shape (points,), independent of each other.
        level: confidence of each interval, in (0, 1).
        variables: the x_i by name, positive, shape (points,) each.

    Raises:
        DomainError: numbers that are not positive, unequal lengths, too few points, or variables that do not vary
            independently on the given points, or do so by one point alone.
    """
    if not variables:
        raise DomainError("variables is empty: name at least one, e.g. power_law(y, n=sizes).")
    if not 0 < level < 1:
        raise DomainError(f"level is {level}: give a confidence in (0, 1), e.g. 0.999.")
    target = _logarithm("y", y, None)
    columns = [_logarithm(name, x, len(target)) for name, x in variables.items()]
    # centred columns: the constant is then nearly uncorrelated with the exponents, and the rank easy to judge
    centre = np.array([column.mean() for column in columns])
    design = np.column_stack(
        [np.ones(len(target)), *(column - mean for column, mean in zip(columns, centre, strict=True))]
    )
    free = len(target) - design.shape[1]
    if free < 2:
        raise DomainError(f"y has {len(target)} points: {design.shape[1]} parameters need {design.shape[1] + 2}.")
    if np.linalg.matrix_rank(design, tol=1e-9 * len(target)) < design.shape[1]:
        raise DomainError(f"{', '.join(variables)} do not vary independently: give a grid in all of them.")
    plain = least_squares(target, design)
    leverage = plain.get_influence().hat_matrix_diag
    if leverage.max() > 1 - 1e-9:
        # its residual is 0 whatever its error, and HC3 divides 0 by 0
        alone = int(np.argmax(leverage))
        raise DomainError(f"y[{alone}] alone decides an exponent: measure at its sizes again, or leave it out.")
    fit = plain.get_robustcov_results("HC3", use_t=True)
    # log C = mean level − Σ α_i · centre_i
    constant = fit.t_test(np.concatenate([[1.0], -centre]))
    low, high = constant.conf_int(1 - level)[0]
    return PowerLaw(
        tuple(variables),
        tuple(float(value) for value in fit.params[1:]),
        tuple((float(low), float(high)) for low, high in fit.conf_int(1 - level)[1:]),
        math.exp(constant.effect[0]),
        (math.exp(low), math.exp(high)),
        math.sqrt(fit.ssr / fit.nobs),
        len(target),
        level,
    )


def _logarithm(name: str, values: Any, length: int | None) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or (length is not None and len(array) != length):
        wanted = "one-dimensional" if length is None else f"({length},), as y has"
        raise DomainError(f"{name} has the shape {array.shape}: it must be {wanted}.")
    bad = array[~(np.isfinite(array) & (array > 0))]
    if len(bad):
        raise DomainError(f"{name} holds {float(bad[0])}: a power law needs finite positive numbers.")
    return np.log(array)
