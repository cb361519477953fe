"""Claims that are no longer checked: older runs are read without them, and every reader is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from checks import __main__ as checks_command
from checks import runner
from checks.catalog import choose, claims
from checks.settings import Settings
from glutheory.claims.retired import RETIRED, notes
from glutheory.claims.stored import load
from glutheory.errors import DomainError, UnknownNameError
from glutheory.report.read import read
from tests.claims.test_claims import CLAIM
from tests.commands.command_line import good
from tests.report.outcomes import GOOD


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A run of before: with the claim `crossing`."""
    from dataclasses import replace

    path = tmp_path / "old.json"
    gone = replace(GOOD, claim=replace(GOOD.claim, id="crossing"))
    runner.write_json(path, runner.document([GOOD, gone], Settings()))
    return path


def test_no_claim_is_both() -> None:
    assert not set(RETIRED) & set(claims())
    assert CLAIM.id not in RETIRED


def test_an_older_file_is_read_without_it(old: Path) -> None:
    found = load(old)
    assert list(found.outcomes) == ["good-one"]
    assert found.retired == ("crossing",)
    assert notes(found.retired, found.name) == [f"old.json: crossing is not shown: {RETIRED['crossing']}."]


def test_who_asks_for_it_is_told_what_became_of_it(old: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"crossing is no claim any more: .* crossing-early and crossing-late"):
        choose(["crossing"])
    with pytest.raises(DomainError, match=r"crossing, which is no claim any more: .* crossing-early and crossing-late"):
        read([old], only=["crossing"])


@pytest.mark.long
def test_the_commands_say_so(old: Path, tmp_path: Path) -> None:
    options = ("report", "--from", str(old), "--out", str(tmp_path / "page.html"))
    assert "old.json: crossing is not shown: it was split into crossing-early and crossing-late" in good(*options)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert 'id="claim-crossing"' not in page
    # the page says it as well, beside the verdicts; not where some claims alone are asked for
    note = "old.json: crossing is not shown: it was split into crossing-early and crossing-late"
    assert page.index('id="verdicts"') < page.index(note) < page.index('id="reading"')
    assert page.count(note) == 1
    assert "is not shown" not in good(*options, "--only", "good-one")
    assert 'class="retired"' not in (tmp_path / "page.html").read_text(encoding="utf-8")
    told = json.loads(good(*options, "--json"))
    assert ([row["id"] for row in told["claims"]], told["retired"]) == (["good-one"], {"old.json": ["crossing"]})
    found = CliRunner().invoke(checks_command.main, ["--from", str(old)])
    assert found.exit_code == 0
    assert "old.json: crossing is not shown" in found.output
