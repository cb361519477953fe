"""Exact sign tests, and intervals of ratios: what a check says of a few trained networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.tools.statistical_models import described
from glutheory.claims import Figure, Finding

Array = npt.NDArray[np.float64]
Events = npt.NDArray[np.bool_]


def signs(events: Mapping[str, Events], limit: float) -> tuple[Finding, dict[str, Figure]]:
    """Whether what is claimed happens in more than half of all networks: an exact sign test for each key.

    Supported if every test rejects "at most half" with a probability of at most `limit`; refuted if one of them so
    rejects "at least half"; undecided otherwise. So a true statement is refuted with probability at most `limit` times
    the number of tests.
    """
    from scipy.stats import binomtest

    findings = []
    rows: dict[str, Figure] = {}
    for name, event in events.items():
        count, total = int(np.sum(event)), len(event)
        more, less = (float(binomtest(count, total, 0.5, side).pvalue) for side in ("greater", "less"))
        findings.append(Finding.SUPPORTS if more <= limit else Finding.REFUTES if less <= limit else Finding.UNDECIDED)
        rows[name] = {"as claimed": count, "of": total, "p": min(more, less)}
    return worst(findings), {**rows, "p needed": limit}


def worst(findings: list[Finding]) -> Finding:
    """Of the parts of one statement: refuted if one is, supported if all are."""
    return next(each for each in (Finding.REFUTES, Finding.UNDECIDED, Finding.SUPPORTS) if each in findings)


def power(total: int, chance: float, limit: float, tests: int) -> float:
    """The probability that all tests support, if each network does what is claimed with this chance."""
    from scipy.stats import binom

    needed = next((count for count in range(total + 1) if binom.sf(count - 1, total, 0.5) <= limit), total + 1)
    return float(binom.sf(needed - 1, total, chance) ** tests)


@dataclass(frozen=True)
class Interval:
    """The geometric mean of positive numbers, with the interval of Student's t for it."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Array, confidence: float = 0.95) -> Interval | None:
        """None where a number is missing, 0 or infinite, or there is only one."""
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(numbers)
        if len(logs) < 2 or not np.isfinite(logs).all():
            return None
        sample = described(logs)
        low, high = sample.tconfint_mean(1 - confidence)
        return cls(float(np.exp(sample.mean)), float(np.exp(low)), float(np.exp(high)))

    @property
    def figure(self) -> Figure:
        return {"mean": self.value, "low": self.low, "high": self.high}


def shown(numbers: Array) -> Figure:
    """The geometric mean with its 95 % interval, and the numbers; infinite ones as None."""
    interval = Interval.of(numbers)
    rows = [float(f"{value:.4g}") if np.isfinite(value) else None for value in numbers]
    return {"geometric mean and 95 % interval": None if interval is None else interval.figure, "by seed": rows}
