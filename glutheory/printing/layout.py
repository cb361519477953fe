"""Long formulas and sentences on lines of limited width."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence


def formula(head: str, body: str, width: int, indent: int = 2) -> list[str]:
    """``head = body`` as lines, broken before a + or − in as few brackets as possible."""
    first = " " * indent + head + " = "
    if len(first) + len(body) <= width:
        return [first + body]
    margin = " " * min(len(first), indent + 8)
    for depth in range(8):
        lines = _filled(first, body, width, margin, depth)
        if all(len(line) <= width for line in lines):
            return lines
    return lines


def _breaks(body: str, depth: int) -> list[int]:
    """Positions before an operator that stands in at most `depth` brackets."""
    found, level = [], 0
    for i, character in enumerate(body):
        if character in "([":
            level += 1
        elif character in ")]":
            level -= 1
        elif level <= depth and i and character == " " and body[i + 1 : i + 3] in ("+ ", "− ", "- "):
            found.append(i)
    # a product of brackets may be broken before its second factor
    return found or [i + 1 for i in range(len(body) - 1) if body[i] in ")]" and body[i + 1] in "·*/"]


def _filled(first: str, body: str, width: int, margin: str, depth: int) -> list[str]:
    pieces, start = [], 0
    for position in _breaks(body, depth):
        pieces.append(body[start:position])
        start = position
    pieces.append(body[start:])
    lines = [first]
    for piece in pieces:
        if len(lines[-1]) + len(piece) > width and lines[-1] != first:
            lines.append(margin + piece.strip())
        else:
            lines[-1] += piece
    return lines


def paragraph(text: str, width: int, indent: int = 2) -> list[str]:
    """A sentence as lines."""
    space = " " * (indent + len(text) - len(text.lstrip()))
    text = re.sub(r" ([=~≤≥]|<=|>=) ", "\u00a0\\1\u00a0", text)  # no line may begin with "= 1"
    lines = textwrap.wrap(text.lstrip(), width, initial_indent=space, subsequent_indent=space, break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in lines]


def table(rows: Sequence[tuple[str, ...]], width: int, indent: int = 2) -> list[str]:
    """Columns side by side if they fit, each row's cells under each other otherwise."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    if indent + sum(widths) + 3 * (len(widths) - 1) <= width:
        return [
            (" " * indent + "   ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True))).rstrip()
            for row in rows
        ]
    lines = []
    for row in rows:
        filled = [cell for cell in row if cell]
        for i, cell in enumerate(filled):
            lines += paragraph(cell, width, indent + 2 * bool(i))
    return lines
