"""Showing runs that were stored: the table, pages, and the run decided again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from checks.catalog import ORDER, claims
from checks.runner import again, write_json
from glutheory.claims.retired import notes
from glutheory.claims.stored import Stored, decoded, load, parse
from glutheory.errors import DomainError
from glutheory.report.read import committed


def stored_run(source: Path, file: Path | None, wanted: Sequence[str]) -> Stored:
    """The run in a file, or, with another one to write, the run decided again with today's parts of the claims.

    Raises:
        DomainError: a file cannot be read or written or holds no claims, or claims are named where the whole run is
            written.
    """
    written = decoded(source)
    found = parse(written, source.name)
    if not found.outcomes:
        reasons = "".join(f"; {note}" for note in notes(found.retired, source.name)).rstrip(".")
        raise DomainError(f"{source.name} holds no claims{reasons}: give a file with results.")
    if file is None:
        return found
    if wanted:
        raise DomainError("--json with --from writes the whole run: leave out --only and --explain.")
    anew = again(written, claims())
    try:
        write_json(file, anew)
    except OSError as error:
        raise DomainError(f"cannot write {file.name}: {error.strerror}.") from None
    # what was written may be gone, as into a pipe
    return parse(anew, file.name)


def with_siblings(source: Path, run: Stored) -> tuple[Mapping[str, str], Stored]:
    """The run, and with the committed full run those of the claims that have a file of their own.

    Args:
        source: the file that was read.
        run: what is in it.

    Returns:
        The file of each outcome by the id of its claim, and the run with all of them, in the order of the catalog.
    """
    files = dict.fromkeys(run.outcomes, str(source))
    outcomes = dict(run.outcomes)
    try:
        own, *others = committed()
    except DomainError:
        return files, run
    if own.resolve() != source.resolve():
        return files, run
    for path in others:
        for name, found in load(path).outcomes.items():
            if name not in outcomes:
                outcomes[name] = found
                files[name] = str(source.with_name(path.name))
    place = {name: index for index, name in enumerate(ORDER)}
    ordered = sorted(outcomes, key=lambda name: place.get(name, len(place)))
    return files, replace(run, outcomes={name: outcomes[name] for name in ordered})
