"""Run checks; compare their verdicts with the recorded ones; write results atomically."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import glutheory
from checks.catalog import modules
from checks.settings import FALSE_ALARM, FAMILIES, Settings
from glutheory.claims import SCHEMA, Claim, Evidence, Finding, Grade, Outcome, Verdict, decide
from glutheory.claims.stored import outcome
from glutheory.errors import DomainError, GlutheoryError
from glutheory.ground.executors import one_thread
from glutheory.ground.files import replacing
from glutheory.ground.workers import completed
from glutheory.numeric.tiles import cores

RECORDED = Path(__file__).resolve().parent / "recorded.json"
#: These take their spectra from `checks.tools.spectral_grid`, which keeps them for the process.
SHARED_GRID = ("decomposition", "lambda-max", "lambda-min", "condition", "compact", "spike")
#: These share out their own work, network by network or cell by cell.
SHARING = ("architectures", "generalization", "phase-diagram", "training")
_PACKAGES = ("numpy", "scipy", "statsmodels", "sympy", "mpmath", "python-flint", "torch", "transformers", "einops")


def versions() -> dict[str, str]:
    """Of the software that the results come from."""
    found = {"glutheory": glutheory.__version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def machine() -> dict[str, str]:
    """What the results were computed on; no names of hosts or users."""
    system = f"{platform.system()} {platform.machine()}"
    return {"processor": _processor() or platform.machine(), "cores": str(cores()), "platform": system}


def _processor() -> str:
    """As Linux tells it; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def run_all(
    ids: Sequence[str],
    settings: Settings,
    done: Callable[[Outcome], None] = lambda _: None,
    jobs: int = 1,
) -> list[Outcome]:
    """Run these checks, in this order if in one process; `done` is called after each.

    Args:
        ids: of the claims.
        settings: of the run.
        done: what to tell about progress.
        jobs: how many processes share the work; checks that share data stay together. With the executor of the
            settings, its workers do, and this number is of no account.
    """
    groups = families(ids)
    found: dict[str, Outcome] = {}
    workers: int | Executor = settings.executor or min(jobs, len(groups))
    if settings.executor is not None:
        # a worker may not wait for others: what shares out its own work is run here, one after the other
        for name in [name for name in ids if name in SHARING]:
            found[name] = _run(name, settings)
            done(found[name])
        groups = [group for group in groups if not set(group) & set(SHARING)]
    elif workers == 1 or not groups:
        # the matrices are small, and threads that wait for each other can take twenty times as long
        with one_thread():
            for name in ids:
                found[name] = _run(name, settings)
                done(found[name])
        return [found[name] for name in ids]
    with closing(completed(partial(run_all, settings=settings.alone), groups, workers)) as finished:
        for outcomes in finished:
            for outcome in outcomes:
                found[outcome.claim.id] = outcome
                done(outcome)
    return [found[name] for name in ids]


def families(ids: Sequence[str]) -> list[tuple[str, ...]]:
    """The checks that compute from the same data as one group, the largest first; every other one alone."""
    shared = tuple(name for name in ids if name in SHARED_GRID)
    return [group for group in (shared, *((name,) for name in ids if name not in shared)) if group]


def _run(name: str, settings: Settings) -> Outcome:
    check, start = modules()[name], time.perf_counter()
    try:
        found: Outcome = check.run(settings)
    except GlutheoryError as error:
        # one check that cannot be carried out must not take the others with it
        found = _broken(check.CLAIM, error)
    seconds = round(time.perf_counter() - start, 2)
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    return replace(found, seconds=seconds, seed=settings.seed, versions=versions(), finished=finished)


def _broken(claim: Claim, error: GlutheoryError) -> Outcome:
    """What is known when a check breaks off: nothing."""
    reason = f"the check broke off: {error}"
    evidence = (Evidence(Grade.NUMERICAL, reason, Finding.UNDECIDED),)
    return Outcome(claim, (), evidence, (), Verdict.INCONCLUSIVE, reason)


def document(outcomes: Sequence[Outcome], settings: Settings) -> dict[str, Any]:
    """Everything about a run in JSON types; `machine`, `created`, `finished` and seconds tell where and when.

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
        **_own_data(settings),
        "versions": versions(),
        "machine": machine(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "false_alarm": total,
        "outcomes": [outcome.as_json() for outcome in outcomes],
    }


def again(content: Mapping[str, Any], claims: Mapping[str, Claim]) -> dict[str, Any]:
    """A stored run, decided again with the parts and the meaning of the claims as they are now; its evidence stays.

    Args:
        content: of the file.
        claims: by id; what is not among them, or whose corrected form has changed since, stays as it was decided.
    """
    found = []
    for row in content["outcomes"]:
        claim, known = row["claim"], claims.get(row["claim"]["id"])
        if known is None or (known.statement, known.corrected) != (claim["statement"], claim["corrected"]):
            found.append(row)
            continue
        bare = {key: value for key, value in claim.items() if key != "parts"}
        old = outcome({**row, "claim": bare})
        new = replace(old, claim=replace(old.claim, parts=known.parts, meaning=known.meaning))
        verdict = decide(new.assumptions, new.evidence, new.controls, known.parts)
        found.append(replace(new, verdict=verdict).as_json())
    return {**content, "decided_again": datetime.now(UTC).isoformat(timespec="seconds"), "outcomes": found}


def _own_data(settings: Settings) -> dict[str, Any]:
    """What networks were trained on, where it is not what comes with the package; names and checksums, no paths."""
    if not settings.own_data:
        return {}
    from checks.tools.data import images, text

    return {"images": images(settings.images).source, "text": text(settings.text).source}


def write_json(path: Path, content: Any) -> None:
    """Write the file in one step: a reader, or a crash, finds the old one or the new one, never a half."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def recorded(path: Path = RECORDED, profile: str = "quick") -> dict[str, dict[str, str]]:
    """The recorded verdicts and grades of a profile by id; empty where none were recorded yet.

    The quick profile has one of every claim; another has its own where more data say something else, or more.

    Raises:
        DomainError: the file is not what `record` writes.
    """
    content = _content(path)
    try:
        tables = [content.get("verdicts", {}), content.get(profile, {}) if profile != "quick" else {}]
        return {
            name: {"verdict": row["verdict"], "grade": row["grade"]} for rows in tables for name, row in rows.items()
        }
    except (KeyError, TypeError, AttributeError):
        raise _unreadable(path) from None


def _content(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["verdicts"].items()
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise _unreadable(path) from None
    found: dict[str, Any] = content
    return found


def _unreadable(path: Path) -> DomainError:
    return DomainError(f"{path.name} is not a file of recorded verdicts: restore it, or run with --record.")


def record(outcomes: Iterable[Outcome], path: Path = RECORDED, profile: str = "quick") -> None:
    """Put these verdicts among the recorded ones."""
    quick = recorded(path)
    rows = {item.claim.id: {"verdict": str(item.verdict), "grade": str(item.grade)} for item in outcomes}
    tables: dict[str, Any] = {key: value for key, value in _content(path).items() if key not in ("schema", "verdicts")}
    if profile == "quick":
        quick = {**quick, **rows}
    else:
        own = {name: row for name, row in {**tables.get(profile, {}), **rows}.items() if row != quick.get(name)}
        tables[profile] = dict(sorted(own.items()))
    write_json(path, {"schema": SCHEMA, "verdicts": dict(sorted(quick.items())), **tables})


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
