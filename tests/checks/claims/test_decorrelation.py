"""The check `decorrelation`: its certificates against naive references, its theorem on random weights, its controls."""

from __future__ import annotations

import json
import math
import re
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
from flint import arb
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.integrate import quad

from checks import runner
from checks.claims.angle import separation
from checks.claims.decorrelation import evidence
from checks.claims.decorrelation import figure as drawing
from checks.claims.decorrelation import statement as decorrelation
from checks.claims.decorrelation.normalised_kernels import Diagonal, Law, moment, octave
from checks.claims.decorrelation.sphere_duals import cover, duals
from checks.claims.decorrelation.variance_ranges import GATES, LOW, Gate, doublings, large, reach, side, small
from checks.settings import PROFILES, Settings
from checks.tools import branch_and_bound as search
from checks.tools.kinks import RIGHT, Kink, turn
from glutheory.activations import activation
from glutheory.claims import Finding, Grade, Verdict
from glutheory.ground.exact import ball
from glutheory.symbolic.evaluation import evaluate

F = Fraction
LAW = Law()
ONE = F(1)
TWOS = (F(2), F(2), F(2))
BY_NAME = {gate.name: gate for gate in GATES}
CHEAP = tuple(BY_NAME[name] for name in ("sigmoid", "tanh", "erf"))


# ---------------------------------------------------------------- branch and bound


def polynomial(*roots):
    """Enclosures of Π (x − root) and of its derivative."""

    def value(low, high):
        x, total = search.hull(low, high), arb(1)
        for root in roots:
            total *= x - ball(root)
        return total

    def slope(low, high):
        x, total = search.hull(low, high), arb(0)
        for i in range(len(roots)):
            term = arb(1)
            for j, root in enumerate(roots):
                term *= x - ball(root) if i != j else arb(1)
            total += term
        return total

    return value, slope


class TestSearch:
    def test_zeros(self):
        value, slope = polynomial(F(1, 3), F(2, 3), F(5, 3))
        found = search.zeros(value, slope, (F(0), F(1), F(2)))
        assert found.open is None
        assert found.signs == (-1, 1, -1, 1)
        assert [
            low < root < high for (low, high), root in zip(found.brackets, (F(1, 3), F(2, 3), F(5, 3)), strict=True)
        ]
        low, high = search.refine(value, found.brackets[1], F(1, 10**12))
        assert low < F(2, 3) < high
        assert high - low <= F(1, 10**12)

    def test_no_zeros(self):
        value, slope = polynomial(F(7), F(9))
        assert search.zeros(value, slope, (F(0), F(1))) == search.Zeros((), (1,), 1)

    @pytest.mark.parametrize("roots", [(F(1, 3), F(1, 3)), (F(1, 2), F(1, 2))])
    def test_what_cannot_be_isolated_is_left_open(self, roots):
        """A double zero, inside an interval or where intervals are halved."""
        value, slope = polynomial(*roots)
        for limit in (20, search.LIMIT):
            assert search.zeros(value, slope, (F(0), F(1)), limit=limit).open is not None

    def test_refine_refuses(self):
        value, _ = polynomial(F(1, 3))
        wide = lambda low, high: value(low, high) + arb(0, 0.01)  # noqa: E731 (one line says it)
        with pytest.raises(ArithmeticError, match="could not be enclosed"):
            search.refine(wide, (F(0), F(1)), F(1, 10**6))

    def test_positive(self):
        def bowl(box):
            x, y = (search.hull(*side_) for side_ in box)
            return x * x + y * y - x * y + arb("0.001")

        square = ((F(-1), F(1)), (F(-1), F(1)))
        found = search.positive(bowl, [square])
        assert found.positive
        assert found.boxes > 10
        lower = search.positive(lambda box: bowl(box) - arb("0.01"), [square])
        assert lower.counterexample is not None
        assert all(abs(float(sum(interval))) < 0.5 for interval in lower.counterexample)
        assert not lower.positive
        assert search.positive(bowl, [square], limit=3).open is not None

    def test_signs_of_balls(self):
        assert [search.sign(x) for x in (arb(1), arb(-1), arb(0, 1), arb.nan(), arb.pos_inf())] == [1, -1, 0, 0, 0]


# ---------------------------------------------------------------- kinks


