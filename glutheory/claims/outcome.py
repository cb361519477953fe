"""What a check reports, as data: a claim, its assumptions, the evidence, the negative controls and the verdict.

No logic of any theorem lives here; the verdict is computed from the evidence by one rule, `decide`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from glutheory.claims.parts import Fate, Part
from glutheory.errors import DomainError
from glutheory.figures.chart import Chart
from glutheory.ground.files import plain
from glutheory.shown import Shown

#: Version of the JSON form of `Outcome`; raised when a field changes its meaning.
SCHEMA = 2

Figure = bool | int | float | str | None | Sequence["Figure"] | Mapping[str, "Figure"]


class Grade(StrEnum):
    """The grades of evidence, strongest first.

    A proof script is a proof if all of its steps are decided symbolically, for all values of their symbols, and an
    argument if only some are.
    """

    PROOF = "proof"
    ARGUMENT = "argument"
    CERTIFICATE = "certificate"
    NUMERICAL = "numerical"
    STATISTICAL = "statistical"


_ORDER = tuple(Grade)


def _graded(grade: Grade, steps: tuple[int, int] | None) -> str:
    if steps is not None:
        return f"{grade}, {steps[0]} of {steps[1]} decided"
    return f"{grade}, count not recorded" if grade is Grade.ARGUMENT else str(grade)


class Verdict(StrEnum):
    """What the evidence says about a claim."""

    HOLDS = "holds"
    CORRECTED = "holds, corrected"
    WEAKER = "fails; a weaker statement holds"
    FAILS = "fails"
    INCONCLUSIVE = "inconclusive"


class Finding(StrEnum):
    """What one piece of evidence says about its statement."""

    SUPPORTS = "supports"
    REFUTES = "refutes"
    UNDECIDED = "undecided"

    @classmethod
    def of(cls, passed: bool) -> Finding:
        """Supports or refutes."""
        return cls.SUPPORTS if passed else cls.REFUTES


class About(StrEnum):
    """The statement that evidence bears on: the claim as stated, or its corrected form."""

    LITERAL = "as stated"
    CORRECTED = "corrected"


@dataclass(frozen=True)
class Claim:
    """A statement to be verified.

    Attributes:
        id: a short name in kebab case, unique; the check's module is called the same with underscores.
        source: where it was stated.
        statement: LaTeX, without dollar signs.
        words: the same in plain words.
        assumptions: what it presupposes, in words; the check evaluates each on its data.
        corrected: LaTeX of the corrected statement, where the literal one does not hold as it stands.
        meaning: what the verdict means for someone who trains or studies networks; a few sentences.
        parts: of the statement, with what the corrected form makes of each; needed wherever there is one.
    """

    id: str
    source: str
    statement: str
    words: str
    assumptions: tuple[str, ...]
    corrected: str = ""
    meaning: str = ""
    parts: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        if not self.id or self.id != self.id.lower() or not self.id.replace("-", "").isalnum():
            raise DomainError(f"id is {self.id!r}: use lower case words joined by hyphens.")
        names = [part.name for part in self.parts]
        if len(set(names)) < len(names):
            raise DomainError(f"parts of {self.id} are {', '.join(names)}: give each a name of its own.")


@dataclass(frozen=True)
class Assumption:
    """A presupposition of the claim, evaluated on the data of the run.

    Attributes:
        name: one or two words.
        statement: what is presupposed.
        holds: whether it does.
        figure: the number or the words that decide it.
    """

    name: str
    statement: str
    holds: bool
    figure: str


@dataclass(frozen=True)
class Evidence:
    """One piece of evidence.

    Attributes:
        grade: its strength.
        what: what was computed, one sentence.
        finding: what it says about its statement.
        about: which statement that is.
        part: which part of it, where no evidence covers the whole.
        figures: every number behind it, JSON types only.
    """

    grade: Grade
    what: str
    finding: Finding
    about: About = About.LITERAL
    part: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[int, int] | None:
        """(decided, all) steps of the proof script behind it, or None where there is none."""
        decided, steps = self.figures.get("decided"), self.figures.get("steps")
        return (decided, steps) if isinstance(decided, int) and isinstance(steps, int) else None

    @property
    def graded(self) -> str:
        """The grade in words, with the number of decided steps where there is a proof script."""
        return _graded(self.grade, self.steps)


@dataclass(frozen=True)
class Control:
    """A negative control: something altered so that the same evidence must refute it.

    Attributes:
        altered: what was made wrong.
        caught: whether the evidence refuted it.
        by: which evidence did, and by how much.
    """

    altered: str
    caught: bool
    by: str


@dataclass(frozen=True, repr=False)
class Outcome(Shown):
    """The result of one check.

    Attributes:
        claim: what was checked.
        assumptions: evaluated on the data of the run.
        evidence: every piece, in the order of the argument.
        controls: the negative controls.
        verdict: by `decide`.
        key_figure: the one number a reader should see, in words.
        charts: the figures that show the evidence, as data.
        seconds: wall time.
        seed: of everything random.
        versions: of the software.
        finished: when, UTC, in ISO form; empty where it was not recorded. A file may have outcomes of several days.
    """

    claim: Claim
    assumptions: tuple[Assumption, ...]
    evidence: tuple[Evidence, ...]
    controls: tuple[Control, ...]
    verdict: Verdict
    key_figure: str
    charts: tuple[Chart, ...] = ()
    seconds: float = 0.0
    seed: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    finished: str = ""

    def __repr__(self) -> str:
        return f"<Outcome of {self.claim.id}: {self.verdict}, {self.graded}>"

    @property
    def grade(self) -> Grade | None:
        """The grade of the verdict: of the strongest evidence for it; of its weakest part, where it has parts.

        Several proof scripts for one part are one proof: it has the grade of the weakest of them. "Fails; a weaker
        statement holds" says two things and has the grade of the weaker one.
        """
        judged = self._judged
        best = {part: min((item.grade for item in items), key=_ORDER.index) for part, items in judged.items()}
        return max(best.values(), key=_ORDER.index, default=None)

    @property
    def steps(self) -> tuple[int, int] | None:
        """(decided, all) steps of the proof scripts that the grade is taken from, each script once, or None."""
        grade, scripts = self.grade, dict[str, tuple[int, int]]()
        for items in self._judged.values():
            for item in items:
                if item.grade is grade and item.steps is not None:
                    scripts[str(item.figures.get("script", item.what))] = item.steps
        if not scripts:
            return None
        return sum(decided for decided, _ in scripts.values()), sum(steps for _, steps in scripts.values())

    @property
    def graded(self) -> str:
        """The grade in words, with the number of decided steps where it is that of a proof script."""
        if self.grade is None:
            return "none"
        return _graded(self.grade, self.steps)

    @property
    def _judged(self) -> dict[str, list[Evidence]]:
        """By part, the evidence that the verdict rests on; of two verdicts in one that of the weaker grade."""
        if self.verdict is not Verdict.WEAKER:
            return self._decisive
        halves = [replace(self, verdict=verdict) for verdict in (Verdict.FAILS, Verdict.CORRECTED)]
        graded = [half for half in halves if half.grade is not None]
        return max(graded, key=lambda half: _ORDER.index(half.grade))._decisive if graded else {}

    @property
    def _decisive(self) -> dict[str, list[Evidence]]:
        """By part, the evidence for the verdict; of proof scripts only the weakest."""
        wanted = {
            Verdict.HOLDS: (About.LITERAL, Finding.SUPPORTS),
            Verdict.CORRECTED: (About.CORRECTED, Finding.SUPPORTS),
            Verdict.FAILS: (About.LITERAL, Finding.REFUTES),
        }.get(self.verdict)
        parts: dict[str, list[Evidence]] = {}
        for item in self.evidence:
            if (item.about, item.finding) == wanted:
                parts.setdefault(item.part, []).append(item)
        for items in parts.values():
            scripts = [item.grade for item in items if "script" in item.figures]
            if Grade.ARGUMENT in scripts:
                items[:] = [item for item in items if "script" not in item.figures or item.grade is Grade.ARGUMENT]
        return parts

    @property
    def dropped(self) -> tuple[Part, ...]:
        """The parts of the claim that a weaker statement drops or may reverse, and those that nothing judged."""
        if self.verdict is Verdict.WEAKER:
            return weakened(self.claim.parts, self.evidence)
        return unjudged(self.claim.parts, self.evidence) if self.verdict is Verdict.INCONCLUSIVE else ()

    @property
    def false_alarm(self) -> float:
        """A bound on the probability that any statistical evidence of this check refutes a true statement."""
        values = (item.figures.get("false_alarm", 0.0) for item in self.evidence)
        return math.fsum(value for value in values if isinstance(value, int | float))

    def as_json(self) -> dict[str, Any]:
        """The outcome in JSON types, with the schema's version."""
        dropped = [part.name for part in self.dropped]
        return {"schema": SCHEMA, "grade": self.grade, "dropped": dropped, **plain(self)}


