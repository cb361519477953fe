"""The check of trained transformers: its parts against naive references, its controls, and a kill in mid-training."""

# ruff: noqa: E402  (the checks need torch)

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

torch = pytest.importorskip("torch", reason="the checks need torch")
pytest.importorskip("einops", reason="the architectures need einops")

from checks import generalization, generalization_data, generalization_runs, runner
from checks.generalization_charts import charts
from checks.generalization_evidence import (
    LEVEL,
    LIMIT,
    MARGIN,
    MUTANTS,
    TESTS,
    Statement,
    equal,
    gap,
    pace,
    paper,
    with_exchanged_coordinates,
    with_gap,
    with_pace,
)
from checks.generalization_measures import LEVELS, along, clouds, matched
from checks.generalization_runs import Block, trained
from checks.generalization_states import States
from checks.generalization_task import FULL, PAIRS, QUICK, Course, Material, Recipe, Task
from checks.generalization_training import history, identity
from checks.settings import Settings
from glutheory.claims import Finding, Verdict

SETTINGS = Settings()
ROOT = Path(__file__).parent.parent
#: One step per epoch.
TINY = Material("mixer-digits", train=16, test=24, batch=16, recipes=FULL.materials[0].recipes)
COURSE = Course(TINY, "adamw", "reglu", "test/0", 4)


def synthetic(
    seeds: int = 5, *, epochs: int = 25, ratio: float = 1.0, faster: float = 0.8, scatter: float = 0.1
) -> Block:
    """Losses that fall exponentially, gaps in proportion to ln(2.3/loss), scattered from pair to pair."""
    rng = np.random.default_rng(1)
    sides = []
    for side in (0, 1):
        rate = 5 * np.exp(0.02 * rng.standard_normal(3 * seeds)) * (faster if side else 1)
        size = 0.05 * np.exp(scatter * rng.standard_normal(3 * seeds)) * (ratio if side else 1)
        train = 2.3 * np.exp(-np.arange(epochs + 1) / rate[:, None])
        test = train + size[:, None] * (0.1 + np.log(2.3 / train))
        sides.append(np.stack((train, test, test + 5), axis=-1))
    return Block(sides[0], sides[1], seeds, (1000, 1001))


class TestTask:
    def test_both_of_a_pair_share_the_draw_and_no_two_pairs_do(self) -> None:
        for task in (FULL, QUICK):
            for block in task.blocks:
                pairs = list(task.courses(block))
                assert len(pairs) == 3 * task.seeds
                assert all(a.draw == b.draw and (a.network, b.network) in PAIRS for a, b in pairs)
                assert len({a.draw for a, _ in pairs}) == len(pairs)

    def test_the_plan(self) -> None:
        """Of the issue: SGD and AdamW, three architectures, at least 5 paired seeds, 25 epochs."""
        assert len(FULL.blocks) == 6
        assert FULL.seeds >= 5
        assert FULL.epochs == 25
        assert {material.steps for material in FULL.materials} == {32}
        assert LIMIT * TESTS == pytest.approx(LEVEL)
        assert TESTS == 3 * len(FULL.blocks)
        assert set(QUICK.blocks) < set(FULL.blocks)

    def test_whatever_changes_a_training_changes_its_key(self) -> None:
        others = [
            replace(COURSE, network="relu"),
            replace(COURSE, optimiser="sgd"),
            replace(COURSE, draw="test/1"),
            replace(COURSE, epochs=5),
            replace(COURSE, material=replace(TINY, train=17)),
            replace(COURSE, material=replace(TINY, recipes=(Recipe("adamw", 0.1),))),
            replace(COURSE, material=replace(TINY, architecture="vit-digits")),
        ]
        keys = [json.dumps(identity(course, SETTINGS), sort_keys=True) for course in (COURSE, *others)]
        keys += [json.dumps(identity(COURSE, replace(SETTINGS, **change))) for change in ({"seed": 1}, {"device": "x"})]
        assert len(set(keys)) == len(keys)


