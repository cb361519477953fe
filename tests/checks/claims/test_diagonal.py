"""The check of the teaser's heatmaps: kernels and measures against naive references, its certificates, its controls."""

# ruff: noqa: E402  (the checks need torch)

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the checks need torch")

from checks import runner
from checks.claims.diagonal import angles, evidence, kernels, statement, theory
from checks.claims.diagonal.controls import MUTANTS
from checks.claims.diagonal.evidence import (
    Statement,
    exact_factor,
    in_expectation,
    in_networks,
    literally,
    pair_by_pair,
)
from checks.claims.diagonal.figure import charts
from checks.claims.diagonal.kernels import (
    CLOSE,
    EQUATIONS,
    GAUSSIAN,
    NORMALISED,
    RELEASED,
    D,
    M,
    N,
    Plan,
    correlations,
    dominance,
    expected,
    inputs,
    ratios,
    sampled,
    width_of,
)
from checks.settings import Settings
from checks.tools import formulas
from checks.tools.training_task import PAIRS
from glutheory import gram
from glutheory.claims import About, Finding, Verdict
from glutheory.ground.exact import ball
from glutheory.sampling.training import Ensemble
from tests.strategies import datasets

SETTINGS = Settings()
#: Just enough data sets for every sign test to decide.
SMALL = Plan(sets=48, expected=2, widths=(100, 400))


def relu(theta: float, r: float) -> tuple[float, float]:
    """The cosines φ and φ̃ of ReLU and ReGLU on inputs of norm √d at this angle, from the arc-cosine kernel."""
    S = (math.sin(theta) + (math.pi - theta) * math.cos(theta)) / (2 * math.pi)
    T = (math.pi - theta) / (2 * math.pi)
    rho = math.cos(theta)
    return (S + r * rho * T) / ((1 + r) / 2), rho * ((1 + r) * S + r * rho * T) / ((1 + 2 * r) / 2)


class TestMeasures:
    def test_known_matrices(self) -> None:
        K = np.array([[4.0, -1.0, 0.0], [-1.0, 1.0, 0.5], [0.0, 0.5, 9.0]])
        found = dominance(K)
        assert ratios(K) == pytest.approx([1 / 4, 3 / 2, 1 / 18])
        assert found.correlation == pytest.approx((1 / 2 + 0 + 1 / 6) / 3)
        assert found.rows == pytest.approx((1 / 4 + 3 / 2 + 1 / 18) / 3)
        assert found.worst == pytest.approx(3 / 2)
        assert found.dominant == pytest.approx(2 / 3)

    def test_stacks_are_taken_one_by_one(self) -> None:
        rng = np.random.default_rng(0)
        J = rng.standard_normal((3, 5, 7))
        K = J @ J.mT
        for measure in ("correlation", "rows", "worst", "dominant"):
            alone = [getattr(dominance(each), measure) for each in K]
            assert np.allclose(getattr(dominance(K), measure), alone)

    def test_an_identity_is_as_dominant_as_can_be(self) -> None:
        found = dominance(np.eye(4))
        assert [found.correlation, found.rows, found.worst, found.dominant] == pytest.approx([0, 0, 0, 1], abs=0)


