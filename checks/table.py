"""The table of verdicts and the list of claims, for a terminal or as plain text, and the progress of a run."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from checks.symbols import symbols
from glutheory.claims import Claim, Grade, Outcome, Verdict
from glutheory.commands.progress import progress as progress_bar
from glutheory.terminal import Terminal, aligned, paragraph, shown, wide

HEADINGS = ("id", "source", "verdict", "grade", "key figure", "seconds")
COLOURS = {
    Verdict.HOLDS: "green",
    Verdict.CORRECTED: "yellow",
    Verdict.WEAKER: "red",
    Verdict.FAILS: "red",
    Verdict.INCONCLUSIVE: "magenta",
}


def row(outcome: Outcome) -> tuple[str, ...]:
    """One line of the table."""
    claim = outcome.claim
    grade = outcome.graded if outcome.grade else "-"
    return claim.id, claim.source, str(outcome.verdict), grade, outcome.key_figure, f"{outcome.seconds:.1f}"


def plain(outcomes: Sequence[Outcome], terminal: Terminal | None = None) -> str:
    """The table as text in columns, each line one claim."""
    where = terminal or Terminal()
    return "\n".join(aligned([HEADINGS, *([shown(cell, where) for cell in row(item)] for item in outcomes)], gap=2))


def dropped(outcomes: Sequence[Outcome], terminal: Terminal | None = None) -> str:
    """What the weaker statements leave out, and what was not judged, claim by claim; empty where there is none."""
    where = terminal or Terminal()
    found = []
    for item in outcomes:
        if item.verdict is Verdict.WEAKER or item.dropped:
            parts = ", ".join(f"{part.name} ({part.fate})" for part in item.dropped) or "its parts are not given"
            found += paragraph(shown(f"{item.claim.id}: {parts}", where), where.width)
    return "\n".join(["Not kept of the claims, or not judged:", *found]) if found else ""


def footer(outcomes: Sequence[Outcome]) -> str:
    """How many claims have which verdict, how long it took, and how likely some statistical test was unlucky."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    verdicts = "; ".join(f"{verdict}: {counts[verdict]}" for verdict in Verdict if counts[verdict])
    claims = "1 claim" if len(outcomes) == 1 else f"{len(outcomes)} claims"
    seconds = math.fsum(outcome.seconds for outcome in outcomes)
    return f"{claims}. {verdicts}. {seconds:.1f} s. {risk(outcomes)}."


def risk(outcomes: Sequence[Outcome]) -> str:
    """The bound on the probability of a false alarm, in words, and the checks that it leaves out."""
    alarm = math.fsum(outcome.false_alarm for outcome in outcomes)
    # networks that have to be trained are too few for such a bound: their tests have levels of their own
    own = [
        outcome.claim.id
        for outcome in outcomes
        if any(item.grade is Grade.STATISTICAL and "false_alarm" not in item.figures for item in outcome.evidence)
    ]
    bound = f"False alarm by chance: probability at most {alarm:.2g}" if alarm else ""
    rest = f"Tests on few networks, at the levels they state: {', '.join(own)}" if own else ""
    return ". ".join(part for part in (bound, rest) if part) or "No verdict rests on chance"


def show(outcomes: Sequence[Outcome]) -> None:
    """Print the table: with rules and colours on a terminal, else plain."""
    terminal = Terminal.of(sys.stdout)
    if not sys.stdout.isatty():
        blocks = plain(outcomes, terminal), dropped(outcomes, terminal), footer(outcomes)
        print("\n\n".join(block for block in blocks if block))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in HEADINGS:
        # on a narrow terminal the key figure is folded and nothing else
        table.add_column(heading, no_wrap=heading != "key figure", justify="right" if heading == "seconds" else "left")
    for outcome in outcomes:
        cells = [Text(shown(cell, terminal)) for cell in row(outcome)]
        cells[2].stylize(COLOURS[outcome.verdict])
        table.add_row(*cells)
    console = Console(highlight=False)
    console.print(table)
    if lost := dropped(outcomes, terminal):
        console.print(Text(f"{lost}\n"))
    console.print(Text(footer(outcomes)))


def listing(claims: Iterable[Claim], terminal: Terminal) -> str:
    """Every claim's id and source, its statement in words and in signs; nothing is run for it."""
    claims = list(claims)
    width = max(len(claim.id) for claim in claims)
    lines = []
    for claim in claims:
        head, source = claim.id.ljust(width), shown(claim.source, terminal)
        lines.append(f"{terminal.bold(head)}  {source}")
        for text in (shown(claim.words, terminal), *symbols(claim.statement, terminal)):
            lines += paragraph(text, terminal.width + len(text) - wide(text))
        lines.append("")
    return "\n".join(lines[:-1])


@contextmanager
def progress(ids: Sequence[str]) -> Iterator[Callable[[Outcome], None]]:
    """What to call after each check.

    On a terminal's stderr a bar names the next one that is not done; elsewhere, where there are several, each gets a
    line when it is done.
    """
    remaining = list(ids)
    if not sys.stderr.isatty():
        with _lines(remaining) as advance:
            yield advance
        return
    with progress_bar("Checking", total=len(ids)) as step:
        step(0, remaining[0])

        def advance(outcome: Outcome) -> None:
            remaining.remove(outcome.claim.id)
            step(1, remaining[0] if remaining else "")

        yield advance


@contextmanager
def _lines(remaining: list[str]) -> Iterator[Callable[[Outcome], None]]:
    total = len(remaining)

    def advance(outcome: Outcome) -> None:
        remaining.remove(outcome.claim.id)
        if total > 1:
            place = f"[{total - len(remaining):{len(str(total))}}/{total}]"
            line = f"{place} {outcome.claim.id}: {outcome.verdict} ({outcome.seconds:.1f} s)"
            print(line, file=sys.stderr, flush=True)

    yield advance
