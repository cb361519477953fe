"""Every statement about all data sets, on random and on symmetric ones; and what refutes it without its condition.

A theorem is tested with its conditions on `tests.strategies.datasets`. Beside it stands a named data set on which it is
false if a condition is left out: each of those sentences was once printed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from itertools import product as product_of

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from checks.catalog import claims
from derivations.catalog import load
from glutheory.activations import Activation, activation
from glutheory.dynamics import expected_loss, step_bound, worst_steps
from glutheory.networks import GATES, Network, network, product
from glutheory.numeric import gram
from glutheory.spectra import condition_number, spectrum
from tests.data_sets import cross_polytope, even_parity, polygon, simplex, to_sphere
from tests.strategies import datasets

E = 1e-14
Array = np.ndarray
#: Gates of the zoo and some even and odd activations, whose kernels are singular or tied on symmetric data.
PAIRS: dict[str, tuple[Network, Network]] = {
    **{gate: (network(alone), network(gate)) for gate, alone in GATES.items()},
    **{name: (network(name), product("identity", name)) for name in ("abs", "relu2", "erf", "cos", "gaussian")},
    "square": (network("monomial2"), product("identity", "monomial2")),
}
pairs = st.sampled_from(sorted(PAIRS))
widths = st.sampled_from([None, 1, 3, 30, 4096])
#: Of targets: short ones leave the end to the covariance, long ones do not.
SIZES = st.sampled_from([0.1, 3.0])


def kernels(name: str, X: Array, width: int | None) -> tuple[Array, Array, Array, float]:
    """K/m, K̃/m, S and d/m under LeCun's variances; width None is the limit."""
    plain, gated = PAIRS[name]
    if width is None:
        S = gram(plain, X, kind="nngp")
        return S, gram(gated, X, kind="nngp"), S, 0.0
    S, K = gram(plain, X, kind="both", parametrization="standard", width=width)
    return K / width, gram(gated, X, parametrization="standard", width=width) / width, S, X.shape[1] / width


def values(K: Array) -> Array:
    """Eigenvalues, the largest first."""
    return np.asarray(np.linalg.eigvalsh(K)[::-1])


def slack(*matrices: Array) -> float:
    """What rounding can do to an eigenvalue, or a partial sum of them: of entries, E of a trace; LAPACK, 16 n ε."""
    n = len(matrices[0])
    return sum(n * (4 * E + 16 * float(np.finfo(float).eps)) * float(np.trace(K)) for K in matrices)


def definite(K: Array) -> bool:
    """Whether K is positive definite beyond rounding, with room for a condition number."""
    found = spectrum(K, entry_error=E)
    return bool(found.smallest > 1e3 * found.error)


def last(K: Array, gated: Array, Y: Array) -> tuple[int, float, float] | None:
    """The sign of L − L̃ in the end, Σ = K, by the first of its rates whose weights differ; None if rounding hides it.

    Returns:
        The sign, what to take from all rates so that nothing underflows, and a time at which that rate outweighs all.
    """
    sides = [np.linalg.eigh(matrix) for matrix in (K, gated)]
    weights = [found + (vectors.T @ Y) ** 2 for found, vectors in sides]
    rates = np.concatenate([found for found, _ in sides])
    order = np.argsort(rates)
    rates, c = rates[order], np.concatenate([weights[0], -weights[1]])[order]
    total, most = np.sum(np.abs(c)), rates[-1]
    gaps = np.diff(rates)
    if ((gaps > 1e-9 * most) & (gaps < 1e-3 * most)).any():
        return None  # equal, or not?
    starts = np.flatnonzero(np.append(True, gaps > 1e-9 * most))
    rates, c = rates[starts], np.add.reduceat(c, starts)
    seen = np.flatnonzero(np.abs(c) > 1e-9 * total)
    if not seen.size or abs(c[seen[0]]) < 1e-6 * total:
        return None
    at = seen[0]
    t = math.log(4 * total / abs(c[at])) / (2 * (rates[at + 1] - rates[at])) if at + 1 < len(rates) else 1 / most
    if 1e-14 * total * math.exp(min(2 * (rates[at] - rates[0]) * t, 99)) > abs(c[at]) / 4:
        return None  # what rounding leaves in the slower modes is more
    return int(np.sign(c[at])), float(rates[0]) - 1e-9 * float(most), t


