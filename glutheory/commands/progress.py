"""A progress bar for work that takes more than a second: on a terminal's stderr, gone when the work is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from threading import Timer
from typing import Protocol, TypeVar

Item = TypeVar("Item")

#: Seconds before the bar is shown: what is quick needs none.
DELAY = 1.0


class Advance(Protocol):
    """What `progress` hands over."""

    def __call__(self, steps: float = 1, name: str = "") -> None:
        """So many steps are done; `name` is what is done next, shown beside the bar."""


@contextmanager
def progress(what: str, *, total: float | None = None) -> Iterator[Advance]:
    """Shows how far a piece of work has come, from the first second on.

    Nothing is shown where stderr is no terminal. However the block ends (an error, Ctrl-C), the line is cleared and the
    cursor is back.

    Args:
        what: a word or two: "Sampling".
        total: the number of steps; None where it is not known: then only the time and the steps done are shown.

    Yields:
        ``advance(steps=1, name="")``, to be called after each step.
    """
    if not sys.stderr.isatty():
        yield _nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn("line"), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    bar = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
    task = bar.add_task(what, total=total)

    def advance(steps: float = 1, name: str = "") -> None:
        bar.update(task, advance=steps, description=f"{what}: {name}" if name else what)

    # on a terminal that cannot move its cursor every refresh would be a line
    timer = Timer(DELAY, bar.start if console.is_interactive else _nothing)
    timer.daemon = True
    timer.start()
    try:
        yield advance
    finally:
        timer.cancel()
        timer.join()
        if bar.live.is_started:
            bar.stop()


def track(
    items: Iterable[Item], what: str, *, total: float | None = None, name: Callable[[Item], str] = lambda _: ""
) -> Iterator[Item]:
    """The items of a list or a generator, one after the other, with a progress bar beside the work on them.

    Args:
        items: what is worked on; a generator may do the work itself.
        what: a word or two for the whole.
        total: how many; left out: the length, where there is one.
        name: of an item, shown while it is worked on.
    """
    with progress(what, total=len(items) if total is None and isinstance(items, Sized) else total) as advance:
        for item in items:
            advance(0, name(item))
            yield item
            advance(1)


def _nothing(steps: float = 1, name: str = "") -> None:
    """No terminal, nothing to show."""
