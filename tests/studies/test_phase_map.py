"""The cells of the phase diagram: data, kernels, states, and a computation that survives being killed."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from glutheory.datasets import tabular
from glutheory.errors import DomainError, MissingDependencyError
from glutheory.networks import GATES
from glutheory.spectra import ConditionNumber
from glutheory.studies.phase import maps
from glutheory.studies.phase.cells import NORMALISED, SETTINGS, Cell, State, Task, evaluate, kernels, points
from glutheory.studies.phase.maps import compute
from tests.documents import ROOT
from tests.processes import PATIENCE, ended, left_behind

SMALL = Task("gaussian", "reglu", "wide", 12, 5, 3)


# ---------------------------------------------------------------- real data


@pytest.mark.parametrize(
    ("name", "limits", "constant"),
    [("digits", (1797, 61), 3), ("diabetes", (442, 10), 0), ("breast-cancer", (569, 30), 0)],
)
def test_the_sets_are_standardised(name: str, limits: tuple[int, int], constant: int) -> None:
    found = tabular.load(name)
    assert (found.limits, found.constant) == (limits, constant)
    assert np.allclose(found.features.mean(axis=0), 0, atol=1e-12)
    assert np.allclose(found.features.std(axis=0), 1)
    # all components are the features up to a rotation
    every = tabular.components(name, limits[1])
    assert np.allclose(every[:60] @ every.T, found.features[:60] @ found.features.T, atol=1e-10)
    few = tabular.components(name, 4)
    assert few.shape == (limits[0], 4)
    assert math.isclose(np.mean(few**2), 1)
    variances = few.var(axis=0)
    assert np.all(np.diff(variances) < 0)
    assert tabular.duplicates(few) == 0


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingDependencyError, match=r"glutheory\[scikit-learn\]"):
        tabular.load.__wrapped__("digits")


def test_tables_of_any_scale_are_standardised() -> None:
    """Squares of such numbers are beyond float64; a column that is constant up to nothing is left out."""
    table = np.random.default_rng(0).standard_normal((9, 3))
    scaled = np.column_stack([table * (1e200, 1.0, 1e-200), np.full(9, 0.1)])
    found = tabular.standardised("mine", scaled)
    assert found.constant == 1
    assert np.allclose(found.features, (table - table.mean(axis=0)) / table.std(axis=0), rtol=1e-12)
    # more features than rows: as many components as rows
    assert tabular.standardised("wide", table.T).limits == (3, 3)


def test_few_pixels_repeat_themselves() -> None:
    """Why components are used."""
    pixels = tabular.load("digits").features[:, [10, 20, 30, 40]]
    assert tabular.duplicates(pixels) > 500


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: tabular.load("mnist"), "use one of digits"),
        (lambda: tabular.components("diabetes", 11), "between 1 and 10"),
        (lambda: tabular.components("diabetes", 0), "between 1 and 10"),
        (lambda: points(Task("diabetes", "reglu", "wide", 443, 4)), "has 442 rows"),
        (lambda: replace(SMALL, gate="relu"), "not gated: use 'reglu'"),
        (lambda: replace(SMALL, setting="lecun"), "use one of wide, ntk"),
        (lambda: replace(SMALL, data="uniform"), "use gaussian, sphere"),
        (lambda: replace(SMALL, data="sphere/normalised"), "use gaussian"),
        (lambda: replace(SMALL, n=3), "at least 4 rows"),
        (lambda: replace(SMALL, d=0), "one feature"),
        (lambda: compute([SMALL], processes=0), "processes is 0: give a number of processes, an integer >= 1"),
    ],
)
def test_wrong_input_is_one_sentence(call: object, hint: str) -> None:
    with pytest.raises(DomainError, match=hint):
        call()  # type: ignore[operator] # a table of lambdas


# ---------------------------------------------------------------- cells


@pytest.mark.parametrize("data", ["gaussian", "sphere", "diabetes", "diabetes" + NORMALISED])
def test_the_rows_are_nested_and_their_norms_as_promised(data: str) -> None:
    small, large = (points(Task(data, "reglu", "wide", n, 4, 1)) for n in (20, 40))
    assert np.array_equal(small, large[:20])
    squares = np.sum(large**2, axis=1) / 4
    equal = np.allclose(squares, 1, atol=1e-13)
    assert equal == (data in ("sphere", "diabetes" + NORMALISED))
    for other in (Task(data, "reglu", "wide", 20, 4, 2), Task(data, "reglu", "wide", 20, 4, 1, 1)):
        assert not np.array_equal(points(other), small)


def arc_cosine(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """S and T of ReLU at variances 1/d, by Cho and Saul."""
    r = np.linalg.norm(X, axis=1)
    cosine = np.clip(X @ X.T / np.outer(r, r), -1, 1)
    angle = np.arccos(cosine)
    S = np.outer(r, r) / X.shape[1] * (np.sin(angle) + (np.pi - angle) * cosine) / (2 * np.pi)
    return S, (np.pi - angle) / (2 * np.pi)


@pytest.mark.parametrize("data", ["gaussian", "sphere", "breast-cancer"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_cell_against_the_textbook_kernels(data: str, setting: str) -> None:
    task = Task(data, "reglu", setting, 24, 6, 5)
    X = points(task)
    S, T = arc_cosine(X)
    c = X @ X.T / 6
    K, gated = (S, c * S) if setting == "wide" else (S + c * T, 2 * c * S + c**2 * T)
    mine = kernels(task, X)
    assert np.allclose(mine[0], K, atol=1e-7)
    assert np.allclose(mine[1], gated, atol=1e-7)
    cell = evaluate(task)
    conditions = np.linalg.cond(K), np.linalg.cond(gated)
    assert math.isclose(cell.plain.value, conditions[0], rel_tol=1e-4)
    assert math.isclose(cell.gain, math.log10(conditions[0] / conditions[1]), abs_tol=1e-4)
    tops = np.linalg.eigvalsh(K)[-1] / np.linalg.eigvalsh(gated)[-1]
    assert math.isclose(cell.certificate, tops * np.min(np.sum(X**2, axis=1)) / 6, rel_tol=1e-6)
    assert cell.state is (State.HELPS if cell.gain > 0 else State.HURTS)
    # the theorem, also for the floor of the spectrum
    assert np.linalg.eigvalsh(gated)[0] >= cell.least * np.linalg.eigvalsh(K)[0] - 1e-12


@pytest.mark.parametrize("n", [99, 101])
def test_the_largest_eigenvalue_on_both_roads(n: int) -> None:
    cell = evaluate(Task("gaussian", "geglu", "ntk", n, 7))
    K, gated = kernels(cell.task, points(cell.task))
    assert math.isclose(cell.tops, np.linalg.eigvalsh(K)[-1] / np.linalg.eigvalsh(gated)[-1], rel_tol=1e-12)


def condition(value: float, spread: float = 1e-6, *, bound: bool = False) -> ConditionNumber:
    if bound:
        return ConditionNumber(value, value, math.inf, True, "below its error")
    return ConditionNumber(value, value * (1 - spread), value * (1 + spread))


INFINITE = ConditionNumber(math.inf, math.inf, math.inf, reason="rank")


@pytest.mark.parametrize(
    ("plain", "gated", "state", "gain"),
    [
        (condition(100.0), condition(10.0), State.HELPS, 1.0),
        (condition(10.0), condition(100.0), State.HURTS, -1.0),
        (condition(10.0), condition(10.0000001), State.OPEN, 0.0),
        (INFINITE, condition(10.0), State.HELPS, math.nan),
        (condition(10.0), INFINITE, State.HURTS, math.nan),
        (INFINITE, INFINITE, State.SINGULAR, math.nan),
        (condition(1e12, bound=True), condition(10.0), State.HELPS, math.nan),
        (condition(1e12), condition(1e10, bound=True), State.OPEN, math.nan),
        (condition(1e12, bound=True), condition(1e10, bound=True), State.OPEN, math.nan),
        (INFINITE, condition(1e12, bound=True), State.OPEN, math.nan),
    ],
)
def test_states_claim_no_more_than_the_bounds(
    plain: ConditionNumber, gated: ConditionNumber, state: State, gain: float
) -> None:
    cell = Cell(SMALL, plain, gated, 2.0, 0.4, 1.0, 3.0)
    assert cell.state is state
    assert cell.gain == pytest.approx(gain, abs=1e-6, nan_ok=True)
    assert cell.certificate == pytest.approx(0.8)


@pytest.mark.parametrize(("n", "state"), [(6, State.HELPS), (9, State.HELPS), (21, State.HELPS), (22, State.SINGULAR)])
def test_bilinear_kernels_are_singular_by_their_rank(n: int, state: State) -> None:
    """K has rank d = 6, K̃ rank d(d+1)/2 = 21: no rounding decides."""
    cell = evaluate(Task("sphere", "bilinear", "wide", n, 6))
    assert cell.state is state
    assert math.isinf(cell.plain.value) == (n > 6)
    assert math.isinf(cell.gated.value) == (n > 21)


def test_what_double_precision_cannot_resolve_is_a_bound() -> None:
    cell = evaluate(Task("gaussian", "geglu", "wide", 60, 1))
    assert cell.plain.is_bound
    assert cell.gated.is_bound
    assert cell.state is State.OPEN
    assert math.isnan(cell.gain)


# ---------------------------------------------------------------- the map

TASKS = [
    Task(data, gate, "wide", n, 5)
    for data, gate in (("gaussian", "reglu"), ("sphere", "bilinear"), ("diabetes", "swiglu"))
    for n in (8, 20)
]


def test_the_order_is_that_of_the_tasks_and_progress_is_told() -> None:
    seen: list[tuple[int, int]] = []
    cells = compute([*TASKS, TASKS[0]], done=lambda finished, total: seen.append((finished, total)))
    assert [cell.task for cell in cells] == [*TASKS, TASKS[0]]
    assert seen == [(k, len(TASKS)) for k in range(1, len(TASKS) + 1)]
    assert cells[:2] == tuple(map(evaluate, TASKS[:2]))


def test_finished_cells_are_not_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "new" / "map"
    first = compute(TASKS[:4], folder)
    assert len(list(folder.iterdir())) == 4
    asked: list[Task] = []

    def counted(task: Task, _data: object, _gate: object) -> Cell:
        asked.append(task)
        return evaluate(task)

    monkeypatch.setattr(maps, "evaluate", counted)
    again = compute(TASKS, folder)
    assert sorted(task.file for task in asked) == sorted(task.file for task in TASKS[4:])
    assert again[:4] == first
    # infinities have survived
    assert math.isinf(again[3].plain.value)
    assert compute(TASKS, folder) == again == compute(TASKS)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda _: "",
        lambda _: "[]",
        lambda text: text.replace('"tops"', '"top"'),
        lambda text: text.replace('"n": 8', '"n": 9'),
        lambda text: json.dumps({**json.loads(text), "fingerprint": "other sources"}),
        lambda text: json.dumps({**json.loads(text), "tops": "many"}),
    ],
)
def test_a_file_that_is_not_of_this_map_is_replaced(spoil: object, tmp_path: Path) -> None:
    (cell,) = compute(TASKS[:1], tmp_path)
    path = tmp_path / TASKS[0].file
    good = path.read_text(encoding="utf-8")
    path.write_text(spoil(good), encoding="utf-8")  # type: ignore[operator] # a table of lambdas
    (tmp_path / f".{path.name}.half.tmp").write_text("{", encoding="utf-8")
    assert compute(TASKS[:1], tmp_path) == (cell,)
    assert path.read_text(encoding="utf-8") == good


def test_every_task_has_a_file_of_its_own() -> None:
    names = [
        Task(data, gate, setting, n, d, seed, draw).file
        for data in ("gaussian", "digits", "digits" + NORMALISED)
        for gate in GATES
        for setting in SETTINGS
        for n, d in ((12, 1), (11, 21), (112, 1))
        for seed in (1, 11)
        for draw in (1, 11)
    ]
    assert len(set(names)) == len(names)


SCRIPT = """
import sys
from pathlib import Path
from glutheory.studies.phase.cells import Task
from glutheory.studies.phase.maps import compute

