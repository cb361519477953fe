"""The check of trained transformers: the bias of a gap on altered images, and optimiser against gating."""

# ruff: noqa: E402  (the checks need torch)

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.stats

torch = pytest.importorskip("torch", reason="the checks need torch")
pytest.importorskip("einops", reason="the architectures need einops")
pytest.importorskip("statsmodels", reason="the intervals are those of statsmodels")

from checks.claims.generalization.bias import bias, says
from checks.claims.generalization.collected import collect, negative
from checks.claims.generalization.controls import (
    AGAINST,
    BIAS_MUTANTS,
    EASIER,
    EFFECT_MUTANTS,
    EXCHANGED,
    HARDER,
    Statement,
    with_bias,
)
from checks.claims.generalization.effects import EFFECTS, Table, contrasts, effects, tables
from checks.claims.generalization.measures import one_sided
from checks.claims.generalization.paper_test import CLEAN, RELEASED, changed, judged, paper, pvalues
from checks.claims.generalization.plan import EARLY
from checks.tools.statistical_models import least_squares
from glutheory.claims import Finding
from tests.checks.claims.made_up_losses import few_relabellings, synthetic, two_optimisers

__all__ = ["few_relabellings"]
MIXER, VIT = "MLP-Mixer, augmented, SGD", "ViT, augmented, SGD"


def figures(item: Any) -> Any:
    """Through JSON: what a reader of the file has."""
    return json.loads(json.dumps(item.figures, allow_nan=False))


class TestBias:
    def test_a_planted_bias_is_measured(self) -> None:
        block = with_bias(replace(synthetic(), augmented=True), 0.37)
        found = figures(bias(MIXER, block))
        for place in ("mean over the epochs, nats", "at equal training loss on images as they are, nats"):
            row = found[place]["bias"]
            for kind in ("plain", "gated"):
                assert row[kind]["mean"] == pytest.approx(-0.37)
                assert row[kind]["low"] == pytest.approx(-0.37)
            assert row["gated - plain"]["mean"] == pytest.approx(0, abs=1e-12)
        assert found["bias by epoch"]["gated"] == pytest.approx([-0.37] * 25)

    def test_a_planted_bias_of_one_kind(self) -> None:
        block = with_bias(replace(synthetic(), augmented=True), 0.37, plain=False)
        row = figures(bias(MIXER, block))["mean over the epochs, nats"]
        assert row["bias"]["gated - plain"]["mean"] == pytest.approx(-0.37)
        # the gap on images as they are knows nothing of it
        assert (
            row["gap on images as they are"]
            == figures(bias(MIXER, synthetic(bias=0)))["mean over the epochs, nats"]["gap on images as they are"]
        )

    def test_the_interval_is_that_of_scipy(self) -> None:
        block = synthetic(bias=-0.3)
        values = (block.gated - block.plain)[:, 1:26]
        each = (values[..., 0] - values[..., 3]).mean(axis=1)
        low, high = scipy.stats.ttest_1samp(each, 0).confidence_interval(0.95)
        row = figures(bias(MIXER, block))["mean over the epochs, nats"]["bias"]["gated - plain"]
        assert [row["mean"], row["low"], row["high"]] == pytest.approx([each.mean(), low, high])

    def test_the_gap_at_equal_loss_as_released_is_that_of_its_own_losses(self) -> None:
        """With a bias that is the same everywhere the released gap at a released loss is the gap there, shifted."""
        block = with_bias(replace(synthetic(scatter=0.0, faster=1.0, ratio=1.3), augmented=True), 0.2)
        found = figures(bias(MIXER, block))
        released = found["at equal training loss on altered images, nats"]["gap"]
        clean = found["at equal training loss on images as they are, nats"]["gap"]
        assert released["gated - plain"]["mean"] > 0
        assert released["plain"]["mean"] < 0 < clean["plain"]["mean"]

    def test_downwards_by_more_than_the_gap(self) -> None:
        """Gaps are 0.05 (0.1 + epoch/5) there, up to 0.25 and 0.13 on average."""
        assert bias(MIXER, synthetic(bias=-0.6)).finding is Finding.SUPPORTS
        assert bias(MIXER, synthetic(bias=-0.01)).finding is Finding.REFUTES
        assert bias(MIXER, synthetic(bias=0.6)).finding is Finding.REFUTES

    def test_upwards_then_downwards(self) -> None:
        block = synthetic(bias=-0.3)
        assert bias(VIT, block).finding is Finding.REFUTES
        for side in (block.plain, block.gated):
            side[:, EARLY, 3] = side[:, EARLY, 0] - 0.1 - 0.01 * np.arange(15)
        assert bias(VIT, block).finding is Finding.SUPPORTS

    def test_of_adamw_only_what_was_decided_is_said(self) -> None:
        """Upwards at first; of the last epoch nothing."""
        block = synthetic(bias=0.3)
        assert bias(VIT, block).finding is Finding.REFUTES
        assert bias(VIT.replace("SGD", "AdamW"), block).finding is Finding.SUPPORTS
        assert bias(VIT.replace("SGD", "AdamW"), synthetic(bias=-0.3)).finding is Finding.REFUTES

    def test_what_diverged_decides_nothing(self) -> None:
        block = synthetic(bias=-0.3)
        block.plain[3, 4:] = np.nan
        for name in (MIXER, VIT):
            item = bias(name, block)
            assert item.finding is Finding.UNDECIDED
            figures(item)
        assert paper(MIXER, block).finding is Finding.UNDECIDED

    def test_the_level(self) -> None:
        """Of a number without direction 5 % are supported, and as good as none refuted."""
        rng = np.random.default_rng(0)
        found = [one_sided(rng.standard_normal(18))[1] for _ in range(2000)]
        # five standard deviations of a binomial count
        assert abs(found.count(Finding.SUPPORTS) - 100) < 5 * np.sqrt(95)
        assert found.count(Finding.REFUTES) <= 3


