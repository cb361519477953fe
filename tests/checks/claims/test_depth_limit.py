"""Where correlations go: the theory by hand and by other roads, each piece of evidence, and the check end to end."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from checks.claims.depth_limit import compact, orbits, regression, statement
from checks.claims.depth_limit.law import LAW, MUTANTS, NEEDED, Law
from checks.claims.depth_limit.theory import Block, extinction, gate, grown, image, mean_degree, plain, slope, weights
from checks.settings import Settings
from glutheory.activations import Activation, Z
from glutheory.claims import Evidence, Finding, Verdict
from glutheory.numeric.deep.fixed import block_map

QUICK = Settings()


def angle(rho: float) -> float:
    """ReLU's map by the arc-cosine kernel."""
    theta = math.acos(rho)
    return (math.sin(theta) + (math.pi - theta) * rho) / math.pi


# ---------------------------------------------------------------- the theory


def test_the_weights_of_relu_and_a_square() -> None:
    assert weights(plain("relu").act)[:3] == pytest.approx([1 / math.pi, 1 / 2, 1 / (2 * math.pi)], abs=1e-14)
    # E[z² He_2]/√2 = √2, E[z⁴] = 3
    assert weights(plain("monomial2").act)[:4] == pytest.approx([1 / 3, 0, 2 / 3, 0], abs=1e-14)
    assert mean_degree(plain("relu").act) == pytest.approx(1, abs=1e-14)
    # the series breaks off after 96 terms of the order of j^(−5/2)
    assert image(plain("relu").act, 0.7) == pytest.approx(angle(0.7), abs=1e-14)
    assert slope(plain("relu").act, 0.5) == pytest.approx(1 - math.acos(0.5) / math.pi, abs=1e-12)


def test_extinction_by_hand() -> None:
    assert extinction(np.array([1 / 3, 0, 2 / 3])) == pytest.approx(1 / 2, abs=1e-14)
    assert extinction(np.array([1 / 3, 0, 2 / 3]), 1) == pytest.approx(1 / 3)
    assert extinction(np.array([0.0, 0.5, 0.5])) == 0


def test_the_diagonal_grows_by_the_recursion() -> None:
    for mean in (0.5, 1.0, 2.0):
        theta = 3.0
        for _ in range(5):
            theta = mean * (theta + 1) + 1
        assert grown(mean, 5, 3.0) == pytest.approx(theta, rel=1e-14)


def test_centred_blocks_have_no_mean() -> None:
    assert weights(plain("silu, centred").act)[0] < 1e-30
    assert LAW.attractor(plain("relu, centred")) < 1e-100
    # h_1² = 1/4 of the variance 1/2 − 1/(2π)
    assert LAW.rate(plain("relu, centred")) == pytest.approx((1 / 4) / (1 / 2 - 1 / (2 * math.pi)), abs=1e-12)


# ---------------------------------------------------------------- the evidence


def test_enclosures_hold_the_arc_cosine_kernel() -> None:
    act = plain("relu").act
    for low, high in ((Fraction(-1, 2), Fraction(-1, 4)), (Fraction(1, 3), Fraction(2, 3))):
        ball = compact.enclosed(act, low, high)
        steep = compact.steepness(act, low, high)
        for rho in np.linspace(float(low), float(high), 5):
            assert abs(float(ball.mid()) - angle(rho)) <= float(ball.rad()) + 1e-12
            assert abs(float(steep.mid()) - (1 - math.acos(rho) / math.pi)) <= float(steep.rad()) + 1e-12


def cubic() -> Block:
    """z³ + z² = 3 He_1 + 1 + He_2 + He_3: f = (1 + 9ρ + 2ρ² + 6ρ³)/18, and f = ρ at 1 and where 6ρ² + 8ρ = 1."""
    return Block(Activation("cubic", Z**3 + Z**2), False, "cubic")


CUBIC = (math.sqrt(88) - 8) / 12


def test_fixed_points_are_certified() -> None:
    block = cubic()
    assert LAW.attractor(block) == pytest.approx(CUBIC, abs=1e-14)
    found = compact.found(block.act)
    (bracket,) = found.brackets
    assert bracket[0] < CUBIC < bracket[1]
    assert found.zeros.signs == (1, -1)
    # next to 1 the slope is at least 31/18 − (1/16)·40/18 > 1
    assert found.near == (-1, True)


def test_no_smaller_factor_of_contraction_is_certified() -> None:
    act = gate("reglu").act
    assert compact.contracts(act, Fraction(1, 2), Fraction(61, 100)).positive
    assert angle(0.5) == pytest.approx(0.609, abs=1e-3)
    assert compact.contracts(act, Fraction(1, 2), Fraction(60, 100)).counterexample is not None


@pytest.mark.parametrize("wrong", [Law(critical=2.0), Law(steps=1)])
def test_wrong_fixed_points_are_refuted_by_balls(wrong: Law) -> None:
    assert compact.plainly(LAW, [cubic()]).finding is Finding.SUPPORTS
    assert compact.plainly(wrong, [cubic()]).finding is Finding.REFUTES