def generic(count: int, *, normalised: bool) -> Iterator[tuple[str, Array, int | None]]:
    """Small data sets without symmetry: most of those that `datasets` draws have singular kernels or ties."""
    for seed, (name, width) in zip(range(count), cycle(product_of(sorted(PAIRS), (None, 3, 4096))), strict=False):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((2 + seed % 4, 2 + seed % 3 * 3))
        yield name, to_sphere(X) if normalised else X * (1 + seed % 5 / 4), width


class TestSmallestEigenvalue:
    """λ_min(K̃) ≥ (min‖x‖²/d) [λ_min(K) + (d/m) λ_min(S)]."""

    @given(name=pairs, X=datasets(), width=widths)
    def test_with_the_norms(self, name: str, X: Array, width: int | None) -> None:
        K, gated, S, ratio = kernels(name, X, width)
        shortest = float(np.min(np.sum(X**2, axis=1))) / X.shape[1]
        bound = shortest * (values(K)[-1] + ratio * values(S)[-1])
        assert values(gated)[-1] >= bound - slack(gated) - shortest * slack(K + ratio * S)

    @given(name=pairs, X=datasets(normalised=True), width=widths, size=st.sampled_from([1.0, 1.5, 7.0]))
    def test_norms_of_root_d_and_more(self, name: str, X: Array, width: int | None, size: float) -> None:
        K, gated, _, _ = kernels(name, X * size, width)
        assert values(gated)[-1] >= values(K)[-1] - slack(K, gated)

    def test_equal_norms_are_not_enough(self) -> None:
        """One input with ‖x‖² = d/4."""
        K, gated, _, _ = kernels("reglu", np.array([[0.5, 0.5, 0.5, 0.5]]), None)
        assert float(gated[0, 0]) == pytest.approx(float(K[0, 0]) / 4)
        assert r"\|x_i\|^2 \ge d" in claims()["lambda-min"].corrected


