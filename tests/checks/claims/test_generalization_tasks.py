"""The check of trained transformers: its tasks, its data and its saved states."""

# ruff: noqa: E402  (the checks need torch)

from __future__ import annotations

import json
from dataclasses import field, make_dataclass, replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the checks need torch")
pytest.importorskip("einops", reason="the architectures need einops")

from checks.claims.generalization import data as generalization_data
from checks.claims.generalization import training
from checks.claims.generalization.plan import LEVEL, LIMIT, TESTS, WEAKER_LIMIT, WEAKER_TESTS
from checks.claims.generalization.states import States
from checks.claims.generalization.task import FULL, PAIRS, QUICK, Recipe
from checks.claims.generalization.training import identity
from checks.settings import Settings
from checks.tools.data import sized, text
from tests.checks.claims.tiny_transformers import ALTERED, COURSE, SETTINGS, TINY


class TestTask:
    def test_both_of_a_pair_share_the_draw_and_no_two_pairs_do(self) -> None:
        for task in (FULL, QUICK):
            for block in task.blocks:
                pairs = list(task.courses(block))
                assert len(pairs) == 3 * task.seeds
                assert all(a.draw == b.draw and (a.network, b.network) in PAIRS for a, b in pairs)
                assert len({a.draw for a, _ in pairs}) == len(pairs)

    def test_the_plan(self) -> None:
        """SGD and AdamW, three architectures, two of them with altered images as well, 5 paired seeds, 25 epochs."""
        clean = [name for name in FULL.blocks if "augmented" not in name[0]]
        assert (len(clean), len(FULL.blocks)) == (6, 10)
        assert {item.name for item in FULL.materials if item.length} == {"gpt2-bytes"}
        assert FULL.seeds >= 5
        assert FULL.epochs == 25
        assert {material.steps for material in FULL.materials} == {32}
        assert pytest.approx(LEVEL) == LIMIT * TESTS
        assert TESTS == 3 * 6 + 4
        assert pytest.approx(LEVEL) == WEAKER_LIMIT * WEAKER_TESTS
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
            replace(COURSE, material=ALTERED),
        ]
        keys = [json.dumps(identity(course, SETTINGS), sort_keys=True) for course in (COURSE, *others)]
        elsewhere = (Settings(seed=1), Settings(device="meta"))
        keys += [json.dumps(identity(COURSE, settings), sort_keys=True) for settings in elsewhere]
        assert len(set(keys)) == len(keys)

    def test_a_size_that_is_new_and_changes_nothing_leaves_the_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before, own = identity(COURSE, SETTINGS), sized(TINY.architecture, SETTINGS)
        wider = make_dataclass("Wider", [("novel", int, field(default=0))], bases=(type(own),), frozen=True)
        for novel in (0, 1):
            monkeypatch.setattr(training, "sized", lambda *_, novel=novel: wider(**vars(own), novel=novel))
            assert (identity(COURSE, SETTINGS) == before) == (novel == 0)

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
        states = States(tmp_path / "new" / "a.state", {"what": "key"})
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
        states = States(tmp_path / "a.state", {"what": "key"})
        states.save({"epoch": 1})
        assert states.path is not None
        content = states.path.read_bytes()
        if damage == "key":
            States(states.path, {"what": "another"}).save({"epoch": 1})
        elif damage == "pickle":
            torch.save(Path("an object"), states.path)
        else:
            states.path.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "text": b"hello"}[damage])
        assert states.load("cpu") is None

    def test_nothing_is_left(self, tmp_path: Path) -> None:
        states = States(tmp_path / "a.state", {"what": "key"})
        states.save({"epoch": 1})
        # a kill in the middle of writing leaves this
        (tmp_path / "a.stateXYZ.part").write_bytes(b"half")
        (tmp_path / "b.state").write_bytes(b"of another training")
        states.remove()
        assert [path.name for path in tmp_path.iterdir()] == ["b.state"]

    def test_nothing_is_kept_without_a_folder(self) -> None:
        states = States(None, {"what": "key"})
        states.save({"epoch": 1})
        states.remove()
        assert states.load("cpu") is None
