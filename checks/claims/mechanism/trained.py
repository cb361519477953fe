"""The evidence of trained networks: what centring gains in steps, and whether the gate gains more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.claims.mechanism.races import TARGETS, Race, Task
from checks.tools.equivalence import equivalence_power
from checks.tools.signs import Interval, shown, worst
from glutheory.claims import Assumption, Evidence, Figure, Finding, Grade

Array = npt.NDArray[np.float64]
#: The probability that any of these tests refutes a true statement. Networks are dear: with few of them no test can
#: promise what those of the other checks do.
LEVEL = 0.01
#: Tests per gate: equal rates and own rates on both targets, and which of the two is ahead on each.
TESTS = 6
#: What counts as equal, in steps; and the deviation of ln steps between seeds for which the power is stated.
MARGIN, _DEVIATION = math.log(1.25), 0.08


@dataclass(frozen=True)
class Statement:
    """What is claimed of numbers of steps.

    Attributes:
        same: at equal rates steps(centred)/steps(plain) is (λ_max(K_c)/λ_max(K)) to this power.
        own: at the same fraction of the own bound steps(plain)/steps(centred) is (λ_max(K)/λ_max(K_c)) to this power.
        linear, noise: of the target, +1 where the centred network is ahead of the gated one, −1 where it is behind, 0
            where they are equal within the margin; each at its own rate.
    """

    same: float = 0.0
    own: float = 1.0
    linear: int = 1
    noise: int = -1

    def ahead(self, target: str) -> int:
        return self.linear if target == "linear" else self.noise


MUTANTS: dict[str, Statement] = {
    "centring saves steps at an equal rate": Statement(same=1.0),
    "centring saves no steps at the own rate": Statement(own=0.0),
    "centring saves the square of its share": Statement(own=2.0),
    "gated networks learn linear targets sooner": Statement(linear=-1),
    "centred networks learn noise sooner than gated ones": Statement(noise=1),
    "centred networks are as fast as gated ones on linear targets": Statement(linear=0),
    "centred networks are as fast as gated ones on noise": Statement(noise=0),
}


def _interval(values: Array, level: float) -> Interval | None:
    """Of the geometric mean of exp(values)."""
    return Interval.of(np.exp(values), 1 - level)


def _equal(interval: Interval | None) -> Finding:
    if interval is None:
        return Finding.UNDECIDED
    low, high = math.log(interval.low), math.log(interval.high)
    if low > MARGIN or high < -MARGIN:
        return Finding.REFUTES
    return Finding.SUPPORTS if low > -MARGIN and high < MARGIN else Finding.UNDECIDED


def _ahead(interval: Interval | None, sign: int) -> Finding:
    if sign == 0 or interval is None:
        return _equal(interval)
    ends = sorted((sign * math.log(interval.low), sign * math.log(interval.high)))
    return Finding.SUPPORTS if ends[0] > 0 else Finding.REFUTES if ends[1] < 0 else Finding.UNDECIDED


def alone(task: Task, found: Mapping[str, Race], statement: Statement) -> Evidence:
    """Centred against plain networks, at equal rates and at the same fraction of their bounds."""
    level = LEVEL / (TESTS * len(found))
    findings: list[Finding] = []
    rows: dict[str, Figure] = {}
    for gate, race in found.items():
        tops = np.log(race.top["plain"]) - np.log(race.top["centred"])
        for target in TARGETS:
            same = race.ratio("centred", "plain", target, "same") + statement.same * tops
            own = race.ratio("plain", "centred", target, "own") - statement.own * tops
            both = _interval(same, level), _interval(own, level)
            findings += map(_equal, both)
            rows[f"{gate}, {target}"] = {
                "equal rates, over the claimed quotient": None if both[0] is None else both[0].figure,
                "own rates, over the claimed quotient": None if both[1] is None else both[1].figure,
                "steps saved at the own rate": shown(np.exp(race.ratio("plain", "centred", target, "own"))),
            }
        rows[f"{gate}, λ_max(K)/λ_max(K_c)"] = shown(np.exp(tops))
    what = (
        f"steps to a loss of {task.goal} of the targets' mean square: equal for plain and centred networks at equal "
        f"rates, in the ratio of the λ_max at {task.fraction} of the own bound, within a factor 1.25 (t intervals, "
        f"{task.seeds} seeds)"
    )
    return Evidence(Grade.STATISTICAL, what, worst(findings), part="trained, centring", figures=rows | _levels(level))


def gate(task: Task, found: Mapping[str, Race], statement: Statement) -> Evidence:
    """Centred against gated networks, each at the same fraction of its bound."""
    level = LEVEL / (TESTS * len(found))
    findings = []
    rows: dict[str, Figure] = {}
    for name, race in found.items():
        for target in TARGETS:
            ratio = race.ratio("gated", "centred", target, "own")
            interval = _interval(ratio, level)
            findings.append(_ahead(interval, statement.ahead(target)))
            rows[f"{name}, {target}"] = {
                "steps, gated over centred": None if interval is None else interval.figure,
                "by seed": shown(np.exp(ratio)),
                "as the kernels at the start predict": shown(
                    np.exp(race.ratio("gated", "centred", target, "own", linear=True))
                ),
                "at equal rates": shown(np.exp(race.ratio("gated", "centred", target, "same"))),
                "median steps": {
                    kind: float(np.median(race.steps[kind, target, "own"])) for kind in ("plain", "centred", "gated")
                },
                "median steps predicted": {
                    kind: float(np.median(race.linear[kind, target, "own"])) for kind in ("plain", "centred", "gated")
                },
            }
    what = (
        f"each at {task.fraction} of its own bound, the centred network learns linear targets in fewer steps than the "
        f"gated one and noise in more (t intervals, {task.seeds} seeds)"
    )
    return Evidence(Grade.STATISTICAL, what, worst(findings), part="trained, gating", figures=rows | _levels(level))


def _levels(level: float) -> dict[str, Figure]:
    return {"level of all tests": LEVEL, "level of one": level, "margin": 1.25}


def assumptions(task: Task, found: Mapping[str, Race]) -> tuple[Assumption, ...]:
    """Evaluated on the runs."""
    reached = all(np.isfinite(value).all() for race in found.values() for value in race.steps.values())
    count = TESTS * len(found)
    power = equivalence_power(MARGIN, _DEVIATION, task.seeds, level=LEVEL / count / 2)
    return (
        Assumption(
            "trained",
            f"every network reaches the loss of {task.goal} within {task.cap} steps",
            reached,
            f"{sum(value.size for race in found.values() for value in race.steps.values())} runs",
        ),
        Assumption(
            "power",
            f"equal numbers of steps are found equal by all tests with probability 0.99 where ln steps deviates by "
            f"{_DEVIATION}",
            1 - count * (1 - power) >= 0.99,
            f"{1 - count * (1 - power):.5f}",
        ),
    )