class TestCondition:
    @staticmethod
    def certificate(name: str, X: Array, width: int | None) -> bool:
        """λ_1(K)/λ_1(K̃)·min‖x‖²/d > 1 and K ≻ 0: gating helps. Whether there was anything to judge."""
        K, gated, _, _ = kernels(name, X, width)
        shortest = float(np.min(np.sum(X**2, axis=1))) / X.shape[1]
        if not definite(K) or not values(gated)[0] > 0 or values(K)[0] / values(gated)[0] * shortest <= 1 + 1e-9:
            return False
        before, after = condition_number(K, entry_error=E), condition_number(gated, entry_error=E)
        assert after.low < before.high
        return True

    @given(name=pairs, X=datasets(rows=(2, 8)), width=widths)
    def test_the_certificate(self, name: str, X: Array, width: int | None) -> None:
        self.certificate(name, X, width)

    @pytest.mark.parametrize(("normalised", "least"), [(False, 3), (True, 20)])
    def test_the_certificate_where_it_judges(self, normalised: bool, least: int) -> None:
        assert sum(self.certificate(*drawn) for drawn in generic(60, normalised=normalised)) >= least

    def test_a_singular_kernel_has_no_certificate(self) -> None:
        """The cross-polytope and |z|: the certificate would be 1.64, and both kernels are singular."""
        K, gated, _, _ = kernels("abs", to_sphere(cross_polytope(2)), None)
        assert values(K)[0] / values(gated)[0] == pytest.approx(1 + 2 / math.pi)
        assert values(K)[-1] == pytest.approx(0, abs=1e-14)
        assert values(gated)[-1] == pytest.approx(0, abs=1e-14)
        assert r"K\succ0" in claims()["phase-diagram"].corrected

    @staticmethod
    def harm(name: str, X: Array, width: int | None) -> bool:
        """By 1 + d/m and the ratio of the squared norms at most. Whether there was anything to judge."""
        K, gated, _, ratio = kernels(name, X, width)
        squares = np.sum(X**2, axis=1)
        if not definite(K) or not squares.min() > 0:
            return False
        before, after = condition_number(K, entry_error=E), condition_number(gated, entry_error=E)
        assert after.low <= (1 + ratio) * squares.max() / squares.min() * before.high * (1 + 1e-12)
        return True

    @given(name=pairs, X=datasets(rows=(2, 8)), width=widths)
    def test_how_much_gating_can_hurt(self, name: str, X: Array, width: int | None) -> None:
        self.harm(name, X, width)

    @pytest.mark.parametrize("normalised", [False, True])
    def test_how_much_gating_can_hurt_where_it_is_judged(self, normalised: bool) -> None:
        assert sum(self.harm(*drawn) for drawn in generic(60, normalised=normalised)) >= 40

    @given(X=datasets(rows=(2, 8)), width=widths)
    def test_bounds_of_the_spectrum(self, X: Array, width: int | None) -> None:
        """Those of `spectral_orders` for ReLU and ReGLU."""
        K, gated, _, ratio = kernels("reglu", X, width)
        n, d = X.shape
        g = np.sum(X**2, axis=1) / d
        linear, squared = values(X @ X.T / d), values(X @ X.T / d * np.sqrt(np.outer(g, g)))
        own, found, off, away = values(K), values(gated), slack(K), slack(gated)
        gamma, more = 1 / 4 - 1 / (2 * math.pi) + ratio / 4, 1 / 2 - 1 / (2 * math.pi) + ratio * (1 - 1 / (2 * math.pi))
        rest = 1 / 2 - 1 / (2 * math.pi) + ratio / 2
        assert g.sum() / (2 * math.pi) - off <= own[0] <= g.sum() / (2 * math.pi) + rest * linear[0] + off
        assert (own >= (1 + ratio) / 4 * linear - off).all()
        assert (found >= (1 + ratio) / (2 * math.pi) * squared - away).all()
        assert (1 + 2 * ratio) / 4 * g.sum() ** 2 / (n * d) - away <= found[0] <= (1 / 2 + ratio) * squared[0] + away
        if n > 1:
            assert own[1] <= rest * linear[0] + off
        if n > d + 1:
            assert own[-1] <= gamma * g.sum() / (n - d - 1) + off
        if n > d:
            assert found[-1] <= more * np.sum(g**2) / (n - d) + away
        if width is None and definite(K) and g.min() > 0:
            assert condition_number(K, entry_error=E).high >= 2 * (n - d - 1) / (math.pi - 2)
            assert condition_number(gated, entry_error=E).high >= (n - d) / ((math.pi - 1) * d)

    def test_those_of_condition_numbers_need_wide_networks(self) -> None:
        """One neuron, whose kernel is better conditioned than a wide network's can be: most of it is G ⊙ T."""
        X = to_sphere(np.random.default_rng(0).standard_normal((80, 40)))
        n, d = X.shape
        wide, narrow = (condition_number(kernels("reglu", X, width)[0]).value for width in (None, 1))
        bound = 2 * (n - d - 1) / (math.pi - 2)
        assert wide >= bound
        assert narrow < bound
        assert r"m\to\infty" in claims()["condition"].corrected

    def test_the_gated_spectrum_of_parallel_inputs_is_of_order_mn(self) -> None:
        """So λ_1(K̃) of order mn/d is a statement about Gaussian data."""
        X = np.tile(to_sphere(np.ones((1, 50))), (20, 1))
        assert values(kernels("reglu", X, None)[1])[0] == pytest.approx(20 / 2)
        assert "parallel inputs" in load("spectral_orders").summary


class TestCompact:
    @given(name=pairs, X=datasets(normalised=True))
    def test_majorisation_and_when_it_is_strict(self, name: str, X: Array) -> None:
        K, gated, _, _ = kernels(name, X, None)
        C = X @ X.T / X.shape[1]
        own, found, off = values(K), values(gated), slack(K, gated)
        assert (np.cumsum(found) <= np.cumsum(own) + off).all()
        assert np.sum(found) == pytest.approx(np.sum(own))
        lost = np.sum(K**2 * (1 - np.clip(C, -1, 1) ** 2))
        assert np.sum(own**2) - np.sum(found**2) == pytest.approx(lost, rel=1e-9, abs=1e-12 * np.sum(own**2))

    def test_equality_on_antipodes(self) -> None:
        """K of |z| on ±x: gating changes signs and leaves the spectrum, so "always more evenly" was false."""
        K, gated, _, _ = kernels("abs", np.array([[1.0], [-1.0]]), None)
        assert values(K) == pytest.approx(values(gated), abs=1e-15)
        assert "never spreads" in claims()["compact"].meaning


