"""The table of verdicts, for a terminal or as plain text."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from glutheory.claims import Outcome, Verdict

HEADINGS = ("id", "source", "verdict", "grade", "key figure", "seconds")
_COLOURS = {
    Verdict.HOLDS: "green",
    Verdict.CORRECTED: "yellow",
    Verdict.FAILS: "red",
    Verdict.INCONCLUSIVE: "magenta",
}


def row(outcome: Outcome) -> tuple[str, ...]:
    """One line of the table."""
    claim = outcome.claim
    grade = str(outcome.grade or "-")
    return claim.id, claim.source, str(outcome.verdict), grade, outcome.key_figure, f"{outcome.seconds:.1f}"


def plain(outcomes: Sequence[Outcome]) -> str:
    """The table as text in columns, in the encoding's worst case still readable."""
    rows = [HEADINGS, *map(row, outcomes)]
    widths = [max(len(line[i]) for line in rows) for i in range(len(HEADINGS))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in rows)


def show(outcomes: Sequence[Outcome]) -> None:
    """Print the table: with rules and colours on a terminal, else plain."""
    if not sys.stdout.isatty():
        encoding = sys.stdout.encoding or "ascii"
        print(plain(outcomes).encode(encoding, "replace").decode(encoding))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in HEADINGS:
        # on a narrow terminal the key figure is folded and nothing else
        table.add_column(heading, no_wrap=heading != "key figure", justify="right" if heading == "seconds" else "left")
    for outcome in outcomes:
        cells = list(row(outcome))
        cells[2] = f"[{_COLOURS[outcome.verdict]}]{cells[2]}[/]"
        table.add_row(*cells)
    Console().print(table)


@contextmanager
def progress(ids: Sequence[str]) -> Iterator[Callable[[Outcome], None]]:
    """What to call after each check: a bar on a terminal's stderr, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        remaining = list(ids)
        task = bar.add_task(remaining[0], total=len(ids))

        def advance(outcome: Outcome) -> None:
            remaining.remove(outcome.claim.id)
            bar.update(task, advance=1, description=remaining[0] if remaining else "")

        yield advance
