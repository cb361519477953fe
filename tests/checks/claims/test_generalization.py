"""The check of trained transformers: its parts against naive references, its controls, and a kill in mid-training."""

# ruff: noqa: E402  (the checks need torch)

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from tests.documents import ROOT

torch = pytest.importorskip("torch", reason="the checks need torch")
pytest.importorskip("einops", reason="the architectures need einops")

from checks import runner
from checks.claims.generalization import data as generalization_data
from checks.claims.generalization import statement as generalization
from checks.claims.generalization.controls import MUTANTS, Statement, with_exchanged_coordinates, with_gap, with_pace
from checks.claims.generalization.evidence import LEVEL, LIMIT, MARGIN, TESTS, equal, gap, pace, paper
from checks.claims.generalization.figure import charts
from checks.claims.generalization.measures import LEVELS, along, clouds, matched
from checks.claims.generalization.runs import Block, trained
from checks.claims.generalization.states import States
from checks.claims.generalization.task import FULL, PAIRS, QUICK, Course, Material, Recipe, Task
from checks.claims.generalization.training import history, identity
from checks.settings import Settings
from checks.tools.data import text
from glutheory.claims import Finding, Verdict

SETTINGS = Settings()
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
        assert pytest.approx(LEVEL) == LIMIT * TESTS
        assert 3 * len(FULL.blocks) == TESTS
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
        elsewhere = (Settings(seed=1), Settings(device="meta"))
        keys += [json.dumps(identity(COURSE, settings), sort_keys=True) for settings in elsewhere]
        assert len(set(keys)) == len(keys)

    def test_the_name_of_a_gpu_is_recorded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU of {device}")
        assert identity(COURSE, Settings(device="cuda:1"))["device"] == "cuda:1, GPU of cuda:1"
        assert identity(COURSE, SETTINGS)["device"] == "cpu"


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
        content = text("pydoc").tokens.tobytes()
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


@pytest.fixture(scope="module")
def whole() -> np.ndarray:
    """The losses of the short training."""
    return history(COURSE, SETTINGS)["losses"]


