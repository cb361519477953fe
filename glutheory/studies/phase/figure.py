"""The map of cond(K)/cond(K̃) as a figure, with the boundaries that are derived for it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from glutheory.figures.chart import Chart, Map, Role, Series
from glutheory.studies.pairs import written
from glutheory.studies.phase.boundary import certified_dimension, crossings
from glutheory.studies.phase.cells import Cell, gain
from glutheory.studies.phase.study import Phase
from glutheory.studies.phase.text import note

_LABEL = r"$\log_{10}\,\mathrm{cond}(K)/\mathrm{cond}(\tilde K)$"
_CERTIFIED = r"certified: $\lambda_1(K)/\lambda_1(\tilde K)\,\min\|x\|^2/d>1$"


def charts(found: Phase) -> tuple[Chart, ...]:
    """The map in colours, with the predicted boundaries over it."""
    groups = {(spot.n, spot.d): spot.draws for spot in found.spots}
    title = f"{written(found.gate)} against {written(found.plain)}: where gating helps ({found.kind.upper()} kernel)"
    return (diagram(groups, title, note(found), dict(found.certified)),)


def diagram(
    groups: Mapping[tuple[int, int], Sequence[Cell]],
    title: str,
    note: str,
    certified: Mapping[int, float] | None = None,
) -> Chart:
    """The map of one gate, setting and kind of data.

    Args:
        groups: by (n, d) the draws; missing ones are gaps.
        title: of the chart.
        note: what is to be seen, after a sentence that says what the colours mean.
        certified: `certified_dimension` of each n; left out: it is computed, for a gate of the zoo.
    """
    x, y = sorted({n for n, _ in groups}), sorted({d for _, d in groups})
    values = [[gain(groups[n, d]) if (n, d) in groups else math.nan for n in x] for d in y]
    task = next(iter(groups.values()))[0].task
    sure = sorted(key for key, draws in groups.items() if all(cell.certificate > 1 for cell in draws))
    lines = boundaries(task.data, task.gate, task.setting, x, y, certified)
    series = [line for line in lines if _meets(line, x, y)]
    if task.setting == "wide" and task.data != "sphere" and sure:
        at, up = zip(*sure, strict=True)
        series.append(Series(_CERTIFIED, at, up, Role.THEORY, line=False))
    missing = any(math.isnan(value) for row in values for value in row)
    hatched = " Hatched: not resolved in double precision." if missing else ""
    return Chart(
        title,
        "rows $n$",
        "input dimension $d$",
        series,
        Map(_LABEL, x, y, values),
        "log",
        "log",
        f"Above 0 the gated kernel is better conditioned. {note}{hatched}",
    )


def boundaries(
    data: str,
    gate: str,
    setting: str,
    x: Sequence[int],
    y: Sequence[int],
    certified: Mapping[int, float] | None = None,
) -> Iterator[Series]:
    """What is derived about who is ahead, as curves over the map with these n and d."""
    if data == "sphere" and setting == "ntk" and gate == "reglu" and y[0] <= 3 <= y[-1]:
        yield Series("critical dimension 3, $n\\to\\infty$", [x[0], x[-1]], [3.0, 3.0], Role.THEORY)
    if data != "gaussian" or setting != "wide":
        return
    dims = [certified_dimension(n, gate) if certified is None else certified.get(n, math.nan) for n in x]
    inside = [d if y[0] <= d <= y[-1] else math.nan for d in dims]
    yield Series("certified above, with probability 1/2", x, inside, Role.THEORY, dashed=True)
    if gate == "reglu":
        kept = list(crossings(x[-1], y[-1]))
        yield Series("the limiting spectra cross", [n for _, n in kept], [d for d, _ in kept], Role.THEORY)


def _meets(line: Series, x: Sequence[int], y: Sequence[int]) -> bool:
    """Whether a point of the line lies on the map."""
    return any(x[0] <= a <= x[-1] and y[0] <= b <= y[-1] for a, b in zip(line.x, line.y, strict=True))