@pytest.mark.usefixtures("few_relabellings")
class TestReleasedTest:
    """The paper's test on what the released code measures."""

    def test_altered_images_are_judged_where_there_are_any(self) -> None:
        assert judged(synthetic()) == CLEAN
        assert judged(synthetic(bias=-0.3)) == RELEASED

    def test_without_a_bias_nothing_changes(self) -> None:
        rows = changed(synthetic(bias=0.0))
        assert all(row["p that both are as likely"] == 1 for row in rows.values())  # type: ignore[index,call-overload]

    @pytest.mark.long
    def test_a_bias_of_one_kind_is_taken_for_a_difference(self) -> None:
        block = with_bias(synthetic(bias=-0.3), 1.0, plain=False)
        assert paper(MIXER, block).finding is Finding.REFUTES
        assert paper("x", replace(block, augmented=False)).finding is Finding.SUPPORTS
        for label, row in figures(paper(MIXER, block))["changed"].items():
            assert row["accepted on altered images alone"] == 0
            clean, released = pvalues(block, CLEAN)[label] >= 0.05, pvalues(block, RELEASED)[label] >= 0.05
            alone = row["accepted on images as they are alone"]
            assert alone == np.sum(clean & ~released) >= 10
            # McNemar: all of them to one side
            assert row["p that both are as likely"] == pytest.approx(2.0 ** (1 - alone))

    @pytest.mark.long
    @pytest.mark.parametrize(
        "name", ["mixer-digits, augmented", pytest.param("vit-digits, augmented", marks=pytest.mark.slow)]
    )
    def test_the_controls(self, name: str) -> None:
        block = synthetic(bias=-0.6 if name.startswith("mixer") else -0.1)
        if name.startswith("vit"):
            for side in (block.plain, block.gated):
                side[:, EARLY, 3] = side[:, EARLY, 0] - 0.1 - 0.01 * np.arange(15)
        right = collect((name, "sgd"), block, Statement())
        assert [item.finding for item in right] == [Finding.SUPPORTS] * 2
        for label, spoil in BIAS_MUTANTS.items():
            wrong = collect((name, "sgd"), spoil(block), Statement())
            # what contradicts nothing that is said of MLP-Mixer
            agrees = label == HARDER and name.startswith("mixer")
            assert (Finding.REFUTES in {item.finding for item in wrong}) is not agrees, label

    @pytest.mark.long
    def test_a_control_concerns_what_it_contradicts(self) -> None:
        """Of ViT with AdamW no bias downwards is said, of MLP-Mixer none upwards."""
        block = synthetic(bias=-0.1)
        said = {
            (name, sign): says(name, block, sign)
            for name in (MIXER, VIT, VIT.replace("SGD", "AdamW"))
            for sign in (-1, 1)
        }
        assert list(said.values()) == [True, False, True, True, False, True]
        keys = [("mixer-digits, augmented", "sgd"), ("vit-digits, augmented", "adamw")]
        found = {control.altered: control.by for control in negative(dict.fromkeys(keys, block), {})}
        assert "ViT" not in found[EASIER]
        assert "MLP-Mixer" in found[EASIER]
        assert "ViT" in found[HARDER]
        assert "MLP-Mixer" not in found[HARDER]


