# ruff: noqa: INP001 (of a script)
"""Where the rooms of a layered picture stand, and where the lines between them run, as Sugiyama et al. (1981) do it.

A line that passes a row has a lane of its own there, so that no line crosses a room; lines to one room share it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

#: Pixels: the picture's least width and its margin, a room, a lane, and what is left between two of them.
WIDTH, MARGIN, ROOM, LANE, APART = 900, 14, 104, 8, 9
SWEEPS = 24


@dataclass(frozen=True, order=True)
class Node:
    """A place in a row: a room, or a lane in which lines to a lower room pass this row."""

    level: int
    room: str
    lane: bool = False

    @property
    def width(self) -> int:
        """In pixels."""
        return LANE if self.lane else ROOM


#: From above to below.
Line = tuple[Node, Node]
Rows = list[list[Node]]


def network(layers: Sequence[Sequence[str]], arrows: Iterable[tuple[str, str]]) -> tuple[Rows, list[Line]]:
    """The rows from the ground up, with lanes, and the lines from each row to the next one; every arrow leads down."""
    level = {name: height for height, layer in enumerate(layers) for name in layer}
    lines: set[Line] = set()
    for room, other in arrows:
        low, high = level[other], level[room]
        lanes = [Node(height, other, lane=True) for height in range(high - 1, low, -1)]
        path = [Node(high, room), *lanes, Node(low, other)]
        lines |= set(pairwise(path))
    rows = [[Node(height, name) for name in layer] for height, layer in enumerate(layers)]
    for node in sorted({node for line in lines for node in line if node.lane}):
        rows[node.level].append(node)
    return rows, sorted(lines)


def crossings(rows: Rows, lines: Sequence[Line]) -> int:
    """How many pairs of lines cross."""
    place = {node: index for row in rows for index, node in enumerate(row)}
    count = 0
    for one, two in combinations(lines, 2):
        if one[0].level == two[0].level:
            count += (place[one[0]] - place[two[0]]) * (place[one[1]] - place[two[1]]) < 0
    return count


def neighbours(lines: Sequence[Line]) -> dict[Node, tuple[list[Node], list[Node]]]:
    """The nodes above and below each one."""
    found: dict[Node, tuple[list[Node], list[Node]]] = {}
    for above, below in lines:
        found.setdefault(below, ([], []))[0].append(above)
        found.setdefault(above, ([], []))[1].append(below)
    return found


def ordered(rows: Rows, lines: Sequence[Line]) -> Rows:
    """The rows with few crossings: each node at the mean place of its neighbours, from above and from below in turn."""
    beside = neighbours(lines)
    best, least = rows, crossings(rows, lines)
    for sweep in range(SWEEPS):
        side = sweep % 2
        rows = [list(row) for row in rows]
        for row in rows if side else reversed(rows):
            place = {node: (index + 0.5) / len(other) for other in rows for index, node in enumerate(other)}
            wanted = {node: _mean([place[n] for n in beside.get(node, ([], []))[side]], place[node]) for node in row}
            row.sort(key=lambda node: wanted[node])
        if (count := crossings(rows, lines)) < least:
            best, least = rows, count
    return best


def _mean(values: Sequence[float], default: float) -> float:
    # fsum: the same bits in every version of Python
    return math.fsum(values) / len(values) if values else default


def placed(rows: Rows, lines: Sequence[Line]) -> tuple[dict[Node, float], float]:
    """The x of each node's middle, near those of its neighbours, and the width of the picture."""
    beside = neighbours(lines)
    total = max(WIDTH, *(sum(node.width + APART for node in row) - APART + 2 * MARGIN for row in rows))
    x = {node: total * (index + 0.5) / len(row) for row in rows for index, node in enumerate(row)}
    for sweep in range(SWEEPS):
        side = sweep % 3  # from above, from below, from both
        for row in rows if side == 1 else reversed(rows):
            wanted = []
            for node in row:
                above, below = beside.get(node, ([], []))
                near = above + below if side == 2 else below if side else above
                # a lane goes on where it came from
                straight = [other for other in above + below if node.lane and other.lane]
                wanted.append(_mean([x[other] for other in straight or near], x[node]))
            x |= spread(row, wanted, total)
    return {node: float(round(value)) for node, value in x.items()}, total


def spread(row: Sequence[Node], wanted: Sequence[float], total: float) -> dict[Node, float]:
    """The places nearest to the wanted ones at which the nodes of a row keep their order and do not touch."""
    shift = [0.0]
    for one, two in pairwise(row):
        shift.append(shift[-1] + (one.width + two.width) / 2 + APART)
    # without the shifts the places must not descend: neighbours that would are pooled at their mean
    pools: list[list[float]] = []
    for value, before in zip(wanted, shift, strict=True):
        pools.append([value - before])
        while len(pools) > 1 and _mean(pools[-2], 0) > _mean(pools[-1], 0):
            pools[-2:] = [pools[-2] + pools[-1]]
    least = MARGIN + row[0].width / 2
    most = total - MARGIN - row[-1].width / 2 - shift[-1]
    flat = [min(max(_mean(pool, 0), least), most) for pool in pools for _ in pool]
    return {node: value + before for node, value, before in zip(row, flat, shift, strict=True)}
