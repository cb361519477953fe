"""The crossings of two loss curves, against exact polynomial roots and samples in high precision."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import example, given
from hypothesis import strategies as st

from glutheory.dynamics import LossCurve, crossings
from glutheory.dynamics.exponentials import Difference

X = sp.Symbol("x")


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

    def test_a_crossing_that_errors_hide_is_named_where_it_is_left_out(self) -> None:
        """e^{−2t} = 1.0001 e^{−4t} at ½ ln 1.0001; the losses at the start are known within 1e-3."""
        first, second = LossCurve([1.0], [1.0], 0.0, 1e-3), LossCurve([2.0], [1.0001])  # type: ignore[arg-type]
        found = crossings(first, second)
        assert (len(found), found.start, found.complete) == (0, 1, True)
        assert "isolates 1 sign change; rounding or errors make the one at 5e-05, which is left out" in found.argument
        assert "isolates 1 sign change;" in crossings(replace(first, weight_error=0.0), second).argument

    @pytest.mark.parametrize(
        ("scale", "rate"),
        [
            (scale, rate)
            for scale in (5e-324, 1e-320, 1e-305, 1e-200, 1e-100, 1.0, 1e100, 1e300)
            for rate in (None, 1.0, 1e-3)
            if rate is None or 5e-324 <= rate * scale < 0.1  # stable, and a double
        ],
    )
    def test_at_any_scale_of_time(self, scale: float, rate: float | None) -> None:
        """(1 − ηλ)^{2k} = 2(1 − 2ηλ)^{2k}, and e^{−2λt} = 2e^{−4λt}: found, or left undecided where it is."""
        found = crossings(LossCurve([scale], [1.0]), LossCurve([2 * scale], [2.0]), rate=rate)  # type: ignore[arg-type]
        assert (found.start, found.end, found.bound) == (-1, 1, 1)
        with mpmath.workdps(400):
            x = mpmath.mpf(scale) * mpmath.mpf(rate or 1)
            gap = x if rate is None else mpmath.log1p(-x) - mpmath.log1p(-2 * x)
            wanted = mpmath.log(2) / (2 * gap)
        if found.complete:
            (item,) = found
            assert item.low <= wanted * (1 + 1e-15)
            assert item.high >= wanted * (1 - 1e-15)
            assert found.certain
        else:
            assert scale * (rate or 1) < 1e-300
            ((low, high),) = found.undecided
            assert low <= wanted <= high

    @pytest.mark.parametrize("scale", [1e-320, 1e-305, 1e-100, 1e100, 1e300])
    def test_at_any_scale_of_the_losses(self, scale: float) -> None:
        """A power of two but for the rounding of weights that are subnormal."""
        found = crossings(LossCurve([1.0], [scale]), LossCurve([2.0], [2 * scale]))  # type: ignore[arg-type]
        assert [item.step for item in found] == pytest.approx([math.log(2) / 2], rel=1e-3 if scale < 1e-307 else 1e-12)
        assert (found.complete, found.certain) == (True, True)

    @pytest.mark.parametrize("until", [5e-324, 1e-310, 1e-300, 1e300, 1.7e308])
    @pytest.mark.parametrize("rate", [None, 0.1])
    def test_until_at_any_size(self, until: float, rate: float | None) -> None:
        first, second = (LossCurve(np.array([value]), np.array([value])) for value in (1.0, 2.0))
        found = crossings(first, second, rate=rate, until=until)
        assert len(found) == (until > 1)
        assert (found.complete, found.certain) == (True, True)

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
