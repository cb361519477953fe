"""The table of verdicts, its order and characters, and what is declared of the claims in it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from checks import catalog, table
from glutheory.claims import (
    About,
    Fate,
    Finding,
    decide,
    stored,
)
from glutheory.terminal import Terminal, shown
from tests.checks.outcomes import (
    FIXED,
    TRUE,
)
from tests.documents import ROOT


class TestTable:
    """Order, columns and progress."""

    def test_the_order_of_the_paper(self) -> None:
        ids = list(catalog.claims())
        known = [name for name in catalog.ORDER if name in ids]
        assert ids[: len(known)] == known
        assert ids[len(known) :] == sorted(ids[len(known) :])
        assert known[:4] == ["ntk-plain", "ntk-gated", "hadamard", "angle"]
        assert len(set(catalog.ORDER)) == len(catalog.ORDER)

    def test_every_corrected_claim_declares_its_parts(self) -> None:
        """And one that only keeps them all would follow from its corrected form."""
        for claim in catalog.claims().values():
            assert bool(claim.corrected) == bool(claim.parts), claim.id
            assert all(part.fate is Fate.KEPT for part in claim.parts) == (not claim.parts), claim.id

    def test_evidence_against_a_claim_names_a_part_that_is_not_kept(self) -> None:
        for path in sorted((ROOT / "results").glob("*.json")):
            for item in stored.load(path).outcomes.values():
                kept = [part for part in item.claim.parts if part.fate is Fate.KEPT]
                for piece in item.evidence:
                    if (piece.about, piece.finding) == (About.LITERAL, Finding.REFUTES):
                        assert not any(part.named(piece.part) for part in kept), (item.claim.id, piece.part)
                assert item.verdict is decide(item.assumptions, item.evidence, item.controls, item.claim.parts)

    def test_every_claim_says_what_it_means(self) -> None:
        assert not [claim.id for claim in catalog.claims().values() if not claim.meaning]

    def test_columns_are_aligned_whatever_is_in_them(self) -> None:
        wide = replace(FIXED, claim=replace(FIXED.claim, source="K̃ ⊙ ᵀ"))
        for terminal in (Terminal(), Terminal(unicode=False)):
            lines = table.plain([wide, TRUE], terminal).splitlines()
            assert len({cell_len(line[: line.index("holds")]) for line in lines[1:]}) == 1
            assert terminal.unicode or "K~ * ^T" in lines[1]

    @pytest.mark.parametrize(
        ("text", "plain"),
        [("§3", "Sec. 3"), ("K̃ ≺ λ̃", "K~ -< lambda~"), ("ε, Ψ ½", "epsilon, Psi 1/2"), ("☃", "?"), ("a′", "a'")],
    )
    def test_ascii(self, text: str, plain: str) -> None:
        assert shown(text, Terminal(unicode=False)) == plain
        assert shown(text, Terminal()) == text

    def test_progress_in_a_log(self, capsys: pytest.CaptureFixture[str]) -> None:
        with table.progress(["fixed-claim", "true-claim"]) as advance:
            advance(TRUE)  # in whatever order they end
            assert capsys.readouterr().err == "[1/2] true-claim: holds (1.2 s)\n"
            advance(FIXED)
            assert capsys.readouterr().err == "[2/2] fixed-claim: holds, corrected (1.2 s)\n"
        with table.progress(["true-claim"]) as advance:
            advance(TRUE)
        assert capsys.readouterr().err == ""