class TestTable:
    def test_known_effects(self) -> None:
        """All losses are exponentials, so that epochs to equal loss are in the ratio of the rates."""
        table = two_optimisers(0.6, 0.9, 1.2)
        found = contrasts(table.responses["epochs"])
        # interpolated between epochs, linear where it is exact
        assert {name: np.exp(values) for name, values in found.items()} == {
            "optimiser": pytest.approx(np.full(15, 0.6), rel=1e-9),
            "gating": pytest.approx(np.full(15, 0.9), rel=1e-9),
            "interaction": pytest.approx(np.full(15, 1.2), rel=1e-9),
        }
        # the gap is a function of the loss alone
        assert all(values == pytest.approx(0, abs=1e-9) for values in contrasts(table.responses["gap"]).values())

    def test_exchanging_optimisers_turns_their_effect_alone(self) -> None:
        table = scattered()
        one = contrasts(table.responses["gap"])
        two = contrasts(EFFECT_MUTANTS["the optimisers exchanged"](table).responses["gap"])
        assert two["optimiser"] == pytest.approx(-one["optimiser"])
        assert two["gating"] == pytest.approx(one["gating"])
        assert two["interaction"] == pytest.approx(-one["interaction"])

    @pytest.mark.parametrize("response", ["epochs", "gap"])
    def test_a_regression_on_factors_and_draws_says_the_same(self, response: str) -> None:
        """Estimates; and the errors that are robust to what the networks of a draw share, up to their factor."""
        table = scattered()
        values = table.responses[response]
        draws = values.shape[2]
        optimiser, gated, draw = (axis.ravel() for axis in np.indices(values.shape))
        halves = optimiser - 0.5, gated - 0.5
        design = np.column_stack([*halves, halves[0] * halves[1], *(draw == each for each in range(draws))])
        fit = least_squares(values.ravel(), design.astype(float))
        robust = fit.get_robustcov_results("cluster", groups=draw, df_correction=False, use_correction=False)
        for index, name in enumerate(EFFECTS):
            each = contrasts(values)[name]
            assert fit.params[index] == pytest.approx(each.mean())
            # without the regression's correction the error divides by n, that of a mean by n - 1
            assert robust.bse[index] == pytest.approx(each.std() / np.sqrt(draws))

    def test_the_figures(self) -> None:
        item = effects("MLP-Mixer", table := scattered())
        found = figures(item)
        for response in ("epochs", "gap"):
            for name, each in contrasts(table.responses[response]).items():
                row = found[response][name]
                low, high = scipy.stats.ttest_1samp(each, 0).confidence_interval(0.95)
                assert list(row["ratio"].values()) == pytest.approx(np.exp([each.mean(), low, high]).tolist())
                exact = float(np.mean(np.abs(signs(len(each)) @ each) >= abs(each.sum()) - 1e-12))
                # 9999 random signs: five standard deviations, and the observed one that counts
                error = 5 * np.sqrt(exact / 9999) + 1e-4
                assert row["p, signs of the draws exchanged"] == pytest.approx(exact, abs=error)

    def test_what_is_true_is_supported(self) -> None:
        assert effects("MLP-Mixer", scattered(0.6, 0.85)).finding is Finding.SUPPORTS
        assert effects("MLP-Mixer", scattered(0.6, 1.2)).finding is Finding.SUPPORTS

    @pytest.mark.parametrize("label", EFFECT_MUTANTS)
    @pytest.mark.parametrize("gating", [0.85, 1.2])
    def test_the_controls(self, label: str, gating: float) -> None:
        wrong = EFFECT_MUTANTS[label](scattered(0.6, gating))
        assert effects("MLP-Mixer", wrong).finding is Finding.REFUTES

    def test_gating_that_does_more_is_refuted(self) -> None:
        assert effects("MLP-Mixer", scattered(0.8, 0.5)).finding is Finding.REFUTES
        assert effects("MLP-Mixer", scattered(0.8, 2.0)).finding is Finding.REFUTES
        # where only the sign is claimed, that is none of its business
        assert effects("ViT, augmented", replace(scattered(0.8, 0.5), augmented=True)).finding is Finding.SUPPORTS

    def test_an_optimiser_that_doubles_the_gap_is_refuted(self) -> None:
        table = scattered(0.6, 0.85)
        table.losses[1, ..., 1] += table.losses[1, ..., 1] - table.losses[1, ..., 0]
        assert effects("MLP-Mixer", table).finding is Finding.REFUTES

    def test_networks_that_share_no_range_decide_nothing(self) -> None:
        table = scattered()
        table.losses[1, 0, 2, :, :2] += 3
        item = effects("MLP-Mixer", table)
        assert item.finding is Finding.UNDECIDED
        assert table.at.shared == 0
        figures(item)

    def test_only_materials_with_both_optimisers_have_one(self) -> None:
        block = synthetic()
        blocks = {("a", "sgd"): block, ("b", "sgd"): block, ("b", "adamw"): replace(block, plain=block.gated)}
        (name,) = found = tables(blocks)
        assert name == "b"
        assert np.array_equal(found["b"].losses[1, 0], block.gated)
        assert np.array_equal(found["b"].losses[0, 0], block.plain)

    def test_a_table_without_a_comparison_has_no_control_that_exchanges_them(self) -> None:
        """Gates that save epochs are in no contradiction to what is said of it: that AdamW does."""
        both = {
            "mixer-digits": scattered(0.6, 0.85),
            "vit-digits, augmented": replace(scattered(0.6, 0.85), augmented=True),
        }
        found = {
            control.altered: control for control in negative({("vit-digits", "sgd"): synthetic(2, epochs=5)}, both)
        }
        assert all(found[label].caught for label in EFFECT_MUTANTS)
        assert "ViT" not in found[EXCHANGED].by
        assert all("ViT" in found[label].by for label in EFFECT_MUTANTS if label != EXCHANGED)

    def test_no_block_no_control(self) -> None:
        """What was altered nowhere was caught nowhere."""
        found = {
            control.altered: control.caught for control in negative({("vit-digits", "sgd"): synthetic(2, epochs=5)}, {})
        }
        assert not any(found.get(label) for label in BIAS_MUTANTS)
        # and what nothing is said of cannot be contradicted
        assert set(BIAS_MUTANTS) - set(found) == set(AGAINST)
        assert not set(found) & set(EFFECT_MUTANTS)


def scattered(optimiser: float = 0.6, gating: float = 0.9) -> Table:
    """Known effects, the losses of every network scattered by a few per cent of the rate and of the gap."""
    table = two_optimisers(optimiser, gating)
    rng = np.random.default_rng(5)
    losses = table.losses.copy()
    rates, gaps = (np.exp(0.05 * rng.standard_normal((2, 2, 15, 1))) for _ in range(2))
    gap = losses[..., 1] - losses[..., 0]
    losses[..., 0] = 2.3 * (losses[..., 0] / 2.3) ** rates
    losses[..., 1] = losses[..., 0] + gap * gaps
    return replace(table, losses=losses)


def signs(count: int) -> np.ndarray:
    """All signs of so many draws."""
    return 1 - 2 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1)
