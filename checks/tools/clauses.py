"""Sentences as evidence: each clause with what decides it, held against what was done while it was decided.

A clause is a step of a proof (`derivations.tools.proof`), so that the same ledger says what its check went through and
the same rule whether that is the whole of it. Its words say no more than that: what was only reduced to zero is an
equation, and an order, a monotone or a consequence needs signs, balls, or a named theorem with its source.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import sympy as sp

from derivations.tools.means import Means
from derivations.tools.proof import Outcome, Proof, Scope, Step, every
from derivations.tools.runs import Run, is_decided, run
from derivations.tools.zero import vanishing
from glutheory.claims import About, Evidence, Figure, Finding, Grade

#: What no equation says: courses, limits and zeros that exist somewhere; orders, extremes, and consequences.
_STEMS = "fall grow rise increas decreas tend vanish exceed convex concav monoton"
_WORDS = "most least more less larger smaller longer shorter better worse straighter no never always so hence only if"
_BEYOND = re.compile(rf"[<>≤≥→⇒]|\b(?:{_STEMS.replace(' ', '|')})\w*|\b(?:{_WORDS.replace(' ', '|')})\b", re.IGNORECASE)


def clause(words: str, check: Callable[[], Outcome], scope: Scope | None = None) -> Step:
    """A clause of a sentence.

    Args:
        words: what it says, in plain words.
        check: decides it.
        scope: how much of it the check decides; everything that occurs in it, without a citation, if not given.
    """
    return Step(words, words, "", check, scope or every())


def shown(*clauses: Step, about: About = About.LITERAL, part: str = "") -> Evidence:
    """What these clauses say together; there is no sentence beside them that could say more.

    A proof if each is decided, for all values of its symbols, and says no more than was done; else an argument. A
    clause that is not confirmed, or whose scope is more than what was done, refutes it. Without any nothing is decided.
    """
    if not clauses:
        return Evidence(Grade.ARGUMENT, "nothing", Finding.UNDECIDED, about, part, {"steps": 0, "decided": 0})
    done = run(Proof("a sentence", "", "", "", clauses), formulas=False)
    pairs = list(zip(clauses, done.outcomes, strict=False))  # a failed run has fewer outcomes
    open_ = [step.name for step, outcome in pairs if not is_decided(step, outcome) or promises(step, outcome)]
    figures = counts(done)
    figures["decided"] = sum(outcome.passed and step.name not in open_ for step, outcome in pairs)
    cited = [str(theorem) for step in clauses for theorem in step.scope.cites]
    figures |= {"not decided": open_} if open_ else {}
    figures |= {"cited": list(dict.fromkeys(cited))} if cited else {}
    grade = Grade.PROOF if done.failure is None and not open_ else Grade.ARGUMENT
    return Evidence(grade, _sentence(clauses), Finding.of(done.failure is None), about, part, figures)


def identity(what: str, *differences: sp.Expr, about: About = About.LITERAL, part: str = "") -> Evidence:
    """A symbolic identity: every difference reduces to zero; without any nothing is decided.

    Where `what` says more than an equation, as "so it grows", it is an argument of which 0 of 1 steps are decided: give
    `shown` a clause for each thing that it says.
    """
    if not differences:
        return Evidence(Grade.ARGUMENT, what, Finding.UNDECIDED, about, part, {"steps": 0, "decided": 0})
    return shown(clause(what, vanishing(*differences)), about=about, part=part)


def promises(step: Step, outcome: Outcome) -> bool:
    """Whether a clause says more than an equation where only equations were decided, and cites nothing."""
    return outcome.means <= {Means.REWRITING} and not step.scope.cites and bool(_BEYOND.search(step.name))


def counts(done: Run) -> dict[str, Figure]:
    """How many steps there are, were confirmed, and are decided."""
    return {
        "steps": len(done.proof.steps),
        "confirmed": sum(outcome.passed for outcome in done.outcomes),
        "decided": done.decided,
        "failed": None if done.failure is None else done.failure.step.name,
    }


def _sentence(clauses: tuple[Step, ...]) -> str:
    """The clauses, each with the names of the theorems by which it follows."""
    parts = []
    for step in clauses:
        names = ", ".join(theorem.name for theorem in step.scope.cites)
        parts.append(f"{step.name} ({names})" if names else step.name)
    return "; ".join(parts)
