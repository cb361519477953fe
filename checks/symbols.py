"""Statements in LaTeX as a terminal can show them: λ₁(K̃) = O(mn/d)."""

from __future__ import annotations

import re

from glutheory.errors import DomainError
from glutheory.report.plain import plain
from glutheory.terminal import Terminal

#: What separates formulas in a row; each gets a line of its own.
_GAP = re.compile(r"\\q?quad\b|\\\\(?![a-zA-Z])")


def symbols(latex: str, terminal: Terminal) -> list[str]:
    """The statement, formula by formula.

    Args:
        latex: without dollar signs.
        terminal: where it is shown; one of ASCII alone gets the LaTeX, which is that.

    Returns:
        Lines to be folded; the LaTeX where it cannot be read.
    """
    if not terminal.unicode:
        return [latex]
    try:
        found = [plain(f"${part.strip()}$").strip() for part in _parts(latex)]
    except DomainError:
        return [latex]
    return [_tidy(text) for text in found if text]


def _parts(latex: str) -> list[str]:
    """The formulas between wide gaps, unless a gap is within braces."""
    parts = [""]
    last = 0
    for gap in _GAP.finditer(latex):
        before = re.sub(r"\\.", "", latex[: gap.start()])
        parts[-1] += latex[last : gap.start()]
        if before.count("{") == before.count("}"):
            parts.append("")
        last = gap.end()
    parts[-1] += latex[last:]
    return [part for part in parts if part.strip(" ,;")]


def _tidy(text: str) -> str:
    """No blanks before punctuation or twice."""
    return re.sub(r"\s+([,;:.])", r"\1", " ".join(text.split())).removesuffix(",")
