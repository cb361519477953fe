"""What a proof is: named steps, each with a statement, the rule it follows from, a check that can fail, and a scope.

What a step may claim is not left to its author. The deciding functions write down what they did
(`derivations.tools.means`), and a scope that says more than that makes the run fail. And the sentence is read
(`derivations.tools.sentence`): where it speaks of what was neither decided nor defined, or concludes what is neither
checked nor cited, the step counts as an ingredient, whatever its scope says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sympy import Expr, Symbol

from derivations.tools.means import EXACT, Ledger, Means, Reading, ledger, link
from derivations.tools.theorems import Theorem


class CheckError(Exception):
    """A check that broke off instead of giving an outcome; the message is the reason."""


class Extent(StrEnum):
    """How much of its statement a step decides."""

    ALL = "all symbols"
    INSTANCES = "the named instances"
    INGREDIENT = "an ingredient"


@dataclass(frozen=True)
class Scope:
    """What a step says that its check decides.

    Attributes:
        extent: how much.
        what: the instances or the ingredient in words; with `Extent.ALL` the names of the symbols, in order.
        cites: theorems by which the statement follows from what is decided; they are not checked.
        why: the reason why not all of it is decided, one clause; with `Extent.ALL` there is none.
    """

    extent: Extent
    what: str
    cites: tuple[Theorem, ...] = ()
    why: str = ""

    def __post_init__(self) -> None:
        if (self.extent is Extent.ALL) == bool(self.why):
            raise ValueError(f"the scope {self.what!r} has why={self.why!r}: give a reason where not all is decided.")

    def excess(self, outcome: Outcome) -> str:
        """What this scope says beyond the outcome, as a clause; empty where it says no more than that."""
        if self.extent is not Extent.ALL:
            return ""
        if outcome.instances:
            return f"only {'; '.join(outcome.instances)} was gone through"
        if Means.POINTS in outcome.means:
            return "balls at exact points decide nothing between them"
        missing = [name for name in self.what.split() if name not in outcome.symbols]
        if missing:
            return f"{', '.join(missing)} does not occur in what was decided"
        if Means.BALLS in outcome.means and outcome.means == {Means.BALLS} and self.what:
            return "numbers were compared, not expressions"
        return ""


def every(symbols: str = "", *cites: Theorem) -> Scope:
    """The whole statement, for all values of these symbols (names, separated by spaces); what is cited completes it."""
    return Scope(Extent.ALL, symbols, cites)


def some(what: str, *cites: Theorem, why: str) -> Scope:
    """These instances of the statement, and why not all of it."""
    return Scope(Extent.INSTANCES, what, cites, why)


def ingredient(what: str, *cites: Theorem, why: str) -> Scope:
    """This ingredient, and why the rest of the argument is in words."""
    return Scope(Extent.INGREDIENT, what, cites, why)


@dataclass(frozen=True)
class Comparison:
    """What `derivations.tools.compared` finds of a displayed statement.

    Attributes:
        found: how many of its relations follow as they stand from what was decided.
        shown: how many it has; one at least.
        against: those that can be read, with the values that the check gave, and do not follow, in LaTeX.
    """

    found: int = 0
    shown: int = 1
    against: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every relation was compared."""
        return self.found == self.shown


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes:
        passed: whether it was confirmed.
        means: by what it was decided.
        method: the same for the reader, one clause.
        symbols, believed, instances, cases, links, signs, scalars, readings, known: from the ledger of the check, see
            `derivations.tools.means`.
        doubts: what the sentence says beyond that, as clauses, see `derivations.tools.sentence`.
        compared: how the displayed relations compare with what was decided.
    """

    passed: bool
    means: frozenset[Means]
    method: str
    symbols: frozenset[str] = frozenset()
    believed: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    signs: int = 0
    scalars: Mapping[str, Symbol] = field(default_factory=dict)
    readings: tuple[Reading, ...] = ()
    known: tuple[tuple[Expr, bool], ...] = ()
    doubts: tuple[str, ...] = ()
    compared: Comparison = Comparison()

    def __post_init__(self) -> None:
        if not self.means or not all(isinstance(item, Means) for item in self.means):
            raise ValueError(f"means are {self.means!r}: use members of Means.")

    @property
    def exact(self) -> bool:
        """Whether nothing was believed, and no points or instances stand for all."""
        return self.means <= EXACT and not self.instances

    def entered(self, book: Ledger) -> Outcome:
        """With what the ledger says."""
        return replace(
            self,
            means=self.means | {Means.SYMPY} if book.believed else self.means,
            symbols=frozenset(book.symbols),
            believed=tuple(book.believed),
            instances=tuple(book.instances),
            cases=tuple(book.cases),
            links=tuple(book.links),
            signs=book.signs,
            scalars=dict(book.scalars),
            readings=tuple(book.readings),
            known=tuple(book.known),
        )


def confirmed(passed: bool, means: Means, method: str = "") -> Outcome:
    """An outcome by one means."""
    return Outcome(passed, frozenset({means}), method or str(means))


def both(*outcomes: Outcome) -> Outcome:
    """All of them together: passed if every one passed, with all means and the distinct methods in order."""
    if not outcomes:
        raise ValueError("no outcomes given: a step with nothing to check proves nothing.")
    methods = dict.fromkeys(outcome.method for outcome in outcomes)
    means = frozenset().union(*(outcome.means for outcome in outcomes))
    return Outcome(all(outcome.passed for outcome in outcomes), means, "; ".join(methods))


def follows(words: str, *outcomes: Outcome) -> Outcome:
    """A conclusion that the sentence draws, in words, and the outcomes by which it is checked."""
    link(words)
    return both(*outcomes)


@dataclass(frozen=True)
class Step:
    """One step of a proof.

    Attributes:
        name: a few words, unique within the proof.
        statement: LaTeX, without dollar signs.
        rule: the rule or theorem by which it follows, with its source; may contain ``$…$``.
        check: decides it; run on every call, never cached.
        scope: how much of the statement the check decides; held against what it did.
        names: what letters of this statement stand for, in LaTeX, as in `Proof.names`.
        beyond: what the statement is good for, Markdown; nothing of it is decided, and the page says so.
    """

    name: str
    statement: str
    rule: str
    check: Callable[[], Outcome]
    scope: Scope
    names: Mapping[str, str] = field(default_factory=dict)
    beyond: str = ""

    def __post_init__(self) -> None:
        for theorem in self.scope.cites:
            if theorem.quote.lower() not in self.rule.lower():
                raise ValueError(
                    f"the step {self.name!r} cites {theorem.name} for {theorem.quote!r}, which its rule does not say: "
                    "quote it word for word."
                )

    def run(self) -> Outcome:
        """Run the check.

        Raises:
            CheckError: the check raised; whatever it raised, the statement was not confirmed.
        """
        with ledger() as book:
            try:
                return self.check().entered(book)
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
        names: letters of the statements that are not decided themselves and what they are defined as, both in LaTeX;
            the sentence is read through them.
    """

    title: str
    source: str
    summary: str
    notation: str
    steps: tuple[Step, ...]
    remarks: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        if not names:
            raise ValueError(f"{self.title!r} has no steps: a proof needs at least one.")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{self.title!r} has two steps called {twice[0]!r}: give each its own name.")
