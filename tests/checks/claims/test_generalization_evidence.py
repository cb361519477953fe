"""The check of trained transformers: its measures, its evidence, and whole runs."""

# ruff: noqa: E402  (the checks need torch)

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

torch = pytest.importorskip("torch", reason="the checks need torch")
pytest.importorskip("einops", reason="the architectures need einops")

from checks import runner
from checks.claims.generalization import statement as generalization
from checks.claims.generalization.collected import collect
from checks.claims.generalization.controls import (
    BIAS_MUTANTS,
    EFFECT_MUTANTS,
    HARDER,
    MUTANTS,
    Statement,
    with_exchanged_coordinates,
    with_gap,
    with_pace,
)
from checks.claims.generalization.evidence import equal, gap, pace
from checks.claims.generalization.figure import charts
from checks.claims.generalization.measures import LEVELS, along, clouds, matched
from checks.claims.generalization.paper_test import paper
from checks.claims.generalization.plan import DEVIATION, MARGIN
from checks.claims.generalization.runs import trained
from checks.claims.generalization.task import FULL, Task
from glutheory.claims import Finding, Verdict
from tests.checks.claims.made_up_losses import few_relabellings, synthetic, two_optimisers
from tests.checks.claims.tiny_transformers import ALTERED, SETTINGS, TINY

__all__ = ["few_relabellings"]


class TestMeasures:
    def test_known_curves(self) -> None:
        """ln(loss) falls linearly and the gap is linear in it: interpolation is exact."""
        epoch = np.arange(11.0)
        train = np.exp(1 - epoch / 4)
        levels = np.exp(1 - np.array([1.0, 2.5, 9.75]) / 4)
        gaps, epochs = along(train, 0.3 * epoch, levels)
        assert epochs == pytest.approx([1, 2.5, 9.75])
        assert gaps == pytest.approx([0.3, 0.75, 2.925])

    def test_a_loss_that_rises_for_a_while(self) -> None:
        """The first time counts; what lies above an earlier loss is skipped."""
        train = np.array([8.0, 4.0, 6.0, 5.0, 2.0, 1.0])
        gaps, epochs = along(train, np.array([0, 1, 50, 50, 2, 3.0]), np.array([4.0, 2 * 2**0.5, 2.0, 1.0]))
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
        items = collect(("vit-digits", "sgd"), self.block, Statement())
        for item in items:
            json.dumps(item.figures, allow_nan=False)
        assert [item.finding for item in items if item.about == "as stated"] == [Finding.SUPPORTS] * 3

    @pytest.mark.long
    @pytest.mark.parametrize("label", MUTANTS)
    def test_what_is_wrong_is_refuted(self, label: str) -> None:
        for ratio, faster in ((1.0, 0.8), (1.2, 1.1)):
            block = synthetic(ratio=ratio, faster=faster)
            items = collect(("vit-digits", "sgd"), block, MUTANTS[label])
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
            items = collect(("vit-digits", "sgd"), block, statement)
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

    @pytest.mark.slow
    def test_the_power_of_the_tests_for_the_effects_of_the_controls(self) -> None:
        """Of 60 blocks with the deviation of the plan, all with a ratio of 2 are refuted, most of 1 supported."""
        rng = np.random.default_rng(0)
        found: dict[float, list[Finding]] = {1.0: [], 2.0: []}
        for ratio, items in found.items():
            for _ in range(60):
                logs = np.log(ratio) + DEVIATION * rng.standard_normal(15)
                block = synthetic(scatter=0.0)
                gated = block.gated.copy()
                gated[..., 1] = gated[..., 0] + np.exp(logs)[:, None] * (gated[..., 1] - gated[..., 0])
                block = replace(block, gated=gated)
                items.append(equal(block, matched(block)).finding)
        assert found[2.0] == [Finding.REFUTES] * 60
        assert Finding.REFUTES not in found[1.0]
        assert found[1.0].count(Finding.SUPPORTS) >= 48

    def test_the_charts_have_a_note_each(self) -> None:
        augmented = synthetic(bias=-0.3)
        blocks = {name: augmented if "augmented" in name[0] else self.block for name in FULL.blocks}
        found = {name: matched(block) for name, block in blocks.items() if not block.augmented}
        drawn = charts(blocks, found, {"vit-digits": two_optimisers(0.6, 0.9), "gpt2-bytes": two_optimisers(0.6, 0.9)})
        # three architectures, two ratios, the paper's test, two biases, two responses
        assert len(drawn) == 10
        assert all(chart.note for chart in drawn)
        assert all(0 < len(series.x) <= 400 for chart in drawn for series in chart.series)


class TestRun:
    #: Both optimisers, with and without augmentation.
    tiny = Task(((TINY.name, "sgd"), (TINY.name, "adamw"), (ALTERED.name, "sgd")), (TINY, ALTERED), seeds=2, epochs=3)

    @pytest.mark.slow
    @pytest.mark.usefixtures("few_relabellings")
    def test_too_few_networks_decide_nothing(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(generalization, "QUICK", self.tiny)
        settings = replace(SETTINGS, checkpoints=tmp_path)
        found = generalization.run(settings)
        assert found.verdict is Verdict.INCONCLUSIVE
        assert not next(item for item in found.assumptions if item.name == "power").holds
        # nothing is said of these networks that images that are harder would contradict
        known = [label for label in BIAS_MUTANTS if label != HARDER]
        assert [control.altered for control in found.controls] == [*MUTANTS, *known, *EFFECT_MUTANTS]
        assert {item.part for item in found.evidence} >= {"MLP-Mixer: effects", "MLP-Mixer, augmented, SGD: bias"}
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