class TestLosses:
    @given(
        name=pairs, X=datasets(normalised=True, rows=(2, 8)), seed=st.integers(0, 99), size=st.sampled_from([0.1, 3])
    )
    def test_the_first_half(self, name: str, X: Array, seed: int, size: float) -> None:
        """Yᵀ(K − K̃)Y ≥ 0 makes the slope of L − L̃ at most 0; the difference is the one of the proof."""
        K, gated, _, _ = kernels(name, X, None)
        Y = size * np.random.default_rng(seed).standard_normal(len(X))
        M, other = K + np.outer(Y, Y), gated + np.outer(Y, Y)
        difference, form = np.sum(K * M) - np.sum(gated * other), Y @ (K - gated) @ Y
        C = X @ X.T / X.shape[1]
        claimed = np.sum((1 - C**2) * K**2) + form
        assert difference == pytest.approx(claimed, rel=1e-9, abs=1e-11 * np.sum(K * M))
        assert form < 0 or difference >= -1e-11 * np.sum(K * M)

    @given(name=pairs, X=datasets(normalised=True, rows=(2, 8)))
    def test_the_order_of_the_least_eigenvalues(self, name: str, X: Array) -> None:
        """λ_min(K) ≤ λ_min(K̃), strictly for a simple λ_min(K) and no parallel inputs, n ≥ 2."""
        K, gated, _, _ = kernels(name, X, None)
        own, off = values(K), slack(K, gated)
        assert values(gated)[-1] >= own[-1] - off
        assert not self.clear(K, X) or values(gated)[-1] > own[-1] + 1e-9 * own[0]

    @staticmethod
    def clear(K: Array, X: Array) -> bool:
        """Whether λ_min(K) is simple and no two inputs are parallel, by so much that 1e-9 λ_max is below the rise.

        The rise is at least the gap times 1 − wᵀCw, Σ|w_i| ≤ 1, which the cosines and the gap keep above 1e-5.
        """
        own = values(K)
        C = np.abs(X @ X.T / X.shape[1])[~np.eye(len(X), dtype=bool)]
        return bool(own[-2] - own[-1] > 1e-2 * own[0] and C.max() < 0.99)

    def test_that_it_is_strict_on_inputs_without_symmetry(self) -> None:
        strict = 0
        for name, X, _ in generic(120, normalised=True):
            K, gated, _, _ = kernels(name, X, None)
            if self.clear(K, X):
                strict += 1
                assert values(gated)[-1] > values(K)[-1] + 1e-9 * values(K)[0]
        assert strict >= 60

    @pytest.mark.parametrize(
        ("X", "name"), [(polygon(2), "glu"), (cross_polytope(1), "erf"), (np.ones((1, 3)), "reglu")], ids=str
    )
    def test_a_simple_least_eigenvalue_is_not_enough(self, X: Array, name: str) -> None:
        """Two opposite inputs, and one alone: simple, and the same in both kernels."""
        K, gated, _, _ = kernels(name, to_sphere(X), None)
        assert len(X) == 1 or values(K)[0] - values(K)[-1] > 0.1 * values(K)[0]
        assert values(gated)[-1] == pytest.approx(values(K)[-1], rel=1e-12, abs=1e-14)
        assert "n ≥ 2" in claims()["crossing-late"].meaning
        assert "no two inputs are parallel" in claims()["crossing-late"].meaning

    def test_the_first_half_needs_two_inputs_that_gating_tells_apart(self) -> None:
        """One input alone: K̃ = K, and the losses agree for ever."""
        K, gated, _, _ = kernels("reglu", to_sphere(np.ones((1, 3))), None)
        assert gated == pytest.approx(K, rel=1e-14)
        assert "as soon as two inputs are not parallel" in claims()["crossing-early"].meaning

    @staticmethod
    def end(name: str, X: Array, seed: int, size: float, *, realisable: bool = False) -> str:
        """Who is lower in the end, and what that was judged for; nothing where rounding hides it.

        `realisable`: targets in the range of K, at right angles to the modes of a singular one.
        """
        K, gated, _, _ = kernels(name, X, None)
        Y = np.random.default_rng(seed).standard_normal(len(X))
        Y = K @ Y if realisable else Y
        Y *= size * math.sqrt(len(X)) / np.linalg.norm(Y)
        found = last(K, gated, Y)
        if found is None:
            return ""
        sign, shift, t = found
        losses = [expected_loss(matrix - shift * np.eye(len(X)), matrix, Y).flow(t) for matrix in (K, gated)]
        assert np.sign(losses[0] - losses[1]) == sign
        own, others = values(K), values(gated)
        if own[-1] < 1e-9 * own[0]:
            both = "both singular" if others[-1] < 1e-9 * own[0] else "singular"
            return f"{both}, gated {'lower' if sign > 0 else 'higher'}"
        # positive definite: the order of the least eigenvalues decides, which at a tie is none
        apart = others[-1] - own[-1] > 1e-3 * own[0]
        assert sign > 0 or not apart
        return "apart" if apart else "tied"

    @given(
        name=pairs,
        X=datasets(normalised=True, rows=(2, 8)),
        seed=st.integers(0, 99),
        size=SIZES,
        realisable=st.booleans(),
    )
    def test_the_end(self, name: str, X: Array, seed: int, size: float, realisable: bool) -> None:
        self.end(name, X, seed, size, realisable=realisable)

    @pytest.mark.parametrize("realisable", [False, True])
    def test_the_end_where_it_is_judged(self, realisable: bool) -> None:
        """Also on singular kernels, where targets in their range can leave the gated loss higher."""
        found = Counter(
            self.end(name, X, seed, 3.0, realisable=realisable)
            for seed, (name, X, _) in enumerate(generic(240, normalised=True))
        )
        assert found["apart"] >= 80
        assert found["singular, gated higher" if realisable else "singular, gated lower"] >= 3
        assert realisable or not found["singular, gated higher"]

    @pytest.mark.parametrize(
        ("X", "name", "Y"),
        [
            (polygon(6)[:3], "bilinear", [1, 2, 1]),
            *((simplex(d), "bilinear", [1, -1, *[0] * (d - 1)]) for d in (2, 3, 5)),
            (polygon(8)[:4], "square", [1, 1, 1, 1]),
        ],
        ids=["0, 60, 120 degrees", "triangle", "tetrahedron", "simplex of 6", "0, 45, 90, 135 degrees"],
    )
    def test_a_singular_covariance_can_leave_the_gated_loss_higher(self, X: Array, name: str, Y: list[int]) -> None:
        """All conditions but Σ ≻ 0: none parallel, a simple λ_min(K) < λ_min(K̃), Yᵀ(K − K̃)Y ≥ 0."""
        X, y = to_sphere(X), np.array(Y, dtype=float)
        K, gated, _, _ = kernels(name, X, None)
        own, others = values(K), values(gated)
        assert np.abs(X @ X.T / X.shape[1])[~np.eye(len(X), dtype=bool)].max() < 0.9
        assert abs(own[-1]) < 1e-14 * own[0]
        assert min(own[-2], others[-1]) > 0.1 * own[0]
        assert y @ (K - gated) @ y > 0
        times = np.geomspace(1e-3, 10, 50)
        plain, other = (expected_loss(matrix, matrix, y).flow(times) for matrix in (K, gated))
        assert (plain < other).all()

    def test_that_the_covariance_is_positive_definite_is_said(self) -> None:
        """Wherever the end is told from the least eigenvalues."""
        claim, proof = claims()["crossing-late"], load("crossing")
        last_step = next(step for step in proof.steps if step.name == "at last")
        assert r"\Sigma \succ 0,\ \lambda_1 < \tilde\lambda_1" in last_step.statement
        assert r"\tilde\Sigma \succ 0,\ \lambda_1 > \tilde\lambda_1" in last_step.statement
        assert r"$\Sigma$ is positive definite and $\lambda_1 < \tilde\lambda_1$" in proof.summary
        assert claim.corrected.startswith(r"\Sigma, \tilde\Sigma \succ 0,")
        assert "parallel, the activation is no polynomial and the least eigenvalue" in claim.meaning
        assert all("K is not singular" in part.instead for part in claim.parts)

    @pytest.mark.parametrize(
        ("X", "name"), [(polygon(3), "reglu"), (even_parity(5), "abs"), (simplex(2), "reglu")], ids=str
    )
    def test_the_hypothesis_alone_does_not_decide_the_end(self, X: Array, name: str) -> None:
        K, gated, _, _ = kernels(name, to_sphere(X), None)
        Y = np.full(len(X), 3.0)
        assert Y @ (K - gated) @ Y > 4
        assert values(K)[-1] == pytest.approx(values(gated)[-1], rel=1e-12)
        times = np.geomspace(1e-3, 20 / values(K)[-1], 50)
        plain, other = (expected_loss(matrix, matrix, Y).flow(times) for matrix in (K, gated))
        assert (plain < other).all()
        assert r"\text{at a tie" in claims()["crossing-late"].corrected

    @given(name=pairs, X=datasets(), width=widths, seed=st.integers(0, 99), k=st.integers(0, 40))
    def test_the_expected_loss_against_powers(self, name: str, X: Array, width: int | None, seed: int, k: int) -> None:
        K, _, S, _ = kernels(name, X, width)
        if not 1e-200 < np.trace(K) < 1e200:
            return
        Y = np.random.default_rng(seed).standard_normal(len(X))
        rate = 1 / np.trace(K)
        power = np.linalg.matrix_power(np.eye(len(X)) - rate * K, 2 * k)
        wanted = np.sum(power * S) + Y @ power @ Y
        # 2k products of matrices of norm 1, and entries that err by E of a trace
        allowed = (2 * k + 4) * len(X) * 1e-14 * (np.trace(S) + Y @ Y)
        assert float(expected_loss(K, S, Y).descent(k, rate)) == pytest.approx(wanted, abs=allowed)


