"""Exact numbers of steps of the linearised networks, non-gated and gated, over gates, data, targets, rates and errors.

The networks start at output 0, so that the error at the start is the target; in the wide limit the kernel over m is the
covariance. Every number is found by `glutheory.dynamics.steps_to`, between bounds that hold for the exact kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from checks.settings import Settings
from checks.tools.loss_pairs import PAIRS, Data, kernels, targets
from glutheory.dynamics import Effective, LossCurve, Modes, Steps, effective_steps, steps_to

Array = npt.NDArray[np.float64]
#: Random signs; x·w + 0.1 noise, w standard normal; 1 + 0.1 noise; the bottom and the top eigenvector of each kernel.
TARGETS = ("random", "linear", "constant", "bottom", "top")
#: Those that a data set may have; the eigenvectors are made for one kernel.
TYPICAL = ("random", "linear")
#: 1/λ_max of the own kernel; the best constant rate 2/(λ_max + λ_min); 1/λ_max of the kernel that has the larger one.
RATES = ("own", "optimal", "shared")
#: Of ‖e_k‖/‖e_0‖: the loss falls to 1/4, 1/100 and 1/10000 of its start.
ERRORS = (0.5, 0.1, 0.01)


@dataclass(frozen=True)
class Ends:
    """Of one kernel: the ends of its spectrum, and how far its condition number may err.

    Attributes:
        largest, second, least: λ_1, λ_2, λ_n.
        low, high: bounds of κ.
    """

    largest: float
    second: float
    least: float
    low: float
    high: float

    @classmethod
    def of(cls, modes: Modes) -> Ends:
        values, error = modes.values, modes.error
        top, least = float(values[-1]), float(values[0])
        high = (top + error) / (least - error) if least > error else np.inf
        return cls(top, float(values[-2]), least, (top - error) / (least + error), high)

    @property
    def condition(self) -> float:
        return self.largest / self.least

    @property
    def second_over_least(self) -> float:
        return self.second / self.least

    def measure(self, name: str) -> float:
        """What steps may be in proportion to."""
        return {"condition": self.condition, "second": self.second_over_least, "least": 1 / self.least}[name]


@dataclass(frozen=True)
class Count:
    """Steps of one pair of networks on one task to one error.

    Attributes:
        pair, n, d, normalised, draw: the data set.
        target, rate, error: the task.
        ends: of both kernels.
        steps: of both networks.
        effective: the bounds of both from the weight of the slow modes.
        tops: the share of the target in the largest mode, of both.
    """

    pair: tuple[str, str]
    n: int
    d: int
    normalised: bool
    draw: int
    target: str
    rate: str
    error: float
    ends: tuple[Ends, Ends]
    steps: tuple[Steps, Steps]
    effective: tuple[Effective, Effective]
    tops: tuple[float, float]

    @property
    def label(self) -> str:
        data = "normalised" if self.normalised else "Gaussian"
        return f"{'/'.join(self.pair)}, {data}, n={self.n}, d={self.d}, {self.target}, {self.rate}, ε={self.error:g}"

    @property
    def known(self) -> bool:
        """Whether both numbers are known within a quarter: what is judged of their ratio is a factor 3."""
        return all(item.high is not None and item.high <= 1.25 * item.low for item in self.steps)

    @property
    def ratio(self) -> float:
        """Steps of the non-gated network over those of the gated one."""
        return self.steps[0].value / self.steps[1].value

    def quotient(self, name: str) -> float:
        """The same of a measure of their kernels."""
        return self.ends[0].measure(name) / self.ends[1].measure(name)

    @property
    def quotient_of_effective(self) -> float:
        return self.effective[0].condition / self.effective[1].condition


def shapes(settings: Settings) -> list[tuple[int, int, int]]:
    """(n, d, draw) of the data sets."""
    if not settings.profile.thorough:
        return [(300, d, 0) for d in (20, 75, 200)] + [(500, 10, 0)]
    found = [(300, d, draw) for d in (10, 20, 40, 75, 120, 200, 280) for draw in range(3)]
    found += [(600, d, draw) for d in (10, 20, 75, 150, 400) for draw in range(2)]
    return found + [(1500, d, 0) for d in (20, 75, 290)]


@lru_cache(maxsize=2)
def counts(settings: Settings) -> tuple[Count, ...]:
    """All of them."""
    return tuple(_counts(settings))


def _counts(settings: Settings) -> Iterator[Count]:
    for n, d, draw in shapes(settings):
        seed = settings.stream(f"steps/sets/{n}/{d}/{draw}")
        for pair in PAIRS:
            for normalised in (False, True):
                data = kernels(pair, n, d, None, seed, normalised)
                yield from _of_data(pair, data, draw, seed, normalised)


def _of_data(pair: tuple[str, str], data: Data, draw: int, seed: int, normalised: bool) -> Iterator[Count]:
    n, d = data.X.shape
    first, second = (Ends.of(modes) for modes in data.modes)
    for target in TARGETS:
        curves = tuple(curve(modes, target, data.X, seed) for modes in data.modes)
        tops = tuple(float(item.weights[-1] / item.initial) for item in curves)
        for rate in RATES:
            rates = [learning_rate(rate, mine, (first, second)) for mine in (first, second)]
            for error in ERRORS:
                both = [steps_to(item, error, eta) for item, eta in zip(curves, rates, strict=True)]
                bounds = [effective_steps(item, error, eta) for item, eta in zip(curves, rates, strict=True)]
                where = (pair, n, d, normalised, draw, target, rate, error)
                yield Count(*where, (first, second), (both[0], both[1]), (bounds[0], bounds[1]), (tops[0], tops[1]))


def curve(modes: Modes, target: str, X: Array, seed: int) -> LossCurve:
    """The loss of a network that starts at 0."""
    if target in ("bottom", "top"):
        weights = np.zeros(len(modes.values))
        weights[0 if target == "bottom" else -1] = 1.0
    else:
        weights = (modes.vectors.T @ targets(target, X, seed)) ** 2
    return LossCurve(modes.values, weights, modes.error)


def learning_rate(rate: str, mine: Ends, both: tuple[Ends, Ends]) -> float:
    """η, in units of 1/m."""
    if rate == "optimal":
        return 2 / (mine.largest + mine.least)
    return 1 / (mine.largest if rate == "own" else max(ends.largest for ends in both))
