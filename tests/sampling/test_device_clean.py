"""Tests on a device that is none, in a process of their own: torch would take it for an accelerator in all others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_nothing_goes_to_the_host_on_the_way() -> None:
    pytest.importorskip("torch")
    line = [sys.executable, "-m", "pytest", "-q", "-n0", "-m", "", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [*line, "tests/sampling/device_clean.py"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if "this torch knows no devices written in Python" in done.stdout:
        pytest.skip("this torch knows no devices written in Python")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert " passed" in done.stdout
