"""The ticks of axes: plain numbers on short log axes, the centres of a map's cells, the names of categories.

Needs matplotlib (the extra ``report``); called by `glutheory.figures.strokes`.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

#: Inches: the shortest axes that a map has, and what a tick's label takes: across per character and beside it, and up.
_ACROSS, _UP, _CHARACTER, _BESIDE, _LINE = 2.8, 3.1, 0.08, 0.1, 0.17
#: Characters of a label of a map's row or column; longer ones are no round numbers.
_ROUND = 5
#: From so many powers of ten on, these alone are labelled.
_POWERS = 3
#: On fewer, these multiples of them are, on an axis of at least so many decades; below, round steps are.
_MULTIPLES = ((2.0, (1, 3)), (0.9, (1, 2, 5)), (0.5, (1, 2, 3, 5, 7)))
#: Between these a number is written without a power of ten.
_PLAIN = (1e-4, 1e6)


def scale(axes: Any, name: str, kind: str, columns: Sequence[Array]) -> None:
    """The scale of one axis; a symmetric logarithm is linear up to the smallest size, or a millionth of the largest.

    Args:
        axes: matplotlib's.
        name: "x" or "y".
        kind: "linear", "log" or "symlog".
        columns: what will be drawn along it.
    """
    from matplotlib.ticker import NullFormatter

    if kind == "linear":
        axes.ticklabel_format(axis=name, style="sci", scilimits=(-3, 5), useMathText=True)
        return
    options: dict[str, float] = {}
    if kind == "symlog":
        sizes = np.abs(np.concatenate([np.zeros(0), *columns]))
        sizes = sizes[sizes > 0]
        smallest = max(sizes.min(), 1e-6 * sizes.max()) if len(sizes) else 1.0
        # a power of ten: else the labels next to 0 overlap
        options["linthresh"] = 10.0 ** math.ceil(math.log10(smallest))
    getattr(axes, f"set_{name}scale")(kind, **options)
    if kind == "log":
        getattr(axes, f"{name}axis").set_minor_formatter(NullFormatter())


def readable(axis: Any) -> None:
    """Plain numbers on a log axis that shows at most two powers of ten: 20, 50, 100 and not 2×10¹.

    Call it when the limits are set; the centres of a map's cells stay as they are.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    if axis.get_scale() != "log" or isinstance(axis.get_major_locator(), FixedLocator):
        return
    low, high = axis.get_view_interval()
    first, last = math.log10(low) - 1e-9, math.log10(high) + 1e-9
    if math.floor(last) - math.ceil(first) + 1 >= _POWERS:
        return
    chosen = next((multiples for decades, multiples in _MULTIPLES if last - first >= decades), ())
    if chosen:
        every = [digit * 10.0**power for power in range(math.floor(first), math.ceil(last)) for digit in chosen]
        axis.set_major_locator(FixedLocator([place for place in every if first <= math.log10(place) <= last]))
    else:
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: written(value)))


def written(value: float) -> str:
    """A tick's number: 0.05, 200, 3×10⁷."""
    if _PLAIN[0] <= value < _PLAIN[1]:
        return f"{value:.6f}".rstrip("0").rstrip(".")
    power = math.floor(math.log10(value) + 1e-9)
    digits = f"{value / 10.0**power:.4g}"
    return rf"$10^{{{power}}}$" if digits == "1" else rf"${digits}\times10^{{{power}}}$"


def named(axes: Any, names: Sequence[tuple[float, str]]) -> None:
    """The names of categories at their places: on several lines where they are wide, upright where that is not enough.

    Call it when the limits are set and the axes have their width.
    """
    places = [place for place, _ in names]
    steps = [right - left for left, right in pairwise(places)] or [1.0]
    low, high = axes.get_xlim()
    low, high = min(low, places[0] - steps[0] / 2), max(high, places[-1] + steps[-1] / 2)
    axes.set_xlim(low, high)
    inches = axes.get_window_extent().width / axes.figure.dpi
    nearest = min(steps) / (high - low) * inches
    room = int((nearest - _BESIDE) / _CHARACTER)
    texts = [text for _, text in names]
    upright = max((len(word) for text in texts for word in text.split()), default=0) > room
    if upright:
        # as many lines as lie beside each other
        room = max(1, *map(len, texts)) // max(1, int(nearest / _LINE)) + 2
        room = max(room, *(len(word) for text in texts for word in text.split()))
    folded = ["\n".join(textwrap.wrap(text, room, break_on_hyphens=False)) for text in texts]
    axes.set_xticks(places, folded, rotation=90 if upright else 0)
    axes.set_xticks([], minor=True)
    axes.tick_params(axis="x", length=0)


def centres(axis: Any, cells: Sequence[float], kind: str) -> None:
    """On a log axis ticks at the centres of cells, where these are round numbers; as many as have room for a label."""
    texts = [f"{centre:g}" for centre in cells]
    if kind != "log" or max(map(len, texts)) > _ROUND:
        return
    across = axis.axis_name == "x"
    borders = np.log(edges(np.array(cells), kind))
    places = (np.log(cells) - borders[0]) / (borders[-1] - borders[0]) * (_ACROSS if across else _UP)
    room = [_CHARACTER * len(text) + _BESIDE if across else _LINE for text in texts]
    kept: list[int] = []
    for i in range(len(texts)):
        if not kept or places[i] - places[kept[-1]] >= (room[i] + room[kept[-1]]) / 2:
            kept.append(i)
    axis.set_ticks([cells[i] for i in kept], [texts[i] for i in kept])
    axis.set_ticks([], minor=True)


def edges(cells: Sequence[float] | Array, kind: str) -> Array:
    """The borders of cells around these centres, halfway between neighbours on the axis's scale."""
    points = np.log(cells) if kind == "log" else np.array(cells)
    halves = np.diff(points) / 2
    first, last = (halves[0], halves[-1]) if len(halves) else (0.5, 0.5)
    borders: Array = np.concatenate([[points[0] - first], points[:-1] + halves, [points[-1] + last]])
    return np.exp(borders) if kind == "log" else borders
