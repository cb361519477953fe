"""What is said about each block, and whether the same evidence refutes the negative controls."""

from __future__ import annotations

from collections.abc import Mapping

from checks.claims.generalization.bias import bias, says
from checks.claims.generalization.controls import AGAINST, BIAS_MUTANTS, EFFECT_MUTANTS, EXCHANGED, MUTANTS, Statement
from checks.claims.generalization.effects import Table, compared, effects
from checks.claims.generalization.evidence import equal, gap, not_slower, pace, within
from checks.claims.generalization.measures import matched
from checks.claims.generalization.paper_test import paper
from checks.claims.generalization.runs import Block, Name
from checks.claims.generalization.titles import material, title
from glutheory.claims import Control, Evidence, Finding


def collect(name: Name, block: Block, statement: Statement) -> tuple[Evidence, ...]:
    """All that is said about one block."""
    block = statement.altered(block)
    label = title(name)
    if block.augmented:
        return paper(label, block), bias(label, block)
    found = matched(block)
    return (
        paper(label, block),
        gap(label, found, equal(block, found)),
        pace(label, found, statement),
        within(label, found),
        not_slower(label, found),
    )


def negative(blocks: Mapping[Name, Block], by_optimiser: Mapping[str, Table]) -> tuple[Control, ...]:
    """The negative controls: each must be refuted in every block, or table, that it concerns.

    A run without tables says nothing of optimisers, and has no such controls.
    """
    clean = {name: block for name, block in blocks.items() if not block.augmented}
    altered = {name: block for name, block in blocks.items() if block.augmented}
    rows = {
        label: {title(name): collect(name, block, wrong) for name, block in clean.items()}
        for label, wrong in MUTANTS.items()
    }
    rows |= {
        label: {
            title(name): collect(name, alter(block), Statement())
            for name, block in altered.items()
            if label not in AGAINST or says(title(name), block, AGAINST[label])
        }
        for label, alter in BIAS_MUTANTS.items()
    }
    if by_optimiser:
        rows |= {
            label: {
                material(name): (effects(material(name), alter(table)),)
                for name, table in by_optimiser.items()
                if label != EXCHANGED or compared(material(name))
            }
            for label, alter in EFFECT_MUTANTS.items()
        }
    # an alteration that contradicts nothing that is said of these blocks is no control of them
    return tuple(_control(label, found) for label, found in rows.items() if found or label not in AGAINST)


def _control(altered: str, found: Mapping[str, tuple[Evidence, ...]]) -> Control:
    refuted = {
        name: [item.part.split(": ")[1] for item in evidence if item.finding is Finding.REFUTES]
        for name, evidence in found.items()
    }
    by = "; ".join(f"{name}: {', '.join(parts) or 'not refuted'}" for name, parts in refuted.items())
    # where nothing was altered nothing can be caught
    return Control(altered, bool(refuted) and all(refuted.values()), f"refuted by the tests of: {by}")