def relu_excess(theta, r):
    """K̃(ρ)/K̃(1) − K(ρ)/K(1) for ReLU from the arc-cosine kernel."""
    rho, T = math.cos(theta), (math.pi - theta) / math.pi
    S = rho * T + math.sin(theta) / math.pi
    return rho * ((1 + r) * S + r * rho * T) / (1 + 2 * r) - (S + r * rho * T) / (1 + r)


class TestKinks:
    @pytest.mark.parametrize("r", [ONE, F(1, 4), F(3)])
    def test_the_function(self, r):
        kink = Kink(ONE, (1 + r) / (1 + 2 * r), 1 / (1 + r))
        for theta in (F(1, 10), F(1), F(7, 5)):
            x = float(theta)
            assert float(kink.value(theta, theta)) == pytest.approx(relu_excess(x, float(r)) / math.sin(x), abs=1e-12)
            step = F(1, 10**6)
            difference = kink.value(theta + step, theta + step) - kink.value(theta - step, theta - step)
            assert float(kink.slope(theta, theta)) == pytest.approx(float(difference) / 2e-6, abs=1e-8)
            psi = math.pi - x
            assert float(kink.opposite(theta, theta)) == pytest.approx(
                relu_excess(psi, float(r)) / math.sin(psi), abs=1e-12
            )
            difference = kink.opposite(theta + step, theta + step) - kink.opposite(theta - step, theta - step)
            assert float(kink.opposite_slope(theta, theta)) == pytest.approx(float(difference) / 2e-6, abs=1e-8)

    def test_wide_balls_contain_points(self):
        kink = Kink(F(2), F(2, 3), F(1, 2))
        for function in (kink.value, kink.slope):
            whole = function(F(1, 10), F(1))
            assert all(whole.contains(function(F(k, 10), F(k, 10))) for k in range(1, 11))

    def test_turn(self):
        assert turn(activation("relu")) == 1
        assert turn(activation("abs")) == 2
        assert turn(activation("leaky_relu", slope=F(1, 2))) == F(1, 5)
        assert [turn(activation(name)) for name in ("gelu", "relu2", "identity")] == [None, None, None]

    def test_beyond_pi_over_two(self):
        assert math.pi / 2 < RIGHT < math.pi / 2 + 1e-3

    def test_the_separation_of_the_angle_check_is_certified(self):
        found = separation.beyond(((75, 1000), (16, 16)))
        assert (found.grade, found.finding) == (Grade.CERTIFICATE, Finding.SUPPORTS)
        row = found.figures["d=16, m=16"]
        assert isinstance(row, dict)
        angles = row["sign changes at angles"]
        assert len(angles) == 2
        for angle in angles:
            before, after = (relu_excess(angle + step, 1.0) for step in (-1e-9, 1e-9))
            assert before * after < 0


# ---------------------------------------------------------------- the diagonal


def expectation(function, q):
    return quad(
        lambda x: function(math.sqrt(q) * x) ** 2 * math.exp(-x * x / 2) / math.sqrt(2 * math.pi), -9, 9, limit=200
    )[0]


def logistic(z):
    return 1 / (1 + math.exp(-z))


SILU = (
    lambda z: z * logistic(z),
    lambda z: logistic(z) * (1 + z * logistic(-z)),
    lambda z: logistic(z) * logistic(-z) * (2 + z * (1 - 2 * logistic(z))),
)


class TestDiagonal:
    @pytest.mark.long
    @pytest.mark.parametrize("q", [F(1, 4), F(3)])
    def test_moments(self, q):
        for order, function in enumerate(SILU):
            naive = math.sqrt(q) * expectation(function, float(q))
            assert float(moment(activation("silu"), order, q, 8)) == pytest.approx(naive, rel=1e-8)
            weighted = math.sqrt(q) * expectation(lambda z, f=function: z * f(z), float(q))
            assert float(moment(activation("silu"), order, q, 8, times_z=True)) == pytest.approx(weighted, rel=1e-8)

    def test_intervals_contain_points_and_slopes(self):
        diagonal = Diagonal(activation("tanh"), (F(2), F(3), F(1)))
        low, high = F(2), F(17, 8)
        whole, slope = diagonal.value(low, high), diagonal.slope(low, high)
        inner = [diagonal.value(x, x) for x in (low, F(33, 16), high)]
        assert all(whole.contains(value) for value in inner)
        for first, second in pairwise(inner):
            assert slope.contains((second - first) * 16)
        assert not diagonal.slope(F(2), F(3)).is_finite()

    def test_margin(self):
        assert LAW.margin(ONE) == LAW.criterion(ONE) == TWOS
        for r in (F(1, 4), F(3)):
            assert LAW.margin(r) == LAW.criterion(r)
        assert decorrelation.MUTANTS["the NNGP in place of the non-gated NTK"].margin(ONE) is None

    def test_excess(self):
        for rho in (F(3, 5), F(399, 400)):
            found = float(LAW.excess(activation("relu"), F(5), rho))
            assert found == pytest.approx(relu_excess(math.acos(rho), 1.0), abs=1e-13)

    def test_no_octave(self):
        with pytest.raises(ArithmeticError, match="the criterion holds for tanh"):
            octave(activation("tanh"), TWOS, (F(1), F(2)))


