"""Run checks; compare their verdicts with the recorded ones; write results atomically."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import glutheory
from checks.catalog import FOLDER, modules
from checks.settings import FALSE_ALARM, FAMILIES, Settings
from glutheory.claims import SCHEMA, Claim, Evidence, Finding, Grade, Outcome, Verdict
from glutheory.errors import DomainError, GlutheoryError

RECORDED = FOLDER / "recorded.json"
_PACKAGES = ("numpy", "scipy", "sympy", "mpmath", "python-flint", "torch")


def versions() -> dict[str, str]:
    """Of the software that the results come from."""
    found = {"glutheory": glutheory.__version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def run_all(ids: Sequence[str], settings: Settings, done: Callable[[Outcome], None] = lambda _: None) -> list[Outcome]:
    """Run these checks in order; `done` is called after each."""
    table, software, outcomes = modules(), versions(), []
    for name in ids:
        start = time.perf_counter()
        try:
            found: Outcome = table[name].run(settings)
        except GlutheoryError as error:
            # one check that cannot be carried out must not take the others with it
            found = _broken(table[name].CLAIM, error)
        seconds = round(time.perf_counter() - start, 2)
        outcome = replace(found, seconds=seconds, seed=settings.seed, versions=software)
        outcomes.append(outcome)
        done(outcome)
    return outcomes


def _broken(claim: Claim, error: GlutheoryError) -> Outcome:
    """What is known when a check breaks off: nothing."""
    reason = f"the check broke off: {error}"
    evidence = (Evidence(Grade.NUMERICAL, reason, Finding.UNDECIDED),)
    return Outcome(claim, (), evidence, (), Verdict.INCONCLUSIVE, reason)


def document(outcomes: Sequence[Outcome], settings: Settings) -> dict[str, Any]:
    """Everything about a run in JSON types; nothing in it but the seconds depends on the machine.

    Raises:
        DomainError: the statistical tests together exceed the false-alarm probability that is promised.
    """
    total = sum(outcome.false_alarm for outcome in outcomes)
    if total > FALSE_ALARM * FAMILIES:
        raise DomainError(f"the false-alarm probability of the run is {total:.2g}: give each test less.")
    profile = settings.profile
    return {
        "schema": SCHEMA,
        "profile": {"name": profile.name, "draws": profile.draws, "width": profile.width, "narrow": profile.narrow},
        "seed": settings.seed,
        "device": settings.device,
        "versions": versions(),
        "false_alarm": total,
        "outcomes": [outcome.as_json() for outcome in outcomes],
    }


def write_json(path: Path, content: Any) -> None:
    """Write the file in one step: a reader, or a crash, finds the old one or the new one, never a half."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        # mkstemp makes a private file; results are to be read by others as any file is
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def recorded(path: Path = RECORDED) -> dict[str, dict[str, str]]:
    """The recorded verdicts and grades by id; empty where none were recorded yet.

    Raises:
        DomainError: the file is not what `record` writes.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {name: {"verdict": row["verdict"], "grade": row["grade"]} for name, row in content["verdicts"].items()}
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise DomainError(
            f"{path.name} is not a file of recorded verdicts: restore it, or run with --record."
        ) from None


def record(outcomes: Iterable[Outcome], path: Path = RECORDED) -> None:
    """Put these verdicts among the recorded ones."""
    rows: Mapping[str, Any] = {
        **recorded(path),
        **{item.claim.id: {"verdict": str(item.verdict), "grade": str(item.grade)} for item in outcomes},
    }
    write_json(path, {"schema": SCHEMA, "verdicts": dict(sorted(rows.items()))})


def differences(outcomes: Iterable[Outcome], known: Mapping[str, Mapping[str, str]]) -> list[str]:
    """One clause for each outcome whose verdict or grade is not the recorded one."""
    found = []
    for item in outcomes:
        row = known.get(item.claim.id)
        mine = f"{item.verdict} ({item.grade})"
        if row is None:
            found.append(f"{item.claim.id}: {mine}, nothing is recorded")
        elif (row["verdict"], row["grade"]) != (str(item.verdict), str(item.grade)):
            found.append(f"{item.claim.id}: {mine}, recorded is {row['verdict']} ({row['grade']})")
    return found