class TestData:
    def test_images(self) -> None:
        train, test = generalization_data.parts(COURSE, SETTINGS)
        assert (train.inputs.shape, test.inputs.shape) == ((16, 1, 8, 8), (24, 1, 8, 8))
        assert train.inputs.min() == -1
        assert train.inputs.max() == 1
        rows = torch.cat([train.inputs, test.inputs]).flatten(1)
        assert len(torch.unique(rows, dim=0)) == 40
        again, _ = generalization_data.parts(replace(COURSE, network="relu"), SETTINGS)
        assert torch.equal(again.inputs, train.inputs)
        other, _ = generalization_data.parts(replace(COURSE, draw="test/1"), SETTINGS)
        assert not torch.equal(other.inputs, train.inputs)

    def test_text(self) -> None:
        material = replace(FULL.materials[2], train=8, test=6)
        train, test = generalization_data.parts(replace(COURSE, material=material), SETTINGS)
        assert (train.inputs.shape, test.inputs.shape) == ((8, 32), (6, 32))
        assert torch.equal(train.inputs[:, 1:], train.targets[:, :-1])
        content = generalization_data.pydoc().tokens.tobytes()
        for part, half in ((train, content[: -(len(content) // 2)]), (test, content[-(len(content) // 2) :])):
            assert all(bytes(row.tolist()) in half for row in part.inputs)

    def test_shuffled_targets_are_the_targets(self) -> None:
        for part in generalization_data.parts(COURSE, SETTINGS):
            assert not torch.equal(part.targets, part.shuffled)
            assert torch.equal(part.targets.sort().values, part.shuffled.sort().values)


class TestStates:
    def test_what_was_saved_is_loaded(self, tmp_path: Path) -> None:
        states = States(tmp_path / "new" / "a.state", "key")
        assert states.load("cpu") is None
        for epoch in (1, 2):
            states.save({"epoch": epoch, "rows": [[0.5, float("nan")]], "model": {"w": torch.arange(3.0)}})
        found = states.load("cpu")
        assert found is not None
        assert found["epoch"] == 2
        assert found["model"]["w"].tolist() == [0, 1, 2]
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.state"]

    @pytest.mark.parametrize("damage", ["cut", "empty", "text", "key", "pickle"])
    def test_a_damaged_file_is_no_state(self, tmp_path: Path, damage: str) -> None:
        states = States(tmp_path / "a.state", "key")
        states.save({"epoch": 1})
        assert states.path is not None
        content = states.path.read_bytes()
        if damage == "key":
            States(states.path, "another").save({"epoch": 1})
        elif damage == "pickle":
            torch.save(Path("an object"), states.path)
        else:
            states.path.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "text": b"hello"}[damage])
        assert states.load("cpu") is None

    def test_nothing_is_left(self, tmp_path: Path) -> None:
        states = States(tmp_path / "a.state", "key")
        states.save({"epoch": 1})
        # a kill in the middle of writing leaves this
        (tmp_path / "a.stateXYZ.part").write_bytes(b"half")
        (tmp_path / "b.state").write_bytes(b"of another training")
        states.remove()
        assert [path.name for path in tmp_path.iterdir()] == ["b.state"]

    def test_nothing_is_kept_without_a_folder(self) -> None:
        states = States(None, "key")
        states.save({"epoch": 1})
        states.remove()
        assert states.load("cpu") is None


class _KilledError(Exception):
    pass


class TestTraining:
    @pytest.fixture(scope="class")
    def whole(self) -> np.ndarray:
        return history(COURSE, SETTINGS)["losses"]

    def test_it_learns(self, whole: np.ndarray) -> None:
        assert whole.shape == (5, 3)
        assert whole[-1, 0] < whole[0, 0]
        assert (whole[1:, 1] > whole[1:, 0]).all()

    def test_the_first_step_is_the_optimiser_s(self, whole: np.ndarray) -> None:
        """One epoch of one step, written out."""
        from glutheory.architectures import build

        model = build("mixer-digits", "reglu", seed=SETTINGS.stream("generalization/weights/test/0"))
        train, test = generalization_data.parts(COURSE, SETTINGS)
        assert float(torch.nn.functional.cross_entropy(model(test.inputs), test.targets)) == pytest.approx(whole[0, 1])
        loss = torch.nn.functional.cross_entropy(model(train.inputs), train.targets)
        assert loss.item() == pytest.approx(whole[0, 0])
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                assert parameter.grad is not None
                # Adam's first step has length rate in every coordinate; decoupled weight decay
                step = parameter.grad / (parameter.grad.abs() + 1e-8)
                parameter.mul_(1 - 1e-3 * 1e-4).sub_(1e-3 * step)
            after = torch.nn.functional.cross_entropy(model(train.inputs), train.targets)
        assert after.item() == pytest.approx(whole[1, 0], rel=1e-4)

    @pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
    def test_a_training_that_broke_off_goes_on(self, tmp_path: Path, optimiser: str) -> None:
        course, kept = replace(COURSE, optimiser=optimiser), replace(SETTINGS, checkpoints=tmp_path)

        def interrupt(epoch: int) -> None:
            if epoch == 2:
                raise _KilledError

        with pytest.raises(_KilledError):
            history(course, kept, interrupt)
        done: list[int] = []
        again = history(course, kept, done.append)
        assert done == [3, 4]
        assert np.array_equal(again["losses"], history(course, SETTINGS)["losses"])
        # the state is gone, the history stays
        assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]
        assert history(course, kept, done.append)["losses"].shape == (5, 3)
        assert done == [3, 4]

    def test_a_damaged_state_costs_the_epochs_only(self, tmp_path: Path, whole: np.ndarray) -> None:
        kept = replace(SETTINGS, checkpoints=tmp_path)

        def interrupt(epoch: int) -> None:
            raise _KilledError

        with pytest.raises(_KilledError):
            history(COURSE, kept, interrupt)
        (path,) = tmp_path.iterdir()
        path.write_bytes(path.read_bytes()[:1000])
        done: list[int] = []
        assert np.array_equal(history(COURSE, kept, done.append)["losses"], whole)
        assert done == [1, 2, 3, 4]


#: Trains one network and tells the epochs that are done.
PROGRAM = """
import sys, torch
from pathlib import Path
from checks.generalization_training import history
from checks.settings import Settings
from tests.test_check_generalization import LONG
torch.set_num_threads(1)
history(LONG, Settings(checkpoints=Path(sys.argv[1])), lambda epoch: print(epoch, flush=True))
"""
LONG = replace(COURSE, epochs=120)


class TestKill:
    def _killed(self, folder: Path, delay: float) -> int:
        """Start it, kill it some time after its first epoch; the last epoch that it told."""
        command = [sys.executable, "-c", PROGRAM, str(folder)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            told = [first, *process.stdout.readlines()]
        assert process.returncode == -signal.SIGKILL
        return int(told[-1].strip() or told[-2])

    def test_a_kill_loses_at_most_one_epoch(self, tmp_path: Path) -> None:
        last = self._killed(tmp_path, 0.05)
        assert 1 <= last < LONG.epochs
        done: list[int] = []
        found = history(LONG, replace(SETTINGS, checkpoints=tmp_path), done.append)
        # what it told is kept; perhaps one more, of which it could not tell
        assert done[0] in (last + 1, last + 2)
        assert done[-1] == LONG.epochs
        assert np.array_equal(found["losses"], history(LONG, SETTINGS)["losses"])
        assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]

    @pytest.mark.slow
    def test_kills_at_many_moments(self, tmp_path: Path) -> None:
        whole = history(LONG, SETTINGS)["losses"]
        last = 0
        for delay in np.random.default_rng(0).uniform(0, 0.1, 6):
            now = self._killed(tmp_path, delay)
            assert now > last
            last = now
        done: list[int] = []
        assert np.array_equal(history(LONG, replace(SETTINGS, checkpoints=tmp_path), done.append)["losses"], whole)
        assert done[0] in (last + 1, last + 2)