@pytest.mark.parametrize("gate", CHEAP, ids=lambda gate: gate.name)
def test_small_large_and_side_conditions(gate):
    assert gate.shape()
    assert small(gate, TWOS)
    end = reach(gate, TWOS)
    assert not large(gate, TWOS, end / 2)
    assert large(gate, TWOS, end)
    # an impossible criterion is not certified
    assert not small(gate, (F(0), F(1, 10**6), F(0)))
    conditions = side(gate, F(4), ONE)
    assert all(item.positive for item in conditions)
    # far beyond q* M is too large for the theorem
    assert not all(item.positive for item in side(gate, F(256), ONE))


def test_ramps_have_their_own_conditions():
    gelu = BY_NAME["gelu"]
    assert gelu.ramp
    assert gelu.shape()
    assert [item.positive for item in side(gelu, F(1, 16), ONE)] == [True, True]
    assert [item.positive for item in side(gelu, F(1, 16), F(1, 4))] == [True]
    assert small(gelu, TWOS)
    assert not BY_NAME["sigmoid"].odd
    assert doublings(LOW, F(1, 10)) == (F(1, 64), F(1, 32), F(1, 16), F(1, 10))


# ---------------------------------------------------------------- rectangles


class TestRectangles:
    @pytest.mark.parametrize("name", ["gelu", "relu2", "sigmoid", "sin"])
    def test_duals(self, name):
        q, rho = F(3, 2), F(2, 5)
        S, T, U = duals(activation(name), (F(5, 4), F(7, 4)), rho)
        exact = evaluate(name, q, q, q * rho, digits=20)
        assert S.contains(arb(str(exact[0])))
        assert T.contains(arb(str(exact[1])))
        step = F(1, 10**6)
        T1, T2 = (float(evaluate(name, q, q, q * rho + x, digits=20)[1]) for x in (-step, step))
        point = duals(activation(name), (q, q), rho)
        assert float(point[2]) == pytest.approx((T2 - T1) / 2e-6, rel=1e-5)
        assert U.contains(point[2].mid())

    @pytest.mark.slow
    def test_cover(self):
        assert cover(activation("erf"), TWOS, (F(1), F(2)), odd=True).positive
        assert cover(activation("identity"), TWOS, (F(1), F(2)), odd=True).positive
        beyond = cover(activation("gelu"), TWOS, (F(110), F(112)), odd=False)
        assert beyond.counterexample is not None
        assert beyond.counterexample[1][1] > F(9, 10)


# ---------------------------------------------------------------- the theorem, on random weights


def normalised(weights, rho):
    """K̃(ρ)/K̃(1) − K(ρ)/K(1) at d = m for the weights c_k, in rationals."""
    plain, gated = (
        [sum((k + 1 + g) * c * x ** (k + g) for k, c in enumerate(weights)) for x in (rho, ONE)] for g in (0, 1)
    )
    return gated[0] / gated[1] - plain[0] / plain[1]


def diagonal(weights):
    """M, W and γ."""
    total = sum(weights)
    mean = sum(k * c for k, c in enumerate(weights)) / total
    second = sum(k * (k - 1) * c for k, c in enumerate(weights)) / total
    return mean, second, weights[1] / total


GRID = [F(k, 40) for k in range(1, 40)] + [1 - F(1, 2**k) for k in (7, 9, 12)]
WEIGHT = st.integers(0, 40).map(lambda k: F(k * k))


@given(st.lists(WEIGHT, min_size=8, max_size=8).filter(any))
@example([F(1)] + [F(0)] * 6 + [F(1, 6)])
def test_degree_seven_never_fails(weights):
    assert all(normalised(weights, rho) <= 0 for rho in GRID)


