"""The line that installs an extra is for the Python that runs, in whatever folder and shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from glutheory.errors import MissingDependencyError, installing

REST = " -m pip install -c constraints.txt 'glutheory[report]'"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an environment in .venv, whose Python runs; nothing of it is on the path."""
    folder = tmp_path / "a clone"
    (folder / ".venv" / "bin").mkdir(parents=True)
    python = folder / ".venv" / "bin" / "python"
    python.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.chdir(folder)
    return folder


def test_in_the_clone(clone: Path) -> None:
    assert installing("report") == f".venv/bin/python{REST}"
    (clone / "docs").mkdir()
    os.chdir(clone / "docs")
    assert installing("report") == f"'{clone}/.venv/bin/python'{REST}"


@pytest.mark.usefixtures("clone")
@pytest.mark.parametrize("folder", [".", ".."])
def test_a_shell_starts_this_python(folder: str) -> None:
    os.chdir(folder)
    python = installing("report").removesuffix(REST)
    code = "import sys; print(sys.executable)"
    found = subprocess.run(f'{python} -c "{code}"', shell=True, capture_output=True, text=True, check=True)
    assert Path(found.stdout.strip()).absolute() == Path(sys.executable)


@pytest.mark.parametrize("name", ["python", "python3"])
def test_an_active_environment(name: str, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Path(sys.executable).rename(clone / ".venv" / "bin" / name)
    monkeypatch.setattr(sys, "executable", str(own))
    monkeypatch.setenv("PATH", str(own.parent))
    assert installing("report") == f"{name}{REST}"


def test_no_folder_and_no_name(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = clone.parent / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert installing("report") == f"'{clone}/.venv/bin/python'{REST}"
    monkeypatch.setattr(sys, "executable", "")  # embedded
    assert installing("report") == f"python{REST}"


def test_the_error_has_it() -> None:
    error = MissingDependencyError.of("figures need", "matplotlib", "report")
    assert str(error) == f"figures need matplotlib: {installing('report')}."
    assert error.name == "matplotlib"
