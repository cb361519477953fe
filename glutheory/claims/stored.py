"""The outcomes of a run that was written to a file by `python -m checks --json`.

Older files do not say what a corrected form makes of the parts of its claim. They are decided again on reading, so that
no verdict is shown which the rule would no longer give.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from glutheory.claims.outcome import (
    SCHEMA,
    About,
    Assumption,
    Claim,
    Control,
    Evidence,
    Finding,
    Grade,
    Outcome,
    Verdict,
    decide,
)
from glutheory.claims.parts import Fate, Part
from glutheory.claims.retired import RETIRED
from glutheory.errors import DomainError, GlutheoryError
from glutheory.figures.chart import Chart


@dataclass(frozen=True)
class Stored:
    """A run read from a file.

    Attributes:
        outcomes: by the id of the claim, in the order of the file; without those of retired claims.
        profile: "quick" or "full".
        device: where networks were sampled.
        name: of the file, without its folder; empty where the run was not read from one.
        machine: its processor, cores and platform, by name; empty in files that did not record them.
        created: when the file was written, UTC, in ISO form; empty where it was not recorded.
        own_data: what networks were trained on in place of the data that come with the package, by kind.
        decided_again: when its verdicts were decided again by `python -m checks --from FILE --json FILE`, or empty.
        retired: the ids of claims in the file that are no longer checked (`glutheory.claims.retired`).
    """

    outcomes: Mapping[str, Outcome]
    profile: str
    device: str
    name: str = ""
    machine: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    own_data: Mapping[str, str] = field(default_factory=dict)
    decided_again: str = ""
    retired: tuple[str, ...] = ()


def load(path: Path) -> Stored:
    """The run in this file.

    Args:
        path: of a JSON file that `python -m checks --json` wrote.

    Raises:
        DomainError: the file cannot be read, is not such a file, or has another schema.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DomainError(f"cannot read {path.name}: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise _strange(path, "not JSON") from None
    if not isinstance(content, Mapping) or not isinstance(content.get("outcomes"), list):
        raise _strange(path, "no outcomes in it")
    if content.get("schema") != SCHEMA:
        raise DomainError(
            f"{path.name} has schema {content.get('schema')!r} and {SCHEMA} is read here: "
            "write it anew with --json, or read it with the version that wrote it."
        )
    try:
        outcomes = [outcome(row) for row in content["outcomes"]]
        return Stored(
            outcomes={item.claim.id: item for item in outcomes if item.claim.id not in RETIRED},
            profile=str(content["profile"]["name"]),
            device=str(content["device"]),
            name=path.name,
            machine={str(key): str(value) for key, value in content.get("machine", {}).items()},
            created=str(content.get("created", "")),
            own_data={key: str(content[key]) for key in ("images", "text") if key in content},
            decided_again=str(content.get("decided_again", "")),
            retired=tuple(item.claim.id for item in outcomes if item.claim.id in RETIRED),
        )
    except (KeyError, TypeError, ValueError, AttributeError, GlutheoryError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error).rstrip(".")
        raise _strange(path, reason) from None


def _strange(path: Path, reason: str) -> DomainError:
    return DomainError(f"{path.name} is not a file of results ({reason}): write one with --json.")


def outcome(row: Mapping[str, Any]) -> Outcome:
    """The outcome whose JSON form this is; "holds, corrected" without parts is decided again.

    Args:
        row: as `glutheory.claims.outcome.Outcome.as_json` gives it.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, DomainError: it is none.
    """
    claim = row["claim"]
    found = Outcome(
        claim=Claim(**{**claim, "assumptions": tuple(claim["assumptions"]), "parts": _parts(claim)}),
        assumptions=tuple(Assumption(**item) for item in row["assumptions"]),
        evidence=tuple(_honest(_evidence(item)) for item in row["evidence"]),
        controls=tuple(Control(**item) for item in row["controls"]),
        verdict=Verdict(row["verdict"]),
        key_figure=str(row["key_figure"]),
        charts=tuple(Chart.from_json(item) for item in row["charts"]),
        seconds=float(row["seconds"]),
        seed=int(row["seed"]),
        versions=dict(row["versions"]),
        finished=str(row.get("finished", "")),
    )
    written = replace(found, evidence=tuple(_evidence(item) for item in row["evidence"]))
    if row["grade"] not in (found.grade, written.grade):
        raise DomainError(f"the grade of {found.claim.id} is {row['grade']!r}: its evidence gives {written.grade}.")
    if "parts" not in claim and found.verdict is Verdict.CORRECTED:
        return replace(found, verdict=decide(found.assumptions, found.evidence, found.controls))
    return found


def _parts(claim: Mapping[str, Any]) -> tuple[Part, ...]:
    return tuple(Part(**{**item, "fate": Fate(item["fate"])}) for item in claim.get("parts", ()))


def _honest(item: Evidence) -> Evidence:
    """Evidence of a proof script that was stored before its decided steps were counted is an argument and no proof."""
    undecided = item.grade is Grade.PROOF and "script" in item.figures and item.steps is None
    return replace(item, grade=Grade.ARGUMENT) if undecided else item


def _evidence(row: Mapping[str, Any]) -> Evidence:
    if not isinstance(row["figures"], Mapping):
        raise DomainError("figures must have names.")
    return Evidence(
        **{**row, "grade": Grade(row["grade"]), "finding": Finding(row["finding"]), "about": About(row["about"])}
    )