class TestKernels:
    def test_the_teasers_sizes(self) -> None:
        assert (N, D, M) == (50, 100, 400)
        assert {name: width_of(name, RELEASED) for pair in PAIRS for name in pair} == {
            **dict.fromkeys(("relu", "gelu", "silu"), 400),
            **dict.fromkeys(("reglu", "geglu", "swiglu"), 200),
        }
        assert width_of("reglu", EQUATIONS) == 400

    def test_inputs(self) -> None:
        assert inputs(SETTINGS, GAUSSIAN, 3).std() == pytest.approx(1, abs=0.02)
        for kind in (NORMALISED, CLOSE):
            assert np.allclose(np.linalg.norm(inputs(SETTINGS, kind, 3), axis=2), D**0.5)
        cosines = correlations(np.array([X @ X.T for X in inputs(SETTINGS, CLOSE, 3)]))
        between = np.degrees(np.arccos(np.clip(cosines[..., ~np.eye(N, dtype=bool)], -1, 1)))
        assert between.min() > 0.15
        assert between.max() < 0.45

    @pytest.mark.parametrize("name", ["relu", "swiglu"])
    def test_sampled_kernels_are_those_of_autograd(self, name: str) -> None:
        X = inputs(SETTINGS, GAUSSIAN, 2)
        width = width_of(name, RELEASED)
        net = Ensemble(
            name, inputs=D, width=width, seed=SETTINGS.stream("diagonal/networks"), draws=(1,), dtype=torch.float64
        )
        tensors = [torch.nn.Parameter(weight[0].clone()) for weight in net.weights]
        biases = [torch.nn.Parameter(torch.zeros(width, dtype=torch.float64)) for _ in tensors]
        readout = torch.nn.Parameter(net.readout[0, 0].clone())
        offset = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
        rows = []
        for x in torch.tensor(X[1]):
            *linear, gate = (x @ weight + bias for weight, bias in zip(tensors, biases, strict=True))
            hidden = torch.relu(gate) if name == "relu" else torch.nn.functional.silu(gate)
            for branch in linear:
                hidden = hidden * branch
            gradients = torch.autograd.grad(hidden @ readout + offset, [*tensors, *biases, readout, offset])
            rows.append(torch.cat([gradient.flatten() for gradient in gradients]).numpy())
        J = np.array(rows)
        assert np.allclose(sampled(SETTINGS, GAUSSIAN, name, 2)[1], J @ J.T, rtol=1e-10, atol=1e-9)

    @pytest.mark.parametrize("name", ["gelu", "reglu"])
    def test_sampled_kernels_scatter_around_the_expected_ones(self, name: str) -> None:
        # one data set, other networks than those of the check
        X = inputs(SETTINGS, GAUSSIAN, 1)[0][:6]
        nets = Ensemble(name, inputs=D, width=width_of(name, RELEASED), seed=7, draws=range(200), dtype=torch.float64)
        found = nets.ntk(X).numpy()
        mean = expected(SETTINGS, GAUSSIAN, name, RELEASED, 1)[0][:6, :6]
        assert (np.abs(found.mean(axis=0) - mean) < 5 * found.std(axis=0) / 200**0.5).all()

    def test_equations_are_those_of_the_arc_cosine_kernel(self) -> None:
        X = inputs(SETTINGS, NORMALISED, 1)[0]
        theta = np.arccos(np.clip(X @ X.T / D, -1, 1))
        for index, name in enumerate(PAIRS[0]):
            found = correlations(expected(SETTINGS, NORMALISED, name, EQUATIONS, 1)[0])
            for i, j in ((0, 1), (3, 40), (12, 7)):
                assert found[i, j] == pytest.approx(relu(theta[i, j], D / M)[index], abs=1e-12)


class TestAngles:
    @pytest.mark.parametrize("r", [Fraction(1, 4), Fraction(3, 40), Fraction(1), Fraction(3)])
    def test_the_pattern_on_a_grid(self, r: Fraction) -> None:
        found = angles.pattern(r)
        assert found.complete
        assert len(found.signs) == len(found.angles) + 1
        for theta in np.linspace(1e-3, math.pi - 1e-3, 4001):
            if min(abs(theta - angle) for angle in found.angles) > 1e-6:
                plain, gated = relu(theta, float(r))
                place = sum(angle < theta for angle in found.angles)
                assert np.sign(abs(gated) - abs(plain)) == found.signs[place], theta

    @given(st.floats(1e-6, 3.1), st.integers(1, 40))
    def test_the_sum_in_closed_form(self, psi: float, tenths: int) -> None:
        r = Fraction(tenths, 10)
        at = Fraction(psi)
        value = angles.Sum(r).value(at, at)
        plain, gated = relu(math.pi - psi, float(r))
        # the naive sum is small next to ψ = 0, where its terms cancel
        assert float(value.mid()) * math.sin(psi) / math.pi == pytest.approx(plain + gated, abs=1e-13)

    @given(st.floats(0.01, 3.0), st.floats(1e-6, 1e-3))
    def test_the_slope_encloses_differences(self, psi: float, step: float) -> None:
        total = angles.Sum(Fraction(1, 4))
        low, high = Fraction(psi), Fraction(psi + step)
        difference = (total.value(high, high) - total.value(low, low)) / ball(high - low)
        assert total.slope(low, high).overlaps(difference)
        # and it is narrow: the second derivative is below 10^4 on this range
        assert float(total.slope(low, high).rad()) < 1e4 * step


