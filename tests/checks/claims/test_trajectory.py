"""The check of two outputs' paths: its parts against naive references, its controls, and one run from end to end."""

# ruff: noqa: E402  (the checks need torch)

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the checks need torch")

from checks import runner
from checks.claims.trajectory import measures, statement, theory
from checks.claims.trajectory.figure import charts
from checks.claims.trajectory.measures import MUTANTS, Statement, following, large, normalised_pairs, straighter
from checks.claims.trajectory.paths import (
    ACUTE,
    HIDDEN,
    D,
    Plan,
    deviation,
    follow,
    gaussian,
    initial_cosine,
    normalised,
    sampled,
    straightness,
    straightness_of,
    trained,
)
from checks.settings import Settings
from checks.tools import biased
from checks.tools.training_task import PAIRS
from glutheory.claims import About, Finding, Verdict
from glutheory.sampling.training import Ensemble, train

SETTINGS = Settings()
#: Just enough pairs for every test of a path to decide.
SMALL = Plan(8e-4, 60, pairs=40, acute=100, widths=(HIDDEN,))
FEW = Plan(4e-4, 40, pairs=3, acute=2)


def kernels(condition: float, angle: float) -> np.ndarray:
    """One kernel with eigenvalues 1 and κ; the slow direction is at this angle."""
    slow, fast = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    return (np.outer(slow, slow) + condition * np.outer(fast, fast))[None]


class TestPaths:
    def test_following_is_repeated_multiplication(self) -> None:
        rng = np.random.default_rng(0)
        J = rng.standard_normal((4, 2, 5))
        K, start = J @ J.mT, rng.standard_normal((4, 2))
        plan = Plan(0.05, 7, pairs=4, acute=1)
        e = start.copy()
        for row in follow(K, start, plan):
            assert np.allclose(row, e, atol=1e-13)
            e = e - plan.rate * np.einsum("pij,pj->pi", K, e)

    def test_the_trained_paths_are_those_of_gradient_descent(self) -> None:
        paths = trained(FEW, SETTINGS, "swiglu", "unit", None)
        X = gaussian(SETTINGS, 3)
        net = Ensemble("swiglu", inputs=D, width=150, seed=SETTINGS.stream("trajectory/networks"), draws=range(3))
        goal = net.outputs(X).double().numpy() - paths.start
        assert np.allclose(paths.kernels, net.ntk(X).numpy(), rtol=1e-5)
        for epoch in train(net, X, goal, rate=FEW.rate, epochs=FEW.steps, seed=0):
            assert np.allclose(net.outputs(X).double().numpy() - goal, paths.residuals[epoch], atol=1e-4)

    def test_small_targets_are_a_quarter_of_the_way(self) -> None:
        small, unit = (trained(FEW, SETTINGS, "relu", kind, None) for kind in ("small", "unit"))
        other = trained(FEW, SETTINGS, "reglu", "small", None)
        assert np.allclose(small.start, other.start, atol=1e-6)
        outputs = unit.start - 4 * small.start
        net = Ensemble("relu", inputs=D, width=HIDDEN, seed=SETTINGS.stream("trajectory/networks"), draws=range(3))
        assert np.allclose(outputs, net.outputs(gaussian(SETTINGS, 3)).numpy(), atol=1e-5)

    def test_normalised_pairs(self) -> None:
        X = normalised(SETTINGS, 5, 0.3)
        inner = X @ X.mT / D
        assert np.allclose(inner, [[1, 0.3], [0.3, 1]])

    def test_sampled_kernels_scatter_around_the_expected_one(self) -> None:
        X = normalised(SETTINGS, 60, ACUTE)
        found = sampled(SETTINGS, "reglu", HIDDEN, 60, ACUTE)
        expected = np.array([biased.matrices("reglu", x, 150)[0] for x in X])
        error = found.std(axis=0) / 60**0.5
        assert (np.abs((found - expected).mean(axis=0)) < 5 * error).all()

    def test_deviation_of_a_path_from_itself(self) -> None:
        paths = trained(FEW, SETTINGS, "relu", "small", None)
        own = follow(paths.kernels, paths.start, FEW)
        assert deviation(type(paths)(own, paths.kernels), paths.kernels, FEW).max() < 1e-12
        assert (deviation(paths, paths.kernels, FEW) < deviation(paths, 2 * paths.kernels, FEW)).all()


class TestStraightness:
    def test_known_paths(self) -> None:
        corner = np.array([[[3.0, 4.0]], [[3.0, 0.0]]])
        assert straightness(corner)[0] == pytest.approx(5 / 7)
        # κ = 2 is the parabola y = x² from (1, 1): √5/2 + asinh(2)/4 long
        found = straightness_of(kernels(2, 0.7), np.array([[np.cos(0.7) - np.sin(0.7), np.sin(0.7) + np.cos(0.7)]]))
        assert found[0] == pytest.approx(math.sqrt(2) / (math.sqrt(5) / 2 + math.asinh(2) / 4), rel=1e-6)

    @given(st.floats(1, 30), st.floats(0, 3.1), st.floats(0, 6.2))
    def test_the_flow_in_time_is_as_straight(self, condition: float, angle: float, start: float) -> None:
        K, e = kernels(condition, angle), np.array([[np.cos(start), np.sin(start)]])
        values, vectors = np.linalg.eigh(K[0])
        times = np.concatenate((np.linspace(0, 1, 4000), np.geomspace(1, 40, 4000)[1:]))[:, None]
        path = (np.exp(-times * values) * (vectors.T @ e[0])) @ vectors.T
        assert straightness_of(K, e)[0] == pytest.approx(straightness(path[:, None])[0], abs=2e-5)

    @given(st.floats(1, 50), st.floats(1, 4), st.floats(0, 3.1), st.floats(0, 6.2))
    def test_both_measures_fall_with_the_condition_number(
        self, condition: float, factor: float, angle: float, start: float
    ) -> None:
        e = np.array([[np.cos(start), np.sin(start)]])
        first, second = kernels(condition, angle), kernels(condition * factor, angle)
        for measure in (straightness_of, initial_cosine):
            assert measure(second, e)[0] <= measure(first, e)[0] + 1e-9
        assert initial_cosine(first, e)[0] >= 2 * math.sqrt(condition) / (1 + condition) - 1e-12


