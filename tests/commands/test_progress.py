"""Slow work has a bar on a terminal; an interrupt ends it and leaves nothing behind."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from glutheory.commands import progress
from glutheory.networks import network_names
from tests.commands.command_line import KERNEL, SPECTRUM, run
from tests.processes import PATIENCE, Screen, ended
from tests.zoo import JUMPS

# --- what they refuse -----------------------------------------------------------------------------------------------


class _Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def screen_of(monkeypatch: pytest.MonkeyPatch) -> _Screen:
    """Stderr as a terminal; to be called by the test itself, since pytest puts its own stderr in place before it."""
    found = _Screen()
    monkeypatch.setattr(sys, "stderr", found)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(progress, "DELAY", 0.0)
    return found


def waited(screen: _Screen, text: str) -> bool:
    """Whether the text appears there."""
    end = time.monotonic() + PATIENCE
    while text not in screen.getvalue() and time.monotonic() < end:
        time.sleep(0.01)
    return text in screen.getvalue()


def test_slow_work_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch)
    with progress.progress("Sampling", total=3) as advance:
        assert waited(screen, "0/3")
        advance(1, "[second]")
        assert waited(screen, "Sampling: [second]")
        assert waited(screen, "1/3")
    # the cursor is back and the line is empty
    assert screen.getvalue().count("\x1b[?25h") == 1
    assert screen.getvalue().endswith("\x1b[2K")


def test_quick_work_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch)
    monkeypatch.setattr(progress, "DELAY", PATIENCE)
    with progress.progress("Sampling", total=3) as advance:
        advance()
    assert screen.getvalue() == ""


def test_a_bar_ends_with_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch)

    def work() -> None:
        with progress.progress("Sampling"):
            assert waited(screen, "Sampling")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert screen.getvalue().count("\x1b[?25h") == 1


@pytest.mark.parametrize("term", ["dumb", None])
def test_no_bar_without_a_terminal(
    term: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = screen_of(monkeypatch)
    if term is None:
        monkeypatch.setattr(sys, "stderr", io.StringIO())
    else:
        monkeypatch.setenv("TERM", term)
    with progress.progress("Sampling", total=1) as advance:
        time.sleep(0.05)
        advance(1)
    assert screen.getvalue() == ""
    assert capsys.readouterr().out == ""


def test_lines_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only if asked for, and not too many of them."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    clock = iter([0.0, 4.0, 11.0, 12.0, 22.0])
    monkeypatch.setattr("glutheory.commands.progress.time.monotonic", lambda: next(clock))
    with progress.progress("Drawing", total=4, lines=10) as advance:
        for name in ("one", "two", "three", ""):
            advance(1, name)
    assert stream.getvalue() == "Drawing: 2 of 4, two\nDrawing: 4 of 4\n"


def test_track_counts_a_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch)
    found = []
    for item in progress.track((x for x in "ab"), "Parts", total=2, name=str.upper):
        assert waited(screen, f"Parts: {item.upper()}")
        found.append(item)
    assert found == ["a", "b"]
    assert list(progress.track([1, 2, 3], "Parts")) == [1, 2, 3]


# --- Ctrl-C ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "name", "where"),
    [
        (SPECTRUM, "x.svg", "matplotlib.figure.Figure.savefig"),
        (KERNEL, "x.txt", "pathlib.Path.write_text"),
    ],
    ids=["spectrum", "kernel"],
)
def test_an_interrupt_while_writing_leaves_nothing(
    command: tuple[str, ...], name: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        # half of it is there
        part = next(tmp_path.glob("*.part"))
        with part.open("w") as stream:
            stream.write("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(where, interrupted)
    result = run(*command, "--out", str(tmp_path / name))
    assert result.exit_code == 130
    # click ends the line that shows ^C
    assert (result.stdout, result.stderr.strip()) == ("", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_ctrl_c_at_the_terminal(tmp_path: Path) -> None:
    """A real process on a real terminal, interrupted when its bar shows that it is at work."""
    names = [name for name in network_names() if name not in JUMPS]
    place = tmp_path / "place"
    place.mkdir()
    # a file: a pipe that nobody reads would hold a process that does not end
    with Screen() as screen, (tmp_path / "out").open("w+") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "glutheory", "kernel", *names, *names, "--points", "1001", "--out", "x.svg"],
            cwd=place,
            stdout=out,
            stderr=screen.side,
            env={**os.environ, "TERM": "xterm", "OMP_NUM_THREADS": "1"},
            text=True,
            start_new_session=True,
        )
        screen.watched()
        try:
            assert screen.shows("Kernels"), screen.text
            process.send_signal(signal.SIGINT)
            # CPython ends itself with the signal where it came inside exec or eval of a string, even if it was caught
            # there; a shell says 130 of either
            assert process.wait(timeout=PATIENCE) in (130, -signal.SIGINT), screen.text
        finally:
            ended(process)
        seen = screen.whole()
    assert "Traceback" not in seen
    assert seen.rstrip().endswith("\x1b[2K")
    assert (tmp_path / "out").read_text() == ""
    assert not list(place.iterdir())
