"""What the tests of the report read: two files of runs, and two figures."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from checks import runner
from checks.settings import Settings
from glutheory.report.figures import inline
from tests.report.inline import LOG, MAP
from tests.report.outcomes import BAD, GOOD


@pytest.fixture(autouse=True)
def _no_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a report takes long enough for lines of progress on stderr, which is to be empty."""
    monkeypatch.setattr("glutheory.commands.report._LINES", math.inf)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two stored runs that share the claim good-one."""
    monkeypatch.chdir(tmp_path)
    for name, outcomes in (("first.json", [GOOD]), ("second.json", [BAD, replace(GOOD, key_figure="the newer one")])):
        runner.write_json(tmp_path / name, runner.document(outcomes, Settings()))
    return Path("first.json"), Path("second.json")


@pytest.fixture(scope="module")
def fragment() -> str:
    """Two figures for a page."""
    return inline((LOG, MAP), name="x")
