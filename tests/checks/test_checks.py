"""The checks: recorded verdicts, negative controls, wrong formulas, and the runner."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flint import arb

from checks import runner
from checks.__main__ import main
from checks.catalog import choose, claims, modules
from checks.claims import hadamard, hadamard_exact, ntk_gated, ntk_plain, products
from checks.claims.angle import separation
from checks.claims.angle import statement as angle
from checks.claims.compact import statement as compact
from checks.claims.decorrelation import evidence as decorrelation
from checks.claims.decorrelation.normalised_kernels import Law
from checks.claims.degree_shift import statement as degree_shift
from checks.claims.finite_width_mean import statement as finite_width_mean
from checks.settings import PROFILES, Settings
from checks.table import plain
from checks.tools import formulas
from checks.tools.evidence import agreement, certificate, is_lecun
from checks.tools.roads import generic, lecun, sample
from glutheory.claims import Finding, Outcome, Verdict, stored, unshown
from glutheory.errors import DomainError, UnknownNameError
from glutheory.ground.balls import precision
from glutheory.networks import product
from tests.documents import ROOT
from tests.processes import PATIENCE, ended, left_behind, loaded, marked

QUICK = Settings()
#: Enough draws for every statistical test, little else.
SMALL = Settings(replace(PROFILES["quick"], name="small", draws=200, width=64, narrow=200))
IDS = tuple(claims())


@lru_cache(maxsize=16)
def outcome(name: str) -> Outcome:
    """The check in the quick profile, run once for all tests."""
    found: Outcome = modules()[name].run(QUICK)
    return found


class TestCatalog:
    def test_every_claim_is_recorded(self) -> None:
        assert set(runner.recorded()) == set(IDS)

    def test_claims_of_the_issue(self) -> None:
        wanted = {"ntk-plain", "ntk-gated", "hadamard", "hadamard-exact", "angle", "finite-width-mean"}
        assert wanted | {"products", "degree-shift"} <= set(IDS)

    def test_choosing(self) -> None:
        assert choose([]) == IDS
        assert choose(["angle", "ntk-plain"]) == ("ntk-plain", "angle")
        with pytest.raises(UnknownNameError, match="did you mean 'hadamard'"):
            choose(["hadamrd"])
        with pytest.raises(UnknownNameError, match="the claims are"):
            choose(["zzz"])


# `python -m checks`, which .ci/run calls, runs them all
@pytest.mark.long
@pytest.mark.parametrize(
    "name", ["angle", *(pytest.param(name, marks=pytest.mark.slow) for name in ("hadamard", "degree-shift"))]
)
def test_a_fast_check_end_to_end(name: str) -> None:
    _complete(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", IDS)
def test_every_check_end_to_end(name: str) -> None:
    _complete(name)


def _complete(name: str) -> None:
    found = outcome(name)
    assert all(control.caught for control in found.controls), [c for c in found.controls if not c.caught]
    assert all(assumption.holds for assumption in found.assumptions), found.assumptions
    assert len(found.controls) >= 3
    assert found.claim.meaning
    assert found.charts
    known = runner.recorded()[name]
    assert (str(found.verdict), str(found.grade)) == (known["verdict"], known["grade"])
    assert found.verdict is not Verdict.WEAKER or not unshown(found.claim.parts, found.evidence)
    assert found.false_alarm <= 1e-7
    json.dumps(runner.document([found], QUICK), allow_nan=False)


#: Claims whose quick profile has too few networks to decide with every seed: the exponents of `prediction` have 99 %
#: intervals about as wide as what is claimed of them.
_OPEN = ("prediction",)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", IDS)
def test_verdicts_do_not_hang_on_the_seed(name: str, seed: int) -> None:
    found = modules()[name].run(Settings(seed=seed))
    if name in _OPEN and found.verdict is Verdict.INCONCLUSIVE:
        assert not any(item.finding is Finding.REFUTES for item in found.evidence)
        return
    assert found.verdict == runner.recorded()[name]["verdict"], found


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_the_recorded_verdicts_agree_with_what_is_said_of_the_parts(profile: str) -> None:
    """A claim that holds keeps all its parts: what a check leaves undecided is no part of what it says holds."""
    for name, row in runner.recorded(profile=profile).items():
        lost = [part.name for part in modules()[name].CLAIM.parts if part.weakened]
        if row["verdict"] in (Verdict.HOLDS, Verdict.CORRECTED):
            assert not lost, name
        if row["verdict"] == Verdict.WEAKER:
            assert lost, name


FORMULAS: dict[str, tuple[ModuleType, dict[str, Any]]] = {
    "ntk-plain": (ntk_plain, ntk_plain.MUTANTS),
    "ntk-gated": (ntk_gated, ntk_gated.MUTANTS),
    "products": (products, products.MUTANTS),
    "degree-shift": (degree_shift, degree_shift.MUTANTS),
    "hadamard": (hadamard, hadamard.MUTANTS),
    "angle": (angle, angle.MUTANTS),
}
CASES = [(name, label) for name, (_, table) in FORMULAS.items() for label in table]
FAST = [case for case in CASES if case[0] in ("degree-shift", "hadamard", "angle")]


@pytest.mark.long
@pytest.mark.parametrize(("name", "label"), FAST)
def test_a_wrong_formula_changes_the_verdict(name: str, label: str) -> None:
    module, table = FORMULAS[name]
    assert module.run(SMALL, table[label]).verdict is Verdict.FAILS


@pytest.mark.parametrize("label", separation.THRESHOLDS)
def test_a_wrong_angle_of_separation_is_refuted(label: str) -> None:
    shapes = ((75, 1000), (16, 16))
    assert separation.beyond(shapes).finding is Finding.SUPPORTS
    assert separation.beyond(shapes, separation.THRESHOLDS[label]).finding is Finding.REFUTES


def test_what_is_no_counterexample_supports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """That one pair, or one set, is as claimed is no evidence for all."""
    with precision(160):
        monkeypatch.setattr(separation, "closeness", lambda *_: (arb(-1), arb(1)))
        monkeypatch.setattr(Law, "excess", lambda *_: arb(-1))
        monkeypatch.setattr(compact, "ends", lambda *_, **__: ((arb(1), arb(2)), (arb(2), arb(2))))
    for found in (separation.closer(((16, 16),)), decorrelation.violations(), compact.two_points()):
        assert found.finding is Finding.UNDECIDED, found.what


@pytest.mark.slow
@pytest.mark.parametrize(("name", "label"), [case for case in CASES if case not in FAST])
def test_a_wrong_kernel_changes_the_verdict(name: str, label: str) -> None:
    module, table = FORMULAS[name]
    assert module.run(QUICK, table[label]).verdict is Verdict.FAILS


@pytest.mark.slow
@pytest.mark.parametrize("label", hadamard_exact.MUTANTS)
def test_a_wrong_exact_identity_changes_the_verdict(label: str) -> None:
    wrong = (hadamard_exact.MUTANTS[label], formulas.wider)
    assert hadamard_exact.run(QUICK, wrong).verdict is Verdict.FAILS


@pytest.mark.slow
def test_a_wrong_variance_or_mean_changes_the_verdict() -> None:
    for formula in finite_width_mean.MEAN_MUTANTS.values():
        assert finite_width_mean.run(QUICK, formula=formula).verdict is Verdict.FAILS
    for spread in finite_width_mean.VARIANCE_MUTANTS.values():
        assert finite_width_mean.run(QUICK, spread=spread).verdict is Verdict.FAILS


@pytest.mark.parametrize(("name", "label"), [case for case in CASES if case not in FAST])
def test_a_wrong_kernel_is_refuted_by_proof_and_by_balls(name: str, label: str) -> None:
    """Without sampling: in every symbol, and on data."""
    module, table = FORMULAS[name]
    net = {"ntk-plain": "relu", "ntk-gated": "geglu"}.get(name, product("relu", "erf"))
    setting = generic(net, sample(0, 4), 10)
    for formula, wanted in ((module.equation, Finding.SUPPORTS), (table[label], Finding.REFUTES)):
        assert certificate(formula, [setting]).finding is wanted
        assert agreement(formula, [setting.network]).finding is wanted


@pytest.mark.slow
def test_a_weak_experiment_concludes_nothing() -> None:
    """64 neurons cannot see 1 %: the control is missed, and the check says so instead of agreeing."""
    found = ntk_plain.run(SMALL)
    assert found.verdict is Verdict.INCONCLUSIVE
    missed = [control.altered for control in found.controls if not control.caught]
    assert "the whole kernel 1 % too large" in missed
    assert not next(item for item in found.assumptions if item.name == "power").holds


def test_assumptions_are_evaluated() -> None:
    X = sample(0, 4)
    assert is_lecun([lecun("reglu", X, 8)]).holds
    assert not is_lecun([generic("reglu", X, 8)]).holds
    wrong = ntk_gated.CLAIM
    assert wrong.assumptions
    assert sample(3, 5) == sample(3, 5)
    assert sample(3, 5) != sample(4, 5)


class TestRunner:
    @pytest.fixture
    def run(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
        """The command with the outcomes of the quick profile, without running them again."""
        path = tmp_path / "recorded.json"
        monkeypatch.setattr(runner, "RECORDED", path)
        monkeypatch.setattr("checks.__main__.recorded", lambda profile: runner.recorded(path, profile))
        monkeypatch.setattr("checks.__main__.record", lambda outcomes, profile: runner.record(outcomes, path, profile))
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(
            "checks.__main__.run_all", lambda ids, settings, *_: [replace(outcome(x), seed=settings.seed) for x in ids]
        )
        return lambda *arguments: CliRunner().invoke(main, list(arguments))

    def test_the_table_and_the_exit_codes(self, run: Callable[..., Result]) -> None:
        new = run("--only", "angle")
        assert new.exit_code == 1
        assert "nothing is recorded" in new.stderr
        assert run("--only", "angle", "--record").exit_code == 0
        same = run("--only", "angle")
        assert (same.exit_code, same.stderr) == (0, "")
        lines = same.stdout.splitlines()
        assert lines[0].split() == ["id", "source", "verdict", "grade", "key", "figure", "seconds"]
        assert lines[1].startswith("angle")
        assert "fails; a weaker statement holds" in lines[1]
        path = Path("recorded.json")
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("fails; a weaker statement holds", "holds"), encoding="utf-8")
        changed = run("--only", "angle")
        assert changed.exit_code == 1
        assert "recorded is holds" in changed.stderr

    @pytest.mark.long
    def test_recording_keeps_the_others(self, run: Callable[..., Result]) -> None:
        run("--only", "angle", "--record")
        run("--only", "hadamard", "--record")
        assert set(json.loads(Path("recorded.json").read_text(encoding="utf-8"))["verdicts"]) == {"angle", "hadamard"}

    def test_a_profile_records_only_what_differs(self, run: Callable[..., Result]) -> None:
        run("--only", "angle,hadamard", "--record")
        path = Path("recorded.json")
        content = json.loads(path.read_text(encoding="utf-8"))
        content["verdicts"]["angle"]["verdict"] = "inconclusive"
        path.write_text(json.dumps(content), encoding="utf-8")
        full = ("--only", "angle,hadamard", "--profile", "full")
        assert run(*full).exit_code == 1
        assert run(*full, "--record").exit_code == 0
        content = json.loads(path.read_text(encoding="utf-8"))
        assert list(content["full"]) == ["angle"]
        assert content["verdicts"]["angle"]["verdict"] == "inconclusive"
        assert run(*full).exit_code == 0
        assert run("--only", "angle").exit_code == 1

    def test_json(self, run: Callable[..., Result]) -> None:
        run("--only", "angle, hadamard", "--json", "out.json", "--seed", "5")
        content = json.loads(Path("out.json").read_text(encoding="utf-8"))
        assert [item["claim"]["id"] for item in content["outcomes"]] == ["hadamard", "angle"]
        assert content["seed"] == 5
        assert {"python", "numpy", "sympy", "torch", "glutheory"} <= set(content["versions"])
        assert content["outcomes"][0]["evidence"][0]["figures"]
        assert str(Path.home()) not in json.dumps(content)
        assert sorted(path.name for path in Path().iterdir()) == ["out.json"]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--only", "ntk-plian"), "did you mean 'ntk-plain'"),
            (("--profile", "huge"), "huge"),
            (("--seed", "-1"), "-1"),
            (("--device", "nowhere"), "device is 'nowhere'"),
            (("--json", "missing/out.json"), "folder does not exist"),
        ],
    )
    def test_bad_input(self, run: Callable[..., Result], arguments: tuple[str, ...], words: str) -> None:
        found = run(*arguments)
        assert found.exit_code == 2
        assert words in found.stderr
        assert found.stdout == ""
        assert "Traceback" not in found.stderr

    def test_a_damaged_record_is_one_sentence(self, run: Callable[..., Result]) -> None:
        Path("recorded.json").write_text("[1]", encoding="utf-8")
        found = run("--only", "angle")
        assert found.exit_code == 2
        assert "not a file of recorded verdicts" in found.stderr


@pytest.mark.slow
def test_two_processes_find_what_one_does() -> None:
    ids, seen = ("angle", "degree-shift", "hadamard"), list[str]()
    alone = runner.run_all(ids, QUICK)
    both = runner.run_all(ids, QUICK, lambda item: seen.append(item.claim.id), 2)
    assert sorted(seen) == sorted(ids)
    assert [replace(item, seconds=0, finished="") for item in both] == [
        replace(item, seconds=0, finished="") for item in alone
    ]


@pytest.mark.long
def test_ctrl_c_ends_all_processes(tmp_path: Path) -> None:
    """The first process alone gets the signal, while the others are at work."""
    name, value = "GLUTHEORY_TEST", f"{tmp_path.name}-{os.getpid()}"
    marker, end = f"{name}={value}", time.monotonic() + PATIENCE
    process = subprocess.Popen(
        [sys.executable, "-m", "checks", "--jobs", "2", "--only", "decorrelation,spike,compact,condition"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), name: value},
        text=True,
        start_new_session=True,
    )
    # the first one and two that compute
    while sum(loaded(number, "flint") for number in marked(marker)) < 3 and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(timeout=PATIENCE) == 130
        assert not left_behind(marker), "a process has been left behind"
    finally:
        told = ended(process)
    assert told == ("", "\n")  # what click writes after ^C


def test_checks_that_share_data_stay_together() -> None:
    assert set(runner.SHARED_GRID) <= set(IDS)
    assert runner.families(("angle", "spike", "hadamard", "compact")) == [
        ("spike", "compact"),
        ("angle",),
        ("hadamard",),
    ]
    assert runner.families(("angle",)) == [("angle",)]


def test_json_is_written_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ValueError, match="JSON compliant"):
        runner.write_json(path, {"x": float("nan")})
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
    runner.write_json(path, {"x": 1})
    assert json.loads(path.read_text(encoding="utf-8")) == {"x": 1}
    assert path.stat().st_mode & 0o777 == 0o666 & ~_mask()


def _mask() -> int:
    import os

    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_run_that_promises_too_much_is_refused() -> None:
    found = outcome("angle")
    piece = replace(found.evidence[0], figures={"false_alarm": 1e-5})
    with pytest.raises(DomainError, match="false-alarm"):
        runner.document([replace(found, evidence=(piece,))], QUICK)


def test_the_plain_table_is_aligned() -> None:
    lines = plain([outcome("angle"), outcome("hadamard")]).splitlines()
    column = lines[0].index("verdict")
    assert all(line[column:].startswith(("fails", "holds")) for line in lines[1:])


@pytest.mark.slow
def test_the_command_itself(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "checks", "--only", "angle", "--json", str(tmp_path / "x.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line[:7] for line in done.stdout.splitlines()]
    # the table, what the claim loses, the count
    assert lines == ["id     ", "angle  ", "", "Not kep", "  angle", "", "1 claim"]


def test_the_committed_full_runs_have_the_recorded_verdicts() -> None:
    """One file holds most claims; those with long trainings have files of their own."""
    runs = [stored.load(path) for path in sorted((ROOT / "results").glob("*.json"))]
    assert {run.profile for run in runs} == {"full"}
    outcomes = [outcome for run in runs for outcome in run.outcomes.values()]
    known = runner.recorded(profile="full")
    assert sorted(item.claim.id for item in outcomes) == sorted(known)
    assert not runner.differences(outcomes, known)
    for outcome in outcomes:
        assert not unshown(outcome.claim.parts, outcome.evidence), outcome
