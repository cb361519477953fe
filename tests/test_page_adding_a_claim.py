"""The page "Adding a claim", done as written in a copy of the repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import ROOT, blocks, environment, run, working_copy

PAGE = ROOT / "docs" / "adding-a-claim.md"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy, after everything that the page says."""
    folder = working_copy(tmp_path_factory.mktemp("claim"))
    result = run(PAGE, folder)
    assert result.returncode == 0, result.stderr
    return folder


def test_the_page_works_as_written(done: Path) -> None:
    recorded = json.loads((done / "checks" / "recorded.json").read_text())
    ours = json.loads((ROOT / "checks" / "recorded.json").read_text())
    # the wrong law at the end of the page was not recorded
    assert recorded["verdicts"].pop("trace") == {"verdict": "holds", "grade": "numerical"}
    assert recorded == ours
    assert '"signal", "trace")' in (done / "checks" / "catalog.py").read_text()
    assert "gated: Fraction = Fraction(1)" in (done / "checks" / "claims" / "trace.py").read_text()
    command = [sys.executable, "-m", "checks", "--list", "--only", "trace"]
    listed = subprocess.run(command, cwd=done, env=environment(done), capture_output=True, text=True, check=True)
    assert "the trace of the ReLU kernel" in " ".join(listed.stdout.split())


def test_the_files_keep_the_rules_of_the_repository(done: Path) -> None:
    files = [block.options["file"] for block in blocks(PAGE) if "file" in block.options]
    assert files == ["checks/claims/trace.py", "tests/checks/claims/test_trace.py"]
    ruff = Path(sys.executable).with_name("ruff")
    for arguments in (["check"], ["format", "--check"]):
        command = [os.fspath(ruff), *arguments, "--no-cache", *files]
        result = subprocess.run(command, cwd=done, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def test_the_repository_does_not_have_it() -> None:
    assert not (ROOT / "checks" / "claims" / "trace.py").exists()
