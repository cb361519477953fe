"""Where text goes, a terminal with its width, characters and colours, and how it is laid out there in lines."""

from __future__ import annotations

import math
import os
import re
import shutil
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TextIO

MAX_WIDTH = 100
_DEEPEST = 8  #: brackets beyond which no line is broken
_PROBE = "−·√⟨⟩∞π⊙ρθκσφ∈²ᵀ≥✓"

_ASCII = {
    "−": "-", "–": "-", "·": "*", "×": "x", "⊙": "*", "√": "sqrt", "∞": "inf", "∈": "in", "≤": "<=", "≥": ">=",
    "⟨": "<", "⟩": ">", "‖": "|", "∂": "d", "Σ": "sum", "∏": "prod", "∫": "int", "→": "->", "±": "+/-", "…": "...",
    "✓": "ok", "✗": "FAILED", "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "κ": "kappa", "λ": "lambda",
    "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "θ": "theta", "Φ": "Phi", "ℚ": "Q", "’": "'",
    "²": "^2", "³": "^3", "⁰": "^0", "¹": "^1", "⁴": "^4", "⁵": "^5", "⁶": "^6", "⁷": "^7", "⁸": "^8", "⁹": "^9",
    "⁻": "^-", "≠": "!=",
}  # fmt: skip
_TABLE = str.maketrans(_ASCII)


@dataclass(frozen=True)
class Terminal:
    """A place to print to.

    Attributes:
        width: columns.
        unicode: whether it can show the characters of formulas; plain ASCII otherwise.
        colour: whether escape sequences are welcome.
    """

    width: int = MAX_WIDTH
    unicode: bool = True
    colour: bool = False

    @classmethod
    def of(cls, stream: TextIO, *, ascii_only: bool = False) -> Terminal:
        """What this stream can show; colour only on a terminal, and not where NO_COLOR is set."""
        tty = stream.isatty()
        width = min(MAX_WIDTH, shutil.get_terminal_size((MAX_WIDTH, 24)).columns) if tty else MAX_WIDTH
        colour = tty and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(max(40, width), not ascii_only and _can_show(stream), colour)

    def prose(self, text: str) -> str:
        """The text in characters that can be shown."""
        return text if self.unicode else ascii_text(text)

    def bold(self, text: str) -> str:
        """A heading."""
        return f"\x1b[1m{text}\x1b[0m" if self.colour else text

    def alarm(self, text: str) -> str:
        """What must not be overlooked."""
        return f"\x1b[1;31m{text}\x1b[0m" if self.colour else text


def _can_show(stream: TextIO) -> bool:
    try:
        _PROBE.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def ascii_text(text: str) -> str:
    """The text in ASCII: mathematical signs by name, accents dropped, anything else a question mark."""
    text = re.sub(r"√(\w)", r"sqrt(\1)", text.replace("Σ(", "Sigma("))
    text = re.sub(r"(?<=\d)(?=[α-ω])", "*", text)
    plain = unicodedata.normalize("NFKD", text.translate(_TABLE))
    return "".join(ch for ch in plain if not unicodedata.combining(ch)).encode("ascii", "replace").decode()


def formula(head: str, body: str, width: int, indent: int = 2) -> list[str]:
    """``head = body`` as lines, broken before a + or − in as few brackets as possible."""
    first = " " * indent + head + " = "
    if len(first) + len(body) <= width:
        return [first + body]
    margin = " " * min(len(first), indent + 8)
    lines = [first]
    for piece in _pieces(body, _levels(body), (width - len(first), width - len(margin)), 0):
        if len(lines[-1]) + len(piece) > width and lines[-1] != first:
            lines.append(margin + piece.strip())
        else:
            lines[-1] += piece
    return lines


def _levels(body: str) -> list[int]:
    """In how many brackets each character stands; a bracket itself counts as outside."""
    found, level = [], 0
    for character in body:
        level -= character in ")]"
        found.append(level)
        level += character in "(["
    return found


