"""Loss curves and their crossings, against matrix powers, exact polynomial roots and high precision."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import example, given
from hypothesis import strategies as st

from glutheory.dynamics import LossCurve, crossings, decompose, early, expected_loss, late
from glutheory.dynamics.exponentials import Difference
from glutheory.errors import DomainError

X = sp.Symbol("x")


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

    def test_a_curve_that_is_zero_or_constant(self) -> None:
        assert late(LossCurve(np.array([1.0]), np.array([0.0])), None).weight == 0
        flat = late(LossCurve(np.array([0.0, 1.0]), np.array([1.0, 0.5])), None)
        assert (flat.half_life, flat.dominates_from) == (math.inf, 0)


def from_polynomial(poly: sp.Poly) -> tuple[LossCurve, LossCurve]:
    """Two flows whose difference is the polynomial in x = exp(−t): its zeros in (0, 1) are the crossings."""
    terms = [(Fraction(int(power), 2), float(value)) for (power,), value in poly.terms()]
    sides = [[(float(lam), abs(c)) for lam, c in terms if sign * c > 0] or [(1.0, 0.0)] for sign in (1, -1)]
    first, second = (LossCurve(np.array([lam for lam, _ in side]), np.array([w for _, w in side])) for side in sides)
    return first, second


@st.composite
def curve_pairs(draw: st.DrawFn) -> tuple[LossCurve, LossCurve]:
    """Two curves of one to four modes whose rates and weights are alike but for 2^-k, or of very different size."""
    powers = st.builds(lambda k: 2.0**k, st.integers(-40, 40))
    factors = st.one_of(
        st.just(1.0), st.builds(lambda s, k: 1 + s * 2.0**-k, st.sampled_from([-1, 1]), st.integers(2, 52)), powers
    )
    sides = []
    rates, weights = draw(st.lists(powers, min_size=1, max_size=2)), draw(st.lists(powers, min_size=1, max_size=2))
    for _ in range(2):
        size = draw(st.integers(1, 4))
        values, sizes = (
            np.array([draw(st.sampled_from(known)) * draw(factors) for _ in range(size)]) for known in (rates, weights)
        )
        sides.append(LossCurve(values, sizes))
    return sides[0], sides[1]


def sampled(
    curves: tuple[LossCurve, LossCurve], rate: float | None, more: list[float]
) -> list[tuple[float, int, bool]]:
    """(t, sign of D, whether the errors hide it) from long before the fastest mode to long after the closest gap."""
    exponents = np.concatenate([curve.decays(rate) for curve in curves])
    gaps = np.diff(np.unique(exponents))
    slow = float(min([*gaps.tolist(), *exponents[exponents > 0].tolist()]))
    times = np.concatenate([[0.0], np.geomspace(1e-3 / exponents.max(), 100 / slow, 60), more])
    rows = []
    with mpmath.workdps(80):
        terms = [
            (mpmath.mpf(r), sign * mpmath.mpf(w))
            for curve, sign in zip(curves, (1, -1), strict=True)
            for r, w in zip(curve.decays(rate).tolist(), curve.weights.tolist(), strict=True)
        ]
        for t in times.tolist():
            value = mpmath.fsum(w * mpmath.exp(-r * mpmath.mpf(t)) for r, w in terms)
            errors = sum(float(curve.uncertainty(t, rate)) for curve in curves)
            rows.append((t, int(mpmath.sign(value)), bool(abs(value) <= errors)))
    return rows


class TestCrossings:
    @pytest.mark.parametrize("roots", [(), ("1/2",), ("1/5", "2/3"), ("1/10", "1/2", "9/10"), ("99/100", "98/100")])
    def test_known_crossings(self, roots: tuple[str, ...]) -> None:
        poly = sp.Poly(sp.prod([X - sp.Rational(root) for root in roots]) * X * (X + 3), X)
        found = crossings(*from_polynomial(poly))
        wanted = sorted(-math.log(Fraction(root)) for root in roots)
        assert [item.step for item in found] == pytest.approx(wanted, rel=1e-11)
        assert all(item.low < step < item.high for item, step in zip(found, wanted, strict=True))
        assert all(item.high - item.low < 1e-8 * item.step for item in found)
        assert found.complete
        assert found.certain
        assert found.start == 1  # the polynomial is positive at x = 1
        assert [item.sign for item in found] == [(-1) ** (i + 1) for i in range(len(roots))]
        assert found.bound >= len(found)
        assert found.end == (-1) ** len(roots)

    @given(st.lists(st.integers(-50, 50), min_size=2, max_size=9))
    @example([1, -2, 1])  # a double zero at x = 1, k = 0
    @example([4, -4, 1])  # a double zero at x = 1/2: they touch
    @example([0, 0, 1])
    @example([-9, 25, -17])
    def test_against_exact_root_counts(self, coefficients: list[int]) -> None:
        poly = sp.Poly(coefficients, X)
        first, second = from_polynomial(poly)
        found = crossings(first, second)
        if poly.is_zero:
            assert found.complete
            assert not found.found
            return
        square_free = sp.Poly(sp.prod([factor for factor, _ in poly.sqf_list()[1]]), X)
        distinct = square_free.count_roots(0, 1) - (square_free.eval(0) == 0) - (square_free.eval(1) == 0)
        if found.complete:
            odd = [factor for factor, times in poly.sqf_list()[1] if times % 2]
            changes = sum(f.count_roots(0, 1) - (f.eval(0) == 0) - (f.eval(1) == 0) for f in odd)
            assert len(found) == changes
            assert len(found) <= found.bound
            assert (found.bound - len(found)) % 2 == 0 or poly.eval(1) == 0
        else:  # only where a zero is double
            assert square_free.degree() < poly.degree() - min(power for (power,), _ in poly.terms()) or distinct == 0

    @given(st.integers(0, 10**6), st.floats(0.1, 1.9))
    def test_descent_against_dense_samples_in_high_precision(self, seed: int, fraction: float) -> None:
        rng = np.random.default_rng(seed)
        curves = [LossCurve(rng.uniform(0.01, 1, 5) ** 2, rng.uniform(0, 1, 5)) for _ in range(2)]
        rate = fraction / max(float(curve.eigenvalues.max()) for curve in curves)
        found = crossings(*curves, rate=rate)
        assert found.complete
        assert len(found) <= found.bound
        steps = np.concatenate([[0.0], np.geomspace(1e-4, 1e7, 4001)])
        with mpmath.workdps(60):

            def value(k: float) -> mpmath.mpf:
                parts = [
                    mpmath.fsum(
                        mpmath.mpf(w) * mpmath.exp(-mpmath.mpf(r) * k)
                        for r, w in zip(curve.decays(rate).tolist(), curve.weights.tolist(), strict=True)
                    )
                    for curve in curves
                ]
                return parts[0] - parts[1]

            for item in found:
                assert mpmath.sign(value(item.low)) == -item.sign == -mpmath.sign(value(item.high))
        slow = min(float(curve.decays(rate).min()) for curve in curves)
        shifted = [np.exp(-np.multiply.outer(steps, curve.decays(rate) - slow)) @ curve.weights for curve in curves]
        signs = np.sign(shifted[0] - shifted[1])
        visible = np.abs(shifted[0] - shifted[1]) > 1e-12 * (shifted[0] + shifted[1])
        kept = signs[visible]
        assert int(np.sum(kept[1:] != kept[:-1])) == len(found)

    def test_curves_that_start_together(self) -> None:
        first, second = LossCurve(np.array([1.0]), np.array([1.0])), LossCurve(np.array([2.0]), np.array([1.0]))
        found = crossings(first, second)
        assert (found.start, found.end, len(found), found.complete) == (1, 1, 0, True)
        assert crossings(second, first).start == -1

    def test_together_at_the_start_and_crossing_later(self) -> None:
        """With x = e^{-t}: x + x⁹ against 2x³, equal at x = 1 and at one x below."""
        first = LossCurve(np.array([0.5, 4.5]), np.array([1.0, 1.0]))
        second = LossCurve(np.array([1.5]), np.array([2.0]))
        found = crossings(first, second)
        root = sp.Poly(X**8 - 2 * X**2 + 1, X).real_roots()
        inner = [float(r) for r in root if 1e-9 < float(r) < 1 - 1e-9]
        assert [item.step for item in found] == pytest.approx([-math.log(x) for x in inner])
        assert (found.start, found.end, found.complete) == (-1, 1, True)

    def test_touching_curves_are_undecided(self) -> None:
        poly = sp.Poly((2 * X - 1) ** 2 * X, X)
        found = crossings(*from_polynomial(poly))
        assert not found.complete
        assert len(found.undecided) == 1
        low, high = found.undecided[0]
        assert low <= math.log(2) <= high
        assert "undecided" in found.argument

    def test_until(self) -> None:
        curves = from_polynomial(sp.Poly((X - sp.Rational(1, 2)) * (X - sp.Rational(1, 10)) * X, X))
        assert len(crossings(*curves)) == 2
        cut = crossings(*curves, until=1.5)
        assert (len(cut), cut.end, cut.complete) == (1, -1, True)
        assert len(crossings(*curves, until=0.1)) == 0

    def test_rates_may_differ(self) -> None:
        """Half the eigenvalues at twice the rate: the same curve."""
        curve = LossCurve(np.array([1.0, 0.25]), np.array([1.0, 2.0]))
        slow = LossCurve(curve.eigenvalues / 2, curve.weights)
        found = crossings(curve, slow, rate=(0.25, 0.5))
        assert (len(found), found.complete, found.argument) == (0, True, "the two curves are the same")
        assert len(crossings(curve, LossCurve(slow.eigenvalues, 0.9 * slow.weights), rate=(0.25, 0.25))) == 1

    def test_divergence_and_one_step_modes(self) -> None:
        """A curve that diverges is passed by one that does not; a mode learnt in one step is gone at k = 1."""
        curve = LossCurve(np.array([1.0]), np.array([1.0]))
        found = crossings(curve, LossCurve(np.array([0.1]), np.array([2.0])), rate=2.5)
        assert [item.lower for item in found] == ["second"]
        found = crossings(curve, LossCurve(np.array([0.1]), np.array([0.5])), rate=1.0)
        assert [item.lower for item in found] == ["first"]
        assert found.found[0].step < 1

    def test_two_that_diverge(self) -> None:
        """Both losses are infinite at the steps that are looked at; the crossing is found all the same."""
        first, second = LossCurve(np.array([1.0]), np.array([1.0])), LossCurve(np.array([0.9]), np.array([100.0]))
        found = crossings(first, second, rate=40.0)
        assert found.complete
        assert [item.lower for item in found] == ["second"]
        steps = math.log(100) / (2 * math.log(39 / 35))
        assert found.found[0].step == pytest.approx(steps)

    def test_certain_looks_at_the_data_error(self) -> None:
        first = LossCurve(np.array([1.0, 0.3]), np.array([1.0, 1.0]))
        second = LossCurve(np.array([0.9, 0.4]), np.array([1.0, 1.2]))
        assert crossings(first, second).certain
        assert crossings(first, second, rate=0.1).certain
        vague = LossCurve(first.eigenvalues, first.weights, 0.2)
        found = crossings(vague, second)
        assert found.complete
        assert not found.certain

    @given(curve_pairs(), st.sampled_from([None, 2.0**-4, 0.9, 1.99]))
    @example(  # the sign between the fastest mode's end and the far crossing was missed
        (
            LossCurve(np.array([1.0, 8.0]), np.array([1.0, 1.0])),
            LossCurve(np.array([1 + 2.0**-30, 8.0]), np.array([1.5, 0.5])),
        ),
        None,
    )
    @example(
        (
            LossCurve(np.array([1.0, 8.0]), np.array([1.0, 1.0])),
            LossCurve(np.array([1 + 2.0**-30, 8.0]), np.array([1.5, 0.5])),
        ),
        0.9,
    )
    def test_who_leads_against_samples_in_high_precision(
        self, curves: tuple[LossCurve, LossCurve], fraction: float | None
    ) -> None:
        """Near-equal rates, tiny weights, rates and weights of very different size: at every sample the right sign."""
        largest = max(float(curve.eigenvalues.max()) for curve in curves)
        rate = None if fraction is None else fraction / largest
        found = crossings(*curves, rate=rate)
        if not found.complete:
            return
        marks = [(item.low, item.high, item.sign) for item in found]
        for t, sign, hidden in sampled(curves, rate, [end for low, high, _ in marks for end in (low, high)]):
            passed = [after for low, high, after in marks if t >= high]
            inside = any(low < t < high for low, high, _ in marks)
            said = passed[-1] if passed else found.start
            assert inside or sign in (0, said) or (hidden and not passed), (t, sign, said)

    def test_the_far_crossing_of_near_equal_rates(self) -> None:
        """D = −e^{−2t}/2 + … from t = 1 on, until 1.5 e^{−2·2^{−30} t} = 1."""
        first = LossCurve(np.array([1.0, 8.0]), np.array([1.0, 1.0]))
        second = LossCurve(np.array([1 + 2.0**-30, 8.0]), np.array([1.5, 0.5]))
        found = crossings(first, second)
        assert (found.start, found.end, found.complete) == (-1, 1, True)
        assert [item.step for item in found] == pytest.approx([math.log(1.5) * 2.0**29], rel=1e-9)

    def test_a_crossing_that_rounding_makes_is_not_counted(self) -> None:
        """The curves start together but for a unit of rounding."""
        first = LossCurve(np.array([1.0, 2.0]), np.array([0.1, 0.2]))
        second = LossCurve(np.array([4.0]), np.array([0.1 + 0.2 + 2.0**-53]))
        assert second.initial > first.initial
        found = crossings(first, second)
        assert (found.start, found.end, len(found), found.complete) == (1, 1, 0, True)

    def test_the_rules_of_signs(self) -> None:
        D = Difference.of((np.array([1.0, 2.0, 3.0]), np.array([1.0, 5.0, 1.0])), (np.array([2.5]), np.array([1.5])))
        assert (D.descartes, D.laguerre, D.end) == (2, 0, 1)

    @given(st.integers(0, 10**6))
    def test_enclosures_hold(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        D = Difference.of(*((rng.uniform(0, 3, 4), rng.uniform(0, 1, 4)) for _ in range(2)))
        a, width = rng.uniform(0, 2), rng.uniform(0, 1)
        for order in (0, 1, 2):
            low, high = D.over(a, a + width, order)
            spread = D.rates - D.rates[0]
            for t in np.linspace(a, a + width, 9):
                value = float(np.sum(D.coefficients * (-spread) ** order * np.exp(-spread * t)))
                assert low - 1e-12 <= value <= high + 1e-12


class TestBadInput:
    @pytest.mark.parametrize(
        ("call", "words"),
        [
            (lambda: LossCurve(np.array([1.0]), np.array([1.0, 2.0])), "weights has 2 entries"),
            (lambda: LossCurve(np.array([-1.0]), np.array([1.0])), "eigenvalues"),
            (lambda: LossCurve(np.array([1.0]), np.array([np.nan])), "weights"),
            (lambda: LossCurve(np.array([1.0]), np.array([1.0]), -1.0), "error is -1.0"),
            (lambda: LossCurve(np.ones(1), np.ones(1)).descent(-1, 0.1), "steps"),
            (lambda: LossCurve(np.ones(1), np.ones(1)).descent(1, 0.0), "rate is 0.0"),
            (lambda: expected_loss(np.ones((2, 3))), "square"),
            (lambda: expected_loss([[1.0, 2.0], [0.0, 1.0]]), "not symmetric"),
            (lambda: expected_loss([[np.nan]]), "not finite"),
            (lambda: expected_loss(-np.eye(2)), "positive semidefinite"),
            (lambda: expected_loss(np.eye(2), -np.eye(2)), "covariance"),
            (lambda: expected_loss(np.eye(2), np.eye(3)), r"covariance has shape .3, 3.: give the shape of K, .2, 2."),
            (lambda: expected_loss(np.eye(2), None, [1.0]), "targets has the shape"),
            (lambda: decompose(np.eye(2), entry_error=-1), "entry_error"),
            (lambda: crossings(LossCurve(np.ones(1), np.ones(1)), LossCurve(np.ones(1), np.ones(1)), until=0), "until"),
            (
                lambda: crossings(LossCurve(np.ones(1), np.ones(1)), LossCurve(np.ones(1), np.ones(1)), rate=(None, 1)),
                "two learning rates",
            ),
        ],
    )
    def test_one_sentence(self, call, words: str) -> None:
        with pytest.raises(DomainError, match=words):
            call()
