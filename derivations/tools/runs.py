"""A proof that is run: each step's outcome, what its sentence says beyond it, and how many steps are decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from derivations.tools.compared import compared
from derivations.tools.means import LIMIT
from derivations.tools.proof import CheckError, Extent, Outcome, Proof, Step
from derivations.tools.sentence import doubts


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

    @property
    def decided(self) -> int:
        """How many steps are decided: the whole statement, for all values of its symbols, nothing believed."""
        pairs = zip(self.proof.steps, self.outcomes, strict=False)  # a failed run has fewer outcomes
        return sum(outcome.passed and is_decided(step, outcome) for step, outcome in pairs)

    @property
    def proved(self) -> bool:
        """Whether every step is confirmed and decided."""
        return self.failure is None and self.decided == len(self.proof.steps)

    @property
    def compared(self) -> int:
        """How many steps are decided with every displayed relation compared with what was decided."""
        pairs = zip(self.proof.steps, self.outcomes, strict=False)
        return sum(is_decided(step, outcome) and outcome.compared.whole for step, outcome in pairs)


def is_decided(step: Step, outcome: Outcome) -> bool:
    """Whether the check decides the whole statement of a step, what it cites apart."""
    return step.scope.extent is Extent.ALL and outcome.exact and not outcome.doubts


def _read(step: Step, outcome: Outcome, names: Mapping[str, str]) -> Outcome:
    """With what its sentence says beyond what was decided, and how much of it was compared with that."""
    cites, own = step.scope.cites, step.names
    defined = {**own, **{name: formula for name, formula in names.items() if name not in own}}
    decided = outcome.symbols if step.scope.what else ()
    brought = " ".join(theorem.letters for theorem in cites)
    given = len(cites) + len(outcome.links)
    served = (*(theorem.quote for theorem in cites), *(theorem.name for theorem in cites), *outcome.links)
    limited = LIMIT in outcome.links or any(theorem.limits for theorem in cites)
    found = compared(step.statement, outcome, defined)
    more = tuple(f"displayed, but not what was decided: ${relation}$" for relation in found.against)
    read = doubts(step.statement, step.rule, defined, decided, brought, given, outcome.signs, served, limited)
    return replace(outcome, doubts=(*read, *more), compared=found)


def run(proof: Proof, *, formulas: bool = True) -> Run:
    """Run the steps in order; stop at the first that is not confirmed, or that claims more than was decided.

    With `formulas` the statements are read as what they are in a script; plain words are left to who takes them.
    """
    outcomes: list[Outcome] = []
    for step in proof.steps:
        try:
            outcome = step.run()
        except CheckError as error:
            return Run(proof, tuple(outcomes), Failure(step, f"the check broke off with {error}"))
        excess = step.scope.excess(outcome)
        if outcome.passed and excess:
            return Run(proof, tuple(outcomes), Failure(step, f"claims more than was decided: {excess}"))
        outcomes.append(_read(step, outcome, proof.names) if formulas else outcome)
        if not outcome.passed:
            return Run(proof, tuple(outcomes), Failure(step, f"refuted ({outcome.method})"))
    return Run(proof, tuple(outcomes))


def grades(runs: Iterable[Run]) -> str:
    """How many steps are decided and what the rest is, e.g. ``5 of 8 decided, 2 on instances, 1 an ingredient``."""
    done = list(runs)
    rest = {"computed": 0, "on instances": 0, "an ingredient": 0}
    for each in done:
        for step, outcome in zip(each.proof.steps, each.outcomes, strict=False):
            if step.scope.extent is Extent.INSTANCES:
                rest["on instances"] += 1
            elif step.scope.extent is Extent.INGREDIENT or outcome.doubts:
                rest["an ingredient"] += 1
            else:
                rest["computed"] += not outcome.exact
    total = sum(len(each.proof.steps) for each in done)
    first = f"{sum(each.decided for each in done)} of {total} decided"
    return ", ".join((first, *(f"{count} {what}" for what, count in rest.items() if count)))


def comparisons(runs: Iterable[Run]) -> str:
    """How many statements were compared, e.g. ``3 of 8 statements compared (12 of 31 relations)``."""
    done = list(runs)
    found = [outcome.compared for each in done for outcome in each.outcomes]
    relations = f"{sum(each.found for each in found)} of {sum(each.shown for each in found)} relations"
    return f"{sum(each.compared for each in done)} of {len(found)} statements compared ({relations})"
