"""The check of trained transformers: a training, and one killed in its middle."""

# ruff: noqa: E402  (the checks need torch)

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.documents import ROOT

torch = pytest.importorskip("torch", reason="the checks need torch")
pytest.importorskip("einops", reason="the architectures need einops")

from checks.claims.generalization import data as generalization_data
from checks.claims.generalization import training
from checks.claims.generalization.augmentation import augmented
from checks.claims.generalization.task import Material
from checks.claims.generalization.training import history
from tests.checks.claims.tiny_transformers import ALTERED, COURSE, SETTINGS, TINY


class _KilledError(Exception):
    pass


@pytest.fixture(scope="module")
def whole() -> np.ndarray:
    """The losses of the short training."""
    return history(COURSE, SETTINGS)["losses"]


class TestTraining:
    def test_it_learns(self, whole: np.ndarray) -> None:
        assert whole.shape == (5, 5)
        assert whole[-1, 0] < whole[0, 0]
        assert (whole[1:, 1] > whole[1:, 0]).all()

    def test_the_first_step_is_the_optimiser_s(self, whole: np.ndarray) -> None:
        """One epoch of one step, written out."""
        from glutheory.architectures import build

        model = build("mixer-digits", "reglu", seed=SETTINGS.stream("generalization/weights/test/0"))
        train, test = generalization_data.parts(COURSE, SETTINGS)
        start = torch.nn.functional.cross_entropy(model(test.inputs), test.targets)
        assert start.item() == pytest.approx(whole[0, 1])
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

    @pytest.mark.parametrize(("optimiser", "material"), [("sgd", TINY), ("adamw", TINY), ("sgd", ALTERED)])
    def test_a_training_that_broke_off_goes_on(self, tmp_path: Path, optimiser: str, material: Material) -> None:
        course = replace(COURSE, optimiser=optimiser, material=material)
        kept = replace(SETTINGS, checkpoints=tmp_path)

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
        assert history(course, kept, done.append)["losses"].shape == (5, 5)
        assert done == [3, 4]

    def test_a_damaged_state_costs_the_epochs_only(self, tmp_path: Path, whole: np.ndarray) -> None:
        kept = replace(SETTINGS, checkpoints=tmp_path)

        def interrupt(_: int) -> None:
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
import sys
from pathlib import Path
from typing import Any
from checks.claims.generalization.training import history
from checks.settings import Settings
from checks.claims.generalization.task import FULL, Course, Material
recipes = FULL.materials[0].recipes
course = Course(Material("mixer-digits", 16, 24, 16, recipes), "adamw", "reglu", "test/0", int(sys.argv[2]))

def told(epoch):
    print(epoch, flush=True)
    if epoch == course.epochs - 1:
        sys.stdin.read()  # the end of it is not reached, however late it is killed

history(course, Settings(checkpoints=Path(sys.argv[1])), told)
"""
LONG = replace(COURSE, epochs=60)


class TestAlteredImages:
    """The columns of a history, each computed once more from its definition."""

    def test_the_losses_of_the_first_epoch(self) -> None:
        from glutheory.architectures import build

        course = replace(COURSE, material=ALTERED)
        found = history(course, SETTINGS)["losses"]
        model = build("mixer-digits", "reglu", seed=SETTINGS.stream("generalization/weights/test/0"))
        train, _ = generalization_data.parts(course, SETTINGS)
        order = SETTINGS.stream("generalization/order/test/0")

        def loss(seed: list[int] | None) -> float:
            inputs = train.inputs if seed is None else augmented(train.inputs, seed)
            return float(torch.nn.functional.cross_entropy(model(inputs), train.targets).item())

        assert [loss(None), loss([order, 0, 2])] == pytest.approx(found[0, [0, 3]])
        # one step an epoch: what is logged over the epoch is the loss before it, on what it is trained on
        assert loss([order, 1, 1]) == pytest.approx(found[1, 4], rel=1e-6)
        assert found[0, 3] != found[0, 0]

    def test_without_augmentation_there_is_no_bias(self, whole: np.ndarray) -> None:
        assert np.array_equal(whole[:, 3], whole[:, 0])
        # what is logged over the epoch lags behind, by one step here
        assert whole[1:, 4] == pytest.approx(whole[:-1, 0], rel=1e-6)

    def test_both_of_a_pair_are_trained_on_the_same_images(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: dict[str, list[Any]] = {"relu": [], "reglu": []}
        for network, rows in seen.items():

            def kept(images: Any, seed: list[int], rows: list[Any] = rows) -> Any:
                rows.append(augmented(images, seed))
                return rows[-1]

            monkeypatch.setattr(training, "augmented", kept)
            history(replace(COURSE, material=ALTERED, network=network), SETTINGS)
        assert len(seen["relu"]) == 9
        assert all(map(torch.equal, seen["relu"], seen["reglu"]))
        # anew in every epoch, and for what is measured
        assert len({rows.numpy().tobytes() for rows in seen["relu"]}) == 9


class TestKill:
    def _killed(self, folder: Path, delay: float) -> int:
        """Start it, kill it some time after its first epoch; the last epoch that it told."""
        command = [sys.executable, "-c", PROGRAM, str(folder), str(LONG.epochs)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=ROOT, text=True, start_new_session=True, stdin=pipe, stdout=pipe) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            told = [first, *process.stdout.readlines()]
        assert process.returncode == -signal.SIGKILL
        return int(told[-1].strip() or told[-2])

    @pytest.mark.slow
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