def unjudged(parts: Sequence[Part], evidence: Sequence[Evidence]) -> tuple[Part, ...]:
    """The open parts of which no evidence on the claim as stated bears the name."""
    labels = [item.part for item in evidence if item.about is About.LITERAL]
    return tuple(part for part in parts if part.fate is Fate.OPEN and not any(map(part.named, labels)))


def weakened(parts: Sequence[Part], evidence: Sequence[Evidence]) -> tuple[Part, ...]:
    """The parts of which the corrected form says less, or that nothing judged; what is refuted is not kept."""
    against = [item.part for item in evidence if (item.about, item.finding) == (About.LITERAL, Finding.REFUTES)]
    silent = unjudged(parts, evidence)
    return tuple(
        part
        for part in parts
        if part.weakened or part in silent or (part.fate in (Fate.KEPT, Fate.OPEN) and any(map(part.named, against)))
    )


def unshown(parts: Sequence[Part], evidence: Sequence[Evidence]) -> tuple[Part, ...]:
    """The parts called reversed although nothing refutes them: neither evidence of their name nor one on the whole."""
    against = [item.part for item in evidence if (item.about, item.finding) == (About.LITERAL, Finding.REFUTES)]
    shown = [part for part in parts if "" in against or any(map(part.named, against))]
    return tuple(part for part in parts if part.fate is Fate.REVERSED and part not in shown)


