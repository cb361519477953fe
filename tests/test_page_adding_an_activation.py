"""The page "Adding an activation", done as written in a copy of the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import ROOT, blocks, environment, hunks, run, working_copy

PAGE = ROOT / "docs" / "adding-an-activation.md"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy, after everything that the page says."""
    folder = working_copy(tmp_path_factory.mktemp("activation"))
    result = run(PAGE, folder)
    assert result.returncode == 0, result.stderr
    return folder


def changed() -> set[str]:
    """The files that the page changes."""
    return {str(path) for block in blocks(PAGE) if block.kind == "diff" for path, _, _ in hunks(block.text)}


def in_copy(folder: Path, *command: str) -> str:
    result = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_page_works_as_written(done: Path) -> None:
    listed = in_copy(done, sys.executable, "-m", "glutheory", "list")
    assert "cubed_relu" in listed
    assert "cubed_relu" not in (ROOT / "glutheory" / "activations" / "zoo.py").read_text(encoding="utf-8")


def test_the_changed_files_keep_the_rules_of_the_repository(done: Path) -> None:
    ruff = os.fspath(Path(sys.executable).with_name("ruff"))
    for arguments in (["check"], ["format", "--check"]):
        in_copy(done, ruff, *arguments, "--no-cache", *sorted(changed()))


def test_every_table_of_the_tests_takes_it(done: Path) -> None:
    """All tests that mention it, and those that compare whole tables."""
    words = "cubed_relu or table or homogeneous or completion"
    in_copy(done, sys.executable, "-m", "pytest", "-q", "-n", "0", "-k", words, "tests")
