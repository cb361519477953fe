"""The page about a claim and the reasons of its verdict; no check is run here."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from checks.explain import page, reasons
from checks.frame import Origin
from checks.layout import cell, layout
from glutheory.claims import (
    Figure,
    Outcome,
    Verdict,
)
from glutheory.terminal import Terminal
from tests.checks.outcomes import (
    BARE,
    BETTER,
    FALSE,
    FIXED,
    NO,
    ORIGIN,
    OUTCOMES,
    TOOTHLESS,
    TRUE,
    UNCLEAR,
    WEAKER,
    YES,
    outcome,
)

#: What a piece of evidence may have as a figure.
FIGURE: st.SearchStrategy[Figure] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.just(0.1), st.text("ab[", max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text("ab", max_size=2), inner, max_size=4)),
    max_leaves=12,
)


class TestPage:
    """One page."""

    @pytest.mark.parametrize(
        "terminal", [Terminal(), Terminal(60), Terminal(100, unicode=False), Terminal(colour=True)]
    )
    @pytest.mark.parametrize("found", OUTCOMES, ids=lambda found: found.claim.id)
    def test_every_line_fits_and_can_be_shown(self, found: Outcome, terminal: Terminal) -> None:
        text = page(found, ORIGIN, terminal)
        assert ("\x1b" in text) == terminal.colour
        plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
        assert max(map(cell_len, plain.splitlines())) <= terminal.width
        assert terminal.unicode or plain.isascii()

    def test_the_whole_story_is_told(self) -> None:
        text = page(FIXED, Origin("full", "cuda", "x.json"), Terminal(), "f.svg")
        joined = " ".join(text.split())
        for words in (
            *(FIXED.claim.words.strip(), FIXED.claim.statement.strip(), "§3", "holds, corrected", "grade: statistical"),
            *(r"x_{\text{corrected}}", "Gating [sometimes] helps.", "entries are N(0, σ²) exact", "a factor 2 by far"),
            *("the identity" if YES in FIXED.evidence else "a counterexample, ρ ≤ ½", "the means"),
            *(
                "What is to be seen. A note.",
                "Written to f.svg",
                "full profile, seed 7, device cuda, 1.2 s",
                "python 3",
            ),
            *("read from x.json", "probability at most 1e-08", "supports the corrected statement"),
        ):
            assert words in joined, words

    def test_the_line_that_makes_the_figure(self) -> None:
        command = "python -m checks --explain fixed-claim --figure fixed-claim.svg"
        assert f"To draw it: {command}" in page(FIXED, ORIGIN, Terminal())
        assert "--from x.json --figure" in page(FIXED, Origin("quick", "cpu", "x.json"), Terminal())
        assert "To draw" not in page(TRUE, ORIGIN, Terminal())

    def test_figures_are_laid_out(self) -> None:
        lines = [line.strip() for line in page(FALSE, ORIGIN, Terminal()).splitlines()]
        table = {re.split(r"\s{2,}", line)[0]: re.split(r"\s{2,}", line)[1:] for line in lines}
        assert table["number"] == ["0.1235"]
        assert (table["yes or no"], table["nothing"], table["infinite"], table["none"]) == (
            ["yes"],
            ["-"],
            ["inf"],
            ["none"],
        )
        assert table["markup"] == ["[red]not red[/red]"]
        assert table["short"] == ["1, 2.5"]
        assert table["long"] == ["0, 1, 2, ..., 99 (100 values)"]
        assert table["two"] == ["-2e-20"]
        assert (table["row one"], table["row two"]) == (["1", "2"], ["3", "4"])
        assert table["y"] == ["2, 3"]  # ragged rows stay lists
        assert (table["case A"], table["case B"]) == (["5", "0.25"], ["7", "word"])
        assert "n  lambda  other" in lines
        assert "angle  yes" in lines
        assert (table["gelu"], table["relu"]) == (["0.5", "yes"], ["0.25", "-"])
        assert "relu:" not in lines
        assert table["the 8-th extraordinary quantity"][0] == "8"
        assert table["column 8"] == ["100000000"]
        assert table["deep"] == ["3"]
        assert "deepest" in lines
        assert "row 23" in table
        assert "row 24" not in table
        assert "... 36 more" in lines

    @pytest.mark.parametrize("terminal", [Terminal(), Terminal(40)])
    @given(figures=st.dictionaries(st.text("ab ()", max_size=9), FIGURE, max_size=4))
    def test_figures_of_every_form(self, terminal: Terminal, figures: dict[str, Figure]) -> None:
        console = Console(width=terminal.width, quiet=True)
        for part in layout(figures, terminal):
            console.print(part)

    @pytest.mark.parametrize(
        "empty",
        [[], {}, [[]], [{}], {"in it": []}, {"in it": {}}, [[], []], {"A": {}, "B": {}}, {"A": [], "B": {"C": {}}}],
    )
    def test_what_is_empty_is_none(self, empty: Figure) -> None:
        console = Console(width=80)
        with console.capture() as said:
            console.print(*layout({"what was found": empty}, Terminal()))
        assert "what was found" in said.get()
        assert "none" in said.get()

    def test_cells(self) -> None:
        assert [cell(value) for value in (1e-300, 3, False, "w", 123456.0)] == ["1e-300", "3", "no", "w", "1.235e+05"]


class TestReasons:
    """How a verdict follows."""

    @pytest.mark.parametrize(
        ("found", "verdict", "words"),
        [
            (TRUE, Verdict.HOLDS, ("2 pieces support it", "weakest part (mean: proof, variance: numerical)")),
            (
                FIXED,
                Verdict.CORRECTED,
                ("1 piece refutes it", "its corrected form: 1 piece supports it", "statistical"),
            ),
            (
                WEAKER,
                Verdict.WEAKER,
                ("its corrected form: 1 piece supports it", "but weaker: it fails", "Not kept: all n (reversed)"),
            ),
            (
                outcome("silent-claim", NO, BETTER),
                Verdict.WEAKER,
                ("the parts of the claim are not given",),
            ),
            (FALSE, Verdict.FAILS, ("no corrected form", "Grade: certificate")),
            (UNCLEAR, Verdict.INCONCLUSIVE, ("1 piece supports it, 1 piece leaves it open", "inconclusive")),
            (TOOTHLESS, Verdict.INCONCLUSIVE, ("0 of 1 caught",)),
            (BARE, Verdict.INCONCLUSIVE, ("0 of 0 caught",)),
        ],
        ids=lambda value: value.claim.id if isinstance(value, Outcome) else "",
    )
    def test_each_verdict(self, found: Outcome, verdict: Verdict, words: tuple[str, ...]) -> None:
        assert found.verdict is verdict
        text = " ".join(reasons(found))
        assert all(word in text for word in words), text
        assert "CAUTION" not in text

    def test_a_verdict_that_does_not_follow_is_shown(self) -> None:
        assert (
            "CAUTION: by the rule, this evidence gives another verdict: fails"
            in reasons(replace(FALSE, verdict=Verdict.HOLDS))[-1]
        )
