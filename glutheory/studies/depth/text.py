"""The depths as a table: a row for each number of blocks, three columns for each network, sentences below."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from glutheory.numeric.deep.fixed import FixedPoint
from glutheory.studies.depth.study import Depth, DepthPair, DepthStudy, NetworkDepths
from glutheory.terminal import Terminal, columns, heading, number, sentences, wide

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
    for block in _blocks(study, terminal):
        lines += [*block, ""]
    return "\n".join([*lines, *sentences(list(_remarks(study)), terminal)]).rstrip("\n")


def _blocks(study: DepthStudy, terminal: Terminal) -> Iterator[list[str]]:
    """Tables with as many networks each as fit beside each other."""
    rest = list(study.networks)
    while rest:
        for count in range(len(rest), 0, -1):
            lines = _table(study, rest[:count], terminal)
            if count == 1 or max(map(wide, lines)) <= terminal.width:
                break
        yield lines
        rest = rest[count:]


def _table(study: DepthStudy, networks: Sequence[NetworkDepths], terminal: Terminal) -> list[str]:
    pairs = [pair for pair in study.pairs if {pair.plain, pair.gated} <= {item.network for item in networks}]
    head = [["", *(cell for item in networks for cell in (item.network, "", "")), *("ratio" for _ in pairs)]]
    head.append(
        ["blocks", *("λ_1/λ_n", "λ_2/λ_n", "ρ") * len(networks), *(f"{pair.plain}/{pair.gated}" for pair in pairs)]
    )
    rows: list[list[str]] = [*head, []]
    for k, blocks in enumerate(study.blocks):
        cells = [cell for item in networks for cell in _cells(item.depths[k])]
        rows.append([str(blocks), *cells, *(_ratio(pair.ratios[k]) for pair in pairs)])
    return columns(rows, terminal)


def _cells(depth: Depth) -> tuple[str, str, str]:
    condition = str(depth.condition) if depth.condition.is_bound else number(depth.condition.value)
    return condition, _ratio(depth.spread), number(depth.correlation, 3)


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
    bounded = [item.network for item in study.networks if any(depth.condition.is_bound for depth in item.depths)]
    if bounded:
        yield f"Only a lower bound (≥) where λ_n is below its error: {', '.join(bounded)}."


def _compare(pair: DepthPair, study: DepthStudy) -> str:
    first, last = pair.ratios[0], pair.ratios[-1]
    ends = study.blocks[0], study.blocks[-1]
    if math.isnan(first) or math.isnan(last):
        return f"{pair.plain} → {pair.gated}: the ratio of the condition numbers is not known at all depths."
    if ends[0] == ends[1]:
        return f"{pair.plain} → {pair.gated}: cond/cond is {number(first)} at {ends[0]} block{'s' * (ends[0] > 1)}."
    most, place = max(found for found in zip(pair.ratios, study.blocks, strict=True) if not math.isnan(found[0]))
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
