"""A page about one claim that fits on a screen or two; `checks.explain` has all of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from checks.against import against
from checks.explain import reasons
from checks.figure_tables import section, tables
from checks.frame import Origin, plain, rendered
from checks.symbols import symbols
from glutheory.claims import About, Finding, Outcome
from glutheory.terminal import Terminal, paragraph, shown

#: Pieces of evidence, each on so many lines at most, and tables.
_PIECES, _LINES, _TABLES = 10, 2, 2
_SAYS = {Finding.SUPPORTS: "supports", Finding.REFUTES: "refutes", Finding.UNDECIDED: "leaves open"}


def brief(outcome: Outcome, origin: Origin, terminal: Terminal, figure: str = "") -> str:
    """The claim, its verdict, what it means, the numbers of its figure, and a line or two for each piece of evidence.

    Args:
        outcome: what to tell.
        origin: of the outcome.
        terminal: where it is shown.
        figure: the file to which its figure is written, or empty.
    """
    claim = outcome.claim
    sections: list[tuple[str, Sequence[RenderableType]]] = [
        ("The claim", [plain(claim.words, terminal), *_formula(claim.statement, terminal)]),
        ("The verdict, and how it follows", [plain(line, terminal) for line in reasons(outcome, short=True)]),
        ("The corrected statement", _formula(claim.corrected, terminal) if claim.corrected else []),
        ("What it means", [plain(claim.meaning, terminal)] if claim.meaning else []),
        *_numbers(outcome, terminal),
        ("Evidence", _evidence(outcome, terminal)),
        ("Not as it should be", _amiss(outcome, terminal)),
        ("More", _more(outcome, origin, terminal, figure)),
    ]
    return rendered(outcome, sections, terminal)


def _formula(latex: str, terminal: Terminal) -> list[RenderableType]:
    return [Text(line, style="cyan") for line in symbols(latex, terminal)]


def _numbers(outcome: Outcome, terminal: Terminal) -> list[tuple[str, Sequence[RenderableType]]]:
    """What was measured against what was claimed, and the first tables of its figure."""
    orders = against(outcome, terminal)
    shown_tables = [*([orders] if orders else []), *islice(tables(outcome.charts, terminal), _TABLES)]
    return [section(table, terminal) for table in shown_tables]


def _evidence(outcome: Outcome, terminal: Terminal) -> list[RenderableType]:
    """One entry a piece: what it says of what, and what was done."""
    found: list[RenderableType] = []
    for item in outcome.evidence[:_PIECES]:
        about = "as stated" if item.about is About.LITERAL else "corrected"
        part = f", {item.part}" if item.part else ""
        entry = f"{_SAYS[item.finding]} the claim {about}{part} ({item.graded}): {item.what}"
        lines = paragraph(shown(entry, terminal), terminal.width - 8, 0)
        if len(lines) > _LINES:
            lines = [*lines[:_LINES], shown("…", terminal) if terminal.unicode else "..."]
            lines[_LINES - 1 :] = [f"{lines[_LINES - 1]} {lines[_LINES]}"]
        found += [Padding(Text(line), (0, 0, 0, 2 * bool(number))) for number, line in enumerate(lines)]
    rest = len(outcome.evidence) - _PIECES
    return [*found, Text(f"and {rest} more")] if rest > 0 else found


def _amiss(outcome: Outcome, terminal: Terminal) -> list[RenderableType]:
    """Assumptions that do not hold and controls that were missed."""
    failed = [f"does not hold: {item.statement} ({item.figure})" for item in outcome.assumptions if not item.holds]
    missed = [f"control that was missed: {item.altered}" for item in outcome.controls if not item.caught]
    return [plain(text, terminal) for text in (*failed, *missed)]


def _more(outcome: Outcome, origin: Origin, terminal: Terminal, figure: str) -> list[RenderableType]:
    lines = [
        origin.run(outcome),
        f"All numbers, assumptions, controls and provenance: {origin.command(outcome.claim.id)} --full",
    ]
    if outcome.charts:
        lines.append(origin.drawing(outcome.claim.id, figure))
    return [plain(line, terminal) for line in lines]
