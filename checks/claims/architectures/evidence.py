"""The evidence on real architectures: which network of each pair has the smaller condition number, and where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from checks.claims.architectures.measures import Conditions, Ratio
from checks.claims.architectures.task import NAMES, PAIRS, SETS
from checks.tools.signs import worst
from glutheory.claims import About, Evidence, Figure, Finding, Grade

#: The probability that any interval about the paper's networks misses what it is for, and once more for those beyond
#: it. Networks of these sizes are dear: with few of them no test can promise what those of the other checks do.
LEVEL = 0.01
#: What no run of this check decides.
NOT_RUN = (
    "not run: the released networks after training at their sizes and on their data, and the paper's GPT-2, of "
    "which no code was released"
)
#: In words.
TIMES = {"initial": "at initialisation", "trained": "after training"}


@dataclass(frozen=True)
class Statement:
    """What is claimed of the networks of a pair.

    Attributes:
        sign: 1: the gated one has the smaller condition number; -1: the larger; 0: the two are close.
        factor: by more than this factor, in the geometric mean over networks; if close, by less than it.
    """

    sign: int = 1
    factor: float = 1.0

    def finding(self, ratio: Ratio, confidence: float) -> Finding:
        """What the interval of the mean logarithm says."""
        _, low, high = ratio.interval(confidence)
        return self.of(low, high)

    def of(self, low: float, high: float) -> Finding:
        """What the ends of an interval of the mean logarithm say."""
        limit = math.log(self.factor)
        if self.sign == 0:
            farthest, nearest = max(-low, high), max(low, -high)
            return Finding.SUPPORTS if farthest < limit else Finding.REFUTES if nearest > limit else Finding.UNDECIDED
        if self.sign < 0:
            low, high = -high, -low
        return Finding.SUPPORTS if low > limit else Finding.REFUTES if high < limit else Finding.UNDECIDED


MUTANTS: dict[str, Statement] = {
    "the networks of each pair exchanged": Statement(sign=-1),
    "the gated condition number is smaller by a factor of 100": Statement(factor=100.0),
    "the non-gated condition number is smaller by a factor of 10": Statement(sign=-1, factor=10.0),
}


def confidence(places: Sequence[Conditions], *, paper: bool) -> float:
    """Of every single interval about the paper's networks, or about those beyond it.

    All intervals of a kind hold at once with probability 1 − LEVEL (Bonferroni).
    """
    kind = [item for item in places if item.case.paper is paper]
    return 1 - LEVEL / (max(1, len(kind)) * len(PAIRS))


@lru_cache(maxsize=64)
def detectable(seeds: int, level: float, chance: float = 0.99) -> float:
    """The mean log-ratio, in standard deviations of one seed, that an interval of so many seeds tells from 0.

    Infinite where it would have to be more than 100 of them.
    """
    from scipy.optimize import brentq
    from scipy.stats import nct, t

    needed = t.ppf((1 + level) / 2, seeds - 1)

    def excess(mean: float) -> float:
        return float(nct.sf(needed, seeds - 1, mean * math.sqrt(seeds))) - chance

    return float(brentq(excess, 0, 100, xtol=1e-3)) if excess(100) > 0 else math.inf


def compare(
    places: Sequence[Conditions],
    mine: Sequence[Conditions],
    statement: Statement,
    *,
    what: str,
    part: str,
    about: About = About.LITERAL,
    pairs: Sequence[int] = range(len(PAIRS)),
    beside: Sequence[Conditions] = (),
) -> Evidence:
    """The condition numbers at `mine`, some of all the places: supported if they are so in all the given pairs.

    What is found `beside` is shown and decides nothing.
    """
    level = confidence(places, paper=mine[0].case.paper)
    findings = []
    rows: dict[str, Figure] = {}
    for item in (*mine, *beside):
        for pair in pairs:
            ratio = item.ratio(pair)
            finding = statement.finding(ratio, level)
            findings += [finding] if item in mine else []
            rows[f"{item.place}, {ratio.pair}"] = row(ratio, item.second(pair), level, finding)
        rows[item.place] = shown(item)
    figures: dict[str, Figure] = {
        "unit": "one seed: weights, inputs, order of training; its six networks share them",
        "confidence of each interval": level,
        "level of all intervals": LEVEL,
        "mean told from 0 with probability 0.99, in standard deviations": {
            f"{n} seeds": round(detectable(n, level), 2) for n in sorted({item.case.seeds for item in mine})
        },
        "measured": rows,
    }
    return Evidence(Grade.STATISTICAL, what, worst(findings), about, part, figures)


def released(places: Sequence[Conditions]) -> list[Conditions]:
    """Those of the networks that the claim is about: the paper's, at their sizes."""
    return [item for item in places if item.case.paper and item.case.size == "full"]


