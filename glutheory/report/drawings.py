"""The figure of every claim as a file of its own: the one way in which committed figures are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from glutheory.claims import Outcome
from glutheory.errors import DomainError
from glutheory.figures import draw as drawing


def check(folder: Path, suffix: str) -> None:
    """Makes the folder if need be; to be asked before anything long is computed.

    Raises:
        DomainError: it cannot be made, or is a file; another suffix than ``.svg``, ``.png``, ``.pdf``.
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        folder.mkdir(exist_ok=True)
    except (OSError, ValueError) as error:
        raise DomainError(f"--figures is {str(folder)[:200]!r}, which {_reason(error)}: give a folder.") from None
    drawing.check(folder / f"figure{suffix}")


def draw(
    outcomes: Iterable[Outcome], folder: Path, suffix: str = ".svg", *, advance: Callable[[str], None] = lambda _: None
) -> dict[str, Path]:
    """Write the figure of each claim that has one as ``folder/<id><suffix>``; the same charts give the same bytes.

    Args:
        outcomes: of the claims.
        folder: where to; it exists.
        suffix: ``.svg``, ``.png`` or ``.pdf``.
        advance: is told the id of each claim before its figure is drawn.

    Returns:
        The files by the ids of the claims.

    Raises:
        DomainError: a file cannot be written.
        MissingDependencyError: matplotlib is not installed.
    """
    found = {}
    for outcome in outcomes:
        advance(outcome.claim.id)
        if outcome.charts:
            path = folder / f"{outcome.claim.id}{suffix}"
            try:
                drawing.save(outcome.charts, path)
            except OSError as error:
                raise DomainError(f"--figures: {path.name!r} {_reason(error)}: give another folder.") from None
            found[outcome.claim.id] = path
    return found


def _reason(error: OSError | ValueError) -> str:
    return f"cannot be written ({getattr(error, 'strerror', None) or error})"
