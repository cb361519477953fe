"""Loss curves and their asymptotics, against matrix powers and exponentials; and bad input of all dynamics."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glutheory.dynamics import LossCurve, crossings, decompose, early, expected_loss, late
from glutheory.errors import DomainError


def random_kernel(seed: int, n: int = 6) -> np.ndarray:
    factor = np.random.default_rng(seed).standard_normal((n, n + 2))
    return factor @ factor.T / n


def by_powers(K: np.ndarray, sigma: np.ndarray, Y: np.ndarray, k: int, rate: float) -> float:
    """Tr[(I − ηK)^{2k} Σ] + Yᵀ(I − ηK)^{2k} Y, as it is written."""
    power = np.linalg.matrix_power(np.eye(len(K)) - rate * K, 2 * k)
    return float(np.trace(power @ sigma) + Y @ power @ Y)


class TestLossCurve:
    @pytest.mark.parametrize("fraction", [0.01, 0.4, 0.9, 0.999, 1.1])
    def test_against_matrix_powers(self, fraction: float) -> None:
        K, sigma, Y = random_kernel(1), random_kernel(2), np.arange(6.0)
        curve = expected_loss(K, sigma, Y)
        rate = fraction * curve.largest_stable_rate
        assert curve.stable(rate) == (fraction < 1)
        steps = np.array([[0, 1, 2], [3, 7, 30]])
        wanted = np.array([[by_powers(K, sigma, Y, k, rate) for k in row] for row in steps.tolist()])
        assert curve.descent(steps, rate) == pytest.approx(wanted, rel=1e-9)
        assert curve.initial == pytest.approx(np.trace(sigma) + Y @ Y)

    def test_flow_against_the_exponential(self) -> None:
        from scipy.linalg import expm

        K, Y = random_kernel(3), np.ones(6)
        curve = expected_loss(K, None, Y)
        times = np.array([0.0, 0.3, 2.0])
        assert curve.flow(times) == pytest.approx([Y @ expm(-2 * t * K) @ Y for t in times], rel=1e-10)

    def test_several_outputs_are_a_sum(self) -> None:
        K, sigma, Y = random_kernel(4), random_kernel(5), np.random.default_rng(0).standard_normal((6, 3))
        together = expected_loss(decompose(K), sigma, Y).descent([0, 4], 0.05)
        alone = sum(expected_loss(K, sigma, column).descent([0, 4], 0.05) for column in Y.T)
        assert together == pytest.approx(alone)

    def test_small_rates_do_not_cancel(self) -> None:
        """(1 − 1e-18)^{2e18} is e^{-2}, and 1 − 1e-18 is 1 in float64."""
        assert LossCurve(np.array([1.0]), np.array([1.0])).descent(1e18, 1e-18) == pytest.approx(math.exp(-2))

    def test_a_mode_learnt_in_one_step(self) -> None:
        curve = LossCurve(np.array([2.0, 1.0]), np.array([3.0, 1.0]))
        assert curve.descent([0, 1, 2], 0.5) == pytest.approx([4, 0.25, 0.0625])

    def test_the_edge_of_stability_and_beyond(self) -> None:
        curve = LossCurve(np.array([2.0]), np.array([1.0]))
        assert curve.descent([0, 10], 1.0) == pytest.approx([1, 1])
        assert curve.descent([1, 1e6], 1.5) == pytest.approx([4, np.inf])
        assert not curve.stable(1.0)

    def test_zero_modes_are_a_floor(self) -> None:
        K = np.ones((3, 3))  # rank one
        curve = expected_loss(K, None, np.array([1.0, 2.0, 6.0]))
        assert curve.floor == pytest.approx(14)
        assert curve.flow(50.0) == pytest.approx(14)
        assert curve.optimal_rate == pytest.approx(1 / 3)
        assert expected_loss(np.zeros((2, 2)), None, [1.0, 1.0]).largest_stable_rate == np.inf
        assert LossCurve(np.zeros(2), np.ones(2)).optimal_rate == np.inf

    def test_many_steps_are_computed_in_blocks(self) -> None:
        curve = LossCurve(np.linspace(0.1, 1, 700), np.ones(700))
        steps = np.arange(4000)
        assert curve.descent(steps, 0.5)[[0, 3999]] == pytest.approx(
            [float(curve.descent(k, 0.5)) for k in (0, 3999)], rel=1e-12
        )

    @given(st.integers(0, 10**6), st.floats(0.01, 0.99), st.integers(0, 2000))
    def test_the_uncertainty_bounds_what_a_perturbation_does(self, seed: int, fraction: float, k: int) -> None:
        K, sigma = random_kernel(seed), random_kernel(seed + 1)
        size = 1e-6 * float(np.trace(K))
        noise = np.random.default_rng(seed).uniform(-1, 1, K.shape)
        noise = size / len(K) * (noise + noise.T) / 2
        curve = expected_loss(K, sigma)
        loose = LossCurve(curve.eigenvalues, curve.weights, curve.error + size)
        other = expected_loss(K + noise, sigma)
        rate = fraction * curve.largest_stable_rate
        assert abs(curve.descent(k, rate) - other.descent(k, rate)) <= loose.uncertainty(k, rate)
        t = k * rate
        assert abs(curve.flow(t) - other.flow(t)) <= loose.uncertainty(t, None)

    @given(st.integers(0, 10**6), st.integers(0, 60), st.sampled_from([None, 0.3, 0.99]))
    def test_the_uncertainty_bounds_what_errors_of_the_covariance_do(
        self, seed: int, k: int, fraction: float | None
    ) -> None:
        K, sigma = random_kernel(seed), random_kernel(seed + 1)
        size, scale = 1e-6, np.sqrt(np.outer(np.diag(sigma), np.diag(sigma)))
        signs = np.sign(np.random.default_rng(seed).standard_normal(K.shape))
        curve = expected_loss(decompose(K), sigma, np.ones(6), entry_error=size)
        other = expected_loss(K, sigma + size * scale * np.triu(signs) + size * scale * np.triu(signs, 1).T, np.ones(6))
        rate = None if fraction is None else fraction * curve.largest_stable_rate
        both = [float(one.flow(k) if rate is None else one.descent(k, rate)) for one in (curve, other)]
        assert abs(both[0] - both[1]) <= curve.uncertainty(k, rate)
        assert curve.weight_error < 10 * size * curve.initial

    @pytest.mark.parametrize("n", [3, 40, 150])
    @pytest.mark.parametrize("outputs", [1, 3, 2000])
    def test_the_error_of_the_weights_covers_the_trace(self, n: int, outputs: int) -> None:
        """Σ w_i is Tr Σ + ‖Y‖², in fractions."""
        sigma, Y = random_kernel(n, n), np.random.default_rng(n).standard_normal((n, outputs))
        curve = expected_loss(random_kernel(n + 1, n), sigma, Y)
        squares = [Fraction(y) * Fraction(y) for y in Y.ravel().tolist()]
        wanted = outputs * sum(map(Fraction, np.diag(sigma).tolist())) + sum(squares)
        off = Fraction(sum(map(Fraction, curve.weights.tolist())) - wanted)
        assert abs(off) <= curve.weight_error
        assert curve.weight_error < 1e-10 * curve.initial

    def test_many_small_outputs_beside_a_large_one(self) -> None:
        """Their sum loses each of them, in turn."""
        Y = np.array([[1.0, *[1e-8] * 2000]])
        curve = expected_loss(np.eye(1), None, Y)
        wanted = 1 + 2000 * Fraction(1e-8) ** 2
        assert abs(Fraction(float(curve.weights[0])) - wanted) <= curve.weight_error

    def test_without_any_weight_the_kernels_error_still_moves_what_may_be_there(self) -> None:
        """W = 0.1 at λ = 0.9 is among what ([1], [0]) with these errors can stand for."""
        curve = LossCurve(np.ones(1), np.zeros(1), 0.1, 0.1)
        assert curve.uncertainty(1.0, None) >= 0.1 * math.exp(-1.8)

    def test_decomposition_error_covers_the_eigenvalues(self) -> None:
        """Against 40 digits, for a badly conditioned matrix."""
        rows = [[Fraction(1, i + j + 1) for j in range(8)] for i in range(8)]
        modes = decompose([[float(value) for value in row] for row in rows], entry_error=2.0**-53)
        with mpmath.workdps(40):
            exact = mpmath.eigsy(mpmath.matrix([[mpmath.mpf(v.numerator) / v.denominator for v in r] for r in rows]))[0]
            assert max(abs(a - b) for a, b in zip(modes.values.tolist(), exact, strict=True)) <= modes.error < 1e-12


class TestAsymptotics:
    @pytest.mark.parametrize("rate", [None, 0.05])
    def test_early(self, rate: float | None) -> None:
        curve = expected_loss(random_kernel(1), random_kernel(2), np.ones(6))
        found, h = early(curve, rate), 1e-3
        at = [float(curve.flow(t) if rate is None else curve.descent(t, rate)) for t in (0, h, 2 * h)]
        assert found.value == pytest.approx(at[0])
        assert found.slope == pytest.approx((4 * at[1] - at[2] - 3 * at[0]) / (2 * h), rel=1e-4)
        assert found.curvature == pytest.approx((at[0] - 2 * at[1] + at[2]) / h**2, rel=1e-1)

    def test_early_of_the_flow_in_matrices(self) -> None:
        K, sigma, Y = random_kernel(1), random_kernel(2), np.ones(6)
        moment = sigma + np.outer(Y, Y)
        found = early(expected_loss(K, sigma, Y), None)
        assert found.slope == pytest.approx(-2 * np.trace(K @ moment))
        assert found.curvature == pytest.approx(4 * np.trace(K @ K @ moment))

    def test_late(self) -> None:
        curve = LossCurve(np.array([3.0, 1.0, 1.0, 0.5]), np.array([5.0, 1.0, 2.0, 0.0]))
        found = late(curve, None)
        assert (found.decay, found.weight, found.eigenvalue) == (2.0, 3.0, 1.0)
        assert found.half_life == pytest.approx(math.log(2) / 2)
        assert 5 * math.exp(-6 * found.dominates_from) == pytest.approx(3 * math.exp(-2 * found.dominates_from))
        t = found.dominates_from + 20
        assert curve.flow(t) == pytest.approx(3 * math.exp(-2 * t))

    def test_at_a_large_rate_the_largest_eigenvalue_is_slowest(self) -> None:
        found = late(LossCurve(np.array([1.0, 0.2]), np.array([1.0, 1.0])), 1.95)
        assert found.eigenvalue == 1.0
        assert found.factor == pytest.approx(0.95**2)
        assert late(LossCurve(np.array([1.0, 0.2]), np.array([1.0, 9.0])), 1.95).dominates_from > 0

    @pytest.mark.parametrize(
        ("modes", "wanted"),
        [
            # e^{−gap·t} = weight/other
            ([(1.0, 5e-324), (2.0, 1.0)], 1074 * math.log(2) / 2),
            ([(1.0, 1e-300), (2.0, 1e300)], 600 * math.log(10) / 2),
            ([(0.0, 1e-3), (5e-324, 1.0)], math.inf),
            ([(0.0, 1e-3), (1e-305, 1.0)], math.log(1000) / 2e-305),
            ([(0.0, 1.0), (1.0, 1.0), (1e-12, 1.0)], None),
            ([(0.0, 1.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)], math.log(3) / 2),
            ([(0.0, 1.0), (1.0, 1e10), (1e-9, 0.5), (1e3, 1e200)], None),
        ],
    )
    def test_when_the_slowest_mode_has_half_of_the_loss(
        self, modes: list[tuple[float, float]], wanted: float | None
    ) -> None:
        curve = LossCurve(np.array([value for value, _ in modes]), np.array([weight for _, weight in modes]))
        found = late(curve, None).dominates_from
        if wanted is not None:
            assert found == pytest.approx(wanted, rel=1e-11)
            return
        with mpmath.workdps(60):
            for t, sign in ((found * (1 - 1e-9), 1), (found * (1 + 1e-9), -1)):
                others = mpmath.fsum(w * mpmath.exp(-2 * value * mpmath.mpf(t)) for value, w in modes[1:])
                assert mpmath.sign(others - modes[0][1]) == sign

    def test_a_loss_that_grows_beyond_all_doubles_in_a_step(self) -> None:
        found = late(LossCurve(np.array([1e200]), np.array([1.0])), 1e200)
        assert found.factor == math.inf
        assert found.decay == pytest.approx(-800 * math.log(10))

    def test_a_curve_that_is_zero_or_constant(self) -> None:
        assert late(LossCurve(np.array([1.0]), np.array([0.0])), None).weight == 0
        flat = late(LossCurve(np.array([0.0, 1.0]), np.array([1.0, 0.5])), None)
        assert (flat.half_life, flat.dominates_from) == (math.inf, 0)


def pair_of_curves(**options: object) -> object:
    curve = LossCurve(np.ones(1), np.ones(1))
    return crossings(curve, curve, **options)  # type: ignore[arg-type]


class TestBadInput:
    @pytest.mark.parametrize(
        ("call", "words"),
        [
            (lambda: LossCurve(np.array([1.0]), np.array([1.0, 2.0])), "weights has 2 entries"),
            (
                lambda: LossCurve(np.array([-1.0]), np.array([1.0])),
                "^eigenvalues has the entry -1: give finite numbers",
            ),
            (lambda: LossCurve(np.array([1.0]), np.array([np.nan])), "^weights has the entry nan: give finite numbers"),
            (lambda: LossCurve(np.ones((1, 1)), np.ones(1)), r"^eigenvalues has the shape \(1, 1\)"),
            (lambda: LossCurve(np.array([1.0]), np.array([1.0]), -1.0), "error is -1.0"),
            (lambda: LossCurve(np.ones(1), np.ones(1)).descent(-1, 0.1), "steps"),
            (lambda: LossCurve(np.ones(1), np.ones(1)).descent(1, 0.0), "rate is 0.0"),
            (lambda: expected_loss(np.ones((2, 3))), "square"),
            (lambda: expected_loss([[1.0, 2.0], [0.0, 1.0]]), "not symmetric"),
            (lambda: expected_loss([[np.nan]]), "not finite"),
            (lambda: expected_loss(-np.eye(2)), "positive semidefinite"),
            (lambda: expected_loss(np.eye(2), -np.eye(2)), "covariance"),
            (lambda: expected_loss(np.eye(2), np.eye(3)), r"covariance has shape .3, 3.: give the shape of K, .2, 2."),
            (lambda: expected_loss(np.eye(2), None, [1.0]), r"targets has the shape \(1, 1\): give 2 rows"),
            (lambda: expected_loss(np.eye(2), None, [1.0, np.inf]), "^targets has the entry inf: give finite numbers"),
            (lambda: decompose(np.eye(2), entry_error=-1), "entry_error"),
            (lambda: crossings(LossCurve(np.ones(1), np.ones(1)), LossCurve(np.ones(1), np.ones(1)), until=0), "until"),
            (
                lambda: crossings(LossCurve(np.ones(1), np.ones(1)), LossCurve(np.ones(1), np.ones(1)), rate=(None, 1)),
                "a tuple of two",
            ),
            (lambda: pair_of_curves(rate=(1, 2, 3)), r"^rate is \(1, 2, 3\): give"),
            (lambda: pair_of_curves(rate=[1, 1]), r"^rate is \[1, 1\]: give"),
            (lambda: pair_of_curves(rate=np.ones(2)), r"^rate is array\(.*: give"),
            (lambda: pair_of_curves(rate="a"), "^rate is 'a': give"),
            (lambda: pair_of_curves(rate=(1, "a")), r"^rate is \(1, 'a'\): give"),
            (lambda: pair_of_curves(rate=(1, 0.0)), r"^rate is \(1, 0.0\): give"),
            (lambda: pair_of_curves(until="a"), "^until is 'a': give"),
            (lambda: pair_of_curves(until=[1]), r"^until is \[1\]: give"),
            (lambda: LossCurve(["a"], np.ones(1)), "^eigenvalues is no array of real numbers"),  # type: ignore[arg-type]
            (lambda: LossCurve(np.ones(1), [[1], [1, 2]]), "^weights is no array of real numbers"),  # type: ignore[arg-type]
            (lambda: LossCurve(np.array([1e305]), np.ones(1)), r"^eigenvalues has an entry 1e\+305"),
            (lambda: LossCurve(np.ones(2), np.array([1e308, 1e308])), r"^weights has an entry 1e\+308"),
            (lambda: LossCurve(np.ones(1), np.ones(1), "a"), "^error is 'a'"),  # type: ignore[arg-type]
            (lambda: LossCurve(np.ones(1), np.ones(1), 0.0, -1.0), r"^weight_error is -1\.0"),
            (lambda: expected_loss(decompose(np.eye(2)), np.eye(2), entry_error=-1.0), r"^entry_error is -1\.0"),
            (lambda: LossCurve(np.ones(1), np.ones(1)).flow("a"), "^steps is no array of real numbers"),
            (lambda: LossCurve(np.ones(1), np.ones(1)).descent(1, "a"), "^rate is 'a'"),  # type: ignore[arg-type]
            (lambda: early(LossCurve(np.ones(1), np.ones(1)), "a"), "^rate is 'a'"),  # type: ignore[arg-type]
            (lambda: expected_loss(np.eye(2), None, ["a", "b"]), "^targets is no array of real numbers"),
            (lambda: decompose(np.eye(2), entry_error="a"), "^entry_error is 'a'"),  # type: ignore[arg-type]
        ],
    )
    def test_one_sentence(self, call, words: str) -> None:
        with pytest.raises(DomainError, match=words):
            call()