def _pieces(body: str, levels: Sequence[int], rooms: tuple[int, int], depth: int) -> list[str]:
    """What lines are made of: summands, and of those that are longer than a line the factors, then what is in them.

    Args:
        body: the text.
        levels: in how many brackets its characters stand.
        rooms: the columns for the first piece and for any other.
        depth: the number of brackets within which it is divided.
    """
    if depth > _DEEPEST:
        return [body]
    places = [i for i in range(1, len(body) - 2) if levels[i] == depth and body[i : i + 3] in (" + ", " − ", " - ")]
    factors = not places
    if factors:
        places = [i for i in range(1, len(body)) if levels[i] == depth and body[i - 1] in ")]" and body[i] in "·*/"]
    found: list[str] = []
    for start, end in pairwise([0, *places, len(body)]):
        part, room = body[start:end], rooms[bool(start)]
        if len(part.strip()) <= room:
            found.append(part)
        else:
            found += _pieces(part, levels[start:end], (room, rooms[1]), depth + factors)
    return found


def paragraph(text: str, width: int, indent: int = 2) -> list[str]:
    """A sentence as lines."""
    space = " " * (indent + len(text) - len(text.lstrip()))
    text = re.sub(r" ([=~≤≥]|<=|>=) ", "\u00a0\\1\u00a0", text)  # no line may begin with "= 1"
    lines = textwrap.wrap(text.lstrip(), width, initial_indent=space, subsequent_indent=space, break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in lines]


def aligned(rows: Sequence[Sequence[str]], *, numbers: bool = False, gap: int = 3) -> list[str]:
    """The rows as lines, each column as wide as its widest cell on a terminal; an empty row is an empty line.

    Args:
        rows: of cells, each row that is not empty with all columns.
        numbers: whether all columns but the first are set to the right.
        gap: blanks between columns.
    """
    widths = [max(map(wide, column)) for column in zip(*filter(None, rows), strict=True)]
    lines = []
    for row in rows:
        padded = []
        for i, cell in enumerate(row):
            blanks = " " * (widths[i] - wide(cell))
            padded.append(blanks + cell if numbers and i else cell + blanks)
        lines.append((" " * gap).join(padded).rstrip())
    return lines


def table(rows: Sequence[tuple[str, ...]], width: int, indent: int = 2) -> list[str]:
    """Columns side by side if they fit, each row's cells under each other otherwise."""
    lines = [(" " * indent + line).rstrip() for line in aligned(rows)]
    if max(map(wide, lines)) <= width:
        return lines
    lines = []
    for row in rows:
        filled = [cell for cell in row if cell]
        for i, cell in enumerate(filled):
            lines += paragraph(cell, width, indent + 2 * bool(i))
    return lines


#: What `Terminal.prose` has no ASCII for; the tilde tells K̃ from K.
_MORE_ASCII = str.maketrans(
    {"\u0303": "~", "≈": "~", "∼": "~", "∝": "~", "≺": "-<", "≻": ">-", "⪯": "<=", "⪰": ">=", "½": "1/2", "¼": "1/4"}
    | {"—": "-", "′": "'", "“": '"', "”": '"', "§": "Sec. ", "ℓ": "l", "ᵀ": "^T"}
)
#: Numbers below this power of ten are written without an exponent.
_PLAIN = 4


def shown(text: str, terminal: Terminal) -> str:
    """The text in characters that can be shown there."""
    if terminal.unicode:
        return text
    known = (
        _name(character) if terminal.prose(character) == "?" else character for character in text.translate(_MORE_ASCII)
    )
    return terminal.prose("".join(known))


def _name(character: str) -> str:
    """A Greek letter by its name; anything else as it is."""
    words = unicodedata.name(character, "").split()
    if words[:1] != ["GREEK"] or "LETTER" not in words:
        return character
    return words[-1].lower() if "SMALL" in words else words[-1].capitalize()


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
    """A table of numbers in characters that can be shown there, the first column of words."""
    return aligned([[shown(cell, terminal) for cell in row] for row in rows], numbers=True)


def heading(text: str, terminal: Terminal) -> list[str]:
    """A heading as lines of the terminal's width."""
    return [terminal.bold(line) for line in sentences([text], terminal)]


def sentences(texts: Sequence[str], terminal: Terminal) -> list[str]:
    """Each as lines of the terminal's width."""
    return [line for text in texts for line in paragraph(shown(text, terminal), terminal.width, 0)]
