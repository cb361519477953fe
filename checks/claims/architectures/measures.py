"""What is read off the Gram matrices: condition numbers as far as they are known, and their ratios within the pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.claims.architectures.cells import Cell
from checks.claims.architectures.plainly import clamped
from checks.claims.architectures.task import NAMES, PAIRS, SETS, Case
from glutheory.spectra import condition_number, spectrum

Array = npt.NDArray[np.float64]
Cells = Mapping[tuple[str, int], Cell]
#: The error of float32 matrices is measured where float64 ones are known; so many times the largest is allowed for.
SAFETY = 4.0
#: float64 rounds this much finer than float32.
FINER = 2.0**-29


@dataclass(frozen=True, eq=False)
class Conditions:
    """Condition numbers of the six networks at one place: a case, a time, a set of parameters.

    Attributes:
        case, time, which: the place.
        value, low, high: shape (networks, seeds); `high` is infinite where λ_min is not told from 0, and then `value`
            is `low`, a lower bound.
        bulk: λ_2/λ_min: without the direction that random inputs have in common, shape (networks, seeds).
        half: condition numbers of the first half of the inputs.
        printed: condition numbers as the released scripts print them, from float32; NaN where that was not computed.
        error: allowed for in `low` and `high`: of any eigenvalue, relative to the trace; the largest of the networks.
    """

    case: Case
    time: str
    which: str
    value: Array
    low: Array
    high: Array
    bulk: Array
    half: Array
    printed: Array
    error: float

    @property
    def place(self) -> str:
        which = "all parameters" if self.which == "all" else "FFN alone"
        return f"{self.case.label}, {self.time}, {which}"

    def second(self, pair: int) -> Ratio:
        """Of the pair with this index, λ_2/λ_min in place of the condition number; rounding is not allowed for."""
        value = np.log(self.bulk[2 * pair]) - np.log(self.bulk[2 * pair + 1])
        return Ratio("/".join(PAIRS[pair]), value, value, value)

    def ratio(self, pair: int) -> Ratio:
        """Of the pair with this index."""
        plain, gated = 2 * pair, 2 * pair + 1
        with np.errstate(divide="ignore"):
            low, value, high = (
                np.log(a[plain]) - np.log(b[gated])
                for a, b in ((self.low, self.high), (self.value, self.value), (self.high, self.low))
            )
        return Ratio("/".join(PAIRS[pair]), value, low, high)


@dataclass(frozen=True)
class Ratio:
    """ln(cond of the non-gated network/cond of the gated one), an entry per seed, and how far it is known."""

    pair: str
    value: Array
    low: Array
    high: Array

    def interval(self, confidence: float) -> tuple[float, float, float]:
        """The mean, and ends of Student's interval for it, widened by what the single ratios are not known."""
        return float(np.mean(self.value)), _end(self.low, confidence, -1), _end(self.high, confidence, 1)


def _end(numbers: Array, confidence: float, side: int) -> float:
    """One end of Student's interval for the mean; infinite where it is not known."""
    from scipy.stats import t

    if len(numbers) < 2 or not np.isfinite(numbers).all():
        return side * math.inf
    half = t.ppf((1 + confidence) / 2, len(numbers) - 1) * np.std(numbers, ddof=1) / math.sqrt(len(numbers))
    return float(np.mean(numbers) + side * half)


def conditions(case: Case, cells: Cells) -> dict[tuple[str, str], Conditions]:
    """By time and set of parameters."""
    return {(time, which): _conditions(case, cells, time, which) for time in case.times for which in SETS}


def _conditions(case: Case, cells: Cells, time: str, which: str) -> Conditions:
    shape = (len(NAMES), case.seeds)
    value, low, high, bulk, half, printed = (np.full(shape, np.nan) for _ in range(6))
    single = {
        name: max(
            deviation(cells[name, seed].grams[time, which, False], cells[name, seed].grams[time, which, True])
            for seed in case.compared
        )
        for name in case.checked
    }
    # a network that was not compared errs as the worst that was
    errors = [SAFETY * single.get(name, max(single.values())) * (FINER if case.exact else 1.0) for name in NAMES]
    for i, name in enumerate(NAMES):
        for j, seed in enumerate(case.draws):
            K = cells[name, seed].grams[time, which, case.exact]
            found = condition_number(K, entry_error=errors[i])
            value[i, j], low[i, j], high[i, j] = found.value, found.low, found.high
            values = spectrum(K).values
            bulk[i, j] = values[1] / values[-1]
            first = spectrum(K[: len(K) // 2, : len(K) // 2])
            half[i, j] = first.largest / first.smallest
            if case.plainly:
                printed[i, j] = clamped(cells[name, seed].grams[time, which, False])
    return Conditions(case, time, which, value, low, high, bulk, half, printed, max(errors))


def deviation(single: Array, double: Array) -> float:
    """The error of a matrix, as `condition_number` takes it: no eigenvalue is off by more than this times the trace."""
    return float(np.linalg.norm(single - double, 2) / np.trace(double))


@dataclass(frozen=True)
class Precision:
    """Float32 against float64 at one place: the largest relative differences over networks and seeds."""

    smallest: float
    largest: float
    condition: float
    matrix: float
    compared: int

    @classmethod
    def of(cls, case: Case, cells: Cells, time: str, which: str) -> Precision:
        rows = []
        for name in case.checked:
            for seed in case.compared:
                K = [cells[name, seed].grams[time, which, double] for double in (False, True)]
                a, b = (spectrum(item).values for item in K)
                ends = a[-1] / b[-1], a[0] / b[0], a[0] / b[0] * b[-1] / a[-1]
                rows.append([*(abs(end - 1) for end in ends), deviation(*K)])
        smallest, largest, condition, matrix = map(float, np.max(rows, axis=0))
        return cls(smallest, largest, condition, matrix, len(rows))


def turns(item: Conditions, cells: Cells) -> int:
    """How many comparisons within a pair have another sign in float32 than in float64, where both are known."""
    found = 0
    for plain, gated in PAIRS:
        for seed in item.case.draws:
            if item.case.double(plain, seed) and item.case.double(gated, seed):
                ratios = []
                for double in (False, True):
                    ends = (spectrum(cells[name, seed].grams[item.time, item.which, double]) for name in (plain, gated))
                    values = [abs(each.largest / each.smallest) for each in ends]
                    ratios.append(values[0] > values[1])
                found += ratios[0] != ratios[1]
    return found
