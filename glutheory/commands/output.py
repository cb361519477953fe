"""Where the result of a command goes: a table or JSON on the terminal or in a file, a figure beside it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from glutheory.errors import DomainError
from glutheory.ground.files import writable, write_whole
from glutheory.terminal import Terminal, sentences

if TYPE_CHECKING:
    from glutheory.figures.chart import Chart

#: Names of formats that are not written here: text under such a name would be a trap.
_OTHER_FORMATS = (".jpg", ".jpeg", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".eps", ".ps", ".npy", ".npz", ".xlsx")

#: Where the command's context keeps what is to be said.
_NOTES = "glutheory.notes"

Found = TypeVar("Found", bound="Study", contravariant=True)  # noqa: PLC0105 (a plain name)


class Study(Protocol):
    """What a command has found: a record."""

    def as_json(self, charts: Sequence[Chart] = ()) -> dict[str, Any]:
        """Everything, in JSON types, `glutheory.studies.json_head.record` at its head."""


class Room(Protocol[Found]):
    """How such a record is shown: the package of its study, such as `glutheory.studies.kernel`."""

    def text(self, found: Found, terminal: Terminal, /) -> str:
        """For people, in characters that the terminal can show and lines that fit it."""

    def charts(self, found: Found, /) -> tuple[Chart, ...]:
        """The panels of its figure."""


def is_figure(out: Path | None) -> bool:
    """Whether a figure is to be drawn there."""
    if out is None:
        return False
    from glutheory.figures.draw import FORMATS  # with numpy

    return out.suffix.lower() in FORMATS


def check_output(out: Path | None) -> None:
    """Refuses an --out that could not be written; to be asked before anything long is computed.

    Raises:
        DomainError: a folder, a folder that does not exist or may not be written to, or the suffix of a
            format that is not written.
        MissingDependencyError: a figure is asked for and matplotlib is not installed.
    """
    if out is None:
        return
    shown = str(out)[:200]
    if out.suffix.lower() in _OTHER_FORMATS:
        raise DomainError(
            f"--out is {shown!r}: figures end in .png, .svg or .pdf, the table in .txt, JSON in .json with --json."
        )
    try:
        there, within = out.is_dir(), out.resolve().parent.is_dir()  # the folder that a link leads to
        allowed = within and writable(out)
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DomainError(f"--out is {shown!r}, which is no name for a file ({reason}): give another one.") from None
    if there:
        raise DomainError(f"--out is {shown!r}, which is a folder: give the name of a file in it.")
    if not within:
        raise DomainError(f"--out is {shown!r}, but there is no such folder: make it first.")
    if not allowed:
        where = "which" if out.exists() and not out.is_file() else "in a folder that"
        raise DomainError(f"--out is {shown!r}, {where} may not be written to: give another one.")
    if is_figure(out):
        from glutheory.figures.draw import check

        check(out)


def check_text_output(out: Path | None) -> None:
    """As `check_output`, for a command that draws no figure.

    Raises:
        DomainError: also for the suffix of a figure.
    """
    if is_figure(out):
        raise DomainError(
            f"--out is {str(out)[:200]!r}, but this command draws no figure: give the name of a text file."
        )
    check_output(out)


def note(sentence: str) -> None:
    """Have it said under the page that the command prints, once."""
    notes().append(sentence)


def notes() -> list[str]:
    """What `note` was told in this command."""
    context = click.get_current_context(silent=True)
    found: list[str] = [] if context is None else context.meta.setdefault(_NOTES, [])
    return found


def emit(room: Room[Found], study: Found, *, as_json: bool, out: Path | None, ascii_only: bool) -> None:
    """Print what was found, or write it to the file; draw the figure where the file is one.

    Args:
        room: how it is shown.
        study: the result.
        as_json: JSON in place of the table.
        out: a figure (then the table or JSON is still printed), any other file (it takes their place), or None.
        ascii_only: no characters beyond ASCII.

    Raises:
        DomainError: the file cannot be written.
        MissingDependencyError: a figure is asked for and matplotlib is not installed.
    """
    to_file = out is not None and not is_figure(out)
    if as_json:
        text = json.dumps(study.as_json(room.charts(study)), indent=2, allow_nan=False) + "\n"
    else:
        here = Terminal(unicode=not ascii_only) if to_file else Terminal.of(sys.stdout, ascii_only=ascii_only)
        said = sentences(list(dict.fromkeys(notes())), here)
        text = "\n".join([room.text(study, here).rstrip("\n"), *said]) + "\n"
    if out is not None and to_file:
        write_whole(out, text)
        return
    if out is not None:
        _draw(room.charts(study), out)
    click.echo(text, nl=False)


def _draw(charts: Sequence[Chart], out: Path) -> None:
    from glutheory.figures.draw import save

    try:
        save(charts, out)
    except OSError as error:
        raise DomainError(
            f"--out is {str(out)[:200]!r}, which cannot be written ({error.strerror}): give another file."
        ) from None