@given(st.lists(WEIGHT, min_size=4, max_size=4), st.integers(4, 30), WEIGHT)
@example([F(5), F(0), F(0), F(0)], 8, F(1))
def test_the_criterion_decides(first, degree, last):
    weights = [*first, *[F(0)] * (degree - 4), last]
    if not sum(first):
        return
    mean, second, gamma = diagonal(weights)
    bound = 2 * (1 + mean + mean**2)
    ramp = mean <= F(5, 2) and (1 + 2 * mean) ** 2 * gamma**2 >= 2 * (mean**2 - 1) * second
    odd = weights[0] == 0 and mean <= F(27, 10)
    if second > bound:
        assert normalised(weights, 1 - F(1, 10**9)) > 0
    elif mean <= 1 or ramp or odd or second <= 2 + 2 * mean:
        assert all(normalised(weights, rho) <= 0 for rho in GRID)


def test_degree_eight_fails():
    assert normalised([ONE, *[F(0)] * 7, F(1, 5)], F(19, 20)) == F(46572537073, 7168000000000)


# ---------------------------------------------------------------- the evidence


@lru_cache(maxsize=1)
def thresholds():
    return evidence.thresholds(CHEAP, LAW)


@pytest.mark.long
def test_the_evidence_supports_the_corrected_claim():
    for item in (evidence.kinks(LAW), thresholds(), evidence.samples(CHEAP[:1], LAW)):
        assert item.finding is Finding.SUPPORTS, item
    assert evidence.violations().finding is Finding.REFUTES


def test_the_numbers_stated_are_those_certified():
    stated = re.findall(r"\d+\.\d+", decorrelation.CLAIM.corrected)
    rows = {**thresholds().figures, **evidence.kinks(LAW).figures}
    for name, key, place in (("sigmoid", "q*", 2), ("tanh", "q*", 3), ("erf", "q*", 4), ("relu", "angle", 6)):
        row = rows[f"{name}, d/m=1"]
        assert isinstance(row, dict)
        assert f"{row[key]:.4g}" == stated[place], name
        assert row["width"] < 1e-9


@pytest.mark.long
@pytest.mark.parametrize("label", decorrelation.MUTANTS)
def test_a_wrong_claim_is_refuted(label):
    found = decorrelation.control(label, decorrelation.MUTANTS[label])
    assert found.caught, found


def test_what_is_right_is_not_caught():
    found = decorrelation.control("nothing", LAW)
    assert not found.caught
    assert found.by == "nothing refuted it"


def test_assumptions():
    assert all(item.holds for item in decorrelation.assumptions(GATES))
    wrong = [Gate("relu"), Gate("step")]
    found = {item.name: item.holds for item in decorrelation.assumptions(wrong)}
    assert found == {"continuous": False, "smooth": False, "shape": False, "kinks": True}


def test_charts():
    first, second, third = drawing.charts(thorough=False)
    angle = float(first.series[0].x[10])
    assert first.series[0].y[10] == pytest.approx(relu_excess(angle, 1.0), abs=1e-12)
    gelu = drawing.difference("gelu", "geglu", 3.0, np.array([math.acos(0.6)]))
    assert gelu[0] == pytest.approx(float(LAW.excess(activation("gelu"), F(3), F(3, 5))), abs=1e-9)
    assert drawing.limits("tanh", (ONE,))[0] == pytest.approx(9.22737117898, rel=1e-9)
    assert drawing.exact_angle("relu", ONE) == pytest.approx(0.10784426395852, abs=1e-13)
    # the leading term is approached as d/m falls
    ratio = [x / y for x, y in zip(second.series[0].y, second.series[2].y, strict=True)]
    assert ratio[0] == pytest.approx(1, abs=1e-4)
    assert all(np.diff(series.y).max() < 0 for series in third.series)


@pytest.mark.slow
def test_end_to_end():
    settings = Settings(PROFILES["quick"])
    found = decorrelation.run(settings)
    assert found.verdict is Verdict.WEAKER
    assert found.grade is Grade.CERTIFICATE
    assert all(item.caught for item in found.controls)
    assert all(item.holds for item in found.assumptions)
    assert found.key_figure == "ReLU fails within 6.18 deg; q* 96.36 GELU, 294.3 SiLU"
    json.dumps(runner.document([found], settings), allow_nan=False)


@pytest.mark.slow
@pytest.mark.parametrize("label", decorrelation.MUTANTS)
def test_a_wrong_claim_changes_the_verdict(label):
    assert decorrelation.run(Settings(), decorrelation.MUTANTS[label]).verdict is Verdict.FAILS
