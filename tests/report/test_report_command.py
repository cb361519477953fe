"""`glutheory report`: pages, figures, mistakes in one sentence, nothing spoilt by a failure."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from glutheory.claims.stored import load
from glutheory.errors import DomainError, MissingDependencyError
from glutheory.report.page import render
from glutheory.report.read import committed, read
from tests.commands.command_line import bad, good


class TestCommand:
    """`glutheory report`."""

    @pytest.mark.long
    def test_a_page(self, files: tuple[Path, Path]) -> None:
        text = good("report", "--from", str(files[1]))
        assert re.fullmatch(r"Of 2 claims, .*\.\nWritten to report\.html \(0\.\d MB\)\.\n", text)
        written = Path("report.html").read_text(encoding="utf-8")
        assert written == render([load(files[1])])
        assert written.startswith("<!DOCTYPE html>")

    @pytest.mark.long
    def test_what_was_written_as_json(self, files: tuple[Path, Path]) -> None:
        command = ("report", "--from", str(files[0]), "--from", str(files[1]), "--replace", "--json", "--out", "a.html")
        told = json.loads(good(*command, "--figures", "drawn", "--format", "png"))
        assert (told["schema"], told["schema_version"]) == ("glutheory.report", 1)
        assert told["bytes"] == Path("a.html").stat().st_size
        assert told["figures"] == [str(Path("drawn", "good-one.png"))]
        assert Path("drawn", "good-one.png").read_bytes().startswith(b"\x89PNG")
        assert told["verdicts"] == {"holds": 1, "fails": 1}
        assert [(row["id"], row["file"], row["figure"]) for row in told["claims"]] == [
            ("bad-one", "second.json", None),
            ("good-one", "second.json", str(Path("drawn", "good-one.png"))),
        ]

    def test_figures_alone(self, files: tuple[Path, Path]) -> None:
        assert good("report", "--from", str(files[0]), "--figures", "drawn").endswith("1 figure in drawn.\n")
        assert not Path("report.html").exists()
        assert good("report", "--from", str(files[0]), "--figures", "drawn") != ""

    def test_only_takes_sources_as_the_checks_do(self) -> None:
        runs = read(committed(), only=["theorem 3.1", "hadamard"])
        assert [name for run in runs for name in run.outcomes] == ["hadamard", "lambda-max", "lambda-min", "condition"]
        with pytest.raises(DomainError, match=r"--only names 'Thm 3', which is in none"):
            read(committed(), only=["Thm 3"])

    @pytest.mark.long
    def test_its_progress_names_each_claim(self, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[tuple[str, float | None, float, str]] = []

        @contextmanager
        def noted(what: str, *, total: float | None = None, **_: Any) -> Iterator[Callable[..., None]]:
            yield lambda steps=1, name="": seen.append((what, total, steps, name))

        monkeypatch.setattr("glutheory.commands.progress.progress", noted)
        good("report", "--from", str(files[1]), "--out", "a.html", "--figures", "drawn")
        # the explorers, the page and the figure of each of two claims, of which nothing is done when the first is named
        assert [row[:3] for row in seen] == [("Drawing", 5, 0), *[("Drawing", 5, 1)] * 4]
        assert sorted(row[3] for row in seen) == ["bad-one", "bad-one", "explorers", "good-one", "good-one"]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--out", "."), "HTML"),
            (("--out", "folder.html"), "which is a folder"),
            (("--out", "nowhere/a.html"), "no such folder"),
            (("--out", "a.pdf"), "let it end in .html"),
            (("--from", "missing.json"), "cannot read missing.json"),
            (("--from", "first.json", "--from", "second.json"), "leave one out"),
            (("--from", "first.json", "--only", "worse"), "--only names 'worse'"),
            (("--from", "first.json", "--figures", "first.json"), "--figures is 'first.json'"),
            (("--from", "first.json", "--figures", "no/where"), "--figures is 'no/where'"),
            (("--from", "first.json", "--figures", "taken"), "'good-one.svg' cannot be written"),
            (("--format", "gif"), "gif"),
            (("--out", "a" * 300 + ".html"), "--out is"),
        ],
    )
    @pytest.mark.usefixtures("files")
    def test_mistakes(self, arguments: tuple[str, ...], words: str) -> None:
        Path("folder.html").mkdir()
        Path("taken", "good-one.svg", "inside").mkdir(parents=True)
        assert words in bad("report", *arguments)

    @pytest.mark.long
    def test_what_was_there_stays_if_it_cannot_be_done(self, files: tuple[Path, Path]) -> None:
        Path("report.html").write_text("before")
        content = json.loads(files[0].read_text(encoding="utf-8"))
        content["outcomes"][0]["claim"]["statement"] = r"\frac{"
        files[0].write_text(json.dumps(content))
        assert "cannot be read" in bad("report", "--from", str(files[0]))
        assert Path("report.html").read_text() == "before"
        assert sorted(path.name for path in Path().iterdir()) == ["first.json", "report.html", "second.json"]

    @pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
    def test_without_the_extra(self, missing: str, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, missing, None)
        assert "glutheory[report]" in bad("report", "--from", str(files[0]))
        with pytest.raises(MissingDependencyError):
            render([load(files[0])])
