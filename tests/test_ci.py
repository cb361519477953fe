"""The steps of `.ci/run`: one that fails ends the run and is named, wherever it runs; nothing is left behind."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.processes import PATIENCE, marked

ROOT = Path(__file__).resolve().parent.parent


def _run(script: str, marker: str = "") -> subprocess.CompletedProcess[str]:
    """A script of steps, run as `.ci/run` is."""
    text = f"set -euo pipefail; source '{ROOT}/.ci/steps.sh'; export MARKER='{marker}'\n{script}\necho the end"
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def test_steps_that_pass() -> None:
    result = _run("begin slow bash -c 'sleep 0.2; echo heard'\nstep quick echo said\nfinish slow")
    assert result.returncode == 0, result.stderr
    said = result.stdout
    places = [said.index(words) for words in ("\nsaid\n", "[quick: ", "\nheard\n", "[slow: ")]
    assert places == sorted(places)
    assert said.endswith("the end\n")


@pytest.mark.parametrize(
    "script",
    [
        "step bad false",
        "step bad bash -c 'exit 7'; step good true",
        "step bad no-such-program",
        "begin bad false; step good true; finish bad",
        "begin bad bash -c 'exit 7'; begin other true; step good true; finish other; finish bad; step later true",
        "begin bad bash -c 'kill -9 $PPID'; step good true; finish bad",
    ],
)
def test_a_step_that_fails_ends_the_run_and_is_named(script: str) -> None:
    result = _run(script)
    assert result.returncode == 1
    assert "FAILED: bad (exit status " in result.stdout
    assert "the end" not in result.stdout
    assert "[later" not in result.stdout


def test_what_it_said_is_shown() -> None:
    """Both streams of a step in the background, before its failure."""
    result = _run("begin bad bash -c 'echo one; echo two >&2; exit 3'; finish bad")
    assert re.search(r"== bad\none\ntwo\n\nFAILED: bad \(exit status 3,", result.stdout)


def test_steps_begun_end_with_the_run() -> None:
    marker = "steps-begun-end-with-the-run"
    result = _run("begin long bash -c 'sleep 600 & wait'; step bad false", marker)
    assert result.returncode == 1
    # they are told to end, and take as long as they need
    end = time.monotonic() + PATIENCE
    while marked(f"MARKER={marker}") and time.monotonic() < end:
        time.sleep(0.01)
    assert marked(f"MARKER={marker}") == []


def test_every_step_that_is_begun_is_finished() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    found = [line.split()[:2] for line in lines if re.match(r"(begin|finish|step) ", line)]
    begun = [name for verb, name in found if verb == "begin"]
    assert begun
    for name in begun:
        assert found.index(["finish", name]) > found.index(["begin", name])
    # nothing is run past them: what fails there would not be named
    assert not [line for line in lines if re.match(r"\S*\.venv/bin/python", line)]
