"""The depths as two tables, of condition numbers and of eigenvalues, with a row for each depth; sentences below."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from glutheory.numeric.deep.fixed import FixedPoint
from glutheory.studies.depth.study import Depth, DepthPair, DepthStudy, NetworkDepths
from glutheory.terminal import Terminal, columns, heading, number, sentences, wide

_Table: TypeAlias = Callable[[DepthStudy, Sequence[NetworkDepths]], list[list[str]]]
_NORMS = {"rms": "RMSNorm", "layer": "LayerNorm", None: "no norm"}


def text(study: DepthStudy, terminal: Terminal) -> str:
    """The whole page."""
    how = "added to the stream" if study.residual else "one after the other, without residuals"
    head = f"NTK against depth: {_NORMS[study.norm]}, blocks {how}"
    about = (
        f"{study.data}. Infinite width, ntk parametrisation, all variances 1, all weights trained; ρ: mean correlation "
        "of two rows in the NNGP."
    )
    lines = [*heading(head, terminal), *sentences([about], terminal), ""]
    for table in (_conditions, _eigenvalues):
        for block in _side_by_side(study, table, terminal):
            lines += [*block, ""]
    return "\n".join([*lines, *sentences(list(_remarks(study)), terminal)]).rstrip("\n")


def _side_by_side(study: DepthStudy, table: _Table, terminal: Terminal) -> Iterator[list[str]]:
    """Tables with as many networks each as fit beside each other."""
    rest = list(study.networks)
    while rest:
        for count in range(len(rest), 0, -1):
            lines = columns(table(study, rest[:count]), terminal)
            if count == 1 or max(map(wide, lines)) <= terminal.width:
                break
        yield lines
        rest = rest[count:]


def _conditions(study: DepthStudy, networks: Sequence[NetworkDepths]) -> list[list[str]]:
    pairs = [pair for pair in study.pairs if {pair.plain, pair.gated} <= {item.network for item in networks}]
    head = [["", *(cell for item in networks for cell in (item.network, "", "")), *("ratio" for _ in pairs)]]
    head.append(
        ["blocks", *("λ_1/λ_n", "λ_2/λ_n", "ρ") * len(networks), *(f"{pair.plain}/{pair.gated}" for pair in pairs)]
    )
    rows: list[list[str]] = [*head, []]
    for k, blocks in enumerate(study.blocks):
        cells = [cell for item in networks for cell in _cells(item.at(blocks))]
        rows.append([str(blocks), *cells, *(_ratio(pair.ratios[k]) for pair in pairs)])
    return rows


def _eigenvalues(study: DepthStudy, networks: Sequence[NetworkDepths]) -> list[list[str]]:
    head = ["", *(cell for item in networks for cell in (item.network, "", ""))]
    rows = [[str(blocks), *(cell for item in networks for cell in _values(item.at(blocks)))] for blocks in study.blocks]
    return [head, ["blocks", *("λ_1", "λ_2", "λ_n") * len(networks)], [], *rows]


def _cells(depth: Depth | None) -> tuple[str, str, str]:
    if depth is None:
        return "–", "–", "–"
    condition = str(depth.condition) if depth.condition.is_bound else number(depth.condition.value)
    return condition, _ratio(depth.spread), _correlation(depth)


def _correlation(depth: Depth) -> str:
    """Its figures, or a bound on its modulus where they are those of roundings."""
    if abs(depth.correlation) <= depth.correlation_error:
        return f"≤ {number(abs(depth.correlation) + depth.correlation_error, 2)}"
    return number(depth.correlation, 3)


def _values(depth: Depth | None) -> tuple[str, str, str]:
    if depth is None:
        return "–", "–", "–"
    smallest = number(depth.smallest) if depth.told else f"≤ {number(max(depth.smallest, 0.0) + depth.error, 2)}"
    return number(depth.largest), number(depth.second), smallest


def _ratio(value: float) -> str:
    return "–" if math.isnan(value) else number(value)


def _remarks(study: DepthStudy) -> Iterator[str]:
    """What the table cannot say."""
    yield from (_compare(pair, study) for pair in study.pairs)
    for item in study.networks:
        if item.fixed_points:
            yield f"{item.network}: {_destiny(item.fixed_points)}."
        elif item.keeps_correlations:
            yield f"{item.network}: a linear block keeps every correlation as it is."
    for item in study.networks:
        if item.beyond is not None:
            last = item.depths[-1].blocks
            yield (
                f"{item.network}: from {item.beyond} blocks on its variances leave float64, since without norms they "
                f"change from block to block; the last depth here is {last}."
            )
    bounded = [item.network for item in study.networks if any(depth.condition.is_bound for depth in item.depths)]
    if bounded:
        yield f"Only a lower bound (≥) where λ_n is below its error: {', '.join(bounded)}."


def _compare(pair: DepthPair, study: DepthStudy) -> str:
    known = [found for found in zip(pair.ratios, study.blocks, strict=True) if not math.isnan(found[0])]
    if not known:
        return f"{pair.plain} → {pair.gated}: the ratio of the condition numbers is not known at any depth."
    (first, start), (last, stop) = known[0], known[-1]
    ends = start, stop
    if ends[0] == ends[1]:
        return f"{pair.plain} → {pair.gated}: cond/cond is {number(first)} at {ends[0]} block{'s' * (ends[0] > 1)}."
    most, place = max(known)
    between = f", and is largest, {number(most)}, at {place}" if place not in ends else ""
    return (
        f"{pair.plain} → {pair.gated}: cond/cond goes from {number(first)} at {ends[0]} block{'s' * (ends[0] > 1)} to "
        f"{number(last)} at {ends[1]}{between}."
    )


def _destiny(points: Sequence[FixedPoint]) -> str:
    """Where correlations go from block to block."""
    said = []
    for point in points:
        if abs(point.rho) > 1 - 1e-12 and not (point.stable or point.stable is None):
            continue
        kind = "attracts" if point.stable else "is marginal" if point.stable is None else "repels"
        said.append(f"ρ = {number(point.rho, 4)} {kind} (slope {number(point.slope, 4)})")
    return "correlations of blocks: " + ", ".join(said)
