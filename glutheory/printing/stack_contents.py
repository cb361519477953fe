"""What is to be said about a stack, collected once for all formats: a `StackReport`, computed part by part."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import sympy as sp

from glutheory.activations import Activation
from glutheory.errors import DerivationError, DomainError, PrecisionError
from glutheory.layers import Stack
from glutheory.layers.text import written
from glutheory.networks import Network
from glutheory.printing.contents import Report, report
from glutheory.printing.digits import GUARD, ball_text, common_digits, shown
from glutheory.quadrature import enclose
from glutheory.symbolic import StackDerivation, derivation
from glutheory.symbolic.derived import Verification
from glutheory.symbolic.facts import Fact
from glutheory.symbolic.recursion import Call, Let, Linear, Loop, Step, words

#: Exact inner products at which values are shown.
_POINTS = ((Fraction(1), Fraction(1), Fraction(1, 2)), (Fraction(2), Fraction(1, 2), Fraction(-3, 10)))
#: Layers with activations beyond which no values are shown: they would take minutes.
MOST_EVALUATED = 200
Equation = tuple[sp.Expr, sp.Expr]


@dataclass(frozen=True)
class StackSample:
    """NNGP and NTK at one point by both roads.

    Attributes:
        point: a, b, c.
        rows: name, digits of the formula, ball of the integral, whether they agree, on how many digits.
    """

    point: tuple[Fraction, Fraction, Fraction]
    rows: tuple[tuple[str, str, str, bool, int], ...]


@dataclass(frozen=True, eq=False)
class StackReport:
    """A stack's derivation with everything that is printed about it.

    Attributes:
        stack: what was derived.
        digits: the significant digits of the values.
        begin: told what is computed next, in a word or two.
        parametrization: "ntk" or "standard".
    """

    stack: Stack
    digits: int
    begin: Callable[[str], None]
    parametrization: str = "ntk"

    @cached_property
    def derivation(self) -> StackDerivation:
        """The recursion with its certificate."""
        return derivation(self.stack, parametrization=self.parametrization)

    @cached_property
    def activations(self) -> dict[Activation, str]:
        """The activations whose S and T are called, with the words that their names end with."""
        return words(tuple(act for found in self.derivation.recursions for act in found.activations))

    @cached_property
    def reports(self) -> tuple[Report, ...]:
        """What is printed of each of these activations."""
        return tuple(report(Network(act.label, (act,)), digits=self.digits) for act in self.activations)

    @property
    def layers(self) -> str:
        """The composition in words."""
        return written(self.stack.layers)

    @cached_property
    def verification(self) -> Verification:
        """The certificate."""
        self.begin("checks")
        return self.derivation.verify()

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """The simplifications."""
        return self.derivation.facts

    @property
    def evaluated(self) -> bool:
        """Whether values are shown: not of sequences, nor of very deep stacks."""
        return not self.stack.sequences and _calls(self.derivation) <= MOST_EVALUATED

    @cached_property
    def samples(self) -> tuple[StackSample, ...]:
        """The values by both roads; none where they are not shown."""
        if not self.evaluated:
            return ()
        self.begin("values")
        found = []
        for point in _POINTS:
            try:
                found.append(self._sample(point))
            except (DomainError, DerivationError, PrecisionError):
                continue  # variances beyond any integral: the recursion is printed all the same
        return tuple(found)

    def _sample(self, point: tuple[Fraction, Fraction, Fraction]) -> StackSample:
        options: dict[str, Any] = {} if self.parametrization == "ntk" else {"width": 1024, "d": 64}
        formula = self.derivation.at(*point, digits=self.digits + GUARD, **options)
        integral = enclose(self.stack, *point, digits=self.digits, parametrization=self.parametrization, **options)
        rows = []
        for name, first, second in zip(("NNGP", "NTK"), (formula.nngp, formula.ntk), integral, strict=True):
            common = common_digits(first, second, self.digits)
            agree = bool(first.overlaps(second))
            rows.append((name, shown(first, self.digits), ball_text(second, self.digits + 2), agree, common))
        return StackSample(point, tuple(rows))

    @property
    def refuted(self) -> tuple[str, ...]:
        """Every failed check and every disagreement of the roads, one sentence each; empty if all is well."""
        failed = [f"check failed: {check.statement}" for check in self.verification.checks if not check.passed]
        for at in self.samples:
            failed += [
                f"the roads disagree: the {name} at {', '.join(map(str, at.point))} is {formula} by the recursion, "
                f"{ball} by integrals"
                for name, formula, ball, agree, _ in at.rows
                if not agree
            ]
        return tuple(failed)


def stack_report(
    stack: Stack, *, digits: int = 15, begin: Callable[[str], None] = lambda _: None, parametrization: str = "ntk"
) -> StackReport:
    """The report on a stack; see `glutheory.printing.contents.report`."""
    return StackReport(stack, digits, begin, parametrization)


def equations(found: StackReport, step: Step) -> list[Equation]:
    """What a layer computes, as equations name = formula."""
    made: list[Equation] = []
    for line in step.lines:
        if isinstance(line, Call):
            word = found.activations[line.activation]
            made.append((line.S, sp.Function(f"S_{word}")(*line.point)))
            if line.T is not None:
                made.append((line.T, sp.Function(f"T_{word}")(*line.point)))
        elif isinstance(line, Let | Linear):
            made.append((line.symbol, line.value))
    return made


def handed_on(loop: Loop) -> tuple[list[Equation], list[Equation]]:
    """What a loop begins with, and what it hands on to the next repetition."""
    before, within, after = loop.ntk
    first = [(own.symbol, own.first) for own in loop.numbers]
    then = [(own.symbol, own.then) for own in loop.numbers]
    if after is not None:
        first.append((within, sp.S.Zero if before is None else before))
        then.append((within, after))
    return first, [pair for pair in then if pair[0] != pair[1]]


def plain(name: str) -> str:
    """A symbol's name as an identifier."""
    return re.sub(r"\W", "p", name, flags=re.ASCII)


def _calls(found: StackDerivation) -> int:
    """How many evaluations of S and T all repetitions take."""
    total = 0
    for part in found.recursions:
        waiting = [(node, 1) for node in part.nodes]
        while waiting:
            node, times = waiting.pop()
            if isinstance(node, Loop):
                waiting += [(inner, times * node.times) for inner in node.body]
            else:
                total += times * sum(isinstance(line, Call) and line.T is not None for line in node.lines)
    return total
