"""Claims that are no longer checked under their old id: what became of them, for readers of older runs."""

from __future__ import annotations

from collections.abc import Iterable

#: What became of a claim. Older runs may hold its outcome, which is not shown.
RETIRED: dict[str, str] = {
    "crossing": "it was split into crossing-early and crossing-late, and its corrected form was found to fail at ties",
}


def notes(names: Iterable[str], file: str) -> list[str]:
    """One sentence for each outcome in a file that is not shown."""
    return [f"{file}: {name} is not shown: {RETIRED[name]}." for name in names]
