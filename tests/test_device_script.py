"""The prepared run for a GPU, tried on the CPU: every step ends, resumes, and can fail."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import device_steps
from benchmarks.device_steps import STEPS, Setting, verdict

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_dry_run(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/device.py", "--device", "cpu", "--small", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = tmp_path.glob("*-small.json")
    content = json.loads(path.read_text())
    assert list(content["steps"]) == list(STEPS)
    assert {step["status"] for step in content["steps"].values()} <= {"passed", "measured"}
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert not again.stdout


def test_a_comparison_can_fail() -> None:
    assert verdict({"a": 1e-13, "b": 2e-12}, 1e-12)["status"] == "failed"
    assert verdict({"a": 1e-13}, 1e-12)["status"] == "passed"


def test_a_wrong_kernel_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """ReLU read as leaky: what the power is for, at the size of the dry run an error of some percent."""
    found = device_steps.power(Setting("cpu", True))
    assert found["status"] == "passed"
    phi, slope = device_steps.GATES["reglu"]
    wrong = lambda v: phi(v) * 1.5  # noqa: E731 (one mutant)
    monkeypatch.setitem(device_steps.GATES, "reglu", (wrong, slope))
    assert device_steps.power(Setting("cpu", True))["status"] == "failed"
