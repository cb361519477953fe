"""Where the commands write to: figures without matplotlib, full disks, files, records as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glutheory.commands import output
from glutheory.errors import DomainError, MissingDependencyError
from glutheory.figures import draw
from glutheory.figures.chart import Chart, Series
from glutheory.ground.files import plain
from glutheory.studies.json_head import record
from glutheory.terminal import Terminal
from tests.commands.command_line import SPECTRUM, bad, good


def test_without_matplotlib_only_figures_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r"glutheory\[report\]"):
        output.check_output(tmp_path / "x.svg")
    output.check_output(tmp_path / "x.txt")
    assert "pip install -c constraints.txt 'glutheory[report]'" in bad(*SPECTRUM, "--out", str(tmp_path / "x.svg"))
    assert good(*SPECTRUM, "--out", str(tmp_path / "x.txt")) == ""


class _Found:
    """The smallest study."""

    def as_json(self, charts: Sequence[Chart] = ()) -> dict[str, Any]:
        return record("found", value=1.5, charts=len(charts))


class _Shown:
    def text(self, found: _Found, terminal: Terminal, /) -> str:  # noqa: ARG002 (the signature of a room)
        return f"width {terminal.width}, unicode {terminal.unicode}\n\n"

    def charts(self, found: _Found, /) -> tuple[Chart, ...]:  # noqa: ARG002
        return (Chart("title", "x", "y", [Series("", (1, 2), (3, 4))]),)


def test_what_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(draw, "save", full)
    with pytest.raises(DomainError, match="which cannot be written \\(No space left on device\\)"):
        output.emit(_Shown(), _Found(), as_json=False, out=tmp_path / "x.svg", ascii_only=False)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(DomainError, match="in a folder that may not be written to"):
        output.check_output(tmp_path / "x.svg")


def test_emit_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.txt"
    output.emit(_Shown(), _Found(), as_json=False, out=file, ascii_only=True)
    assert file.read_text() == "width 100, unicode False\n"
    output.emit(_Shown(), _Found(), as_json=True, out=None, ascii_only=True)
    shown = json.loads(capsys.readouterr().out)
    assert list(shown) == ["schema", "schema_version", "package_version", "value", "charts"]
    assert shown["charts"] == 1


def test_records_are_json() -> None:
    found = record("x", 3, values=np.array([1.0, np.inf]), flag=np.True_, pairs={1: (np.float32(0.5), float("nan"))})
    del found["package_version"]
    assert found == {
        "schema": "glutheory.x", "schema_version": 3, "values": [1.0, "inf"], "flag": True,
        "pairs": {"1": [0.5, "nan"]},
    }  # fmt: skip
    with pytest.raises(DomainError, match="a value is of type complex"):
        plain({"a": [1j]})
