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
from checks.claims.architectures.evidence import LEVEL, MUTANTS, Statement, confidence, detectable, literal, printed
from checks.claims.architectures.figure import charts
from checks.claims.architectures.grid import Grid, assumptions, mismatch, rounding
from checks.claims.architectures.measures import Precision, Ratio, conditions, deviation, turns
from checks.claims.architectures.plainly import FLOOR, clamped
from checks.claims.architectures.statement import CLAIM
from checks.claims.architectures.task import FULL, NAMES, PAIRS
from glutheory.claims import About, Finding
from tests.checks.claims.architecture_cells import SMALL, everything, gram, grid, invented
from tests.documents import ROOT


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
            (0, 1, Finding.REFUTES),
            (0, math.exp(1.05), Finding.UNDECIDED),
            (0, 10, Finding.SUPPORTS),
        ],
    )
    def test_finding(self, sign: int, factor: float, finding: Finding) -> None:
        assert Statement(sign, factor).finding(self.RATIO, 0.95) is finding

    def test_close_is_close_both_ways(self) -> None:
        turned = Ratio("b/a", *(-values for values in (self.RATIO.value, self.RATIO.high, self.RATIO.low)))
        for factor in (1, math.exp(1.05), 10):
            assert Statement(0, factor).finding(turned, 0.95) is Statement(0, factor).finding(self.RATIO, 0.95)
        even = Ratio("a/b", *(np.array([-0.1, 0.2, -0.1]) for _ in range(3)))
        # not told from equality, and not from a ratio of 1.2 either
        assert Statement(0, 1.2).finding(even, 0.95) is Finding.UNDECIDED
        assert Statement(0, 3.0).finding(even, 0.95) is Finding.SUPPORTS

    def test_the_power_that_is_stated(self) -> None:
        places = grid({replace(SMALL, seeds=6, doubles=1, checked=NAMES): 10.0}).places
        level, decided = confidence(places, paper=True), 0
        mean = detectable(6, level)
        assert detectable(2, level) == math.inf
        rng = np.random.default_rng(1)
        for _ in range(1000):
            values = mean + rng.standard_normal(6)
            decided += Statement().finding(Ratio("", values, values, values), level) is Finding.SUPPORTS
        assert abs(decided - 990) < 15

    @pytest.mark.long
    def test_all_intervals_share_the_level(self) -> None:
        places = everything().places
        for paper, count in ((True, 12), (False, 22)):
            assert sum(item.case.paper is paper for item in places) == count
            assert (1 - confidence(places, paper=paper)) * count * len(PAIRS) == pytest.approx(LEVEL)