class TestSteps:
    """To the error ε: (κ−1) ln(1/ε) ≤ k ≤ ⌈κ ln(1/ε)⌉ for the worst target at 1/λ_1, half of both at the best rate."""

    @given(condition=st.floats(1.001, 1e6), error=st.floats(1e-6, 0.9), optimal=st.booleans())
    def test_the_worst_target(self, condition: float, error: float, optimal: bool) -> None:
        share = (0.5 if optimal else 1.0) * math.log(1 / error)
        most, worst = (count(condition, error, optimal=optimal) for count in (step_bound, worst_steps))
        # the logarithm of 1 − 1/κ and two roundings: 1e-12 of the steps
        assert (condition - 1) * share * (1 - 1e-12) <= worst <= most <= condition * share + 1

    @pytest.mark.parametrize(
        ("condition", "error", "most", "worst"),
        [(2.0, 1e-3, 14, 10), (1.1, math.exp(-1), 2, 1), (1000.0, 1e-4, 9211, 9206)],
    )
    def test_the_bottom_eigenvector_does_not_take_as_many_as_the_bound(
        self, condition: float, error: float, most: int, worst: int
    ) -> None:
        """By iteration; κ = 2 and ε = 1/1000 in whole numbers: 2⁹ < 1000 ≤ 2¹⁰."""
        k, size = 0, 1.0
        while size > error:
            k, size = k + 1, size * (1 - 1 / condition)
        assert k == worst == worst_steps(condition, error)
        assert step_bound(condition, error) == most == math.ceil(condition * math.log(1 / error))
        assert 2**9 < 1000 <= 2**10
        claim, proof = claims()["steps"], load("steps_to_error")
        told = " ".join([claim.corrected, claim.meaning, *(part.instead for part in claim.parts), proof.summary])
        assert "attain" not in told
        assert "sharp" not in told
        if condition != 1.1:
            assert f"{worst} of {most}" in claim.meaning


