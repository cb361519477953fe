"""Pages about claims, printed: of outcomes with their figures, and of measurements on one's own rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from checks.frame import Origin
from glutheory.claims import Outcome
from glutheory.commands.data import DataRows
from glutheory.commands.progress import progress
from glutheory.errors import DomainError
from glutheory.terminal import Terminal

#: Seconds between two lines about progress where there is no terminal.
_LINES = 10.0
#: A page about an outcome, the short or the full one.
Page = Callable[[Outcome, Origin, Terminal, str], str]


def measure(ids: Sequence[str], read: Callable[[], DataRows]) -> None:
    """What claims about sizes say on one's own rows, which are read when the claims are known to be such."""
    from checks.own.page import check
    from checks.own.page import page as own_page

    check(ids)
    rows = read()
    terminal = Terminal.of(sys.stdout)
    with progress("Measuring", total=len(ids), lines=_LINES) as advance:
        texts = []
        for name in ids:
            advance(0, name)
            texts.append(own_page(name, rows, terminal))
            advance(1)
    say("\n\n".join(texts))


def figures(figure: Path | None, ids: Sequence[str]) -> dict[str, Path]:
    """The file of each claim's figure: the given one, or with the id before the suffix where there are several."""
    if figure is None:
        return {}
    from glutheory.figures.draw import check

    check(figure)
    several = len(ids) > 1
    return {name: figure.with_stem(f"{figure.stem}-{name}") if several else figure for name in ids}


def print_pages(outcomes: Sequence[Outcome], tell: Page, origins: Mapping[str, Origin], figure: Path | None) -> None:
    """Draw the figures and print the pages."""
    files = figures(figure, [outcome.claim.id for outcome in outcomes])
    terminal = Terminal.of(sys.stdout)
    without = []
    for index, outcome in enumerate(outcomes):
        path = files.get(outcome.claim.id)
        if path is not None and outcome.charts:
            from glutheory.figures.draw import save

            save(outcome.charts, path)
        elif path is not None:
            without.append(outcome.claim.id)
        say(("\n\n" if index else "") + tell(outcome, origins[outcome.claim.id], terminal, str(path) if path else ""))
    if without:
        raise DomainError(f"no figure was written for {', '.join(without)}: there is none.")


def say(text: str) -> None:
    """Print it; what the encoding lacks becomes a question mark."""
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "replace").decode(encoding))