class TestTheory:
    @pytest.mark.long
    def test_true_statements_are_supported(self) -> None:
        for item in (theory.factor(), theory.products(1, Fraction(1), 1), theory.relu_angles(1.0)):
            assert (item.finding, item.about) == (Finding.SUPPORTS, About.CORRECTED)

    def test_wrong_formulas_in_the_identity_are_seen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        right = formulas.wider
        monkeypatch.setattr(
            theory, "wider", lambda scales, inner, duals: right(replace(scales, d=2 * scales.d), inner, duals)
        )
        assert theory.factor().finding is Finding.REFUTES

    def test_the_counterexamples_in_floats(self) -> None:
        found = theory.counterexamples()
        assert (found.finding, found.about) == (Finding.REFUTES, About.LITERAL)
        assert found.figures["certainly raised"] == "5 of 5"
        rows = [value for key, value in found.figures.items() if "degrees" in key]
        for (plain, gated, half), row in zip(theory.PAIRS, rows, strict=True):
            theta = 2 * math.atan(float(half))
            X = np.zeros((2, D))
            X[0, 0], X[1, 0], X[1, 1] = 10, 10 * math.cos(theta), 10 * math.sin(theta)
            cosines = [
                correlations(gram(name, X, parametrization="standard", width=M))[0, 1] for name in (plain, gated)
            ]
            assert abs(cosines[1]) > abs(cosines[0])
            assert row == pytest.approx(cosines, abs=1e-10)

    def test_pairs_that_gating_does_decorrelate_are_no_counterexamples(self, monkeypatch: pytest.MonkeyPatch) -> None:
        theory.counterexamples.cache_clear()
        monkeypatch.setattr(theory, "PAIRS", (("relu", "reglu", Fraction(1)),))
        found = theory.counterexamples()
        theory.counterexamples.cache_clear()
        # the short row remains
        assert found.figures["certainly raised"] == "1 of 2"

    @pytest.mark.long
    @given(X=datasets().filter(lambda X: bool(np.all(np.abs(X).sum(axis=1) > 0))), m=st.integers(1, 8))
    def test_no_correlation_exceeds_that_of_the_inputs(self, X: np.ndarray, m: int) -> None:
        """The corrected statement on every data set without zero rows: all gates."""
        d = X.shape[1]
        cosines = correlations(X @ X.T)
        for plain, gated in (*PAIRS, ("sigmoid", "glu"), ("tanh", "gtu")):
            found = correlations(gram(gated, X, parametrization="standard", width=m))
            if gated != "gtu":
                wide = correlations(gram(plain, X, parametrization="standard", width=m + d))
                assert np.allclose(found, cosines * wide, atol=1e-11)
            assert (np.abs(found) <= np.abs(cosines) + 1e-11).all()


