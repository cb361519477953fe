"""Cor. 4.2, second half: the certificates, the rules about the end on few cases, and the whole check (slow)."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, arb_mat, fmpq, fmpq_mat

from checks import runner
from checks.claims.crossing_late import evidence, singular, statement, ties
from checks.claims.crossing_late.evidence import CORRECT, MUTANTS, slowest
from checks.claims.crossing_late.gaussian_balls import counterexample, exceeds, quotient
from checks.claims.crossing_late.ties import SHORT, TIES, decide, decided
from checks.settings import Settings
from checks.tools.loss_pairs import PAIRS, Data, LossPair, case, inputs
from checks.tools.loss_races import Race
from checks.tools.relu_balls import kernels
from glutheory import gram
from glutheory.claims import Finding, Verdict
from glutheory.dynamics import expected_loss
from glutheory.networks import product
from tests.checks.claims.loss_cases import QUICK, few, few_normalised
from tests.data_sets import even_parity, polygon, simplex, to_sphere


@pytest.fixture(scope="module")
def cases() -> tuple[LossPair, ...]:
    return few()


@pytest.fixture(scope="module")
def normalised() -> tuple[LossPair, ...]:
    return few_normalised()


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


class TestTies:
    """The old theorem: on normalised inputs in the wide limit Yᵀ(K − K̃)Y ≥ 0 makes the gated loss lower in the end."""

    @pytest.mark.parametrize(
        ("label", "X", "activation", "y"),
        [
            (next(iter(TIES)), to_sphere(polygon(3)), "relu", 3.0),
            ([*TIES][1], even_parity(5), "abs", 3.0),
            (next(iter(SHORT)), to_sphere(polygon(3)), "relu", 0.25),
            ([*SHORT][1], even_parity(5), "abs", 0.025),
            ([*TIES][2], to_sphere(polygon(2)), "sigmoid", 3.0),
        ],
    )
    def test_the_certificate_against_matrices(self, label: str, X: np.ndarray, activation: str, y: float) -> None:
        """By floating point eigenvalues, which know nothing of the symmetry; 1e-12 is n roundings of the largest."""
        found, Y = decided(label), np.full(len(X), y)
        K, gated = (gram(net, X, kind="nngp") for net in (activation, product("identity", activation)))
        assert float(found.form.mid()) == pytest.approx(Y @ (K - gated) @ Y, rel=1e-12)
        least = [float(np.linalg.eigvalsh(matrix)[0]) for matrix in (K, gated)]
        assert least == pytest.approx([float(found.least.mid())] * 2, rel=1e-11)
        lead = 0.0
        for matrix, sign in ((K, 1), (gated, -1)):
            values, vectors = np.linalg.eigh(matrix)
            slow = vectors[:, values < values[0] + 1e-9]
            lead += sign * float(np.trace(slow.T @ (matrix + np.outer(Y, Y)) @ slow))
        assert float(found.lead.mid()) == pytest.approx(lead, rel=1e-9)
        times = np.geomspace(1e-3, 30 / least[0], 60)
        losses = [expected_loss(matrix, matrix, Y).flow(times) for matrix in (K, gated)]
        signs = set(np.sign(losses[0] - losses[1]).tolist())
        assert signs == ({-1.0} if found.always else {-1.0, 1.0})

    @pytest.mark.parametrize("label", TIES)
    def test_the_old_theorem_is_refuted(self, label: str) -> None:
        found = decided(label)
        assert found.tied
        assert found.form > 0
        assert found.always == -1
        assert ties.refutes_old(label)

    def test_the_controls_name_the_data_sets(self) -> None:
        found = statement.tie_controls()
        assert len(found) == 3
        assert all(control.caught for control in found)
        assert all(label in control.altered for label, control in zip(TIES, found, strict=True))

    @pytest.mark.parametrize("target", [Fraction(1, 100), Fraction(3)])
    def test_opposite_inputs_whatever_the_target(self, target: Fraction) -> None:
        """Their least eigenvalue is simple: without "no two are parallel" the end is not that of a simple one."""
        found = decide(ties.opposite(target))
        K = gram("sigmoid", to_sphere(polygon(2)), kind="nngp")
        own = np.linalg.eigvalsh(K)
        assert own[1] - own[0] > 0.1 * own[1]
        assert own[0] == pytest.approx(float(found.least.mid()), rel=1e-12)
        assert found.tied
        assert found.form > 0
        assert found.always == -1
        assert "no two inputs are parallel" in statement.CLAIM.meaning

    def test_the_rule_at_ties(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert ties.rule_at_ties().finding is Finding.SUPPORTS
        # the two tables exchanged: what the rule says is then the opposite of what is proved
        long = [*TIES][: len(SHORT)]
        exchanged = {
            **TIES,
            **dict(zip([*long, *SHORT], [*SHORT.values(), *(TIES[name] for name in long)], strict=True)),
        }
        monkeypatch.setattr(ties, "decided", lambda label: decide(exchanged[label]))
        assert ties.rule_at_ties().finding is Finding.REFUTES

    def test_wrong_projectors_are_refused(self) -> None:
        good = TIES[next(iter(TIES))]
        with pytest.raises(ValueError, match="identity"):
            decide(ties.Tie(good.activation, good.C, good.projectors[:1], good.target))
        doubled = (good.projectors[0] * 2, good.projectors[1])
        with pytest.raises(ValueError, match="orthogonal"):
            decide(ties.Tie(good.activation, good.C, doubled, good.target))

    def test_no_tie_where_the_rows_are_acute(self) -> None:
        """Three rows at 60°: K̃ has the larger least eigenvalue, and the gated loss is lower in the end."""
        half = fmpq_mat([[fmpq(2 if i == j else 1, 2) for j in range(3)] for i in range(3)])
        good = TIES[next(iter(TIES))]
        found = decide(ties.Tie("relu", half, good.projectors, good.target))
        assert not found.tied
        assert found.lead > 0


class TestSingular:
    """The theorem without "Σ is positive definite": on normalised inputs a simple least eigenvalue decides the end."""

    @pytest.mark.parametrize(
        ("label", "X"),
        [*zip(singular.SINGULAR, (to_sphere(polygon(6)[:3]), to_sphere(simplex(3))), strict=True)],
        ids=["0, 60, 120 degrees", "tetrahedron"],
    )
    def test_the_certificate_against_matrices(self, label: str, X: np.ndarray) -> None:
        """By the library's kernels and losses, which know nothing of the eigenvectors; 1e-12 is n roundings."""
        found, example = singular.decided(label), singular.SINGULAR[label]
        K, gated = (gram(net, X, kind="nngp") for net in ("identity", "bilinear"))
        Y = np.array(example.Y, dtype=float)
        for matrix, exact in ((K, found.plain), (gated, found.gated)):
            assert np.linalg.eigvalsh(matrix) == pytest.approx([float(value) for value in exact], abs=1e-12)
        assert float(found.form) == pytest.approx(Y @ (K - gated) @ Y, rel=1e-12)
        assert found.refutes
        assert (found.always, found.weight) == (-1, Fraction(0))
        times = np.geomspace(1e-3, 8, 60)
        plain, other = (expected_loss(matrix, matrix, Y).flow(times) for matrix in (K, gated))
        assert (plain < other).all()

    def test_the_losses_of_three_inputs_in_the_plane(self) -> None:
        """L = 9 e^{−3t} and L̃ = 41/6 e^{−3t} + 13/6 e^{−1.5t}, by hand."""
        K, gated = (gram(net, to_sphere(polygon(6)[:3]), kind="nngp") for net in ("identity", "bilinear"))
        Y = np.array([1.0, 2.0, 1.0])
        for t in (0.1, 1.0, 8.0):
            losses = [float(expected_loss(matrix, matrix, Y).flow(t)) for matrix in (K, gated)]
            assert losses[0] == pytest.approx(9 * np.exp(-3 * t), rel=1e-12)
            assert losses[1] == pytest.approx(41 / 6 * np.exp(-3 * t) + 13 / 6 * np.exp(-1.5 * t), rel=1e-12)

    def test_the_controls_name_the_data_sets(self) -> None:
        found = statement.singular_controls()
        assert all(control.caught for control in found)
        assert all(label in control.altered for label, control in zip(singular.SINGULAR, found, strict=True))
        assert singular.condition_needed().finding is Finding.SUPPORTS

    def test_what_has_loss_in_the_slowest_mode_refutes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Targets with a part in the null space: w_1 > 0, and the gated loss is lower in the end."""
        good = next(iter(singular.SINGULAR.values()))
        found = singular.decide(replace(good, Y=(1, 1, 1)))
        assert found.weight == Fraction(1, 3)
        assert not found.refutes
        monkeypatch.setattr(singular, "decided", lambda _: found)
        assert singular.condition_needed().finding is Finding.REFUTES

    def test_conditions_that_fail_are_seen(self) -> None:
        found = singular.decided(next(iter(singular.SINGULAR)))
        assert found.refutes
        assert not replace(found, parallel=True).refutes
        assert not replace(found, plain=(Fraction(0), Fraction(0), Fraction(3))).refutes
        assert not replace(found, form=Fraction(-1)).refutes
        assert not replace(found, always=1).refutes

    def test_wrong_vectors_and_kernels_are_refused(self) -> None:
        good = next(iter(singular.SINGULAR.values()))
        with pytest.raises(ValueError, match="no orthogonal basis"):
            singular.decide(replace(good, plain=good.plain[:2]))
        with pytest.raises(ValueError, match="no orthogonal basis"):
            singular.decide(replace(good, gated=((1, 1, 1), (1, 0, -1), (1, 0, 1))))
        with pytest.raises(ValueError, match="no eigenvector"):
            singular.decide(replace(good, plain=good.gated))
        with pytest.raises(ValueError, match="take a polynomial"):
            singular.decide(replace(good, activation="relu"))


class TestRules:
    def test_the_right_rule(self, cases: tuple[LossPair, ...], normalised: tuple[LossPair, ...]) -> None:
        for chosen in (cases, normalised):
            found = evidence.ends(chosen, CORRECT, "test")
            assert found.finding is Finding.SUPPORTS, found.figures
        assert evidence.normalised(normalised).finding is Finding.SUPPORTS

    def test_curves_that_end_the_other_way_refute_the_order_on_normalised_inputs(
        self, normalised: tuple[LossPair, ...]
    ) -> None:
        """The eigenvalues stay, and the networks that are simulated are exchanged."""

        def exchanged(data: Data) -> Data:
            return replace(data, K=data.K[::-1], sigma=data.sigma[::-1])

        shared = {id(given.data): exchanged(given.data) for given in normalised}
        wrong = [replace(given, data=shared[id(given.data)]) for given in normalised]
        found = evidence.normalised(wrong)
        assert found.finding is Finding.REFUTES
        names = found.figures["not gated lower in the end"]
        assert isinstance(names, list)
        assert len(names) == found.figures["simulated to the end"]
        assert 2 * len(names) >= len(wrong)

    def test_races_that_end_too_soon_support_nothing(
        self, normalised: tuple[LossPair, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(evidence, "races", lambda cases: [Race((0.0,), (0,), 1.0)] * len(cases))
        assert evidence.normalised(normalised).finding is Finding.UNDECIDED
        assert evidence.normalised(()).finding is Finding.UNDECIDED

    @pytest.mark.parametrize("label", MUTANTS)
    def test_wrong_rules(self, cases: tuple[LossPair, ...], normalised: tuple[LossPair, ...], label: str) -> None:
        found = [evidence.ends(chosen, MUTANTS[label], "test").finding for chosen in (cases, normalised)]
        assert Finding.REFUTES in found

    def test_the_claim_as_stated_fails_in_few_dimensions(self, cases: tuple[LossPair, ...]) -> None:
        found = evidence.prevalence(cases)
        assert found.finding is Finding.REFUTES
        failing = found.figures["failing"]
        assert isinstance(failing, list)
        assert failing
        assert not any("d=30" in str(label) for label in failing)

    def test_the_last_sign_is_that_of_the_losses(self, cases: tuple[LossPair, ...]) -> None:
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

    def test_assumptions_are_evaluated(self, cases: tuple[LossPair, ...]) -> None:
        assert all(item.holds for item in statement.assumptions(cases))
        wide = [case(PAIRS[0], (40, 8), "random", QUICK, variance=4.0)]
        found = {item.name: item.holds for item in statement.assumptions(wide)}
        assert found["Gaussian"] is False


@pytest.mark.slow
def test_the_check_end_to_end() -> None:
    found = statement.run(Settings())
    assert all(control.caught for control in found.controls), found.controls
    assert all(assumption.holds for assumption in found.assumptions), found.assumptions
    assert found.verdict is Verdict.WEAKER
    assert len(found.charts) == 4
    json.dumps(runner.document([found], QUICK), allow_nan=False)
    for rule in MUTANTS.values():
        assert statement.run(QUICK, rule).verdict is Verdict.FAILS
