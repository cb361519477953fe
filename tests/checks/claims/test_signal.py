"""Variances without norms: laws by hand, each piece of evidence against wrong laws, and the check end to end."""

from __future__ import annotations

import math

import numpy as np
import pytest

from checks.claims.signal import networks, residuals, scales, statement
from checks.claims.signal.law import LAW, MUTANTS, NEEDED
from checks.settings import Settings
from glutheory.activations import activation
from glutheory.claims import Finding, Verdict

QUICK = Settings()


def test_the_law_of_reglu_is_the_recursion() -> None:
    for start in (0.3, 2.0, 5.0):
        q = start
        for blocks in range(1, 5):
            q = q * q / 2
            assert LAW.variance(start, blocks) == pytest.approx(q, rel=1e-13)


def test_the_residual_law_is_the_recursion() -> None:
    """C = 1, κ = 1/2, q_0 = 1; the limit is approached like ln L/L."""
    blocks, q = 10**5, 1.0
    for _ in range(blocks):
        q += q * q / 2 / blocks
    assert LAW.residual(0.5) == pytest.approx(q, rel=1e-4)
    assert LAW.residual(1.5) == math.inf


def test_elasticities_by_hand() -> None:
    assert scales.elasticity(activation("relu")) == pytest.approx(1, abs=1e-9)
    # 1/√(1 + 2q) at q = 1
    assert scales.elasticity(activation("gaussian")) == pytest.approx(-1 / 3, abs=1e-9)
    # (1 + e^{−2q})/2
    assert scales.elasticity(activation("cos")) == pytest.approx(-2 / (math.e**2 + 1), abs=1e-9)


def test_a_block_is_the_product_of_its_moments() -> None:
    # σ_p² q σ_w² q/2
    assert scales.block("reglu", 3.0, 2.0, 0.5) == pytest.approx(0.25 * 3 * 4 * 3 / 2, rel=1e-13)
    assert scales.critical("reglu", 2.0) == pytest.approx(1 / math.sqrt(2), rel=1e-13)


def test_slopes_and_directions_are_judged() -> None:
    names = ("relu", "gaussian")
    assert scales.slopes(LAW, names).finding is Finding.SUPPORTS
    assert scales.monotone(LAW, names).finding is Finding.SUPPORTS
    for label in ("the slope of a gated fixed point is the plain one", "the slope is larger by 2"):
        assert scales.slopes(MUTANTS[label], names).finding is Finding.REFUTES
    wrong = MUTANTS["every gate has a fixed point that repels"]
    assert scales.monotone(wrong, names).finding is Finding.REFUTES
    assert scales.slopes(wrong, names).finding is Finding.REFUTES


def test_a_search_that_gives_up_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scales, "_LIMIT", 1)
    scales.rising.cache_clear()
    assert scales.monotone(LAW, ("tanh",)).finding is Finding.UNDECIDED
    scales.rising.cache_clear()


@pytest.mark.parametrize("label", [name for name in MUTANTS if name.startswith("ReGLU")])
def test_wrong_exponents_are_refuted(label: str) -> None:
    assert scales.orbits(LAW).finding is Finding.SUPPORTS
    assert scales.orbits(MUTANTS[label]).finding is Finding.REFUTES


def test_residual_branches_are_those_of_the_recursion() -> None:
    q = 1.0
    for _ in range(16):
        q += q * q / 2 / 16
    # s is a float, whose square is within some roundings of c/L
    assert residuals.growth("reglu", 16, 1.0, 1.0) == pytest.approx(q, rel=1e-12)
    assert residuals.growth("relu", 16, 1.0, 1.0) == pytest.approx((1 + 1 / 32) ** 16, rel=1e-12)
    assert residuals.growth("reglu", 64, 100.0, 1.0) == math.inf


def test_drawn_factors_have_the_moments_of_the_proof() -> None:
    """E[ξ] is κ, for products and plain units, and 1 for the dense layer; five standard errors."""
    for net, spread in zip(networks.PAIR, LAW.spreads, strict=False):
        product, dense = networks.factors(net, True, QUICK)
        width, count = networks.QUICK.width, len(product)
        assert np.mean(np.exp(product)) == pytest.approx(0.5, rel=5 * math.sqrt(spread / width / count))
        assert np.mean(np.exp(dense)) == pytest.approx(1, rel=5 * math.sqrt(2 / width / count))


def test_the_first_order_of_the_variance() -> None:
    """Var ln q_L ≈ (2·4^L + 19(4^L − 1)/3)/m; the next order is about 17/m of it."""
    drawn = networks.claimed("reglu", 2, LAW, QUICK)
    assert np.var(drawn) == pytest.approx((2 * 16 + 19 * 5) / networks.QUICK.width, rel=0.3)


def test_a_small_sample_follows_the_law(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "DEPTHS", (1, 3))
    monkeypatch.setattr(networks, "QUICK", networks.Task(32, 600, 2**15))
    for cached in (networks.logarithms, networks.factors):
        cached.cache_clear()
    assert networks.distributions(LAW, QUICK).finding is Finding.SUPPORTS
    for label in ("at finite width fluctuations add up", "the value branch does not fluctuate"):
        assert networks.distributions(MUTANTS[label], QUICK).finding is Finding.REFUTES
    for cached in (networks.logarithms, networks.factors):
        cached.cache_clear()


@pytest.mark.slow
def test_the_claim_holds() -> None:
    found = statement.run(QUICK)
    assert found.verdict is Verdict.HOLDS
    assert all(control.caught for control in found.controls), found.controls
    assert found.grade == "numerical"
    assert {piece.part for piece in found.evidence} == {"scale", "plane", "residuals", "width"}
    assert set(NEEDED) <= set(MUTANTS)


@pytest.mark.slow
@pytest.mark.parametrize("label", MUTANTS)
def test_a_wrong_law_turns_the_verdict(label: str) -> None:
    assert statement.run(QUICK, MUTANTS[label]).verdict is Verdict.FAILS


@pytest.mark.slow
def test_the_width_for_another_seed() -> None:
    assert networks.distributions(LAW, Settings(seed=4)).finding is Finding.SUPPORTS


@pytest.mark.long
def test_narrow_networks_are_closed() -> None:
    """Of m = 4 ReLUs all are closed with probability 1/16 in a block: then q is 0 and has no logarithm."""
    assert LAW.closed(4, 1) == 1 / 16
    assert LAW.closed(4, 2) == pytest.approx(1 - (15 / 16) ** 2)
    assert networks.closing(LAW, QUICK).finding is Finding.SUPPORTS
    assert networks.closing(MUTANTS["no network is closed"], QUICK).finding is Finding.REFUTES
