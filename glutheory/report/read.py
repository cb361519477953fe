"""The files of results that a report is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

from glutheory.claims.retired import RETIRED
from glutheory.claims.sources import of_source
from glutheory.claims.stored import Stored, load
from glutheory.errors import DomainError

#: The runs that come with the package, in the order of the report.
FILES = ("full.json", "architectures.json", "generalization.json")


def committed() -> tuple[Path, ...]:
    """The results that come with the package; in a checkout those of the repository.

    Raises:
        DomainError: neither is there.
    """
    package = Path(str(resources.files("glutheory")))
    for folder in (package / "results", package.parent / "results"):
        found = tuple(folder / name for name in FILES)
        if all(path.is_file() for path in found):
            return found
    raise DomainError(
        "the results that come with the package are not installed: give --from with a file that "
        "'python -m checks --json' wrote."
    )


def read(paths: Sequence[Path], *, only: Sequence[str] = (), replacing: bool = False) -> tuple[Stored, ...]:
    """The runs in these files.

    Args:
        paths: of files that `python -m checks --json` wrote.
        only: the ids or sources ("Thm 3.1") of the claims that are wanted; empty for all.
        replacing: the last file that has a claim counts, instead of an error.

    Raises:
        DomainError: a file cannot be read, a claim is in two files, or one that is wanted is in none.
    """
    runs = [load(path) for path in paths]
    last: dict[str, int] = {}
    for index, run in enumerate(runs):
        for name in run.outcomes:
            if name in last and not replacing:
                first, second = paths[last[name]], paths[index]
                raise DomainError(
                    f"the claim {name} is in {first} and in {second}: leave one out, or say --replace to take the last."
                )
            last[name] = index
    if not last:
        raise DomainError(f"there is no claim in {', '.join(map(str, paths))}: give a file with results.")
    claims = {name: runs[index].outcomes[name].claim for name, index in last.items()}
    wanted: set[str] = set()
    for name in only:
        found = {name} & set(last) or of_source(name, claims)
        wanted |= found
        if not found:
            if became := RETIRED.get(name):
                raise DomainError(f"--only names {name}, which is no claim any more: {became}.")
            known = ", ".join(last)
            raise DomainError(f"--only names {name[:60]!r}, which is in none of the files: use {known or 'another'}.")
    wanted = wanted or set(last)
    kept = (
        {name: found for name, found in run.outcomes.items() if last[name] == index and name in wanted}
        for index, run in enumerate(runs)
    )
    return tuple(
        # who asks for some claims is not told of others
        replace(run, outcomes=outcomes, retired=() if only else run.retired)
        for run, outcomes in zip(runs, kept, strict=True)
    )
