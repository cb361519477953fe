"""Cor. 4.2: the certificate, the rules about crossings on few cases, and the whole check (slow)."""

from __future__ import annotations

import json

import numpy as np
import pytest
from flint import arb, arb_mat

from checks import runner
from checks.claims.crossing import statement
from checks.claims.crossing.balls import counterexample, exceeds, kernels, quotient
from checks.claims.crossing.cases import CORRECT, MUTANTS, PAIRS, TARGETS, LossPair, case, inputs, slowest
from checks.settings import Settings
from glutheory import gram
from glutheory.claims import Finding, Verdict

QUICK = Settings()


@pytest.fixture(scope="module")
def cases() -> list[LossPair]:
    """Few dimensions and many, for ReLU and ReGLU; the order of 120 inputs is enough."""
    return [case(PAIRS[0], (120, d), kind, QUICK) for d in (4, 6, 30) for kind in TARGETS]


@pytest.fixture(scope="module")
def normalised() -> list[LossPair]:
    return [
        case(pair, (120, d), kind, QUICK, fraction=None, normalised=True)
        for pair in PAIRS[:2]
        for d in (4, 30)
        for kind in TARGETS
    ]


class TestBalls:
    @pytest.mark.parametrize("width", [None, 50])
    def test_the_kernels_are_those_of_the_library(self, width: int | None) -> None:
        X = np.random.default_rng(1).standard_normal((6, 3))
        found = kernels(X, width)
        for matrix, name, kind in (
            (found.plain, "relu", "ntk"),
            (found.gated, "reglu", "ntk"),
            (found.sigma, "relu", "nngp"),
            (found.sigma_gated, "reglu", "nngp"),
        ):
            scale = width if kind == "ntk" and width else 1
            kind = kind if width else "nngp"
            wanted = gram(name, X, kind=kind, parametrization="standard", width=width or 1) / scale
            rough = np.array([[float(x.mid()) for x in row] for row in matrix.tolist()])
            assert rough == pytest.approx(wanted, rel=1e-13)
            assert max(float(x.rad()) for x in matrix.entries()) < 1e-30

    def test_bounds_of_the_least_eigenvalue(self) -> None:
        """The second difference matrix has 2 − 2cos(π/(n+1))."""
        n = 12
        K = arb_mat([[2 * (i == j) - (abs(i - j) == 1) for j in range(n)] for i in range(n)])
        least = 2 - 2 * np.cos(np.pi / (n + 1))
        assert exceeds(K, least - 1e-9)
        assert not exceeds(K, least + 1e-9)
        vector = np.sin(np.pi * np.arange(1, n + 1) / (n + 1))
        assert abs(quotient(K, vector) - arb(least)) < 1e-12

    def test_a_wide_ball_proves_nothing(self) -> None:
        assert not exceeds(arb_mat([[arb(1, 2)]]), 0.0)

    def test_a_small_counterexample(self) -> None:
        found = counterexample(60, 3, 0, (None,))
        assert found.finding is Finding.REFUTES
        row = found.figures["wide limit"]
        assert isinstance(row, dict)
        assert row["everything proved"]
        assert counterexample(40, 20, 0, (None,)).finding is Finding.UNDECIDED  # gating helps there


class TestRules:
    def test_the_right_rule(self, cases: list[LossPair], normalised: list[LossPair]) -> None:
        for chosen in (cases, normalised):
            found = statement.signs(chosen, CORRECT, "test")
            assert found.finding is Finding.SUPPORTS, found.figures
        assert statement.theorem(normalised).finding is Finding.SUPPORTS

    @pytest.mark.parametrize("label", MUTANTS)
    def test_wrong_rules(self, cases: list[LossPair], normalised: list[LossPair], label: str) -> None:
        found = [statement.signs(chosen, MUTANTS[label], "test").finding for chosen in (cases, normalised)]
        assert Finding.REFUTES in found

    def test_the_claim_as_stated_fails_in_few_dimensions(self, cases: list[LossPair]) -> None:
        found = statement.prevalence(cases)
        assert found.finding is Finding.REFUTES
        failing = found.figures["failing"]
        assert isinstance(failing, list)
        assert failing
        assert not any("d=30" in str(label) for label in failing)

    def test_the_last_sign_is_that_of_the_losses(self, cases: list[LossPair]) -> None:
        """Far out the curves themselves say so."""
        for given in cases:
            assert given.rate is not None
            k = 40 / (given.rate * abs(given.least[0] - given.least[1]))
            logs = [np.max(np.log(c.weights + 1e-300) - c.decays(given.rate) * k) for c in given.curves]
            assert np.sign(logs[0] - logs[1]) == slowest(given)

    def test_the_hypothesis_is_a_quadratic_form(self) -> None:
        given = case(PAIRS[0], (40, 8), "random", QUICK)
        seed = QUICK.stream("crossing/data/40/8")
        X = inputs(40, 8, seed)
        S = gram("relu", X, kind="nngp", parametrization="standard", width=1)
        Y = np.sign(np.random.default_rng([seed, 2]).standard_normal(8 + 40)[8:])
        assert given.forms == pytest.approx((Y @ S @ Y, Y @ (S * (X @ X.T) / 8) @ Y))

    def test_assumptions_are_evaluated(self, cases: list[LossPair]) -> None:
        found = {item.name: item.holds for item in statement.assumptions(cases)}
        assert found == {"shapes": False, "rates": True, "hypothesis": False, "resolved": True}


def test_inputs_of_small_variance_start_in_the_other_order() -> None:
    assert statement.scale(QUICK).finding is Finding.REFUTES


@pytest.mark.slow
def test_the_check_end_to_end() -> None:
    found = statement.run(QUICK)
    assert all(control.caught for control in found.controls), found.controls
    assert all(assumption.holds for assumption in found.assumptions), found.assumptions
    assert (found.verdict, found.grade) == (Verdict.WEAKER, "certificate")
    assert len(found.charts) == 4
    json.dumps(runner.document([found], QUICK), allow_nan=False)
    for rule in MUTANTS.values():
        assert statement.run(QUICK, rule).verdict is Verdict.FAILS
