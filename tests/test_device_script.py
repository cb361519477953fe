"""The prepared run for a GPU, tried on the CPU: every step ends, resumes, can fail, and says what it needs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import device, device_steps
from benchmarks.device_steps import STEPS, TESTS, Setting, all_ran, outcomes, verdict
from tests.documents import ROOT

SCRIPT = ["benchmarks/device.py", "--device", "cpu", "--small"]


def content(folder: Path) -> dict[str, dict[str, object]]:
    (path,) = folder.glob("*-small.json")
    found: dict[str, dict[str, object]] = json.loads(path.read_text())["steps"]
    return found


@pytest.mark.slow
def test_the_dry_run(tmp_path: Path) -> None:
    command = [sys.executable, *SCRIPT, "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    steps = content(tmp_path)
    assert list(steps) == list(STEPS)
    tests = steps.pop("tests")
    assert (tests["status"], tests["reason"]) == ("skipped", "needs a CUDA device")
    assert {step["status"] for step in steps.values()} <= {"passed", "measured"}
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    (line,) = again.stdout.splitlines()
    assert line.startswith("tests: ")


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


# ---- the tests that wait for a device


def test_the_step_has_every_file_with_such_tests() -> None:
    """And no test is skipped for want of a device without the mark that the step selects by."""
    marked, by_hand = set(), set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT).as_posix()
        if re.search(r"^ *@pytest\.mark\.cuda$", text, re.MULTILINE):
            marked.add(name)
        if "not torch.cuda." + "is_available()" in text:
            by_hand.add(name)
    assert marked == set(TESTS)
    assert by_hand == set()


OUTCOMES = {
    "passed": ("@pytest.mark.cuda\ndef test_a(): pass", True),
    "failed": ("@pytest.mark.cuda\ndef test_a(): assert False", False),
    "one skipped": (
        "@pytest.mark.cuda\ndef test_a(): pass\n@pytest.mark.cuda\ndef test_b(): pytest.skip('no reason')",
        False,
    ),
    "all skipped": ("@pytest.mark.cuda\ndef test_a(): pytest.skip('no reason')", False),
    "none chosen": ("def test_cuda_device(): pass", False),
    "not read": ("import no_such_module", False),
}


@pytest.mark.long
@pytest.mark.parametrize("case", OUTCOMES)
def test_only_tests_that_ran_count(case: str, tmp_path: Path) -> None:
    text, right = OUTCOMES[case]
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = cuda: needs a device\n")
    (tmp_path / "test_one.py").write_text(f"import pytest\n{text}\n")
    counts, summary = outcomes([tmp_path / "test_one.py"], tmp_path)
    assert all_ran(counts) is right, (counts, summary)


@pytest.mark.slow
def test_the_step_chooses_what_is_skipped_here() -> None:
    """Every test marked, and no other: without a device all of them are skipped, which the step calls failed."""
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    for package in (package for needed in TESTS.values() for package in needed):
        pytest.importorskip(package)
    counts, summary = outcomes([ROOT / name for name in TESTS])
    # six networks and every stack among them
    assert counts["tests"] == counts["skipped"] > 20, (counts, summary)
    assert not all_ran(counts)


# ---- what is absent, what is of another version

#: Runs the script where these cannot be imported, by the finder of tests/core_only.py.
HIDDEN = """
import runpy, sys
sys.path.insert(0, ".")
from tests import core_only
core_only.OPTIONAL = set(sys.argv[1].split(","))
sys.meta_path[:] = [core_only.Hiding if f is core_only.PathFinder else f for f in sys.meta_path]
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def hidden(packages: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", HIDDEN, packages, *SCRIPT, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("absent", "step"),
    [
        ("flint", "gram"),
        ("threadpoolctl", "empirical_ntk"),
        ("array_api_compat", "gram"),
        ("xdist", "tests"),
        ("hypothesis", "tests"),
    ],
)
def test_a_step_without_what_it_needs_is_skipped(absent: str, step: str, tmp_path: Path) -> None:
    done = hidden(absent, "--only", step, "--out", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    found = content(tmp_path)[step]
    assert (found["status"], found["reason"]) == ("skipped", f"needs {absent}")


def test_without_torch_it_says_so(tmp_path: Path) -> None:
    done = hidden("torch", "--out", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.endswith("error: torch is absent: install it for this device.\n")


def test_a_device_that_is_not_there_is_a_sentence() -> None:
    assert device.unusable("cpu") == ""
    assert device.unusable("cuda:99").startswith("--device is 'cuda:99', which torch cannot use here")
    assert device.unusable("no such thing").startswith("--device is 'no such thing'")


def test_a_step_of_another_version_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []

    def step(_: Setting) -> dict[str, object]:
        runs.append(1)
        return {"status": "measured"}

    monkeypatch.setattr(device_steps, "STEPS", {"first": step, "second": step})
    words = [*SCRIPT, "--out", str(tmp_path)]
    first = device.versions()
    for software, only, expected in (
        (first, "", 2),
        (first, "", 2),
        ({**first, "source": "another"}, "second", 3),
        ({**first, "source": "another"}, "", 4),
    ):
        monkeypatch.setattr(device, "versions", lambda software=software: software)
        monkeypatch.setattr(sys, "argv", [*words, "--only", only])
        assert device.main() == 0
        assert len(runs) == expected
        assert content(tmp_path)["second"]["versions"] == software
        assert content(tmp_path)["second"]["finished"]
        if only:
            assert content(tmp_path)["first"]["versions"] == first


def test_the_version_is_that_of_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "glutheory").mkdir()
    (tmp_path / "benchmarks").mkdir()
    module, steps = tmp_path / "glutheory" / "a.py", tmp_path / "benchmarks" / "device_steps.py"
    found = []
    monkeypatch.setattr(device, "ROOT", tmp_path)
    for texts in (("1", "2"), ("1", "3"), ("2", "2")):
        for path, text in zip((module, steps), texts, strict=True):
            path.write_text(text)
        found.append(device.versions()["source"])
    assert len(set(found)) == 3


def test_the_benchmarks_are_run_all_together() -> None:
    """But for this script, and for what is no script."""
    from benchmarks.__main__ import SCRIPTS

    others = {"__main__.py", "peers.py", "turns.py", "device.py", "device_steps.py"}
    assert {path.name for path in (ROOT / "benchmarks").glob("*.py")} == {*SCRIPTS, *others}
