"""The check of two outputs' paths: its parts against naive references, its controls, and one run from end to end."""

# ruff: noqa: E402  (the checks need torch)

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the checks need torch")

from checks import runner
from checks.claims.trajectory import sentences, statement
from checks.claims.trajectory.controls import MUTANTS
from checks.claims.trajectory.curves import deviation, follow
from checks.claims.trajectory.figure import charts
from checks.claims.trajectory.measures import (
    Statement,
    following,
    large,
    normalised_pairs,
    other_targets,
    straighter,
)
from checks.claims.trajectory.paths import (
    HIDDEN,
    OPPOSITE,
    PAIR,
    RATE,
    RELEASED,
    STEPS,
    D,
    Paths,
    Plan,
    expected,
    gaussian,
    in_plane,
    normalised,
    trained,
    width_of,
)
from checks.settings import Settings
from checks.tools import biased
from glutheory.claims import About, Finding, Verdict
from glutheory.sampling.training import Ensemble

SETTINGS = Settings()
#: Just enough data sets for every sign test to decide.
SMALL = Plan(sets=96, acute=64)


def by_autograd(name: str, X: np.ndarray, index: int) -> np.ndarray:
    """The residuals of the network of data set `index`, trained in all d dimensions by torch's own SGD and autograd."""
    net = Ensemble(
        name,
        inputs=D,
        width=width_of(name),
        seed=SETTINGS.stream("trajectory/networks"),
        draws=(index,),
        dtype=torch.float64,
    )
    inputs, goal = torch.tensor(X), torch.tensor(RELEASED, dtype=torch.float64)
    layers = [torch.nn.Parameter(weight[0].clone()) for weight in net.weights]
    biases = [torch.nn.Parameter(torch.zeros(width_of(name), dtype=torch.float64)) for _ in layers]
    readout = torch.nn.Parameter(net.readout[0, 0].clone())
    offset = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))

    def output() -> Any:
        *linear, gate = (inputs @ weight + bias for weight, bias in zip(layers, biases, strict=True))
        hidden = torch.relu(gate)
        for branch in linear:
            hidden = hidden * branch
        return hidden @ readout + offset

    optimiser = torch.optim.SGD([*layers, *biases, readout, offset], lr=RATE)
    start, found = output().detach(), []
    for _ in range(STEPS):
        error = output() - start - goal
        found.append(error.detach().numpy())
        optimiser.zero_grad()
        error.square().mean().backward()
        optimiser.step()
    return np.array([*found, (output() - start - goal).detach().numpy()])


class TestPaths:
    def test_following_is_repeated_multiplication(self) -> None:
        rng = np.random.default_rng(0)
        J = 30 * rng.standard_normal((4, 2, 5))
        K, start = J @ J.mT, rng.standard_normal((4, 2))
        e = start.copy()
        for row in follow(K, start):
            assert np.allclose(row, e, atol=1e-12)
            e = e - RATE * np.einsum("pij,pj->pi", K, e)

    @pytest.mark.long
    @pytest.mark.parametrize("name", PAIR)
    def test_the_trained_paths_are_those_of_torch(self, name: str) -> None:
        paths = trained(SETTINGS, SMALL.sets, name)
        X = gaussian(SETTINGS, SMALL.sets)
        for index in (0, 70):
            # rounding: 1000 steps of some 1e3 operations on outputs of size 1, in float64
            assert np.abs(by_autograd(name, X[index], index) - paths.residuals[:, index]).max() < 1e-11

    @pytest.mark.parametrize("name", PAIR)
    def test_in_the_plane_nothing_is_lost(self, name: str) -> None:
        X = gaussian(SETTINGS, 3)
        nets, inner = in_plane(SETTINGS, name, 40, X, 5)
        whole = Ensemble(
            name,
            inputs=D,
            width=40,
            seed=SETTINGS.stream("trajectory/networks"),
            draws=range(5, 8),
            dtype=torch.float64,
        )
        assert np.allclose(nets.outputs(inner), whole.outputs(X), atol=1e-13)
        assert np.allclose(nets.ntk(inner), whole.ntk(X), rtol=1e-12)

    @pytest.mark.long
    def test_the_paths_start_at_minus_the_targets(self) -> None:
        for name in PAIR:
            centred = trained(SETTINGS, SMALL.sets, name, OPPOSITE)
            assert np.allclose(centred.residuals[0], np.negative(OPPOSITE), atol=1e-15)
            assert np.allclose(centred.residuals[0], centred.start, atol=1e-15)
            raw = trained(SETTINGS, SMALL.sets, name, centred=False)
            outputs = raw.residuals[0] + RELEASED
            # LeCun: outputs of variance about 1/2; far from the start of a centred one
            assert 0.2 < np.mean(outputs**2) < 1

    def test_the_same_run_is_not_trained_twice(self) -> None:
        first = trained(SETTINGS, SMALL.sets, "relu")
        assert trained(SETTINGS, SMALL.sets, "relu", RELEASED, cosine=None, width=HIDDEN, centred=True) is first

    def test_normalised_pairs(self) -> None:
        X = normalised(SETTINGS, 5, 0.3)
        inner = X @ X.mT / D
        assert np.allclose(inner, [[1, 0.3], [0.3, 1]])

    @pytest.mark.parametrize("name", PAIR)
    def test_kernels_at_the_start_scatter_around_the_expected_ones(self, name: str) -> None:
        found = trained(SETTINGS, SMALL.sets, name).kernels
        mean = expected(SETTINGS, SMALL.sets, name)
        for index in (0, 95):
            alone = biased.matrices(name, gaussian(SETTINGS, SMALL.sets)[index], width_of(name))[0]
            assert np.allclose(mean[index], alone, rtol=1e-10)
        error = (found - mean).std(axis=0) / SMALL.sets**0.5
        assert (np.abs((found - mean).mean(axis=0)) < 5 * error).all()

    def test_deviation_of_a_path_from_itself(self) -> None:
        paths = trained(SETTINGS, SMALL.sets, "relu")
        own = follow(paths.kernels, paths.start)
        assert deviation(Paths(own, paths.kernels), paths.kernels).max() < 1e-12
        assert (deviation(paths, paths.kernels) < deviation(paths, 2 * paths.kernels)).all()