class TestEntries:
    @given(name=pairs, X=datasets(), width=st.sampled_from([1, 3, 30, 4096]))
    def test_angles_and_the_dropped_term(self, name: str, X: Array, width: int) -> None:
        """Cos φ̃ of width m is cos φ of width m + d times cos α; Eq. 5 is off by d/m at most where gT/S ≥ 0."""
        d = X.shape[1]
        K, gated, S, ratio = kernels(name, X, width)
        wider = kernels(name, X, width + d)[0] * (width + d) / width
        scale = np.sqrt(np.outer(np.diag(gated), np.diag(gated)))
        assert (np.abs(gated - X @ X.T / d * wider) <= 1e-12 * scale + 1e-300).all()
        nonnegative = (K - S >= 0) & (S > 0)  # (d/m) c T is K/m − S
        assert (ratio * S <= ratio * K * (1 + 1e-12) + 1e-300)[nonnegative].all()

    @given(X=datasets(normalised=True))
    def test_the_degree_shift(self, X: Array) -> None:
        """z³: K = 18ρ + 24ρ³ and K̃ = 27ρ² + 30ρ⁴."""
        rho = X @ X.T / X.shape[1]
        plain, gated = gram("monomial3", X), gram(product("identity", "monomial3"), X)
        assert np.abs(plain - 18 * rho - 24 * rho**3).max() <= 1e-12
        assert np.abs(gated - 27 * rho**2 - 30 * rho**4).max() <= 1e-12

    @given(X=datasets(rows=(2, 8)))
    def test_the_error_of_the_gated_approximation(self, X: Array) -> None:
        """‖E ⊙ XXᵀ/d‖ ≤ max‖x‖²/d ‖E‖."""
        K, gated, _, _ = kernels("reglu", X, None)
        d = X.shape[1]
        norms = np.linalg.norm(X, axis=1)
        linear = X @ X.T / (4 * d) + (1 + 1 / (2 * d)) / (2 * math.pi * d) * np.outer(norms, norms)
        linear += (1 / 4 - 1 / (2 * math.pi)) * np.diag(norms**2 / d)
        first, second = (float(np.linalg.norm(error, 2)) for error in (K - linear, gated - linear * (X @ X.T) / d))
        longest = float(np.max(norms)) ** 2 / d
        assert second <= longest * first + slack(gated) + longest * slack(K)


