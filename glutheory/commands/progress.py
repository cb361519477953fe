"""A progress bar for work that takes more than a second: on a terminal's stderr, gone when the work is done."""

from __future__ import annotations

import math
import sys
import time
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
def progress(what: str, *, total: float | None = None, lines: float = math.inf) -> Iterator[Advance]:
    """Shows how far a piece of work has come, from the first second on.

    Where stderr is no terminal nothing is shown, or a line from time to time. However the block ends (an error,
    Ctrl-C), the line of a terminal is cleared and the cursor is back.

    Args:
        what: a word or two: "Sampling".
        total: the number of steps; None where it is not known: then only the time and the steps done are shown.
        lines: where stderr is no terminal: seconds to the first line there, and between two.

    Yields:
        ``advance(steps=1, name="")``, to be called after each step.
    """
    if not sys.stderr.isatty():
        yield _Lines(what, total, lines).advance
        return
    bar = _Bar(what, total)
    timer = Timer(DELAY, bar.show)
    timer.daemon = True
    timer.start()
    try:
        yield bar.advance
    finally:
        timer.cancel()
        timer.join()
        bar.hide()


class _Lines:
    """A line from time to time, for a file or a pipe."""

    def __init__(self, what: str, total: float | None, seconds: float) -> None:
        self._what, self._total, self._seconds, self._done = what, total, seconds, 0.0
        self._last = time.monotonic()

    def advance(self, steps: float = 1, name: str = "") -> None:
        self._done += steps
        now = time.monotonic()
        if now - self._last >= self._seconds:
            self._last = now
            of = "" if self._total is None else f" of {self._total:g}"
            print(f"{self._what}: {self._done:g}{of}{', ' if name else ''}{name}", file=sys.stderr, flush=True)


class _Bar:
    """What is done so far, and from `show` on a bar that shows it: quick work does not even import rich."""

    def __init__(self, what: str, total: float | None) -> None:
        self._what, self._total, self._done, self._name = what, total, 0.0, ""
        self._update: Callable[[], None] = _nothing
        self._stop: Callable[[], None] = _nothing

    def advance(self, steps: float = 1, name: str = "") -> None:
        self._done, self._name = self._done + steps, name
        self._update()

    def show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        console = Console(stderr=True)
        if not console.is_interactive:
            return  # on a terminal that cannot move its cursor every refresh would be a line
        words = TextColumn("{task.description}", markup=False)
        columns = (SpinnerColumn("line"), words, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        bar = Progress(*columns, console=console, transient=True)
        task = bar.add_task(self._what, total=self._total)
        bar.tasks[0].start_time = bar.get_time() - DELAY

        def update() -> None:
            description = f"{self._what}: {self._name}" if self._name else self._what
            bar.update(task, completed=self._done, description=description)

        self._update, self._stop = update, bar.stop
        update()
        bar.start()

    def hide(self) -> None:
        self._stop()


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
