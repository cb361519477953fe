"""The outcomes of a run that was written to a file by `python -m checks --json`.

Older files do not say what a corrected form makes of the parts of its claim. They are decided again on reading, so that
no verdict is shown which the rule would no longer give.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

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

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
N = TypeVar("N", int, float)


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
    return parse(decoded(path), path.name)


def decoded(path: Path) -> Any:
    """What this JSON file holds.

    Raises:
        DomainError: the file cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except OSError as error:
        raise DomainError(f"cannot read {path.name}: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise _strange(path.name, "not JSON") from None


def parse(content: Any, name: str) -> Stored:
    """The run whose JSON form this is.

    Args:
        content: as `python -m checks --json` writes it.
        name: of its file, without the folder.

    Raises:
        DomainError: it is not such a run, holds no claim or one twice, or has another schema.
    """
    if not isinstance(content, Mapping) or not isinstance(content.get("outcomes"), list):
        raise _strange(name, "no outcomes in it")
    if content.get("schema") != SCHEMA:
        raise DomainError(
            f"{name} has schema {content.get('schema')!r} and {SCHEMA} is read here: "
            "write it anew with --json, or read it with the version that wrote it."
        )
    try:
        outcomes = [outcome(row) for row in content["outcomes"]]
        ids = [item.claim.id for item in outcomes]
        if twice := next((known for known in ids if ids.count(known) > 1), None):
            raise DomainError(f"the claim {twice} is in it {ids.count(twice)} times")
        _number("seed", content["seed"], int)
        return Stored(
            outcomes={item.claim.id: item for item in outcomes if item.claim.id not in RETIRED},
            profile=_text("profile", content["profile"]["name"]),
            device=_text("device", content["device"]),
            name=name,
            machine={str(key): _text(f"machine's {key}", value) for key, value in content.get("machine", {}).items()},
            created=_text("created", content.get("created", "")),
            own_data={key: _text(key, content[key]) for key in ("images", "text") if key in content},
            decided_again=_text("decided_again", content.get("decided_again", "")),
            retired=tuple(known for known in ids if known in RETIRED),
        )
    except (KeyError, TypeError, ValueError, AttributeError, GlutheoryError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error).rstrip(".")
        raise _strange(name, reason) from None


def _no_constant(name: str) -> float:
    """NaN and the infinities are written as words."""
    raise ValueError(f"{name} is no JSON")


def _strange(name: str, reason: str) -> DomainError:
    return DomainError(f"{name} is not a file of results ({reason}): write one with --json.")


def outcome(row: Mapping[str, Any]) -> Outcome:
    """The outcome whose JSON form this is; "holds, corrected" without parts is decided again.

    Args:
        row: as `glutheory.claims.outcome.Outcome.as_json` gives it.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, DomainError: it is none.
    """
    claim = row["claim"]
    found = Outcome(
        claim=_sound(Claim(**{**claim, "assumptions": tuple(claim["assumptions"]), "parts": _parts(claim)})),
        assumptions=tuple(_sound(Assumption(**item)) for item in row["assumptions"]),
        evidence=tuple(_honest(_evidence(item)) for item in row["evidence"]),
        controls=tuple(_sound(Control(**item)) for item in row["controls"]),
        verdict=Verdict(row["verdict"]),
        key_figure=row["key_figure"],
        charts=tuple(_sound(Chart.from_json(item)) for item in row["charts"]),
        seconds=_number("seconds", row["seconds"], int, float),
        seed=_number("seed", row["seed"], int),
        versions={str(key): _text(f"the version of {key}", value) for key, value in dict(row["versions"]).items()},
        finished=row.get("finished", ""),
    )
    for text in found.claim.assumptions:
        _text("an assumption", text)
    _sound(found)
    written = replace(found, evidence=tuple(_evidence(item) for item in row["evidence"]))
    if row["grade"] not in (found.grade, written.grade):
        raise DomainError(f"the grade of {found.claim.id} is {row['grade']!r}: its evidence gives {written.grade}.")
    if "parts" not in claim and found.verdict is Verdict.CORRECTED:
        return replace(found, verdict=decide(found.assumptions, found.evidence, found.controls))
    return found


def _parts(claim: Mapping[str, Any]) -> tuple[Part, ...]:
    return tuple(_sound(Part(**{**item, "fate": Fate(item["fate"])})) for item in claim.get("parts", ()))


def _honest(item: Evidence) -> Evidence:
    """Evidence of a proof script that was stored before its decided steps were counted is an argument and no proof."""
    undecided = item.grade is Grade.PROOF and "script" in item.figures and item.steps is None
    return replace(item, grade=Grade.ARGUMENT) if undecided else item


def _evidence(row: Mapping[str, Any]) -> Evidence:
    if not isinstance(row["figures"], Mapping):
        raise DomainError("figures must have names.")
    words = {"grade": Grade(row["grade"]), "finding": Finding(row["finding"]), "about": About(row["about"])}
    return _sound(Evidence(**{**row, **words}))


def _sound(item: T) -> T:
    """The record, if its fields of text are text and its truths are truths: JSON may have null anywhere."""
    for part in fields(item):
        value = getattr(item, part.name)
        if part.type == "str":
            _text(part.name, value)
        elif part.type == "bool" and not isinstance(value, bool):
            raise DomainError(f"{part.name} is {_brief(value)} where true or false is due.")
    return item


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise DomainError(f"{name} is {_brief(value)} where text is due.")
    return value


def _number(name: str, value: Any, *types: type[N]) -> N:
    if not isinstance(value, types) or isinstance(value, bool) or value != value or abs(value) == math.inf:
        raise DomainError(f"{name} is {_brief(value)} where a number is due.")
    return value


def _brief(value: Any) -> str:
    """As JSON has it, shortened."""
    return json.dumps(value)[:40]
