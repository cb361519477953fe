"""The claim on the steps to an error: its examples, its evidence on small data, and what must not be supported."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from checks.claims.steps import cases, descents, evidence, polygons, statement, typical
from checks.claims.steps.cases import Count, counts
from checks.claims.steps.law import LAW, MUTANTS, NEEDED
from checks.settings import Settings
from glutheory import gram
from glutheory.claims import About, Finding, Verdict
from glutheory.dynamics import LossCurve, Steps, steps_to

SETTINGS = Settings()


@pytest.fixture(scope="module")
def small() -> Iterator[tuple[Count, ...]]:
    """All gates, targets, rates and errors on two small sets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cases, "shapes", lambda _: [(80, 10, 0), (80, 24, 0)])
        counts.cache_clear()
        yield counts(SETTINGS)
        counts.cache_clear()


class TestPolygons:
    @pytest.mark.parametrize("example", polygons.EXAMPLES, ids=lambda item: item.label)
    def test_they_are_what_iteration_counts(self, example: polygons.Example) -> None:
        n = len(example.first)
        angles = 2 * np.pi * np.arange(n) / n
        X = np.sqrt(2) * np.column_stack([np.cos(angles), np.sin(angles)])
        found = polygons.decide(example)
        for name, steps, condition in zip(
            example.networks.lower().split("/"), found.steps, found.conditions, strict=True
        ):
            K = gram(name, X, kind="nngp", parametrization="standard", width=1)
            values = np.linalg.eigvalsh(K)
            assert float(condition.mid()) == pytest.approx(values[-1] / values[0], rel=1e-10)
            e = Y = np.array(example.vectors[0], dtype=float)
            k = 0
            # 1e-12: a target in the top mode is gone but for rounding
            while np.linalg.norm(e) > float(example.error) * np.linalg.norm(Y) * (1 + 1e-12):
                e, k = e - K @ e / values[-1], k + 1
            assert k == steps
        assert found.slower

    def test_targets_of_a_polygon_are_linear(self) -> None:
        assert [example.vectors[0] for example in polygons.EXAMPLES[1:]] == [(1, 0, -1, 0)] * 2

    def test_what_is_no_eigenvector_is_refused(self) -> None:
        good = polygons.EXAMPLES[0]
        with pytest.raises(ValueError, match="no orthogonal basis"):
            polygons.decide(replace(good, vectors=((1, 1, 1), (1, 0, 0), (0, 1, -1))))
        with pytest.raises(ValueError, match="no eigenvector"):
            polygons.decide(replace(good, vectors=((1, 2, 3), (1, 1, -1), (5, -4, 1))))

    def test_examples_that_the_gate_wins_refute_nothing(self) -> None:
        faster = replace(polygons.EXAMPLES[0], vectors=((2, -1, -1), (1, 1, 1), (0, 1, -1)), error=Fraction(1, 100))
        assert not polygons.decide(faster).slower
        assert polygons.refutation((faster,)).finding is Finding.UNDECIDED
        assert polygons.refutation().finding is Finding.REFUTES


def test_at_a_shared_rate_the_largest_eigenvalue_counts_for_its_own_target() -> None:
    """Rate 0.05, error 1e-3: 0.5^10 and 0.75^25 are the first below; of the worst target no λ_max is in the number."""
    steps = []
    for top in (10.0, 5.0):
        curves = (LossCurve(np.array([1.0, top]), np.array(weights), 0.0) for weights in ((0.0, 1.0), (1.0, 0.0)))
        steps.append([steps_to(curve, 1e-3, 0.05).value for curve in curves])
    assert steps == [[10, 135], [25, 135]]
    assert evidence._one_factor(0.05, 1e-3) == 135
    assert [evidence._one_factor(x, 0.5) for x in (0.0, 1.0)] == [math.inf, 1]
    assert "worst target" in statement.CLAIM.corrected.split("shared rate")[1]