class TestEvidence:
    def test_what_is_claimed_of_the_teaser(self) -> None:
        for item in (in_expectation(SMALL, SETTINGS, Statement()), in_networks(SMALL, SETTINGS, Statement())):
            assert (item.finding, item.part) == (Finding.SUPPORTS, "dominance")
            json.dumps(item.figures, allow_nan=False)

    def test_what_is_corrected(self) -> None:
        for item in (exact_factor(SMALL, SETTINGS, Statement()), literally(SMALL, SETTINGS, Statement())):
            assert (item.finding, item.about) == (Finding.SUPPORTS, About.CORRECTED)
            json.dumps(item.figures, allow_nan=False)

    def test_one_dominant_kernel_is_enough_against_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The corrected statement says that it was seen in no kernel, not in few."""
        right = kernels.sampled

        def once(settings: Settings, kind: str, name: str, count: int) -> Any:
            found = right(settings, kind, name, count).copy()
            found[0] = np.eye(N) if name == "silu" else found[0]
            return found

        monkeypatch.setattr(evidence, "sampled", once)
        assert literally(SMALL, SETTINGS, Statement()).finding is Finding.UNDECIDED

    def test_the_angles_stated_are_those_certified(self) -> None:
        stated = re.findall(r"[\d.]+(?=\^\\circ)", statement.CLAIM.corrected)
        found = theory.relu_angles(1.0)
        degrees = found.figures["angles where the sign changes, degrees"]
        assert isinstance(degrees, list)
        assert found.finding is Finding.SUPPORTS
        assert stated == [f"{value:#.4g}" for value in degrees]

    def test_some_pairs_are_correlated_more(self) -> None:
        found = pair_by_pair(Plan(sets=1, expected=4, widths=()), SETTINGS)
        assert (found.finding, found.about, found.part) == (Finding.REFUTES, About.LITERAL, "suppression")
        row: Any = found.figures["silu/swiglu"]
        assert row["pairs raised"] > 0
        # where the non-gated correlation vanishes, see `theory.PAIRS`
        assert -0.2 < row["their cosines"][0] <= row["their cosines"][1] < -0.1

    @pytest.mark.parametrize("label", MUTANTS)
    def test_wrong_statements_are_refuted(self, label: str) -> None:
        wrong = MUTANTS[label]
        items = (
            in_expectation(SMALL, SETTINGS, wrong),
            in_networks(SMALL, SETTINGS, wrong),
            theory.products(1, wrong.wider_by, wrong.power),
            exact_factor(SMALL, SETTINGS, wrong),
            theory.relu_angles(wrong.stretch),
            literally(SMALL, SETTINGS, wrong),
        )
        assert Finding.REFUTES in {item.finding for item in items}

    def test_equal_kernels_are_not_lower(self, monkeypatch: pytest.MonkeyPatch) -> None:
        right = kernels.expected
        monkeypatch.setattr(evidence, "expected", lambda settings, kind, _, *rest: right(settings, kind, "relu", *rest))
        assert in_expectation(SMALL, SETTINGS, Statement()).finding is Finding.REFUTES

    def test_networks_exchanged_are_seen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        right = kernels.sampled
        partner = {name: other for pair in PAIRS for name, other in (pair, pair[::-1])}
        monkeypatch.setattr(
            evidence, "sampled", lambda settings, kind, name, *rest: right(settings, kind, partner[name], *rest)
        )
        assert in_networks(SMALL, SETTINGS, Statement()).finding is Finding.REFUTES

    def test_the_charts(self) -> None:
        drawn = charts(SMALL, SETTINGS)
        assert len(drawn) == 4
        assert all(chart.note for chart in drawn)
        for chart, name in zip(drawn[:2], PAIRS[0], strict=True):
            assert chart.map is not None
            shown = np.array(chart.map.values)
            assert np.allclose(np.diag(shown), 1)
            assert np.allclose(shown, correlations(sampled(SETTINGS, GAUSSIAN, name, 16)[0]))

    def test_few_data_sets_have_no_power(self) -> None:
        held = {item.name: item.holds for item in statement.assumptions(SMALL)}
        assert held == {"sizes": True, "power": False}


class TestEndToEnd:
    @pytest.mark.slow
    def test_the_quick_profile(self) -> None:
        found = statement.run(SETTINGS)
        assert all(control.caught for control in found.controls), found.controls
        assert all(assumption.holds for assumption in found.assumptions), found.assumptions
        assert (found.verdict, found.grade) == (Verdict.WEAKER, "statistical")
        assert [part.name for part in found.dropped] == ["suppression"]
        assert found.false_alarm <= 1e-8
        assert len(found.key_figure) <= 60
        json.dumps(runner.document([found], SETTINGS), allow_nan=False)

    @pytest.mark.slow
    @pytest.mark.parametrize("label", MUTANTS)
    def test_a_wrong_statement_changes_the_verdict_or_its_parts(self, label: str) -> None:
        found = statement.run(SETTINGS, MUTANTS[label])
        kept = found.verdict is Verdict.WEAKER and [part.name for part in found.dropped] == ["suppression"]
        assert not kept
