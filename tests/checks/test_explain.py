"""The page about a claim, the table, stored runs, and the options that show them; no check is run here."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from checks import catalog, runner, table
from checks.__main__ import main
from checks.explain import Origin, page, reasons
from checks.layout import cell
from checks.settings import Settings
from glutheory.claims import (
    SCHEMA,
    About,
    Assumption,
    Claim,
    Control,
    Evidence,
    Fate,
    Finding,
    Grade,
    Outcome,
    Part,
    Verdict,
    decide,
    stored,
)
from glutheory.errors import DomainError
from glutheory.figures.chart import Chart, Map, Role, Series
from glutheory.terminal import Terminal, shown
from tests.documents import ROOT

CHART = Chart(
    "What is to be seen",
    "$n$",
    "y",
    (Series("a [bold]", (1, 2), (3, 4), Role.GATED, (2, 3), (4, 5)),),
    Map("v", (1, 2), (1,), ((1, -1),)),
    note="A note.",
)
FIGURES: Any = {
    "number": 0.123456789,
    "count": 12345,
    "yes or no": True,
    "nothing": None,
    "infinite": "inf",
    "markup": "[red]not red[/red]",
    "short": [1, 2.5],
    "long": list(range(100)),
    "none": [],
    "by name": {"one": 1.0, "two": -2e-20},
    "rows": {"row one": [1, 2], "row two": [3, 4]},
    "gelu": {"angle": 0.5, "yes": True},
    "relu": {"angle": 0.25, "yes": None},
    "records": {"case A": {"n": 5, "lambda": 0.25}, "case B": {"n": 7, "other": "word"}},
    "list of records": [{"n": 1}, {"n": 2}],
    "turned": {"A": {f"the {k}-th extraordinary quantity": k for k in range(9)}, "B": {"x": 1}},
    "wide": {f"case {j}": {f"column {k}": 10**k for k in range(19)} for j in range(19)},
    "mixed": {"alone": 1, "deeper": {"deep": {"deepest": 3}}},
    "ragged": {"x": [1], "y": [2, 3]},
    "many": {f"row {k}": k for k in range(60)},
}
YES = Evidence(Grade.PROOF, "the identity K̃ = K ⊙ (XXᵀ/d) was reduced", Finding.SUPPORTS)
NO = Evidence(Grade.CERTIFICATE, "a counterexample, ρ ≤ ½", Finding.REFUTES, figures=FIGURES)
OPEN = replace(YES, finding=Finding.UNDECIDED)
BETTER = Evidence(Grade.STATISTICAL, "the means", Finding.SUPPORTS, About.CORRECTED, figures={"false_alarm": 1e-8})
HELD, CAUGHT = Assumption("Gaussian", "entries are N(0, σ²)", True, "exact"), Control("a factor 2", True, "by far")


SHARPER = Part("the rate", "it falls", Fate.SHARPENED, "like 1/m")
LESS = Part("all n", "for every n", Fate.REVERSED, "for n < d² [only]")


def outcome(
    name: str,
    *evidence: Evidence,
    controls: tuple[Control, ...] = (CAUGHT,),
    parts: tuple[Part, ...] = (),
    **more: Any,
) -> Outcome:
    claim = Claim(
        name,
        "§3",
        r"\tilde K = K\odot\tfrac{1}{d}XX^\top " * 4,
        "The gated kernel K̃ is " + "a product " * 20,
        ("Gaussian",),
        r"x_{\text{corrected}}" if any(item.about is About.CORRECTED for item in evidence) else "",
        "Gating [sometimes] helps.",
        parts,
    )
    verdict = decide((HELD,), evidence, controls, parts)
    found = Outcome(claim, (HELD,), evidence, controls, verdict, "key = 1", (CHART,), 1.25, 7, {"python": "3"})
    return replace(found, **more)


FIXED = outcome("fixed-claim", NO, BETTER, parts=(SHARPER,))
WEAKER = outcome("weaker-claim", NO, BETTER, parts=(SHARPER, LESS))
TRUE = outcome("true-claim", replace(YES, part="mean"), replace(YES, part="variance", grade=Grade.NUMERICAL), charts=())
FALSE = outcome("false-claim", NO)
UNCLEAR = outcome("unclear-claim", YES, OPEN)
TOOTHLESS = outcome("toothless-claim", YES, controls=(replace(CAUGHT, caught=False),))
BARE = outcome("bare-claim", YES, controls=(), assumptions=(), claim=Claim("bare-claim", "s", "x", "w", ()))
OUTCOMES = (FIXED, TRUE, FALSE, UNCLEAR, TOOTHLESS, BARE, WEAKER)
ORIGIN = Origin("quick", "cpu")


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


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stored run, in the working folder."""
    monkeypatch.chdir(tmp_path)
    path = Path("run.json")
    runner.write_json(path, runner.document(OUTCOMES, Settings()))
    return path


