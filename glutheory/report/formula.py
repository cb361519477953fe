"""Long formulas of the page: text as text, and mathematics that may go on in the next line."""

from __future__ import annotations

import re
from html import escape
from typing import TypeAlias
from xml.etree.ElementTree import Element

from glutheory.report.elements import CLOSING, OPENING, RELATIONS, elements
from glutheory.report.mathml import markup

_SIGNS = frozenset("+-−±")
#: A formula of more characters may be broken, before a relation or a sign with more than these before it in its line.
_LONG, _RELATION, _SIGN = 20, 4, 6
#: What belongs to the line before.
_PUNCTUATION = re.compile(r"\s*[,.;:)\]]+")

#: A formula in pieces that may stand on different lines: elements to be set, text between them, None for a wide gap.
_Piece: TypeAlias = list[Element] | str | None


def formula(latex: str) -> str:
    """HTML of a long formula: text as text, and mathematics that may go on in the next line where a reader expects it.

    Browsers do not break lines in mathematics. So there is one `<math>` for each part between texts, wide spaces and,
    where it is long, before relations and signs outside brackets.

    Args:
        latex: without dollar signs.

    Raises:
        DomainError: as for `mathml`.
    """
    parts = []
    for piece in _pieces(elements(latex)):
        if piece is None:
            parts.append('<span class="gap"> </span>')
        elif isinstance(piece, str):
            parts.append(escape(piece))
        else:
            parts.append(markup(piece, displaystyle="true"))
    return "<wbr>".join(parts).replace(" <wbr>", " ").replace("<wbr> ", " ")


def _pieces(whole: list[Element]) -> list[_Piece]:
    """The formula cut where lines may end."""
    pieces: list[_Piece] = []
    row: list[Element] = []

    def finish() -> None:
        if row:
            pieces.extend(_lines(row))
            row.clear()

    for element in whole:
        text = (element.text or "").replace("\xa0", " ")
        if element.tag == "mspace" and float(element.get("width", "0em").removesuffix("em")) >= 1:
            finish()
            pieces.append(None)
        elif element.tag == "mtext":
            close = _PUNCTUATION.match(text)
            if close and row:
                # a line must not begin with a comma
                row.append(_text(close[0]))
                text = text[close.end() :]
            finish()
            pieces.append(text)
        else:
            row.append(element)
    finish()
    return pieces


def _text(text: str) -> Element:
    element = Element("mtext")
    element.text = text
    return element


def _lines(row: list[Element]) -> list[_Piece]:
    """One part of a formula, cut before relations and signs that are outside brackets, where it is long."""
    length = sum(len("".join(element.itertext())) for element in row)
    pieces: list[_Piece] = []
    piece: list[Element] = []
    depth = size = 0
    for element in row:
        text = (element.text or "") if element.tag == "mo" else ""
        enough = _RELATION if text in RELATIONS else _SIGN if text in _SIGNS else length
        if depth == 0 and length > _LONG and size > enough:
            element.set("form", "infix")
            pieces.append(piece)
            piece, size = [], 0
        base = element[0] if element.tag in ("msub", "msup", "msubsup") else element
        depth += (base.text in OPENING) - (base.text in CLOSING) if base.tag == "mo" else 0
        depth = max(depth, 0)
        piece.append(element)
        size += len("".join(element.itertext()))
    return [*pieces, piece]
