"""Stored runs, and the options of the command that show them; no check is run here."""

from __future__ import annotations

import json
import os
import platform
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from checks import catalog, runner, stored_runs
from checks.__main__ import main
from checks.explain import page, reasons
from checks.frame import Origin
from checks.settings import Settings
from glutheory.claims import (
    SCHEMA,
    Verdict,
    stored,
)
from glutheory.errors import DomainError
from glutheory.terminal import Terminal
from tests.checks.outcomes import (
    OUTCOMES,
)
from tests.documents import ROOT


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
        content["outcomes"][-1]["claim"]["meaning"] = "As it was put then."
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
            (lambda content: content.update(seed=None), "seed is null where a number is due"),
            (lambda content: content.update(device=None), "device is null where text is due"),
            (lambda content: content["machine"].update(cores=None), "machine's cores is null"),
            (lambda content: content.update(created=3), "created is 3 where text is due"),
            (lambda content: content["outcomes"][0].update(key_figure=None), "key_figure is null where text is due"),
            (lambda content: content["outcomes"][0].update(seed=None), "seed is null where a number is due"),
            (lambda content: content["outcomes"][0].update(seed=1.5), "seed is 1.5 where a number is due"),
            (lambda content: content["outcomes"][0].update(seconds=True), "seconds is true where a number is due"),
            (lambda content: content["outcomes"][0].update(finished=None), "finished is null where text is due"),
            (lambda content: content["outcomes"][0]["versions"].update(numpy=2), "the version of numpy is 2"),
            (lambda content: content["outcomes"][0]["claim"].update(words=None), "words is null where text is due"),
            (lambda content: content["outcomes"][0]["claim"].update(assumptions=[None]), "an assumption is null"),
            (
                lambda content: content["outcomes"][0]["assumptions"][0].update(holds=1),
                "holds is 1 where true or false",
            ),
            (lambda content: content["outcomes"][0]["controls"][0].update(caught="yes"), 'caught is "yes" where true'),
            (lambda content: content["outcomes"][0]["evidence"][0].update(what=None), "what is null where text is due"),
            (lambda content: content["outcomes"][0]["charts"][0].update(title=None), "title is null where text is due"),
            (
                lambda content: content["outcomes"].append(content["outcomes"][0]),
                "the claim fixed-claim is in it 2 times",
            ),
            (lambda content: content["outcomes"][0]["evidence"][0]["figures"].update(x=float("nan")), "not JSON"),
        ],
    )
    def test_what_is_no_such_file(self, file: Path, change: Callable[[Any], Any], words: str) -> None:
        content = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(change(content) or content), encoding="utf-8")
        with pytest.raises(DomainError, match=re.escape(words)) as caught:
            stored.load(file)
        assert str(caught.value).startswith("run.json ")
        assert str(caught.value).count(". ") == 0

    def test_a_number_may_be_beyond_float64(self, file: Path) -> None:
        content = json.loads(file.read_text(encoding="utf-8"))
        for row in content["outcomes"]:
            row["seed"] = 10**400
        file.write_text(json.dumps(content), encoding="utf-8")
        assert {outcome.seed for outcome in stored.load(file).outcomes.values()} == {10**400}

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
        place = lines.index("Not kept of the claims, or not judged:")
        assert lines[place + 1].split() == ["weaker-claim:", "all", "n", "(reversed)"]
        assert lines[-1] == (
            "7 claims. holds: 1; holds, corrected: 1; fails; a weaker statement holds: 1; fails: 1; inconclusive: 3. "
            "8.8 s. False alarm by chance: probability at most 2e-08."
        )
        assert (
            "1 claim. holds: 1. 1.2 s. No verdict rests on chance."
            in run("--from", "run.json", "--only", "true-claim").stdout
        )

    @pytest.mark.long
    def test_pages_and_figures(self) -> None:
        one = run("--from", "run.json", "--explain", "fixed-claim", "--figure", "f.svg", "--full")
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

    def test_a_run_without_claims_is_refused(self) -> None:
        """Also one that holds claims that are no longer checked alone, which it names."""
        content = json.loads(Path("run.json").read_text(encoding="utf-8"))
        old = json.loads(json.dumps(content["outcomes"][0]))
        old["claim"]["id"] = "crossing"
        for outcomes, words in (([], "holds no claims: give"), ([old], "crossing is not shown: it was split into")):
            Path("run.json").write_text(json.dumps({**content, "outcomes": outcomes}), encoding="utf-8")
            for arguments in ((), ("--explain", "angle"), ("--json", "x.json")):
                found = run("--from", "run.json", *arguments)
                assert (found.exit_code, found.stdout) == (2, "")
                assert words in found.stderr
                assert len(found.stderr.splitlines()) == 1
        assert not Path("x.json").exists()

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="FIFOs as POSIX has them")
    def test_runs_by_way_of_fifos(self) -> None:
        """As `--from <(…)` and `--json >(…)` give them; each is read once."""
        os.mkfifo("in")
        os.mkfifo("out")
        text, taken = Path("run.json").read_text(encoding="utf-8"), []
        ends = (lambda: Path("in").write_text(text, encoding="utf-8"), lambda: taken.append(Path("out").read_text()))
        threads = [threading.Thread(target=end, daemon=True) for end in ends]
        for thread in threads:
            thread.start()
        found = run("--from", "in", "--json", "out")
        for thread in threads:
            thread.join(10)
        assert (found.exit_code, found.stderr) == (0, "")
        assert json.loads(taken[0])["decided_again"]
        assert len(json.loads(taken[0])["outcomes"]) == len(OUTCOMES)

    def test_a_file_that_cannot_be_written_is_a_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(stored_runs, "write_json", full)
        found = run("--from", "run.json", "--json", "x.json")
        assert (found.exit_code, found.stdout) == (2, "")
        assert "cannot write x.json: No space left on device" in found.stderr

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
        assert "cos φ̃_ij = cos φ_ij cos α_ij, so gating separates samples" in joined  # in signs, not \\cos
        assert "\\" not in joined
        assert max(map(cell_len, lines)) <= 100


def test_the_committed_runs_have_the_words_of_today() -> None:
    """`--explain --from` and the report show what is stored."""
    known = catalog.claims()
    found = {
        (name, field)
        for path in sorted((ROOT / "results").glob("*.json"))
        for row in json.loads(path.read_text(encoding="utf-8"))["outcomes"]
        for name in [row["claim"]["id"]]
        for field in ("source", "statement", "words", "corrected", "meaning")
        if row["claim"][field] != getattr(known[name], field)
    }
    assert not found, "python -m checks --from FILE --json FILE writes the meaning anew; other words need a run"


@pytest.mark.parametrize("full", [[], ["--full"]], ids=["short", "full"])
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.long] if path.stem == "full" else [])
        for path in sorted((ROOT / "results").glob("*.json"))
    ],
)
def test_every_stored_claim_is_told(path: Path, full: list[str]) -> None:
    names = list(stored.load(path).outcomes)
    found = run("--from", str(path), "--explain", ",".join(names), *full)
    assert found.exit_code == 0, found.output + repr(found.exception)
    assert all(re.search(rf"^{name}  ", found.stdout, re.MULTILINE) for name in names)


@pytest.mark.slow
def test_the_committed_run_can_be_told_and_drawn() -> None:
    from glutheory.figures.draw import draw

    found = stored.load(ROOT / "results" / "full.json")
    for item in found.outcomes.values():
        assert page(item, Origin(found.profile, found.device), Terminal(unicode=False)).isascii()
        assert item.charts
        draw(item.charts)
