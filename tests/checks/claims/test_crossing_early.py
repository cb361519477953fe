"""Cor. 4.2, first half: the certificate, the rules about the start on few cases, and the whole check (slow)."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from checks import runner
from checks.claims.crossing_early import evidence, figure, statement
from checks.claims.crossing_early.evidence import CORRECT, MUTANTS
from checks.claims.crossing_early.start_balls import counterexample, shorter, traces
from checks.settings import Settings
from checks.tools.loss_pairs import LossPair
from glutheory import gram
from glutheory.claims import About, Finding, Verdict
from tests.checks.claims.loss_cases import QUICK, few, few_normalised, few_shrunk


@pytest.fixture(scope="module")
def chosen() -> tuple[tuple[LossPair, ...], ...]:
    return few(), few_normalised(), few_shrunk()


def test_the_exact_traces_are_those_of_the_library() -> None:
    X = np.random.default_rng(3).standard_normal((7, 4))
    for value, name in zip(traces(X), ("relu", "reglu"), strict=True):
        wanted = np.trace(gram(name, X, kind="nngp", parametrization="standard", width=9))
        assert float(value) == pytest.approx(wanted, rel=1e-13)
    assert traces(np.array([[2.0, 0.0]])) == (Fraction(1), Fraction(2))


def test_a_small_counterexample_and_none_where_there_is_none() -> None:
    found = counterexample(40, 30, 1)
    assert found.finding is Finding.REFUTES
    plain, gated = (found.figures[f"initial loss, {name}"] for name in ("non-gated", "gated"))
    assert isinstance(plain, float)
    assert isinstance(gated, float)
    assert plain > gated
    # Tr of the gated covariance exceeds by 2n/d on average, twelve of its standard deviations
    assert shorter(300, 4, 0) is None


def test_the_share_of_such_data_sets_is_that_of_a_normal_law() -> None:
    """−√(2n/d) standard deviations: 0.079 at d/n = 1, of 2000 draws within 0.025 (4 standard errors)."""
    rng = np.random.default_rng(0)
    q = rng.chisquare(300, (2000, 300)) / 300
    assert np.mean(np.sum(q - q * q, axis=1) > 0) == pytest.approx(0.079, abs=0.025)


def test_the_right_rule(chosen: tuple[tuple[LossPair, ...], ...]) -> None:
    for cases in chosen:
        found = evidence.starts(cases, CORRECT, "test")
        assert found.finding is Finding.SUPPORTS, found.figures
    assert evidence.theorem(chosen[1]).finding is Finding.SUPPORTS


def test_curves_that_start_the_other_way_refute_the_theorem(chosen: tuple[tuple[LossPair, ...], ...]) -> None:
    """The forms stay, and the networks that are simulated are exchanged, or those whose exponentials are summed."""
    cases = chosen[1]
    shared = {
        id(given.data): replace(given.data, K=given.data.K[::-1], sigma=given.data.sigma[::-1]) for given in cases
    }
    simulated = [replace(given, data=shared[id(given.data)]) for given in cases]
    summed = [replace(given, curves=given.curves[::-1]) for given in cases]
    for wrong in (simulated, summed):
        found = evidence.theorem(wrong)
        assert found.finding is Finding.REFUTES
        names = found.figures["not as claimed"]
        assert isinstance(names, list)
        assert len(names) == found.figures["cases with the hypothesis"] == found.figures["simulated"]


@pytest.mark.parametrize("label", MUTANTS)
def test_wrong_rules(chosen: tuple[tuple[LossPair, ...], ...], label: str) -> None:
    found = [evidence.starts(cases, MUTANTS[label], "test").finding for cases in chosen]
    assert Finding.REFUTES in found


def test_inputs_of_small_variance_start_in_the_other_order(chosen: tuple[tuple[LossPair, ...], ...]) -> None:
    found = evidence.scale(chosen[2])
    # the claim is about variance 1: these data can support what is said of the traces, and cannot refute the claim
    assert (found.finding, found.about) == (Finding.SUPPORTS, About.CORRECTED)
    assert evidence.scale(chosen[0]).finding is Finding.REFUTES
    assert evidence.scale(()).finding is Finding.UNDECIDED


@pytest.mark.slow  # a data set of 300 rows twice, and 16 draws of 4000 for the shares
def test_the_curves_begin_with_the_one_that_is_said_to_lead() -> None:
    long, short, _ = figure.charts(Settings())
    for chart, gated_leads in ((long, False), (short, True)):
        plain, gated = (series.y for series in chart.series)
        assert (gated[0] < plain[0]) is gated_leads, chart.title
        # by the traces, as at time 0: the first point has lost less than a tenth of the difference there
        assert abs(gated[1] - plain[1] - (gated[0] - plain[0])) < 0.1 * abs(gated[0] - plain[0])


def test_assumptions_are_evaluated(chosen: tuple[tuple[LossPair, ...], ...]) -> None:
    found = {item.name: item.holds for item in statement.assumptions(chosen[0])}
    assert found == {"Gaussian": True, "shapes": False, "rates": True, "hypothesis": False}
    assert not next(item for item in statement.assumptions(chosen[2]) if item.name == "Gaussian").holds


@pytest.mark.slow
def test_the_check_end_to_end() -> None:
    found = statement.run(Settings())
    assert all(control.caught for control in found.controls), found.controls
    assert all(assumption.holds for assumption in found.assumptions), found.assumptions
    assert found.verdict is Verdict.WEAKER
    assert len(found.charts) == 3
    json.dumps(runner.document([found], QUICK), allow_nan=False)
    for rule in MUTANTS.values():
        assert statement.run(QUICK, rule).verdict is Verdict.FAILS
