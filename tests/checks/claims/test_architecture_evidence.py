"""The check of real architectures: condition numbers, statements, evidence, assumptions and their controls."""

# ruff: noqa: E402  (the checks need torch)

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.stats

torch = pytest.importorskip("torch", reason="the checks need torch")
pytest.importorskip("einops", reason="the mixer needs einops")

from checks.claims.architectures import corrected as architectures_corrected
from checks.claims.architectures.evidence import LEVEL, MUTANTS, Statement, confidence, detectable, literal
from checks.claims.architectures.figure import charts
from checks.claims.architectures.grid import assumptions, mismatch, rounding
from checks.claims.architectures.measures import Precision, Ratio, conditions, deviation, turns
from checks.claims.architectures.task import FULL, NAMES, PAIRS
from glutheory.claims import About, Finding
from tests.checks.claims.architecture_cells import SMALL, everything, gram, grid, invented


class TestMeasures:
    def test_condition_numbers_are_those_of_the_matrices(self) -> None:
        case = replace(SMALL, seeds=3, doubles=3, checked=NAMES)
        cells = invented(case, 5.0)
        for (time, which), item in conditions(case, cells).items():
            for i, name in enumerate(NAMES):
                for seed in range(3):
                    values = np.linalg.eigvalsh(cells[name, seed].grams[time, which, True])
                    assert item.value[i, seed] == pytest.approx(values[-1] / values[0], rel=1e-9)
                    assert item.bulk[i, seed] == pytest.approx(values[-2] / values[0], rel=1e-9)
            assert (item.low <= item.value).all()
            assert (item.high >= item.value).all()
            assert item.error < 1e-14

    def test_float32_matrices_get_wider_bounds(self) -> None:
        single, double = (
            conditions(case, invented(case, 5.0))["initial", "all"]
            for case in (SMALL, replace(SMALL, doubles=2, checked=NAMES))
        )
        assert single.error > 1e-9 > double.error
        assert ((single.high - single.low) > 100 * (double.high - double.low)).all()
        # the true figure is inside
        assert (single.low <= double.value).all()
        assert (double.value <= single.high).all()

    def test_a_singular_matrix_decides_nothing_for_its_network(self) -> None:
        case = replace(SMALL, seeds=3, doubles=3, checked=NAMES, epochs=0)
        cells = invented(case, 5.0)
        K = cells["reglu", 1].grams["initial", "all", True]
        K[1], K[:, 1] = K[0], K[:, 0]
        K[1, 1] = K[0, 0]
        item = conditions(case, cells)["initial", "all"]
        assert np.isinf(item.high[1, 1])
        assert item.ratio(0).interval(0.95)[1] == -math.inf
        assert Statement(sign=1).finding(item.ratio(0), 0.95) is not Finding.SUPPORTS

    def test_the_error_bounds_every_eigenvalue(self) -> None:
        K = gram(1e4, 3)
        rough = K.astype(np.float32).astype(np.float64)
        moved = np.abs(np.linalg.eigvalsh(K) - np.linalg.eigvalsh(rough)).max()
        assert moved <= deviation(rough, K) * np.trace(K) * (1 + 1e-6)

    def test_the_interval_is_students(self) -> None:
        values = np.array([0.3, 0.5, 0.1, 0.7])
        middle, low, high = Ratio("a/b", values, values - 0.01, values + 0.01).interval(0.9)
        ends = scipy.stats.t.interval(0.9, 3, loc=values.mean(), scale=scipy.stats.sem(values))
        assert (middle, low, high) == pytest.approx((0.4, ends[0] - 0.01, ends[1] + 0.01))

    def test_precision(self) -> None:
        case = replace(SMALL, epochs=0)
        cells = invented(case, 5.0)
        found = Precision.of(case, cells, "initial", "all")
        worst = 0.0
        for name in case.checked:
            a, b = (np.linalg.eigvalsh(cells[name, 0].grams["initial", "all", kind]) for kind in (False, True))
            worst = max(worst, abs(a[0] / b[0] - 1))
        assert found.smallest == pytest.approx(worst, rel=1e-3)
        assert found.compared == 2
        item = conditions(case, cells)["initial", "all"]
        assert turns(item, cells) == 0
        grams = cells["relu", 0].grams
        grams["initial", "all", False] = np.eye(6)
        assert turns(item, cells) == 1


class TestStatements:
    RATIO = Ratio("a/b", *(np.array([1.0, 1.1, 0.9]) for _ in range(3)))

    @pytest.mark.parametrize(
        ("sign", "factor", "finding"),
        [
            (1, 1, Finding.SUPPORTS),
            (1, 2, Finding.SUPPORTS),
            (1, math.exp(1.05), Finding.UNDECIDED),
            (1, 10, Finding.REFUTES),
            (-1, 1, Finding.REFUTES),
            (-1, 0.1, Finding.SUPPORTS),
        ],
    )
    def test_finding(self, sign: int, factor: float, finding: Finding) -> None:
        assert Statement(sign, factor).finding(self.RATIO, 0.95) is finding

    def test_the_power_that_is_stated(self) -> None:
        places = grid({replace(SMALL, seeds=6, doubles=1, checked=NAMES): 10.0}).places
        level, decided = confidence(places), 0
        mean = detectable(6, level)
        assert detectable(2, level) == math.inf
        rng = np.random.default_rng(1)
        for _ in range(1000):
            values = mean + rng.standard_normal(6)
            decided += Statement().finding(Ratio("", values, values, values), level) is Finding.SUPPORTS
        assert abs(decided - 990) < 15

    def test_all_intervals_share_the_level(self) -> None:
        places = everything().places
        assert len(places) == 22
        assert (1 - confidence(places)) * len(places) * len(PAIRS) == pytest.approx(LEVEL)


