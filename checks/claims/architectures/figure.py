"""Charts of the check on real architectures: condition numbers within the pairs, and their ratios with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from checks.claims.architectures.measures import Conditions
from checks.claims.architectures.task import PAIRS
from glutheory.figures.chart import Chart, Role, Series

#: What is drawn filled and what is hollow: time, set of parameters, and words for the legend.
_Kind = tuple[str, str, str]
_START: tuple[_Kind, _Kind] = (("initial", "all", "all parameters"), ("initial", "ffn", "FFN alone"))
_TRAINING: tuple[_Kind, _Kind] = (("initial", "all", "before training"), ("trained", "all", "after training"))
#: Colours there are: with as many filled series the hollow ones have the colours of their partners.
_COLOURS = 4


def charts(places: Sequence[Conditions], confidence: Mapping[bool, float]) -> tuple[Chart, ...]:
    """The paper's networks: every pair as a point, and the ratios at each size; then the ratios of those beyond it.

    Args:
        places: all of them.
        confidence: of an interval about networks beyond the paper (False), and about the paper's (True).
    """
    found = []
    for paper, whose in ((True, "released networks"), (False, "beyond the paper")):
        for size in ("full", "small"):
            mine = [item for item in places if (item.case.paper, item.case.size) == (paper, size)]
            if paper and mine:
                found.append(_points(mine, f"Condition numbers at initialisation, {whose}, {size} size"))
            if mine:
                trained = any(item.time == "trained" for item in mine)
                when = "before and after training" if trained else "at initialisation"
                title, kinds = f"Ratios {when}, {whose}, {size} size", _TRAINING if trained else _START
                found.append(_ratios(mine, title, kinds, confidence[paper]))
    return tuple(found)


def _rows(places: Sequence[Conditions], time: str, which: str) -> list[tuple[str, Conditions | None]]:
    """What there is of this time and set for each architecture, variants last; filled up to the number of colours."""
    variants = {item.case.name: item.case.name != item.case.family for item in places}
    names = sorted(variants, key=lambda name: variants[name])
    there = {item.case.name: item for item in places if (item.time, item.which) == (time, which)}
    return [(name, there.get(name)) for name in names + [""] * (_COLOURS - len(names))]


def _variants(places: Sequence[Conditions]) -> str:
    """What the words in brackets mean."""
    if any(item.case.spread for item in places):
        return " Positions 1: class token and positions of deviation 1 in place of 0.02."
    if any(item.case.initialization for item in places):
        return " LeCun: in place of GPT-2's deviation 0.02."
    return ""


def _points(places: Sequence[Conditions], title: str) -> Chart:
    series = []
    for dashed, (time, which, words) in enumerate(_START):
        for name, item in _rows(places, time, which):
            x, y = ([] if item is None else item.value[side::2].ravel().tolist() for side in (0, 1))
            label = "" if item is None else f"{name}, {words}"
            series.append(Series(label, x or [math.nan], y or [math.nan], Role.OTHER, line=False, dashed=bool(dashed)))
    numbers = [value for each in series for value in (*each.x, *each.y) if math.isfinite(value)]
    ends = [min(numbers), max(numbers)]
    series.append(Series("equal", ends, ends, Role.THEORY, dashed=True))
    return Chart(
        title=title,
        x="condition number, non-gated",
        y="condition number, gated",
        series=series,
        xscale="log",
        yscale="log",
        note="One point for each pair and seed, 64 inputs; below the line the gated network has the smaller one.",
    )


def _ratios(places: Sequence[Conditions], title: str, kinds: tuple[_Kind, _Kind], confidence: float) -> Chart:
    series = []
    for hollow, (time, which, words) in enumerate(kinds):
        for index, (name, item) in enumerate(_rows(places, time, which)):
            if item is None:
                series.append(Series("", [math.nan], [math.nan], Role.OTHER, line=False))
                continue
            x = [1 + pair + 0.14 * (index - 1.5) + 0.06 * hollow for pair in range(len(PAIRS))]
            intervals = [item.ratio(pair).interval(confidence) for pair in range(len(PAIRS))]
            middle, low, high = ([math.exp(min(ends[i], 700.0)) for ends in intervals] for i in range(3))
            label = f"{name}, {words}"
            series.append(Series(label, x, middle, Role.OTHER, low, high, line=False, dashed=bool(hollow)))
    series.append(Series("equal", [0.6, 3.4], [1.0, 1.0], Role.THEORY, dashed=True))
    return Chart(
        title=title,
        x="pair",
        y="condition number, non-gated over gated",
        series=series,
        yscale="log",
        note=(
            f"Geometric means over seeds, {'all parameters, ' if kinds is _TRAINING else ''}with intervals that all "
            "hold at once with probability 0.99; above the line the gated network has the smaller condition number."
            + _variants(places)
        ),
        names=[(1.0, "ReLU/ReGLU"), (2.0, "GELU/GEGLU"), (3.0, "SiLU/SwiGLU")],
    )
