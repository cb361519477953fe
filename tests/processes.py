"""The processes that a test has started, those of its processes included: which there are, and their end."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

#: Seconds after which something counts as hung: no outcome depends on how fast or how busy the machine is.
PATIENCE = 600.0


def marked(marker: str) -> list[int]:
    """The numbers of the processes whose environment holds the marker, this one left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (path / "environ").read_bytes() and int(path.name) != os.getpid():
                found.append(int(path.name))
        except OSError:
            continue
    return found


def loaded(number: int, library: str) -> bool:
    """Whether the process has the library in its memory; not, if it is there no more."""
    try:
        return library in Path(f"/proc/{number}/maps").read_text()
    except OSError:
        return False


def left_behind(marker: str) -> bool:
    """Whether a process that is marked is still there when all had time to end."""
    end = time.monotonic() + PATIENCE
    while marked(marker) and time.monotonic() < end:
        time.sleep(0.05)
    return bool(marked(marker))


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What it wrote, once all of its session are ended: one that outlives it would keep the pipe open."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()


class Screen:
    """A terminal that is read all the time, so that no process ever waits for somebody who reads what it writes.

    Attributes:
        side: what the processes write to; given to them, and then closed by `watched`.
        text: what they have written so far.
    """

    def __init__(self) -> None:
        self._main, self.side = pty.openpty()
        self.text = ""
        self._news, self._over = threading.Condition(), threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        os.close(self._main)

    def watched(self) -> None:
        """From now on the processes alone hold the other side."""
        os.close(self.side)
        self._thread.start()

    def shows(self, sign: str) -> bool:
        """Whether the text appears; waits for it until nobody is left to write."""
        with self._news:
            self._news.wait_for(lambda: sign in self.text or not self._thread.is_alive(), PATIENCE)
        return sign in self.text

    def whole(self) -> str:
        """All that was written, once nobody is left to write."""
        self._thread.join(PATIENCE)
        return self.text

    def _read(self) -> None:
        while not self._over.is_set():
            if select.select([self._main], [], [], 0.05)[0]:
                try:
                    part = os.read(self._main, 65536)
                except OSError:  # Linux's end of file
                    break
                with self._news:
                    self.text += part.decode(errors="replace")
                    self._news.notify_all()
