"""What a proof is: named steps, each with a statement, the rule it follows from, and a check that can fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

#: The grades of evidence, strongest first: a symbolic identity, or ball arithmetic at exact points.
PROOF, CERTIFICATE = "proof", "certificate"
GRADES = (PROOF, CERTIFICATE)


class CheckError(Exception):
    """A check that broke off instead of giving an outcome; the message is the reason."""


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes:
        passed: whether the statement was confirmed.
        grade: `PROOF` or `CERTIFICATE`.
        method: how it was decided, one clause for the reader.
    """

    passed: bool
    grade: str
    method: str

    def __post_init__(self) -> None:
        if self.grade not in GRADES:
            raise ValueError(f"grade is {self.grade!r}: use {' or '.join(map(repr, GRADES))}.")


def both(*outcomes: Outcome) -> Outcome:
    """All of them together: passed if every one passed, with the weakest grade and the distinct methods in order."""
    if not outcomes:
        raise ValueError("no outcomes given: a step with nothing to check proves nothing.")
    grade = max((outcome.grade for outcome in outcomes), key=GRADES.index)
    methods = dict.fromkeys(outcome.method for outcome in outcomes)
    return Outcome(all(outcome.passed for outcome in outcomes), grade, "; ".join(methods))


@dataclass(frozen=True)
class Step:
    """One step of a proof.

    Attributes:
        name: a few words, unique within the proof.
        statement: LaTeX, without dollar signs.
        rule: the rule or theorem by which it follows, with its source; may contain ``$…$``.
        check: decides it; run on every call, never cached.
        checked: what exactly the check decides where that is less than the statement, or one of its ingredients: the
            rest then follows by the rule.
    """

    name: str
    statement: str
    rule: str
    check: Callable[[], Outcome]
    checked: str = ""

    def run(self) -> Outcome:
        """Run the check.

        Raises:
            CheckError: the check raised; whatever it raised, the statement was not confirmed.
        """
        try:
            return self.check()
        except Exception as error:
            raise CheckError(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Proof:
    """A list of steps with what a reader needs around them.

    Attributes:
        title: what is proved.
        source: where the result was first stated.
        summary: Markdown; the statement and the idea.
        notation: Markdown; the symbols that the steps use.
        steps: in the order of the argument.
        remarks: Markdown; what is not proved here, or not known.
    """

    title: str
    source: str
    summary: str
    notation: str
    steps: tuple[Step, ...]
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        if not names:
            raise ValueError(f"{self.title!r} has no steps: a proof needs at least one.")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{self.title!r} has two steps called {twice[0]!r}: give each its own name.")


@dataclass(frozen=True)
class Failure:
    """The first step that was not confirmed, and why."""

    step: Step
    reason: str


@dataclass(frozen=True)
class Run:
    """A proof that was run.

    Attributes:
        proof: the proof.
        outcomes: of its steps in order, up to the first failure.
        failure: the step that failed, or None.
    """

    proof: Proof
    outcomes: tuple[Outcome, ...]
    failure: Failure | None = None

    def count(self, grade: str) -> int:
        """How many steps were confirmed with this grade."""
        return sum(outcome.passed and outcome.grade == grade for outcome in self.outcomes)

    @property
    def whole(self) -> int:
        """How many steps were confirmed symbolically with their whole statement decided."""
        pairs = zip(self.proof.steps, self.outcomes, strict=False)  # a failed run has fewer outcomes
        return sum(outcome.passed and outcome.grade == PROOF and not step.checked for step, outcome in pairs)


def run(proof: Proof) -> Run:
    """Run the steps in order; stop at the first that is not confirmed."""
    outcomes: list[Outcome] = []
    for step in proof.steps:
        try:
            outcome = step.run()
        except CheckError as error:
            return Run(proof, tuple(outcomes), Failure(step, f"the check broke off with {error}"))
        outcomes.append(outcome)
        if not outcome.passed:
            return Run(proof, tuple(outcomes), Failure(step, f"refuted ({outcome.method})"))
    return Run(proof, tuple(outcomes))


def grades(runs: Iterable[Run]) -> str:
    """The grades of all steps, e.g. ``70 proved, 26 checked symbolically, 5 certified``; zeros are left out."""
    done = list(runs)
    whole, certified = sum(r.whole for r in done), sum(r.count(CERTIFICATE) for r in done)
    counts = {
        "proved": whole,
        "checked symbolically": sum(r.count(PROOF) for r in done) - whole,
        "certified": certified,
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)