class TestEvidence:
    def test_the_path_is_followed(self) -> None:
        assert following(SMALL, SETTINGS, Statement()).finding is Finding.SUPPORTS

    def test_most_go_straighter_and_both_routes_say_so(self) -> None:
        found = straighter(SMALL, SETTINGS, Statement())
        assert (found.finding, found.about) == (Finding.SUPPORTS, About.CORRECTED)
        shares = found.figures["share of data sets with the gated path straighter"]
        assert isinstance(shares, dict)
        # the networks' own kernels; the trained paths differ from theirs by less than one percent
        trained_share, predicted = shares["trained"], shares["predicted by the networks' own kernels"]
        assert isinstance(trained_share, float)
        assert isinstance(predicted, float)
        assert abs(trained_share - predicted) <= 2 / SMALL.sets
        agreement = found.figures["the own kernels name the straighter network"]
        assert isinstance(agreement, float)
        assert agreement >= 1 - 2 / SMALL.sets

    @pytest.mark.long
    def test_with_opposite_targets_most_do_not(self) -> None:
        found = other_targets(Plan(sets=256, acute=1), SETTINGS)
        # the claim names its targets: others do not refute it
        assert (found.finding, found.about) == (Finding.SUPPORTS, About.CORRECTED)
        row = found.figures["targets along (1, -1)"]
        assert isinstance(row, dict)
        assert row["as claimed"] > 0.7 * 256

    @pytest.mark.long
    @pytest.mark.parametrize("label", MUTANTS)
    def test_wrong_statements_and_spoilt_runs_are_refuted(self, label: str) -> None:
        wrong = MUTANTS[label]
        items = (
            following(SMALL, SETTINGS, wrong),
            straighter(SMALL, SETTINGS, wrong),
            sentences.angles(wrong.bound),
            normalised_pairs(SMALL, SETTINGS, wrong),
        )
        assert Finding.REFUTES in {item.finding for item in items}

    def test_what_is_no_number_is_not_followed(self) -> None:
        def lost(paths: Paths) -> Paths:
            return Paths(np.full_like(paths.residuals, np.nan), paths.kernels)

        wrong = Statement(spoilt=lambda _, both: (lost(both[0]), lost(both[1])))
        assert following(SMALL, SETTINGS, wrong).finding is Finding.REFUTES

    def test_a_deviation_of_one_percent_is_seen(self) -> None:
        """The smallest fault that is found: a kernel wrong by so much that half of the paths leave it by 1 %."""
        little, more = Statement(kernel=lambda K: 1.001 * K), Statement(kernel=lambda K: 1.1 * K)
        assert following(SMALL, SETTINGS, little).finding is Finding.SUPPORTS
        assert following(SMALL, SETTINGS, more).finding is Finding.REFUTES

    def test_figures_are_json(self) -> None:
        for item in (
            straighter(SMALL, SETTINGS, Statement()),
            normalised_pairs(SMALL, SETTINGS, Statement()),
            large(Plan(sets=3, acute=2), SETTINGS),
        ):
            json.dumps(item.figures, allow_nan=False)

    @pytest.mark.long
    def test_the_charts_have_a_note_each(self) -> None:
        drawn = charts(SMALL, SETTINGS)
        assert len(drawn) == 3
        assert all(chart.note and len(series.x) <= 256 for chart in drawn for series in chart.series)

    def test_too_few_data_sets_have_no_power(self) -> None:
        held = {item.name: item.holds for item in statement.assumptions(SMALL, SETTINGS)}
        assert held["steps"]
        assert held["reached"]
        assert not held["power"]
        assert not held["protocol"]


def test_the_protocol_is_the_released_one() -> None:
    assert (D, HIDDEN, RATE, STEPS, RELEASED) == (75, 300, 1e-4, 1000, (0.03, 0.008))
    assert [width_of(name) for name in PAIR] == [300, 150]
    assert Fraction(RATE).limit_denominator(10**6) == Fraction(1, 10_000)


@pytest.mark.slow
class TestEndToEnd:
    def test_the_quick_profile(self) -> None:
        found = statement.run(SETTINGS)
        assert all(control.caught for control in found.controls), found.controls
        assert all(assumption.holds for assumption in found.assumptions), found.assumptions
        assert len(found.controls) >= 10
        assert (found.verdict, found.grade) == (Verdict.WEAKER, "statistical")
        assert [part.name for part in found.dropped] == ["straighter"]
        assert found.false_alarm <= 1e-8
        assert len(found.key_figure) <= 60
        json.dumps(runner.document([found], SETTINGS), allow_nan=False)

    @pytest.mark.parametrize("label", MUTANTS)
    def test_a_wrong_statement_changes_the_verdict(self, label: str) -> None:
        assert statement.run(SETTINGS, MUTANTS[label]).verdict is Verdict.FAILS