TASKS = [Task("gaussian", "swiglu", "wide", n, 6, draw=draw) for n in (150, 300) for draw in range(8)]
if __name__ == "__main__":
    compute(TASKS, Path(sys.argv[1]), int(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_killed_run_is_resumed_to_the_same_map(tmp_path: Path, processes: int) -> None:
    script, folder = tmp_path / "script.py", tmp_path / "map"
    script.write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, str(script), str(folder), str(processes)]
    marker = f"PHASE_MAP_TEST={tmp_path.name}-{os.getpid()}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), marker.split("=", maxsplit=1)[0]: marker.split("=")[1]}
    child = subprocess.Popen(command, env=environment, text=True, start_new_session=True)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and len(list(folder.glob("*.json"))) < 4:
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    try:
        assert child.wait() == -signal.SIGKILL
        assert not left_behind(marker), "a worker has outlived its parent"
    finally:
        ended(child)
    kept = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    assert 4 <= len(kept) < 16
    # every file that is there is whole
    assert all(json.loads(text)["fingerprint"] for text in kept.values())
    subprocess.run(command, env=environment, check=True)
    resumed = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    assert len(resumed) == 16
    assert kept.items() <= resumed.items()
    subprocess.run([*command[:2], str(tmp_path / "straight"), "1"], env=environment, check=True)
    straight = {path.name: path.read_bytes() for path in (tmp_path / "straight").glob("*.json")}
    assert resumed == straight
