"""The processes that a test has started, those of its processes included: which there are, and their end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

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
