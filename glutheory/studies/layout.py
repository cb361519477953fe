"""A study as text: columns of equal width, short numbers, only characters that can be shown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from glutheory.printing.layout import paragraph
from glutheory.printing.terminal import Terminal

#: What `Terminal.prose` has no ASCII for; the tilde tells K̃ from K.
_ASCII = str.maketrans({"\u0303": "~", "≈": "~", "—": "-", "′": "'", "½": "1/2", "“": '"', "”": '"'})
_GAP = 3
#: Numbers below this power of ten are written without an exponent.
_PLAIN = 4


def shown(text: str, terminal: Terminal) -> str:
    """The text in characters that can be shown there."""
    return text if terminal.unicode else terminal.prose(text.translate(_ASCII))


def number(value: float, digits: int = 4) -> str:
    """A number with so many digits, zeros kept: 0.2500, 1.500e15, 2520, inf; a dash for NaN."""
    if not math.isfinite(value) or value == 0:
        return "–" if math.isnan(value) else f"{value + 0.0:g}"
    rounded = float(f"{value:.{digits}g}")
    if digits <= math.log10(abs(rounded)) < _PLAIN:
        return f"{rounded:.0f}"
    return (
        f"{value:#.{digits}g}".replace("e+0", "e")
        .replace("e+", "e")
        .replace("e-0", "e-")
        .replace(".e", "e")
        .rstrip(".")
    )


def wide(text: str) -> int:
    """How many columns of a terminal the text takes; accents take none."""
    from rich.cells import cell_len

    return cell_len(text)


def columns(rows: Sequence[Sequence[str]], terminal: Terminal) -> list[str]:
    """The rows as lines: the first column to the left, the others to the right; an empty row is an empty line."""
    cells = [[shown(cell, terminal) for cell in row] for row in rows]
    count = max(map(len, cells))
    widths = [max(wide(row[i]) for row in cells if row) for i in range(count)]
    lines = []
    for row in cells:
        padded = [" " * (width - wide(cell)) + cell for cell, width in zip(row[1:], widths[1:], strict=False)]
        first = [row[0] + " " * (widths[0] - wide(row[0]))] if row else []
        lines.append((" " * _GAP).join([*first, *padded]).rstrip())
    return lines


def heading(text: str, terminal: Terminal) -> list[str]:
    """A heading as lines of the terminal's width."""
    return [terminal.bold(line) for line in sentences([text], terminal)]


def sentences(texts: Sequence[str], terminal: Terminal) -> list[str]:
    """Each as lines of the terminal's width."""
    return [line for text in texts for line in paragraph(shown(text, terminal), terminal.width, 0)]