class TestEvidence:
    @pytest.mark.long
    def test_the_right_law(self, small: tuple[Count, ...]) -> None:
        assert len(small) == 2 * 3 * 2 * len(cases.TARGETS) * len(cases.RATES) * len(cases.ERRORS)
        for piece in (
            evidence.bounds(small, LAW),
            evidence.attained(small, LAW),
            evidence.shared(small, LAW),
            evidence.given(small),
            evidence.spike(small),
            typical.random_labels(small, LAW),
        ):
            assert piece.finding is Finding.SUPPORTS, piece.figures
            json.dumps(piece.figures, allow_nan=False)
        stated = typical.explained(small)
        assert (stated.finding, stated.about, stated.part) == (Finding.REFUTES, About.LITERAL, "speed")

    @pytest.mark.parametrize("label", MUTANTS)
    def test_wrong_laws_are_refuted_where_they_should_be(self, label: str, small: tuple[Count, ...]) -> None:
        law = MUTANTS[label]
        found = [f(small, law) for f in (evidence.bounds, evidence.attained, evidence.shared, typical.random_labels)]
        if law.exchanged:
            found += [descents.iterated(SETTINGS, law)]
        against = {piece.part for piece in found if piece.finding is Finding.REFUTES}
        assert NEEDED.get(label, "bound") in against

    @pytest.mark.parametrize(
        ("alter", "seen"),
        [
            (lambda k: Steps(2 * k.low, 2 * k.high), {"bounds", "attained", "shared", "given", "spike"}),
            (lambda k: Steps(-(-k.low // 2), -(-k.high // 2)), {"attained", "shared", "given"}),
            (lambda _: Steps(7, 7), {"bounds", "attained", "shared", "given", "spike", "random_labels"}),
            (lambda k: Steps(k.low**2, k.high**2), {"bounds", "attained", "shared", "given", "random_labels"}),
        ],
        ids=["twice as many", "half as many", "all alike", "squared"],
    )
    def test_wrong_numbers_support_nothing(
        self, alter: Callable[[Steps], Steps], seen: set[str], small: tuple[Count, ...]
    ) -> None:
        wrong = [replace(case, steps=(alter(case.steps[0]), alter(case.steps[1]))) for case in small]
        found = {
            "bounds": evidence.bounds(wrong, LAW),
            "attained": evidence.attained(wrong, LAW),
            "shared": evidence.shared(wrong, LAW),
            "given": evidence.given(wrong),
            "spike": evidence.spike(wrong),
            "random_labels": typical.random_labels(wrong, LAW),
        }
        assert {name for name, piece in found.items() if piece.finding is Finding.REFUTES} == seen

    def test_exchanged_networks_are_seen(self, small: tuple[Count, ...]) -> None:
        wrong = [replace(case, steps=case.steps[::-1]) for case in small]
        assert evidence.attained(wrong, LAW).finding is Finding.REFUTES
        assert typical.random_labels(wrong, LAW).finding is Finding.REFUTES

    def test_steps_in_the_ratio_of_the_condition_numbers_would_support_the_claim(
        self, small: tuple[Count, ...]
    ) -> None:
        def ideal(case: Count) -> Count:
            exact = [round(1000 * ends.condition * math.log(1 / case.error)) for ends in case.ends]
            return replace(case, steps=(Steps(exact[0], exact[0]), Steps(exact[1], exact[1])))

        assert typical.explained([ideal(case) for case in small]).finding is Finding.SUPPORTS

    def test_the_charts(self, small: tuple[Count, ...]) -> None:
        from checks.claims.steps.figure import against_bound, ratios

        for chart in (against_bound(small), ratios(small, "own"), ratios(small, "shared")):
            assert chart.note
            assert all(min(series.x) > 0 < min(series.y) for series in chart.series)


class TestDescent:
    def test_iteration_counts_the_same(self) -> None:
        found = descents.iterated(SETTINGS, LAW)
        assert found.finding is Finding.SUPPORTS
        assert found.figures["numbers of steps"] == 3 * 2 * 2 * 3 * 3 * 3

    def test_small_networks_are_trained(self) -> None:
        task = descents.Trained(n=8, d=6, width=512, seeds=4, error=0.3)
        found = descents.counted(task, SETTINGS)
        for item in found.values():
            assert item.steps.shape == (4,)
            assert np.isfinite(item.steps).all()
            assert (item.moved < 0.05).all()
            assert np.exp(np.mean(np.log(item.steps))) == pytest.approx(item.predicted, rel=0.25)
        assert found["relu"].predicted >= 2 * found["reglu"].predicted
        assert descents.trained(task, SETTINGS, MUTANTS["the two kernels exchanged"]).finding is Finding.REFUTES

    def test_networks_that_never_arrive_are_no_support(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lost = descents.Counted(np.array([3.0, np.inf]), 3.0, np.zeros(2))
        monkeypatch.setattr(descents, "counted", lambda *_: {"relu": lost, "reglu": lost})
        assert descents.trained(descents.Trained(), SETTINGS, LAW).finding is Finding.REFUTES

    def test_the_planned_size_has_the_power(self) -> None:
        lost = descents.Trained(seeds=3)
        found = {"relu": descents.Counted(np.ones(3), 1.0, np.zeros(3))}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(descents, "counted", lambda *_: found)
            assert descents.assumptions(descents.Trained(), SETTINGS)[1].holds
            assert not descents.assumptions(lost, SETTINGS)[1].holds


@pytest.mark.slow
def test_the_quick_profile() -> None:
    found = statement.run(SETTINGS)
    assert all(control.caught for control in found.controls), found.controls
    assert all(assumption.holds for assumption in found.assumptions), found.assumptions
    assert (found.verdict, found.grade) == (Verdict.WEAKER, "numerical")
    assert [part.name for part in found.dropped] == ["speed"]
    assert all(piece.finding is Finding.SUPPORTS for piece in found.evidence if piece.part != "speed")
    assert {piece.finding for piece in found.evidence if piece.part == "speed"} == {Finding.REFUTES}
