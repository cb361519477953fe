"""Where helping turns into hurting on random data: shares of many draws, tested against a claimed boundary n(d)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from scipy.special import bdtr, bdtrc, betaincinv

from checks.settings import FALSE_ALARM
from glutheory.claims import About, Evidence, Figure, Finding, Grade
from glutheory.studies.phase.boundary import Curve
from glutheory.studies.phase.cells import Cell, State

CROSSING = "Gaussian data, crossing"
#: A boundary is tested up to this factor in n: over it the predicted log10 ratio moves by about 0.2 near its zero,
#: which is the accuracy of the limiting spectra at these sizes.
FACTOR = 2.5


@dataclass(frozen=True)
class Sample:
    """Independent draws at one (n, d): how many gating helps, and hurts."""

    d: int
    n: int
    draws: int
    helps: int
    hurts: int

    @classmethod
    def of(cls, cells: Sequence[Cell]) -> Sample:
        """From the cells of one (n, d)."""
        task = cells[0].task
        states = [c.state for c in cells]
        return cls(task.d, task.n, len(cells), states.count(State.HELPS), states.count(State.HURTS))

    @property
    def share(self) -> float:
        """The estimate of P(help)."""
        return self.helps / self.draws

    def verdict(self, level: float) -> int:
        """+1 or −1 if P(help) ≤ ½, or P(hurt) ≤ ½, is rejected at this level; else 0."""
        if bdtrc(self.helps - 1, self.draws, 0.5) <= level:
            return 1
        return -1 if bdtrc(self.hurts - 1, self.draws, 0.5) <= level else 0

    def power(self, level: float, share: float = 0.8) -> float:
        """The probability to find P(help) > ½ where it is `share`."""
        enough = (k for k in range(self.draws + 1) if bdtrc(k - 1, self.draws, 0.5) <= level)
        least = next(enough, self.draws + 1)
        return float(1 - bdtr(least - 1, self.draws, share))

    def interval(self, level: float) -> tuple[float, float]:
        """Clopper and Pearson's interval for P(help) at this level on either side."""
        h, n = self.helps, self.draws
        low = float(betaincinv(h, n - h + 1, level)) if h > 0 else 0.0
        return low, float(betaincinv(h + 1, n - h, 1 - level)) if h < n else 1.0


def level(samples: Sequence[Sample]) -> float:
    """Of each one-sided test, so that all together raise a false alarm with probability at most FALSE_ALARM."""
    return FALSE_ALARM / (2 * len(samples))


def law(samples: Sequence[Sample], boundary: Curve, about: About) -> Evidence:
    """P(help) > ½ for n ≤ n(d)/2.5 and < ½ for n ≥ 2.5 n(d): refuted by any sample on the wrong side of ½.

    Supported if for every d the nearest samples on both sides are significantly on the right side. Where n(d) is nan,
    gating is claimed to hurt at every n that was drawn.
    """
    refuted, open_ = False, False
    table: dict[str, Figure] = {}
    alpha = level(samples)
    for d in sorted({s.d for s in samples}):
        turns = not math.isnan(boundary(d))
        n = boundary(d) if turns else 0.0
        row = sorted((s for s in samples if s.d == d), key=lambda s: s.n)
        inner = [s.verdict(alpha) for s in row if s.n <= n / FACTOR]
        outer = [s.verdict(alpha) for s in row if s.n >= n * FACTOR]
        refuted |= -1 in inner or 1 in outer
        open_ |= not outer or outer[0] != -1 or (turns and (not inner or inner[-1] != 1))
        table[f"d={d}"] = {
            "boundary": n if turns else None,
            "n": [s.n for s in row],
            "P(help)": [s.share for s in row],
            "draws": [s.draws for s in row],
            "crosses 1/2 at": half(row),
        }
    finding = Finding.REFUTES if refuted else Finding.UNDECIDED if open_ else Finding.SUPPORTS
    figures: dict[str, Figure] = {**table, "factor": FACTOR, "tests": 2 * len(samples), "false_alarm": FALSE_ALARM}
    figures["least power against 0.8"] = min(s.power(alpha) for s in samples)
    without = [d for d in sorted({s.d for s in samples}) if math.isnan(boundary(d))]
    turning = ", ".join(str(d) for d in sorted({s.d for s in samples}) if d not in without)
    clauses = [f"d = {turning}: P(help) crosses ½ within a factor of {FACTOR:g} of n(d)"] if turning else []
    if without:
        drawn = ", ".join(map(str, sorted({s.n for s in samples if s.d in without})))
        clauses.append(f"without a boundary, d = {', '.join(map(str, without))}: it is below ½ at n = {drawn}")
    what = f"ReGLU, wide limit, Gaussian data, {'; '.join(clauses)}"
    return Evidence(Grade.STATISTICAL, what, finding, about, CROSSING, figures)


def half(row: Sequence[Sample]) -> float:
    """Where P(help) falls through ½, interpolated in log n; nan if it does not within these samples."""
    for left, right in reversed(list(pairwise(row))):
        if left.share > 0.5 >= right.share:
            part = (left.share - 0.5) / (left.share - right.share)
            return math.exp(math.log(left.n) + part * math.log(right.n / left.n))
    return math.nan