def literal(places: Sequence[Conditions], statement: Statement, complete: bool) -> tuple[Evidence, ...]:
    """The claim on the networks that the paper released, at their sizes: all parameters; each for itself, at each time.

    What those are when made small is no network of the paper's: the corrected form says something of them.
    """
    found = []
    theirs = released(places)
    for family in dict.fromkeys(item.case.family for item in theirs):
        for time, words in TIMES.items():
            there = [item for item in theirs if (item.case.family, item.time) == (family, time)]
            mine, alone = ([item for item in there if item.which == which] for which in SETS)
            if mine:
                what = (
                    f"the released {family} {words}, on random inputs, all parameters: cond(non-gated) over cond(gated)"
                )
                found.append(compare(places, mine, statement, what=what, part=f"{family} {words}", beside=alone))
    missing = NOT_RUN if complete else "the released sizes are left to the full profile"
    found.append(Evidence(Grade.STATISTICAL, missing, Finding.UNDECIDED, part="not run"))
    return tuple(found)


def row(ratio: Ratio, second: Ratio, level: float, finding: Finding) -> Figure:
    """The figures of one comparison: the ratio with intervals, the sign test its seeds allow, the ratio of λ₂/λ_n."""
    from scipy.stats import binomtest

    middle, low, high = ratio.interval(level)
    _, near, far = ratio.interval(0.95)
    ratio_two, *ends_two = second.interval(0.95)
    ahead, total = int(np.sum(ratio.low > 0)), len(ratio.value)
    return {
        "non-gated over gated": math.exp(middle),
        "simultaneous interval": [_exp(low), _exp(high)],
        "95 % interval": [_exp(near), _exp(far)],
        "log-ratio by seed": [round(float(value), 5) for value in ratio.value],
        "sign test": {
            "gated smaller": ahead,
            "of": total,
            "p": float(binomtest(ahead, total, 0.5).pvalue),
            "least p possible": float(binomtest(total, total, 0.5).pvalue),
        },
        "second over smallest eigenvalue, non-gated over gated": math.exp(ratio_two),
        "its 95 % interval": [_exp(end) for end in ends_two],
        "finding": str(finding),
    }


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf


def shown(item: Conditions) -> Figure:
    """Geometric means over seeds, by network."""
    half = {"condition numbers, first half of the inputs": _means(item.half)} if item.case.size == "full" else {}
    return {
        "condition numbers": _means(item.value),
        **half,
        "second largest over smallest eigenvalue": _means(item.bulk),
        "lower bounds only": int(np.sum(np.isinf(item.high))),
        "error allowed, of eigenvalues over the trace": item.error,
    }


def printed(item: Conditions) -> Figure:
    """What float32 and the floor of the released scripts make of the condition numbers."""
    off = item.printed / item.value
    return {
        "condition numbers, float32 with a floor": _means(item.printed),
        "largest relative change": float(np.max(np.abs(off - 1))),
        "changes of the ratio within a pair": {
            "/".join(pair): float(np.max(np.abs(off[2 * k] / off[2 * k + 1] - 1))) for k, pair in enumerate(PAIRS)
        },
    }


def _means(values: np.ndarray) -> Figure:
    return {name: float(f"{np.exp(np.mean(np.log(rows))):.5g}") for name, rows in zip(NAMES, values, strict=True)}
