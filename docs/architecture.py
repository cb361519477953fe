# ruff: noqa: INP001 (a script)
"""The picture of the house, docs/figures/architecture.svg, drawn from the imports of the code.

    python docs/architecture.py            # draw it
    python docs/architecture.py --check    # status 1 if the picture is not that of the code

The rooms stand in the layers of tests/test_architecture.py, the ground at the bottom. An arrow says that a room imports
another; where a third room between them says so already there is none. Arrows to one room run together: a line,
followed down, ends at one room.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from layout import MARGIN, ROOM, Line, Node, Rows, network, ordered, placed

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "figures" / "architecture.svg"
#: Pixels: of a room's height, and between two rows at least, and for each line.
HEIGHT, GAP, PER_LINE = 28, 28, 2
STYLE = """
text { font: 600 12.5px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; text-anchor: middle;
  fill: #1f2328 }
text.small { font-size: 11px; font-weight: 400; fill: #59636e }
text.left { text-anchor: start }
.paper { fill: #ffffff } .package { fill: #f6f8fa; stroke: #d1d9e0 }
.room { fill: #ffffff; stroke: #59636e } .road { fill: #ddf4ff; stroke: #0969da }
.court { fill: #fff1e5; stroke: #bc4c00 }
.arrow { fill: none; stroke: #818b98; stroke-width: 1.3 } .head { fill: #59636e }
.arrow.to-road { stroke: #54a0e8 } .head.to-road { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } text.small { fill: #9198a1 }
  .paper { fill: #0d1117 } .package { fill: #151b23; stroke: #3d444d }
  .room { fill: #0d1117; stroke: #9198a1 } .road { fill: #12304f; stroke: #4493f8 }
  .court { fill: #3a2413; stroke: #db6d28 }
  .arrow { stroke: #7d8590 } .head { fill: #9198a1 }
  .arrow.to-road { stroke: #4493f8 } .head.to-road { fill: #4493f8 }
}
"""


@dataclass(frozen=True)
class House:
    """What is drawn.

    Attributes:
        layers: the rooms, from the ground up.
        needs: the rooms that each room imports.
        package: how many of the layers are the package's own.
        roads: the rooms that do not know each other.
    """

    layers: tuple[tuple[str, ...], ...]
    needs: Mapping[str, frozenset[str]]
    package: int
    roads: tuple[str, ...]

    def reach(self, room: str) -> frozenset[str]:
        """The rooms that it needs, or that these need, and so on."""
        near = self.needs.get(room, frozenset())
        return near.union(*(self.reach(other) for other in near))

    def arrows(self) -> Iterator[tuple[str, str]]:
        """(room, imported room), without those that follow from others."""
        for layer in self.layers:
            for room in layer:
                near = self.needs.get(room, frozenset())
                further = frozenset().union(*(self.reach(other) for other in near))
                yield from ((room, other) for other in sorted(near - further))


@lru_cache(maxsize=1)
def house() -> House:
    """The house as it stands.

    Raises:
        ValueError: an arrow that does not lead down.
    """
    from tests.test_architecture import FACE, LAYERS, ROADS, arrows, imports, room

    needs: dict[str, set[str]] = {}
    for module, other in arrows():
        if FACE not in (room(module), room(other)):
            needs.setdefault(room(module), set()).add(room(other))
    level = {name: height for height, layer in enumerate(LAYERS) for name in layer}
    for name, found in needs.items():
        if up := sorted(other for other in found if level[other] >= level[name]):
            raise ValueError(f"{name} imports {', '.join(up)}, which is not below it.")
    own = {room(module) for module in imports() if module.startswith("glutheory.")}
    package = sum(not own.isdisjoint(layer) for layer in LAYERS)
    return House(LAYERS, {name: frozenset(found) for name, found in needs.items()}, package, ROADS)


def svg(found: House) -> str:
    """The picture."""
    rows, lines = network(found.layers, found.arrows())
    rows = ordered(rows, lines)
    x, total = placed(rows, lines)
    count = Counter(above.level for above, _ in lines)
    top = {len(rows) - 1: MARGIN}
    for height in range(len(rows) - 2, -1, -1):
        top[height] = top[height + 1] + HEIGHT + GAP + PER_LINE * count[height + 1]
    bottom = top[0] + HEIGHT + 2 * MARGIN
    words = (
        f"The rooms of the package in {len(rows)} layers, and which imports which: {_sentence(found)}. "
        "Every arrow leads down."
    )
    size = f'width="{total}" height="{bottom}"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} viewBox="0 0 {total} {bottom}">',
        f"<title>How it is built</title>\n<desc>{words}</desc>\n<style>{STYLE}</style>",
        f'<rect class="paper" {size}/>',
        *_package(found, top, total, bottom),
    ]
    for path, room in paths(rows, lines, x, top):
        out.append(f'<path class="arrow{" to-road" if room in found.roads else ""}" d="{path}"/>')
    for row in rows:
        for node in row:
            if not node.lane:
                out += _room(found, node, x[node], top[node.level], pointed=any(line[1] == node for line in lines))
    return "\n".join([*out, "</svg>\n"])


def _sentence(found: House) -> str:
    arrows = list(found.arrows())
    needed = {room: [other for one, other in arrows if one == room] for room, _ in arrows}
    return "; ".join(f"{room} imports {', '.join(others)}" for room, others in needed.items())


def _package(found: House, top: Mapping[int, int], total: float, bottom: int) -> list[str]:
    upper = top[found.package - 1] - GAP // 2
    return [
        f'<rect class="package" x="5" y="{upper}" width="{total - 10}" height="{bottom - upper - 5}" rx="6"/>',
        f'<text class="small left" x="{MARGIN}" y="{bottom - MARGIN}">glutheory, the package</text>',
    ]


def paths(
    rows: Rows, lines: Sequence[Line], x: Mapping[Node, float], top: Mapping[int, int]
) -> Iterator[tuple[str, str]]:
    """The lines as paths of SVG with the room that they end at: curves from row to row, straight through the rows."""
    for row in rows:
        for node in row:
            if node.lane:
                yield f"M{x[node]:.0f} {top[node.level]}v{HEIGHT}", node.room
    for row in rows:
        for node in row:
            below = sorted((x[line[1]], line[1]) for line in lines if line[0] == node)
            step = 0.0 if node.lane else min(14.0, (ROOM - 24) / max(1, len(below) - 1))
            for index, (end, other) in enumerate(below):
                start = x[node] + step * (index - (len(below) - 1) / 2)
                # the head of an arrow begins above its room
                high, low = top[node.level] + HEIGHT, top[other.level] - (0 if other.lane else 5)
                middle = (high + low) / 2
                curve = f"M{start:.1f} {high}C{start:.1f} {middle:.1f} {end:.0f} {middle:.1f} {end:.0f} {low}"
                yield curve, other.room


def _room(found: House, node: Node, x: float, y: int, *, pointed: bool) -> Iterator[str]:
    kind = "road" if node.room in found.roads else "court" if node.level == len(found.layers) - 1 else "room"
    yield f'<rect class="{kind}" x="{x - ROOM / 2:.0f}" y="{y}" width="{ROOM}" height="{HEIGHT}" rx="5"/>'
    yield f'<text x="{x:.0f}" y="{y + 18}">{node.room}</text>'
    if pointed:
        yield f'<path class="head{" to-road" if kind == "road" else ""}" d="M{x - 4:.0f} {y - 7}h8l-4 7z"/>'


def main() -> None:
    """Draw the picture, or say whether it is the current one."""
    sys.path.insert(0, str(ROOT))  # `tests` is no installed package
    new, name = svg(house()), PICTURE.relative_to(ROOT)
    if "--check" not in sys.argv[1:]:
        PICTURE.write_text(new, encoding="utf-8")
        print(f"drawn: {name}")
        return
    current = PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == new
    print(f"{name} is {'current' if current else 'not current: run python docs/architecture.py'}")
    sys.exit(0 if current else 1)


if __name__ == "__main__":
    main()
