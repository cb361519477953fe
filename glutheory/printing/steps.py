"""The steps of a derivation with the auxiliary quantities named once."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from glutheory.printing.notation import Notation, present
from glutheory.printing.report import Report
from glutheory.symbolic.steps import Step


@dataclass(frozen=True)
class ToldStep:
    """One step for readers.

    Attributes:
        name: a few words.
        rule: the rule used.
        statements: pairs left = right; the first is the step's own, the others define what it names.
    """

    name: str
    rule: str
    statements: tuple[tuple[sp.Expr, sp.Expr], ...]


def told(found: Report) -> list[ToldStep]:
    """The steps of the NTK-parametrised derivation; a quantity such as D is defined in the first step that uses it."""
    known: set[sp.Symbol] = set()
    return [_told(found, step, known) for step in found.ntk.steps]


def _told(found: Report, step: Step, known: set[sp.Symbol]) -> ToldStep:
    right: sp.Expr = step.right
    definitions: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()
    if step.name in ("S", "T"):
        right = found.formulas["ST".index(step.name)]
        definitions = found.notation.definitions if found.notation is not None else ()
    elif isinstance(step.left, sp.Derivative) and len(step.left.expr.args) == 1:
        right = right if right.has(sp.DiracDelta) else sp.factor(right)
    elif isinstance(step.left, sp.Derivative):
        notation: Notation = present([right])
        right, definitions = notation.formulas[0], notation.definitions
    new = tuple(pair for pair in definitions if pair[0] not in known)
    known.update(symbol for symbol, _ in new)
    return ToldStep(step.name, step.rule, ((step.left, right), *new))