class TestStored:
    """Files of results."""

    def test_there_and_back(self, file: Path) -> None:
        found = stored.load(file)
        assert (found.profile, found.device) == ("quick", "cpu")
        assert list(found.outcomes) == [item.claim.id for item in OUTCOMES]
        again = runner.document(list(found.outcomes.values()), Settings())
        there = json.loads(file.read_text(encoding="utf-8"))
        assert {**again, "created": ""} == {**there, "created": ""}
        assert (found.name, found.machine, found.created) == (file.name, there["machine"], there["created"])

    def test_what_tells_where_and_when_is_optional(self, file: Path) -> None:
        content = json.loads(file.read_text(encoding="utf-8"))
        assert set(content["machine"]) == {"processor", "cores", "platform"}
        assert platform.node() not in content["machine"].values()
        assert datetime.fromisoformat(content["created"]).tzinfo is UTC
        file.write_text(json.dumps({key: content[key] for key in content if key not in ("machine", "created")}))
        found = stored.load(file)
        assert (found.machine, found.created) == ({}, "")

    def test_older_files_are_decided_again(self, file: Path) -> None:
        """Without the parts nothing says that a correction is as strong as its claim."""
        content = json.loads(file.read_text(encoding="utf-8"))
        for row in content["outcomes"]:
            del row["claim"]["parts"], row["dropped"]
        content["outcomes"][-1] |= {"verdict": "holds, corrected", "grade": "statistical"}  # as it was then
        file.write_text(json.dumps(content), encoding="utf-8")
        found = stored.load(file).outcomes
        for name in ("fixed-claim", "weaker-claim"):
            assert (found[name].verdict, found[name].grade, found[name].dropped) == (Verdict.WEAKER, "statistical", ())
            assert "CAUTION" not in " ".join(reasons(found[name]))
        assert [found[item.claim.id].verdict for item in OUTCOMES[1:-1]] == [item.verdict for item in OUTCOMES[1:-1]]
        claims = {item.claim.id: item.claim for item in OUTCOMES}
        again = runner.again(content, claims)
        runner.write_json(file, again)
        found = stored.load(file).outcomes
        assert [found[item.claim.id] for item in OUTCOMES] == [
            replace(item, charts=found[item.claim.id].charts, evidence=found[item.claim.id].evidence)
            for item in OUTCOMES
        ]
        assert datetime.fromisoformat(stored.load(file).decided_again).tzinfo is UTC
        # a statement that has changed since: today's parts are not those of the evidence
        claims["fixed-claim"] = replace(claims["fixed-claim"], corrected="x = 1")
        assert "parts" not in runner.again(content, claims)["outcomes"][0]["claim"]

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda content: content["outcomes"][0]["claim"]["parts"][0].update(fate="lost"), "lost"),
            (lambda _: [1], "no outcomes in it"),
            (lambda content: {**content, "outcomes": None}, "no outcomes in it"),
            (lambda content: {**content, "schema": 1}, f"has schema 1 and {SCHEMA} is read here"),
            (lambda content: {**content, "outcomes": [{}]}, "no 'claim'"),
            (lambda content: {**content, "profile": "quick"}, "not a file of results"),
            (lambda content: content["outcomes"][0].update(verdict="perhaps"), "perhaps"),
            (lambda content: content["outcomes"][0].update(grade="proof"), "the grade of fixed-claim is 'proof'"),
            (lambda content: content["outcomes"][0]["claim"].update(extra=1), "extra"),
            (lambda content: content["outcomes"][0]["charts"][0].update(series=3), "not a chart"),
            (lambda content: content["outcomes"][0]["evidence"][0].update(figures=[1]), "figures must have names"),
            (lambda content: content["outcomes"][0].update(evidence=3), "not iterable"),
        ],
    )
    def test_what_is_no_such_file(self, file: Path, change: Callable[[Any], Any], words: str) -> None:
        content = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(change(content) or content), encoding="utf-8")
        with pytest.raises(DomainError, match=re.escape(words)) as caught:
            stored.load(file)
        assert str(caught.value).startswith("run.json ")
        assert str(caught.value).count(". ") == 0

    def test_what_cannot_be_read(self, tmp_path: Path) -> None:
        with pytest.raises(DomainError, match=r"cannot read none.json: No such file"):
            stored.load(tmp_path / "none.json")
        for content in (b"{", b"\xff"):
            (tmp_path / "x.json").write_bytes(content)
            with pytest.raises(DomainError, match=r"x.json is not a file of results \(not JSON\)"):
                stored.load(tmp_path / "x.json")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.usefixtures("file")
