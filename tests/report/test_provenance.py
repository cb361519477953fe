"""Where the report comes from: the files of runs that it reads, and the command that makes them again."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from checks import __main__ as checks_command
from checks import runner
from checks.settings import Settings
from glutheory.claims import Evidence, Finding, Grade
from glutheory.claims.stored import Stored
from glutheory.errors import DomainError
from glutheory.report import provenance, read
from tests.commands.command_line import good
from tests.documents import ROOT
from tests.report.outcomes import BAD, GOOD, RUN


class TestProvenance:
    """What is told about where a figure comes from."""

    def test_what_a_file_lacks_is_said(self) -> None:
        rows = dict(provenance.rows(BAD, Stored({"bad-one": BAD}, "quick", "cpu")))
        missing = ("results file", "machine", "date", "software")
        assert {rows[name] for name in missing} == {"not recorded"}
        assert rows["chance of a false alarm"] == "at most 1e-08"

    def test_chance(self) -> None:
        assert provenance.chance(GOOD) == "none: nothing rests on chance"
        assert "at the levels" in provenance.chance(
            replace(GOOD, evidence=(Evidence(Grade.STATISTICAL, "", Finding.SUPPORTS),))
        )

    def test_the_command_is_one(self) -> None:
        run = replace(RUN, own_data={"images": "my images.npz"})
        words = shlex.split(provenance.command(GOOD, run))
        assert words[:3] == ["python", "-m", "checks"]
        context = checks_command.main.make_context("checks", words[3:])
        assert context.params["only"] == "good-one"
        assert (context.params["seed"], context.params["profile"]) == (7, "full")
        assert context.params["images"] == "my images.npz"


class TestRead:
    """Which runs are shown."""

    def test_a_claim_in_two_files(self, files: tuple[Path, Path]) -> None:
        with pytest.raises(DomainError, match=r"good-one is in first\.json and in second\.json: .*--replace"):
            read.read(files)
        first, second = read.read(files, replacing=True)
        assert list(first.outcomes) == []
        assert second.outcomes["good-one"].key_figure == "the newer one"
        runner.write_json(files[0], runner.document([], Settings()))
        with pytest.raises(DomainError, match="there is no claim"):
            read.read(files[:1])

    def test_only_some(self, files: tuple[Path, Path]) -> None:
        (run,) = read.read(files[1:], only=["bad-one"])
        assert list(run.outcomes) == ["bad-one"]
        with pytest.raises(DomainError, match=r"names 'bad-two', which is in none .*: use bad-one, good-one"):
            read.read(files[1:], only=["bad-two"])

    def test_the_committed_runs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """In the package where it is installed, else beside it."""
        assert [path.name for path in read.committed()] == list(read.FILES)
        package = tmp_path / "lib" / "glutheory"
        package.mkdir(parents=True)
        monkeypatch.setattr("importlib.resources.files", lambda _: package)
        with pytest.raises(DomainError, match="--from"):
            read.committed()
        for folder in (package.parent / "results", package / "results"):
            folder.mkdir()
            for name in read.FILES:
                (folder / name).touch()
            assert read.committed() == tuple(folder / name for name in read.FILES)


@pytest.mark.long
def test_committed_figures_are_what_the_command_draws(tmp_path: Path) -> None:
    """One command draws them all; those that are committed are the same to the byte."""
    kept = sorted((ROOT / "docs" / "figures").glob("*.svg"))
    ids = {item.claim.id for run in read.read(read.committed()) for item in run.outcomes.values()}
    drawn = [path.stem for path in kept if path.stem in ids]
    assert len(drawn) >= 3
    good("report", "--figures", str(tmp_path), "--only", ",".join(drawn))
    for name in drawn:
        assert (tmp_path / f"{name}.svg").read_bytes() == (ROOT / "docs" / "figures" / f"{name}.svg").read_bytes(), name