def test_a_search_that_gives_up_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact, "_LIMIT", 1)
    compact.found.cache_clear()
    assert compact.plainly(LAW, [plain("sin")]).finding is Finding.UNDECIDED
    compact.found.cache_clear()


@pytest.mark.parametrize("label", [name for name in MUTANTS if name.startswith(("gating moves", "the rate is"))])
def test_wrong_gates_are_refuted(label: str) -> None:
    gates = [gate("reglu")]
    for judge in (compact.gatedly, compact.computed, orbits.rates):
        assert judge(LAW, gates).finding is Finding.SUPPORTS
        assert judge(MUTANTS[label], gates).finding is Finding.REFUTES


def test_the_growth_of_the_diagonal_is_seen() -> None:
    gates = [gate("bilinear")]
    assert orbits.limits(LAW, gates).finding is Finding.SUPPORTS
    assert orbits.limits(MUTANTS["the gated diagonal grows like the plain one"], gates).finding is Finding.REFUTES


def test_orbits_are_iterates_of_the_arc_cosine_kernel() -> None:
    found = orbits.orbit(plain("relu"), (3,))[0]
    for start, value in zip(orbits.STARTS, found, strict=True):
        assert value == pytest.approx(angle(angle(angle(start))), abs=1e-14)


def test_regression_by_hand() -> None:
    """Two rows to learn from, one new row, exact arithmetic."""
    K = 5 * np.array([[1, 0, 0.2], [0, 1, 0.1], [0.2, 0.1, 1]])
    fit = regression._fit(K, np.array([[1.0], [-1.0], [0.5]]), 2)
    assert fit.condition == pytest.approx(1)
    assert fit.shared == pytest.approx(0.2)
    assert fit.r2 == pytest.approx(1 - (0.5 - 0.1) ** 2 / 0.25)
    assert fit.size == pytest.approx(0.1 / 0.5)
    assert fit.bound == pytest.approx(math.sqrt(2) * 0.2 * math.sqrt(2) / 0.8 / 0.5)
    assert fit.aligned == pytest.approx(1)


def test_what_is_learned_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(_name: str, network: str, _draw: int, _settings: Settings) -> tuple[regression.Fit, ...]:
        last = 0.4 if network == "relu" else 0.0
        return tuple(regression.Fit(1.0, 0.0, r2, 0.1, 1.0, math.nan) for r2 in (0.6, last))

    monkeypatch.setattr(regression, "fits", made)
    assert regression.lost(LAW, QUICK).finding is Finding.SUPPORTS
    for label, part in NEEDED.items():
        if part == "generalisation":
            assert regression.lost(MUTANTS[label], QUICK).finding is Finding.REFUTES


# ---------------------------------------------------------------- end to end


@pytest.mark.slow
def test_the_claim_holds() -> None:
    found = statement.run(QUICK)
    assert found.verdict is Verdict.HOLDS
    assert all(control.caught for control in found.controls), found.controls
    assert found.grade == "numerical"
    parts = {piece.part for piece in found.evidence}
    assert parts == {"fixed points", "rates", "kernels", "generalisation"}


@pytest.mark.slow
@pytest.mark.parametrize("label", MUTANTS)
def test_a_wrong_law_turns_the_verdict(label: str) -> None:
    assert statement.run(QUICK, MUTANTS[label]).verdict is Verdict.FAILS


@pytest.mark.slow
def test_another_seed_learns_alike() -> None:
    found: Evidence = regression.lost(LAW, Settings(seed=3))
    assert found.finding is Finding.SUPPORTS


def test_even_gates_have_a_third_fixed_point_that_repels() -> None:
    """F = ρf with f(−1) = 1 for even φ, cos and |z|; and opposite rows of an odd gate become one."""
    for name, at in (("cos", -1.0), ("abs", -1.0), ("relu", 0.0), ("tanh", 1.0)):
        act = Activation("gate", plain(name).act.expr)
        image_ = float(block_map(Block(act, True, name).network, np.array([-1.0]))[0][0])
        assert image_ == pytest.approx(at, abs=1e-12)


def test_the_bound_says_nothing_beyond_its_hypothesis() -> None:
    """K_ij = 0.1, k_i = 0.6 and y = 1: kᵀK⁻¹y = 1.5, and 1 − (n − 1)ε = −0.2."""
    K = np.full((4, 4), 0.1) + 0.9 * np.eye(4)
    K[3, :3] = K[:3, 3] = 0.6
    assert float(K[3, :3] @ np.linalg.solve(K[:3, :3], np.ones(3))) == pytest.approx(1.5)
    fit = regression._fit(K, np.array([[1.0], [2.0], [3.0], [4.0]]), 3)
    assert fit.bound == math.inf


def test_the_key_figure_is_computed() -> None:
    assert {statement._attractor(gate(name)) for name in ("reglu", "gtu", "bilinear")} == {0.0}
    assert statement._attractor(plain("relu")) == 1
    assert statement._attractor(plain("silu")) == pytest.approx(0.6587, abs=1e-4)
    assert statement._listed({0.0, 0.25}) == "0 to 0.25"
