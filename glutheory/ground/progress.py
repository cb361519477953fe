"""A progress bar on stderr for long runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(wanted: bool | None, what: str, total: int, done: int) -> Iterator[Callable[[int], object]]:
    """What to call with the number of steps that were done since the last call.

    Args:
        wanted: whether there is a bar; None: where stderr is a terminal.
        what: is counted: "draws".
        total: how many steps there are.
        done: how many are done already.
    """
    if not (sys.stderr.isatty() if wanted is None else wanted):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=console.is_terminal) as shown:
        task = shown.add_task(what, total=total, completed=done)
        yield lambda steps: shown.advance(task, steps)