def decide(
    assumptions: Sequence[Assumption],
    evidence: Sequence[Evidence],
    controls: Sequence[Control],
    parts: Sequence[Part] = (),
) -> Verdict:
    """The verdict that the evidence supports.

    Without controls that were all caught, or with an assumption that does not hold on the data, nothing is concluded.
    A refuted claim whose corrected form is supported and not refuted "holds, corrected" if that form keeps or sharpens
    every part of it, and sharpens one. If it says less in some part, or if nobody has said what it makes of the parts,
    the claim fails, and a weaker statement holds. A refuted claim without such a form fails. A claim that nothing
    refutes does not hold while a part of it is not judged.
    """
    if not controls or not all(control.caught for control in controls):
        return Verdict.INCONCLUSIVE
    if not all(assumption.holds for assumption in assumptions):
        return Verdict.INCONCLUSIVE
    findings = {about: {item.finding for item in evidence if item.about is about} for about in About}
    literal, corrected = findings[About.LITERAL], findings[About.CORRECTED]
    if Finding.REFUTES in literal:
        if corrected != {Finding.SUPPORTS}:
            return Verdict.FAILS
        # if every part were kept, the claim would follow from what is supported, and could not be refuted
        sharper = any(part.fate is Fate.SHARPENED for part in parts) and not weakened(parts, evidence)
        return Verdict.CORRECTED if sharper else Verdict.WEAKER
    if literal == {Finding.SUPPORTS} and Finding.REFUTES not in corrected and not unjudged(parts, evidence):
        return Verdict.HOLDS
    return Verdict.INCONCLUSIVE