class TestDecorrelation:
    """K̃(ρ)/K̃(1) ≤ K(ρ)/K(1) on [0, 1] for polynomials up to degree n_r, r = d/m."""

    @staticmethod
    def excess(coefficients: Array, ratio: float, rho: Array) -> Array:
        """The normalised gated kernel less the other one, of κ = Σ c_k ρ^k."""
        k = np.arange(len(coefficients))
        powers = np.power.outer(np.append(rho, 1.0), k)
        plain, gated = powers @ ((1 + ratio * k) * coefficients), powers @ ((1 + ratio + ratio * k) * coefficients)
        gated = gated * np.append(rho, 1.0)
        return np.asarray(gated[:-1] / gated[-1] - plain[:-1] / plain[-1])

    @given(
        ratio=st.floats(0.01, 20),
        weights=st.lists(st.floats(0, 1), min_size=1, max_size=60),
        X=datasets(normalised=True, rows=(2, 8)),
    )
    def test_up_to_the_degree(self, ratio: float, weights: list[float], X: Array) -> None:
        largest = math.floor(1 + (2 + math.sqrt(8 * (1 + ratio))) / ratio)
        coefficients = np.array(weights[: largest + 1]) ** 4
        cosines = np.append(np.clip(X @ X.T / X.shape[1], 0, 1).ravel(), np.linspace(0, 1, 101))
        if coefficients.sum() > 1e-3:
            assert (self.excess(coefficients, ratio, cosines) <= 1e-12).all()

    def test_degree_7_needs_d_at_most_m(self) -> None:
        """1 + ε He_7 with w = 7! ε² = 1/10 and d = 2m, at inputs of cosine 0.95."""
        coefficients = np.zeros(8)
        coefficients[[0, 7]] = 1, 0.1
        rho = np.array([0.95])
        assert self.excess(coefficients, 2.0, rho) > 1e-3
        assert self.excess(coefficients, 1.0, rho) < 0
        assert "narrower" in load("decorrelation").summary
        assert r"\text{ so less than 7 for } d>m" in claims()["decorrelation"].corrected