class TestEvidence:
    def test_a_true_claim_is_supported_where_it_was_tried(self) -> None:
        found = literal(everything().places, Statement(), True)
        assert [item.part for item in found] == [
            "ViT at initialisation",
            "Mixer at initialisation",
            "not run",
        ]
        assert {item.finding for item in found[:-1]} == {Finding.SUPPORTS}
        assert found[-1].finding is Finding.UNDECIDED
        assert "GPT-2" in found[-1].what
        json.dumps([dict(item.figures) for item in found], allow_nan=False)

    @pytest.mark.long
    def test_one_architecture_is_enough_to_refute(self) -> None:
        found = {item.part: item.finding for item in literal(everything(Mixer=0.2).places, Statement(), True)}
        assert found["Mixer at initialisation"] is Finding.REFUTES
        assert found["ViT at initialisation"] is Finding.SUPPORTS

    @pytest.mark.long
    def test_what_is_beyond_the_paper_does_not_judge_it(self) -> None:
        turned = everything(**{"GPT-2": 0.2, "pre-LN ViT": 0.2, "narrow Mixer": 0.2})
        assert {item.finding for item in literal(turned.places, Statement(), True)[:-1]} == {Finding.SUPPORTS}

    @pytest.mark.long
    def test_what_was_made_small_does_not_judge_the_released(self) -> None:
        """As in the run: the small Mixer turned round. It bears on the corrected form, which is about it."""
        turned = grid({replace(case, doubles=1): 0.2 if case.size == "small" else 10.0 for case in FULL if case.paper})
        assert {item.finding for item in literal(turned.places, Statement(), True)[:-1]} == {Finding.SUPPORTS}
        found = {item.part: item for item in architectures_corrected.sharper(turned.places, Statement())}
        assert found["made small"].finding is found["made small, trained"].finding is Finding.REFUTES
        rows: Any = found["made small, trained"].figures["measured"]
        assert "Mixer, small size, trained, FFN alone, relu/reglu" in rows, list(rows)

    def test_the_second_eigenvalue_and_half_of_the_inputs(self) -> None:
        item = next(each for each in everything().places if each.case.paper and each.case.size == "full")
        rows: Any = literal(everything().places, Statement(), True)[0].figures["measured"]
        bulk = np.log(item.bulk)
        shown = rows[f"{item.place}, relu/reglu"]["second over smallest eigenvalue, non-gated over gated"]
        assert shown == pytest.approx(math.exp(float(np.mean(bulk[0] - bulk[1]))))
        half = rows[item.place]["condition numbers, first half of the inputs"]["relu"]
        grams = [everything().cells[item.case]["relu", seed].grams["initial", "all", False] for seed in item.case.draws]
        true = [np.linalg.cond(K[:3, :3]) for K in grams]
        # shown to five digits; float32 matrices of condition 3000 stand for the float64 ones
        assert half == pytest.approx(float(np.exp(np.mean(np.log(true)))), rel=1e-2)

    @pytest.mark.long
    @pytest.mark.parametrize("label", MUTANTS)
    def test_wrong_statements_are_refuted(self, label: str) -> None:
        places = everything(ViT=4.0).places
        assert Finding.REFUTES in {item.finding for item in literal(places, MUTANTS[label], True)}
        wrong = architectures_corrected.sharper(places, MUTANTS[label])
        assert Finding.REFUTES in {item.finding for item in wrong}

    def test_an_incomplete_profile_supports_nothing_as_a_whole(self) -> None:
        found = literal(grid({SMALL: 10.0}).places, Statement(), False)
        assert found[-1].finding is Finding.UNDECIDED

    def test_the_sign_test(self) -> None:
        case = replace(SMALL, size="full", seeds=8, doubles=1, checked=NAMES, epochs=0)
        item = literal(grid({case: 10.0}).places, Statement(), True)[0]
        measured: Any = item.figures["measured"]
        row = measured["Mixer, full size, initial, all parameters, relu/reglu"]
        assert row["sign test"] == {"gated smaller": 8, "of": 8, "p": 2 / 2**8, "least p possible": 2 / 2**8}

    @pytest.mark.long
    def test_clauses(self) -> None:
        found = architectures_corrected.sharper(everything(Mixer=30.0).places, Statement())
        assert all(item.about is About.CORRECTED for item in found)
        assert {item.part: item.finding for item in found} == {
            "ViT": Finding.SUPPORTS,
            "Mixer": Finding.SUPPORTS,
            "made small": Finding.SUPPORTS,
            # this one says that they are close
            "made small, trained": Finding.REFUTES,
            "beyond the paper: full size": Finding.SUPPORTS,
            "beyond the paper: small Mixer": Finding.SUPPORTS,
            "beyond the paper: small ViT": Finding.SUPPORTS,
            # these two say that the gated one is larger
            "beyond the paper: ReLU in small GPT-2": Finding.REFUTES,
            "beyond the paper: FFN of small GPT-2": Finding.REFUTES,
        }
        assert len({item.part for item in found}) == len(architectures_corrected.CLAUSES)

    @pytest.mark.long
    @pytest.mark.parametrize(("small", "caught"), [(1.2, True), (0.6, True), (10.0, False), (0.1, False)])
    def test_what_is_near_to_a_clause_is_refuted(self, small: float, caught: bool) -> None:
        """The mutants of the whole refute none of "within a factor of 3": it was never tried."""
        full = {"ViT": 2.5, "Mixer": 30.0}
        cases = [replace(case, doubles=2) for case in FULL if case.paper]
        places = grid({case: small if case.size == "small" else full[case.family] for case in cases}).places
        wrong = [architectures_corrected.sharper(places, mutant) for mutant in MUTANTS.values()]
        against = {item.part for items in wrong for item in items if item.finding is Finding.REFUTES}
        assert ("made small, trained" in against) is not caught
        found = architectures_corrected.near(architectures_corrected.intervals(places))
        assert [item.caught for item in found] == [True, True, caught]
        # what is not there is not judged
        few = [item for item in places if item.case.size == "small"]
        assert len(architectures_corrected.near(architectures_corrected.intervals(few))) == 1

    def test_the_stored_run_says_what_it_left_undecided(self) -> None:
        """In words that name every pair; and its controls near to the clauses are those of its own intervals."""
        row = json.loads((ROOT / "results" / "architectures.json").read_text(encoding="utf-8"))["outcomes"][0]
        assert row["claim"]["corrected"] == CLAIM.corrected
        asserted, _, left = CLAIM.corrected.partition("Not decided")
        assert "within a factor of 3" in asserted
        ends: dict[str, list[tuple[float, float]]] = {}
        for item in row["evidence"]:
            for place, figures in item["figures"].get("measured", {}).items():
                if item["about"] == About.CORRECTED and "all parameters, " in place:
                    low, high = map(math.log, figures["simultaneous interval"])
                    ends.setdefault(item["part"], []).append((low, high))
                    if figures["finding"] == Finding.UNDECIDED:
                        family, time = place.split(",")[0], place.split(", ")[2]
                        when = {"initial": "at initialisation", "trained": "after training"}[time]
                        assert f"small {family} {when}" in left
                        assert place.endswith("relu/reglu")
                        assert "ReLU/ReGLU" in left
        mine = architectures_corrected.near(ends)
        assert len(mine) == 3
        assert all(item.caught for item in mine)
        stored = [item for item in row["controls"] if item["altered"] in {each.altered for each in mine}]
        assert [item["caught"] for item in stored] == [True] * 3

    def test_rounding(self) -> None:
        found = grid({SMALL: 10.0})
        assert rounding(found, "cpu").finding is Finding.SUPPORTS
        cells = found.cells[SMALL]
        cells["relu", 0].grams["trained", "ffn", False] = np.eye(6)
        assert rounding(found, "cpu").finding is Finding.REFUTES

    def test_where_float64_decides_float32_is_only_told_of(self) -> None:
        case = replace(SMALL, doubles=2, checked=NAMES)
        found = grid({case: 10.0})
        found.cells[case]["relu", 0].grams["trained", "ffn", False] = np.eye(6)
        evidence = rounding(found, "cpu")
        assert evidence.finding is Finding.SUPPORTS
        told: Any = evidence.figures["comparisons that change their sign"]
        assert list(told.values()) == [1]

    def test_what_the_released_scripts_print(self) -> None:
        """Float32 with a floor: 1/floor times λ_max where λ_min is lost, the figure itself where it is not."""
        K = gram(300.0, 1)
        assert clamped(K) == pytest.approx(300, rel=300 * 6 * 2.0**-23)
        # λ_min is lost: float32 gives a negative one, or one of the size of rounding
        lost = min(clamped(gram(1e12, seed)) for seed in range(20))
        assert lost < 1e11 < 0.99 / FLOOR
        negative = np.diag([1.0, 1.0, 0.0]) - 1e-9 * np.diag([0.0, 0.0, 1.0])
        assert clamped(negative) == pytest.approx(1 / FLOOR, rel=1e-6)
        case = replace(SMALL, seeds=3, doubles=3, checked=NAMES, epochs=0, plainly=True)
        item = conditions(case, invented(case, 5.0))["initial", "all"]
        told: Any = printed(item)
        assert 0 < told["largest relative change"] < 1500 * 6 * 2.0**-22
        assert np.allclose(item.printed, item.value, rtol=told["largest relative change"] * (1 + 1e-9))

    def test_charts(self) -> None:
        found = everything()
        drawn = charts(found.places, {paper: confidence(found.places, paper=paper) for paper in (False, True)})
        assert len(drawn) == 6
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
            "Mixer, before training",
            "ViT, after training",
            "Mixer, after training",
            "equal",
        ]
        labels = [each.label for each in drawn[5].series if each.label]
        assert labels == [
            "pre-LN ViT, before training",
            "GPT-2, before training",
            "narrow Mixer, before training",
            "GPT-2 (LeCun), before training",
            "pre-LN ViT, after training",
            "GPT-2, after training",
            "narrow Mixer, after training",
            "equal",
        ]


class TestAssumptions:
    def test_they_hold(self) -> None:
        found = {item.name: item for item in assumptions(grid({SMALL: 10.0}))}
        assert all(item.holds for item in found.values()), found
        assert set(found) == {"matched", "backbone", "dropout", "finite", "precision", "two roads", "trained"}

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

    def test_other_gradients(self) -> None:
        case = replace(SMALL, seeds=2, doubles=2, checked=NAMES, epochs=0, plainly=True)
        cells = invented(case, 10.0)
        cells["geglu", 1].grams["initial", "all", False] *= 1.1
        found = Precision.of(case, cells, "initial", "all")
        whole = Grid({case: cells}, tuple(conditions(case, cells).values()), {})
        whole.precision.update({item.place: found for item in whole.places})
        assert [item.name for item in assumptions(whole) if not item.holds] == ["two roads"]

    def test_mismatch(self) -> None:
        cells = invented(SMALL, 10.0)
        assert mismatch(cells, 0) == pytest.approx(1e-3)
        assert mismatch(cells, 1) == 0