class TestCommand:
    """The options that show things."""

    def test_the_table_of_a_stored_run(self) -> None:
        found = run("--from", "run.json")
        assert (found.exit_code, found.stderr) == (0, "")
        lines = found.stdout.splitlines()
        assert [line.split()[0] for line in lines[1:8]] == [item.claim.id for item in OUTCOMES]
        place = lines.index("What the weaker statements do not keep of the claims:")
        assert lines[place + 1].split() == ["weaker-claim:", "all", "n", "(reversed)"]
        assert lines[-1] == (
            "7 claims. holds: 1; holds, corrected: 1; fails; a weaker statement holds: 1; fails: 1; inconclusive: 3. "
            "8.8 s. False alarm by chance: probability at most 2e-08."
        )
        assert (
            "1 claim. holds: 1. 1.2 s. No verdict rests on chance."
            in run("--from", "run.json", "--only", "true-claim").stdout
        )

    def test_pages_and_figures(self) -> None:
        one = run("--from", "run.json", "--explain", "fixed-claim", "--figure", "f.svg")
        assert (one.exit_code, one.stderr) == (0, "")
        assert "Written to f.svg" in one.stdout
        several = run("--from", "run.json", "--explain", "false-claim, fixed-claim", "--figure", "f.png")
        assert several.exit_code == 0
        assert several.stdout.index("fixed-claim") < several.stdout.index("false-claim")  # in the file's order
        assert sorted(path.name for path in Path().iterdir()) == [
            "f-false-claim.png",
            "f-fixed-claim.png",
            "f.svg",
            "run.json",
        ]

    def test_a_claim_without_a_figure(self) -> None:
        found = run("--from", "run.json", "--explain", "true-claim", "--figure", "f.svg")
        assert found.exit_code == 2
        assert "no figure was written for true-claim: there is none" in found.stderr
        assert "What it means" in found.stdout

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--from", "no.json"), "cannot read no.json"),
            (("--from", "run.json", "--explain", "fixd-claim"), "run.json: unknown claim 'fixd-claim': did you mean"),
            (("--from", "run.json", "--only", "zzz"), "the claims are fixed-claim"),
            (
                ("--from", "run.json", "--seed", "3", "--json", "x.json"),
                "--from runs nothing: leave out --seed",
            ),
            (("--from", "run.json", "--only", "angle", "--json", "x.json"), "writes the whole run: leave out --only"),
            (("--from", "run.json", "--json", "no/x.json"), "folder does not exist"),
            (("--list", "--record"), "--list runs nothing: leave out --record"),
            (("--list", "--explain", "angle"), "--list runs nothing: leave out --explain"),
            (("--only", "angle", "--explain", "angle"), "both name claims"),
            (("--figure", "f.png"), "give --explain as well"),
            (("--explain", "angle", "--figure", "f.bmp"), "let it end in .png"),
            (("--explain", "angle", "--figure", "no/f.png"), "folder that does not exist"),
            (("--from", "run.json", "--explain", "fixed-claim", "--figure", "f"), "let it end in"),
            (("--explain", "hadamrd"), "did you mean 'hadamard'"),
        ],
    )
    def test_bad_input(self, arguments: tuple[str, ...], words: str) -> None:
        found = run(*arguments)
        assert (found.exit_code, found.stdout) == (2, "")
        assert words in found.stderr
        assert len(found.stderr.splitlines()) == 1

    def test_the_list(self) -> None:
        found = run("--list", "--only", "angle,ntk-plain")
        assert found.exit_code == 0
        lines = found.stdout.splitlines()
        assert [line.split() for line in lines if line and line[0] != " "] == [
            ["ntk-plain", "Eq.", "3"],
            ["angle", "§3"],
        ]
        joined = " ".join(found.stdout.split())
        assert catalog.claims()["angle"].words in joined
        assert catalog.claims()["angle"].statement in joined
        assert max(map(cell_len, lines)) <= 100


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


@pytest.mark.slow
def test_the_committed_run_can_be_told_and_drawn() -> None:
    from glutheory.figures.draw import draw

    found = stored.load(ROOT / "results" / "full.json")
    for item in found.outcomes.values():
        assert page(item, Origin(found.profile, found.device), Terminal(unicode=False)).isascii()
        assert item.charts
        draw(item.charts)