class TestEvidence:
    def test_a_true_claim_is_supported_in_every_architecture(self) -> None:
        found = literal(everything().places, Statement(), True)
        assert [item.part for item in found] == [
            f"{family} {time}"
            for family in ("ViT", "GPT-2", "Mixer")
            for time in ("at initialisation", "after training")
        ]
        assert {item.finding for item in found} == {Finding.SUPPORTS}
        json.dumps([dict(item.figures) for item in found], allow_nan=False)

    def test_one_architecture_is_enough_to_refute(self) -> None:
        found = {item.part: item.finding for item in literal(everything(**{"GPT-2": 0.2}).places, Statement(), True)}
        assert found["GPT-2 at initialisation"] is found["GPT-2 after training"] is Finding.REFUTES
        assert found["ViT at initialisation"] is Finding.SUPPORTS

    @pytest.mark.parametrize("label", MUTANTS)
    def test_wrong_statements_are_refuted(self, label: str) -> None:
        places = everything(**{"GPT-2": 4.0}).places
        assert Finding.REFUTES in {item.finding for item in literal(places, MUTANTS[label], True)}
        wrong = architectures_corrected.sharper(places, MUTANTS[label])
        assert Finding.REFUTES in {item.finding for item in wrong}

    def test_an_incomplete_profile_supports_nothing_as_a_whole(self) -> None:
        found = literal(grid({SMALL: 10.0}).places, Statement(), False)
        assert found[-1].finding is Finding.UNDECIDED

    def test_the_sign_test(self) -> None:
        case = replace(SMALL, seeds=8, doubles=1, checked=NAMES, epochs=0)
        item = literal(grid({case: 10.0}).places, Statement(), True)[0]
        measured: Any = item.figures["measured"]
        row = measured["Mixer, small size, initial, all parameters, relu/reglu"]
        assert row["sign test"] == {"gated smaller": 8, "of": 8, "p": 2 / 2**8, "least p possible": 2 / 2**8}

    def test_clauses(self) -> None:
        found = architectures_corrected.sharper(everything().places, Statement())
        assert all(item.about is About.CORRECTED for item in found)
        assert {item.part: item.finding for item in found} == {
            "full size": Finding.SUPPORTS,
            "small Mixer": Finding.SUPPORTS,
            "small ViT": Finding.SUPPORTS,
            # these two say that the gated one is larger
            "ReLU in small GPT-2": Finding.REFUTES,
            "FFN of small GPT-2": Finding.REFUTES,
        }
        assert len({item.part for item in found}) == len(architectures_corrected.CLAUSES)

    def test_rounding(self) -> None:
        found = grid({SMALL: 10.0})
        assert rounding(found, "cpu").finding is Finding.SUPPORTS
        cells = found.cells[SMALL]
        cells["relu", 0].grams["trained", "ffn", False] = np.eye(6)
        assert rounding(found, "cpu").finding is Finding.REFUTES

    def test_charts(self) -> None:
        found = everything()
        drawn = charts(found.places, confidence(found.places))
        assert len(drawn) == 4
        assert all(chart.note and chart.series for chart in drawn)
        # the points of one architecture are those of its pairs, and equal ratios are equal distances from the line
        first = drawn[0].series[0]
        assert len(first.x) == len(PAIRS) * FULL[0].seeds
        assert np.allclose(np.array(first.x) / first.y, 10, rtol=0.3)
        ratios = drawn[1].series[0]
        assert np.allclose(ratios.y, 10, rtol=0.2)
        assert all(low < y < high for low, y, high in zip(ratios.low, ratios.y, ratios.high, strict=True))
        labels = [each.label for each in drawn[3].series if each.label]
        assert labels == [
            "ViT, before training",
            "GPT-2, before training",
            "Mixer, before training",
            "GPT-2 (LeCun), before training",
            "ViT, after training",
            "GPT-2, after training",
            "Mixer, after training",
            "equal",
        ]


class TestAssumptions:
    def test_they_hold(self) -> None:
        found = {item.name: item for item in assumptions(grid({SMALL: 10.0}))}
        assert all(item.holds for item in found.values()), found
        assert set(found) == {"matched", "backbone", "dropout", "finite", "precision", "trained"}

    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("matched", {"parameters": (1100, 500)}),
            ("backbone", {"backbone": 77}),
            ("dropout", {"dropout": 0.1}),
            ("trained", {"loss": (2.3, 2.2)}),
        ],
    )
    def test_they_notice(self, name: str, change: dict[str, Any]) -> None:
        found = grid({SMALL: 10.0})
        cells = found.cells[SMALL]
        cells["reglu", 0] = replace(cells["reglu", 0], **change)
        assert [item.name for item in assumptions(found) if not item.holds] == [name]

    def test_infinite_matrices_and_rough_ones(self) -> None:
        found = grid({SMALL: 10.0})
        found.cells[SMALL]["relu", 1].grams["initial", "all", False][0, 0] = np.nan
        rough = replace(next(iter(found.precision.values())), condition=0.5)
        found.precision.update(dict.fromkeys(found.precision, rough))
        assert [item.name for item in assumptions(found) if not item.holds] == ["finite", "precision"]

    def test_mismatch(self) -> None:
        cells = invented(SMALL, 10.0)
        assert mismatch(cells, 0) == pytest.approx(1e-3)
        assert mismatch(cells, 1) == 0