class TestTheory:
    def test_true_statements_are_supported(self) -> None:
        items = (
            theory.ellipse(),
            theory.angles(theory.kantorovich),
            theory.nested(),
            theory.lengths(),
            theory.equal_norms(False),
        )
        assert {item.finding for item in items} == {Finding.SUPPORTS}

    def test_the_enclosed_lengths_are_those_of_the_polygons(self) -> None:
        figures = theory.lengths().figures
        rows = figures["straightness"]
        assert isinstance(rows, dict)
        for slope, row in zip((1 / 8, 1 / 2, 1, 2, 8), rows.values(), strict=True):
            for condition, value in zip((1, 2, 3, 5, 9, 17), row, strict=True):
                e = np.array([[1.0, slope]])
                assert straightness_of(kernels(condition, 0.0), e)[0] == pytest.approx(value, abs=2e-6)

    def test_the_counterexample_in_floats(self) -> None:
        found = theory.counterexample()
        assert (found.finding, found.about) == (Finding.REFUTES, About.LITERAL)
        X = np.array([[7 / 8] * D, [9 / 8 * (-1) ** i * (i < D - 1) for i in range(D)]])
        # inputs exactly at right angles: a tilt far below the digits compared
        X[0, 0] += 1e-9
        for name in ("silu", "swiglu"):
            K = biased.matrices(name, X, theory.width_of(name))[0]
            figures = found.figures[name]
            assert isinstance(figures, dict)
            assert figures["condition number"] == pytest.approx(np.linalg.cond(K), rel=1e-6)
            cosine = initial_cosine(K[None], np.ones((1, 2)))[0]
            assert figures["cosine at e = (1, 1)"] == pytest.approx(cosine, rel=1e-6)


class TestEvidence:
    @pytest.mark.parametrize("targets", ["unit", "small"])
    def test_the_path_is_followed(self, targets: str) -> None:
        assert following(SMALL, SETTINGS, targets, Statement()).finding is Finding.SUPPORTS

    @pytest.mark.parametrize(
        "alter",
        [
            lambda path: np.broadcast_to(path[0], path.shape),
            lambda path: path[::-1],
            lambda path: path * np.linspace(1, 1.5, len(path))[:, None, None],
            lambda path: path[..., ::-1],
            lambda path: np.concatenate([path[:1], -path[1:]]),
            lambda path: np.full_like(path, np.nan),
        ],
        ids=["at rest", "reversed", "too long", "other coordinates", "other sign", "no numbers"],
    )
    def test_wrong_paths_are_not_followed(self, alter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        right = trained
        monkeypatch.setattr(
            measures, "trained", lambda *rest: replace(right(*rest), residuals=alter(right(*rest).residuals))
        )
        assert following(SMALL, SETTINGS, "small", Statement()).finding is not Finding.SUPPORTS

    def test_exchanged_networks_are_seen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        right = trained
        partner = {name: other for pair in PAIRS for name, other in (pair, pair[::-1])}
        monkeypatch.setattr(
            measures, "trained", lambda plan, settings, name, *rest: right(plan, settings, partner[name], *rest)
        )
        assert normalised_pairs(SMALL, SETTINGS, Statement()).finding is Finding.REFUTES

    @pytest.mark.parametrize("label", MUTANTS)
    def test_wrong_statements_are_refuted(self, label: str) -> None:
        wrong = MUTANTS[label]
        items = (
            following(SMALL, SETTINGS, "small", wrong),
            theory.angles(wrong.bound),
            normalised_pairs(SMALL, SETTINGS, wrong),
        )
        assert [item.finding for item in items].count(Finding.REFUTES) == 1

    def test_figures_are_json(self) -> None:
        for item in (
            straighter(SMALL, SETTINGS, Statement()),
            normalised_pairs(SMALL, SETTINGS, Statement()),
            large(FEW, SETTINGS),
        ):
            json.dumps(item.figures, allow_nan=False)

    def test_the_charts_have_a_note_each(self) -> None:
        drawn = charts(SMALL, SETTINGS)
        assert len(drawn) == 3
        assert all(chart.note and len(series.x) <= 200 for chart in drawn for series in chart.series)

    def test_too_few_pairs_have_no_power(self) -> None:
        held = {item.name: item.holds for item in statement.assumptions(FEW, SETTINGS)}
        assert held["setting"]
        assert not held["power"]


@pytest.mark.slow
class TestEndToEnd:
    def test_the_quick_profile(self) -> None:
        found = statement.run(SETTINGS)
        assert all(control.caught for control in found.controls), found.controls
        assert all(assumption.holds for assumption in found.assumptions), found.assumptions
        assert len(found.controls) >= 3
        assert (found.verdict, found.grade) == (Verdict.WEAKER, "statistical")
        assert found.false_alarm <= 1e-7
        json.dumps(runner.document([found], SETTINGS), allow_nan=False)

    @pytest.mark.parametrize("label", MUTANTS)
    def test_a_wrong_statement_changes_the_verdict(self, label: str) -> None:
        assert statement.run(SETTINGS, MUTANTS[label]).verdict is Verdict.FAILS
