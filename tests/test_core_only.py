"""Where nothing but the core is installed every command runs, or says what it needs and how to install it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from checks.catalog import modules
from checks.needs import absent, runnable, told
from glutheory.errors import installing
from tests import core_only
from tests.documents import ROOT


@pytest.mark.slow
def test_every_command_without_optional_packages() -> None:
    """They are refused; `.ci/run` does the same where they are not installed."""
    command = [sys.executable, str(ROOT / "tests" / "core_only.py"), "--refuse"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("status", "sentence"), [(2, "swiglu"), (0, "no such network")])
def test_a_wrong_answer_is_seen(status: int, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [])
    assert core_only.complaint("glutheory list", 0, "swiglu") == ""
    assert core_only.complaint("glutheory list", status, sentence).startswith("glutheory list\nended with 0")


def test_what_is_absent_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = tuple(modules())
    assert runnable(everything) == (everything, {})
    assert told({}) == ""
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert absent("majorisation") == ("scikit-learn",)
    assert absent("hadamard") == ()
    able, skipped = runnable(("angle", "majorisation", "ntk-plain"))
    assert (able, skipped) == (("angle", "ntk-plain"), {"majorisation": ("scikit-learn",)})
    assert told({**skipped, "spike": ("statsmodels", "torch")}) == (
        "majorisation  skipped: needs scikit-learn\n"
        "spike         skipped: needs statsmodels, torch\n"
        f"For these: {installing('checks')}"
    )