class TestCentring:
    """Centring on every data set: with a mean for each row, K_c = K − mmᵀ; gated, K̃_c = K̃ − (1 + [full]) G ∘ mmᵀ."""

    @staticmethod
    def means(name: str, X: Array) -> Array:
        """The matrix mmᵀ: S at c = 0, where the two arguments are independent."""
        sizes, zeros = np.sqrt(2 * np.sum(X**2, axis=1) / X.shape[1]), np.zeros(len(X))
        plain = PAIRS[name][0]
        rows, others = np.stack([sizes, zeros], axis=1), np.stack([zeros, sizes], axis=1)
        return np.asarray(gram(plain, rows, others, kind="nngp"))

    #: |z| and ReLU with their means subtracted: √(2/π) and half of it.
    CENTRED = {  # noqa: RUF012
        name: Activation(f"{name} less its mean", activation(name).expr - share * sp.sqrt(2 / sp.pi))
        for name, share in (("abs", 1), ("relu", sp.Rational(1, 2)))
    }

    @pytest.mark.long
    @given(name=st.sampled_from(["relu", "abs"]), X=datasets(normalised=True))
    def test_the_kernels_are_those_of_the_centred_activation(self, name: str, X: Array) -> None:
        centred, G = self.CENTRED[name], X @ X.T / X.shape[1]
        mean = math.sqrt(2 / math.pi) / (1 if name == "abs" else 2)
        for kind, twice in (("nngp", 1), ("ntk", 2)):
            K, gated = gram(network(name), X, kind=kind), gram(product("identity", name), X, kind=kind)
            found, other = (
                gram(Network("c", (centred,)), X, kind=kind),
                gram(product("identity", centred), X, kind=kind),
            )
            # entries of all four are within E of diagonals that are at most 3, and lose less than 2
            assert np.abs(found - (K - mean**2)).max() <= 20 * E
            assert np.abs(other - (gated - twice * G * mean**2)).max() <= 20 * E

    @given(name=pairs, X=datasets(rows=(2, 8)), width=widths)
    def test_it_gains_at_most_the_first_gap(self, name: str, X: Array, width: int | None) -> None:
        K, lost = kernels(name, X, width)[0], self.means(name, X)
        own, found, off = values(K), values(K - lost), slack(K, lost)
        assert found[0] >= own[1] - off
        assert -off <= found[-1] <= own[-1] + off
        if found[-1] > 1e3 * off:
            gain = (own[0] / own[-1]) / (found[0] / found[-1])
            assert gain <= own[0] / own[1] * (1 + 4 * off / found[-1])

    @given(name=pairs, X=datasets(normalised=True))
    def test_among_centred_kernels_gating_never_hurts(self, name: str, X: Array) -> None:
        K, gated, _, _ = kernels(name, X, None)
        lost = self.means(name, X)
        one, other = values(K - lost), values(gated - X @ X.T / X.shape[1] * lost)
        off = slack(K, gated, lost)
        assert other[0] <= one[0] + off
        assert other[-1] >= one[-1] - off
        if one[-1] > 1e3 * off:
            assert other[0] / other[-1] <= one[0] / one[-1] * (1 + 4 * off / one[-1])

    def test_both_are_judged_on_inputs_without_symmetry(self) -> None:
        judged = 0
        for name, X, _ in generic(120, normalised=True):
            K, gated, _, _ = kernels(name, X, None)
            lost = self.means(name, X)
            own, one, other = values(K), values(K - lost), values(gated - X @ X.T / X.shape[1] * lost)
            if one[-1] > 1e3 * slack(K, gated, lost):
                judged += 1
                assert other[0] / other[-1] <= one[0] / one[-1] * (1 + 1e-2)
                assert (own[0] / own[-1]) / (one[0] / one[-1]) <= own[0] / own[1] * (1 + 1e-2)
        assert judged >= 60

    def test_among_centred_kernels_norms_matter(self) -> None:
        """Orthogonal rows with norms 1 and 2: K_c and K̃_c are diagonal, with entries like q and q²."""
        X = np.diag([1.0, 2.0])
        K, gated, _, _ = kernels("reglu", X, None)
        lost = self.means("reglu", X)
        one, other = values(K - lost), values(gated - X @ X.T / 2 * lost)
        assert one[0] / one[1] == pytest.approx(4, rel=1e-12)
        assert other[0] / other[1] == pytest.approx(16, rel=1e-12)

    def test_centring_alone_can_hurt(self) -> None:
        """Two opposite inputs: the gain is below 1, and no bound from below is claimed."""
        X = to_sphere(polygon(2))
        K, _, _, _ = kernels("reglu", X, None)
        found = values(K - self.means("reglu", X))
        assert values(K) == pytest.approx(np.full(2, 1 / 2), abs=1e-14)
        assert found[0] / found[1] == pytest.approx(math.pi / (math.pi - 2), rel=1e-12)