class TestTraining:
    def test_it_learns(self, whole: np.ndarray) -> None:
        assert whole.shape == (5, 3)
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
from checks.claims.generalization.training import history
from checks.settings import Settings
from checks.claims.generalization.task import FULL, Course, Material
recipes = FULL.materials[0].recipes
course = Course(Material("mixer-digits", 16, 24, 16, recipes), "adamw", "reglu", "test/0", int(sys.argv[2]))
history(course, Settings(checkpoints=Path(sys.argv[1])), lambda epoch: print(epoch, flush=True))
"""
LONG = replace(COURSE, epochs=60)


class TestKill:
    def _killed(self, folder: Path, delay: float) -> int:
        """Start it, kill it some time after its first epoch; the last epoch that it told."""
        command = [sys.executable, "-c", PROGRAM, str(folder), str(LONG.epochs)]
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


class TestMeasures:
    def test_known_curves(self) -> None:
        """ln(loss) falls linearly and the gap is linear in it: interpolation is exact."""
        epoch = np.arange(11.0)
        train = np.exp(1 - epoch / 4)
        losses = np.stack((train, train + 0.3 * epoch, train), axis=1)
        levels = np.exp(1 - np.array([1.0, 2.5, 9.75]) / 4)
        gaps, epochs = along(losses, levels)
        assert epochs == pytest.approx([1, 2.5, 9.75])
        assert gaps == pytest.approx([0.3, 0.75, 2.925])

    def test_a_loss_that_rises_for_a_while(self) -> None:
        """The first time counts; what lies above an earlier loss is skipped."""
        train = np.array([8.0, 4.0, 6.0, 5.0, 2.0, 1.0])
        losses = np.stack((train, train + np.array([0, 1, 50, 50, 2, 3.0]), train), axis=1)
        gaps, epochs = along(losses, np.array([4.0, 2 * 2**0.5, 2.0, 1.0]))
        assert epochs == pytest.approx([1, 2.5, 4, 5])
        assert gaps == pytest.approx([1, 1.5, 2, 3])

    def test_ratios_at_equal_training_loss(self) -> None:
        found = matched(synthetic(ratio=1.3, faster=0.5, scatter=0.0))
        assert np.exp(found.gain) == pytest.approx(np.full(15, 1.3), rel=1e-9)
        assert np.exp(found.pace) == pytest.approx(np.full(15, 0.5), rel=0.1)
        assert found.curves.shape == (15, LEVELS)
        assert found.shared > 10
        # the levels are those that all reach, after the first epoch
        block = synthetic(ratio=1.3, faster=0.5, scatter=0.0)
        for (_, rows), levels in zip(block.gates, found.levels, strict=True):
            train = np.stack((block.plain[rows, :, 0], block.gated[rows, :, 0]))
            assert levels[0] == train[:, :, 1].min()
            assert levels[-1] == train.min(axis=2).max()

    def test_exchanging_the_two_changes_the_sign(self) -> None:
        block = synthetic(ratio=1.2)
        one, two = matched(block), matched(replace(block, plain=block.gated, gated=block.plain))
        assert np.array_equal(one.levels, two.levels)
        assert one.gain == pytest.approx(-two.gain)
        assert one.curves == pytest.approx(-two.curves)
        assert one.pace == pytest.approx(-two.pace)

    def test_networks_that_share_no_range(self) -> None:
        block = synthetic()
        block.gated[3, :, 0] += 3
        found = matched(block)
        assert found.shared == 0
        assert np.isnan(found.gain).sum() == 5
        assert equal(block, found).finding is Finding.UNDECIDED
        assert gap("x", found, equal(block, found)).finding is Finding.UNDECIDED
        assert pace("x", found, Statement()).finding is Finding.UNDECIDED

    def test_clouds(self) -> None:
        block = synthetic()
        points = clouds(block.plain, 3)
        assert points.shape == (15, 3, 2)
        assert points[4, 0].tolist() == [block.plain[4, 1, 0], block.plain[4, 1, 1] - block.plain[4, 1, 0]]


class TestEvidence:
    """Networks that differ in speed alone, as claimed."""

    block = synthetic()

    def test_what_is_true_is_supported(self) -> None:
        items = generalization.collect(("vit-digits", "sgd"), self.block, Statement())
        for item in items:
            json.dumps(item.figures, allow_nan=False)
        assert [item.finding for item in items if item.about == "as stated"] == [Finding.SUPPORTS] * 3

    @pytest.mark.parametrize("label", MUTANTS)
    def test_what_is_wrong_is_refuted(self, label: str) -> None:
        for ratio, faster in ((1.0, 0.8), (1.2, 1.1)):
            block = synthetic(ratio=ratio, faster=faster)
            items = generalization.collect(("vit-digits", "sgd"), block, MUTANTS[label])
            assert Finding.REFUTES in {item.finding for item in items}

    def test_a_small_difference_is_told_apart_and_equivalent(self) -> None:
        item = equal(block := with_gap(synthetic(scatter=0.02), 1.1), matched(block))
        assert item.finding is Finding.REFUTES
        assert item.test is not None
        assert item.test.equivalent
        assert item.ratio is not None
        assert item.ratio.low < 1.1 < item.ratio.high

    def test_a_training_that_diverged_decides_nothing(self) -> None:
        block = synthetic()
        block.gated[2, 5:] = np.nan
        for statement in (Statement(), *MUTANTS.values()):
            items = generalization.collect(("vit-digits", "sgd"), block, statement)
            if statement is not MUTANTS["the plain networks with training loss and gap exchanged"]:
                assert {item.finding for item in items} == {Finding.UNDECIDED}

    def test_too_much_scatter_decides_nothing(self) -> None:
        block = with_gap(synthetic(scatter=0.6), 1.0)
        assert equal(block, matched(block)).finding is Finding.UNDECIDED

    def test_the_interval_is_that_of_scipy(self) -> None:
        block = synthetic(ratio=1.1)
        found = matched(block)
        item = equal(block, found)
        expected = np.exp(scipy.stats.ttest_1samp(found.gain, 0).confidence_interval(0.95))
        assert item.ratio is not None
        assert [item.ratio.low, item.ratio.high] == pytest.approx(list(expected))
        sides = [
            scipy.stats.ttest_1samp(found.gain, m, alternative=a).pvalue
            for m, a in ((-MARGIN, "greater"), (MARGIN, "less"))
        ]
        assert item.test is not None
        assert item.test.pvalue == pytest.approx(max(sides))

    def test_the_released_form_does_not_see_exchanged_coordinates(self) -> None:
        found = paper("x", with_exchanged_coordinates(self.block))
        measured = found.figures["measured"]
        assert isinstance(measured, dict)
        released, plane = measured.values()
        assert released["pairs with p >= 0.05"] == 15
        assert plane["pairs with p >= 0.05"] == 0
        assert found.finding is Finding.REFUTES

    def test_altered_blocks_have_the_effect(self) -> None:
        assert np.exp(matched(with_gap(self.block, 1.5)).gain.mean()) == pytest.approx(1.5)
        for ratio in (0.7, 1.5):
            slow = matched(with_pace(synthetic(epochs=50), ratio))
            assert np.exp(slow.pace.mean()) == pytest.approx(ratio, rel=0.1)

    def test_the_power_of_the_tests_for_the_effects_of_the_controls(self) -> None:
        """Of 60 blocks with the deviation of the plan, all with a ratio of 2 are refuted, most of 1 supported."""
        rng = np.random.default_rng(0)
        found: dict[float, list[Finding]] = {1.0: [], 2.0: []}
        for ratio, items in found.items():
            for _ in range(60):
                logs = np.log(ratio) + generalization.DEVIATION * rng.standard_normal(15)
                block = synthetic(scatter=0.0)
                gated = block.gated.copy()
                gated[..., 1] = gated[..., 0] + np.exp(logs)[:, None] * (gated[..., 1] - gated[..., 0])
                block = replace(block, gated=gated)
                items.append(equal(block, matched(block)).finding)
        assert found[2.0] == [Finding.REFUTES] * 60
        assert Finding.REFUTES not in found[1.0]
        assert found[1.0].count(Finding.SUPPORTS) >= 48

    def test_the_charts_have_a_note_each(self) -> None:
        blocks = dict.fromkeys(FULL.blocks, self.block)
        drawn = charts(blocks, {name: matched(block) for name, block in blocks.items()})
        assert len(drawn) == 6
        assert all(chart.note for chart in drawn)
        assert all(0 < len(series.x) <= 200 for chart in drawn for series in chart.series)


class TestRun:
    tiny = Task(QUICK.blocks, (TINY,), seeds=2, epochs=3)

    def test_too_few_networks_decide_nothing(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(generalization, "QUICK", self.tiny)
        settings = replace(SETTINGS, checkpoints=tmp_path)
        found = generalization.run(settings)
        assert found.verdict is Verdict.INCONCLUSIVE
        assert not next(item for item in found.assumptions if item.name == "power").holds
        assert len(found.controls) == len(MUTANTS) >= 3
        assert found.evidence[-1].part == "not run"
        assert len(found.key_figure) <= 60
        assert found.key_figure.isascii()
        json.dumps(runner.document([found], settings), allow_nan=False)
        trained.cache_clear()
        again = generalization.run(settings)
        assert again.as_json()["evidence"] == found.as_json()["evidence"]

    @pytest.mark.slow
    def test_processes_do_not_change_the_result(self) -> None:
        one = trained(self.tiny, SETTINGS)
        for key, block in trained(self.tiny, replace(SETTINGS, processes=2)).items():
            assert np.array_equal(block.plain, one[key].plain)
            assert np.array_equal(block.gated, one[key].gated)


@pytest.mark.slow
class TestEndToEnd:
    def test_the_quick_profile(self) -> None:
        found = generalization.run(SETTINGS)
        assert all(control.caught for control in found.controls), found.controls
        assert all(assumption.holds for assumption in found.assumptions), found.assumptions
        assert found.verdict is Verdict.INCONCLUSIVE
