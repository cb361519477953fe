"""Two outputs' paths: what is proved and certified of them, against floats and with wrong conditions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="the checks need torch")

from flint import arb

from checks.claims.trajectory import equal_norms, sentences, statement, theory
from checks.claims.trajectory.close_inputs import needed
from checks.claims.trajectory.controls import TOO_NARROW, WRONG_SIZES
from checks.claims.trajectory.curves import follow, initial_cosine, straightness, straightness_of
from checks.claims.trajectory.paths import ACUTE, PAIR, RELEASED, D, width_of
from checks.tools import biased
from glutheory.claims import About, Finding
from glutheory.networks import matched_width


def kernels(condition: float, angle: float) -> np.ndarray:
    """One kernel with eigenvalues 1 and κ; the slow direction is at this angle."""
    slow, fast = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    return (np.outer(slow, slow) + condition * np.outer(fast, fast))[None]


class TestStraightness:
    def test_known_paths(self) -> None:
        corner = np.array([[[3.0, 4.0]], [[3.0, 0.0]]])
        assert straightness(corner)[0] == pytest.approx(5 / 7)
        # κ = 2 is the parabola y = x² from (1, 1): √5/2 + asinh(2)/4 long
        found = straightness_of(kernels(2, 0.7), np.array([[np.cos(0.7) - np.sin(0.7), np.sin(0.7) + np.cos(0.7)]]))
        assert found[0] == pytest.approx(math.sqrt(2) / (math.sqrt(5) / 2 + math.asinh(2) / 4), rel=1e-6)

    @given(st.floats(1, 30), st.floats(0, 3.1), st.floats(0, 6.2))
    def test_the_flow_in_time_is_as_straight(self, condition: float, angle: float, start: float) -> None:
        K, e = kernels(condition, angle), np.array([[np.cos(start), np.sin(start)]])
        values, vectors = np.linalg.eigh(K[0])
        times = np.concatenate((np.linspace(0, 1, 4000), np.geomspace(1, 40, 4000)[1:]))[:, None]
        path = (np.exp(-times * values) * (vectors.T @ e[0])) @ vectors.T
        assert straightness_of(K, e)[0] == pytest.approx(straightness(path[:, None])[0], abs=2e-5)

    @given(st.floats(1, 50), st.floats(1, 4), st.floats(0, 3.1), st.floats(0, 6.2))
    def test_both_measures_fall_with_the_condition_number(
        self, condition: float, factor: float, angle: float, start: float
    ) -> None:
        e = np.array([[np.cos(start), np.sin(start)]])
        first, second = kernels(condition, angle), kernels(condition * factor, angle)
        for measure in (straightness_of, initial_cosine):
            assert measure(second, e)[0] <= measure(first, e)[0] + 1e-9
        assert initial_cosine(first, e)[0] >= 2 * math.sqrt(condition) / (1 + condition) - 1e-12


def test_descent_that_overshoots_need_not_be_as_straight() -> None:
    """By floats, with the kernels written out: a = (m + d + 1)/2 + 1 and b = (m + π/2)/2π + 1 and so on at 90°."""
    m, gated, d = 81, 5, 75
    kernels_ = [
        ((m + d + 1) / 2 + 1, m / (2 * math.pi) + 1 / 4 + 1),
        (gated / 2 + (d + 1) + 1, 1 / (2 * math.pi) + 1),
    ]
    top = max(a + b for a, b in kernels_)
    found, flows = [], []
    for a, b in kernels_:
        factors = 1 - 1.3 / top * np.array([a + b, a - b])
        path = np.array([0.067, 0.998]) * factors ** np.arange(400)[:, None]
        found.append(straightness(path[:, None])[0])
        flows.append(straightness_of(np.array([[[a - b, 0], [0, a + b]]]), np.array([[0.998, 0.067]]))[0])
    assert [float(x.mid()) for x in theory.descent()] == pytest.approx(found, rel=1e-12)
    assert found == pytest.approx([0.988, 0.839], abs=5e-4)
    assert found[1] < found[0]
    assert flows[1] > flows[0]
    control = statement._by_descent()
    assert control.caught, control.by
    said = statement.CLAIM.corrected
    assert said.index("gradient flow") < said.index(r"y=x^{\kappa}")
    assert "the flow of ReGLU" in said


class TestTheory:
    @pytest.mark.long
    def test_true_statements_are_supported(self) -> None:
        items = (
            sentences.ellipse(),
            sentences.angles(sentences.kantorovich),
            sentences.nested(),
            theory.lengths(),
            needed(),
            equal_norms.all_angles(),
            equal_norms.equal_norms(False),
        )
        assert {item.finding for item in items} == {Finding.SUPPORTS}

    @pytest.mark.long
    def test_every_clause_is_decided(self) -> None:
        found = [
            item.graded
            for item in (sentences.ellipse(), sentences.angles(sentences.kantorovich), sentences.nested(), needed())
        ]
        assert found == [f"proof, {count} of {count} decided" for count in (2, 3, 5, 9)]

    @pytest.mark.parametrize(
        "rate", [lambda kappa: 1 / kappa, lambda kappa: kappa + 1, lambda kappa: 2 * kappa, lambda kappa: 2 - kappa]
    )
    def test_the_paths_of_another_flow_are_refuted(self, rate: sentences.Bound) -> None:
        assert sentences.nested(rate).finding is Finding.REFUTES

    @pytest.mark.long
    @pytest.mark.parametrize("label", WRONG_SIZES)
    def test_other_conditions_on_the_widths_are_refuted(self, label: str) -> None:
        assert needed(WRONG_SIZES[label]).finding is Finding.REFUTES

    def test_the_enclosed_lengths_are_those_of_the_polygons(self) -> None:
        figures = theory.lengths().figures
        rows = figures["straightness"]
        assert isinstance(rows, dict)
        for slope, row in zip((1 / 8, 1 / 2, 1, 2, 8), rows.values(), strict=True):
            for condition, value in zip((1, 2, 3, 5, 9, 17), row, strict=True):
                e = np.array([[1.0, slope]])
                assert straightness_of(kernels(condition, 0.0), e)[0] == pytest.approx(value, abs=2e-6)

    def test_the_protocol_in_balls(self) -> None:
        a, b, c = 190.5, -37.25, 120.0
        K = np.array([[[a, b], [b, c]]])
        path = follow(K, -np.array([RELEASED]))
        assert float(theory.protocol_straightness((arb(a), arb(b), arb(c))).mid()) == pytest.approx(
            straightness(path)[0], rel=1e-12
        )

    def test_the_counterexample_in_floats(self) -> None:
        found = theory.counterexample()
        assert (found.finding, found.about) == (Finding.REFUTES, About.LITERAL)
        X = np.array([[9 / 8] * D, [7 / 8 * (-1) ** i * (i < D - 1) for i in range(D)]])
        # inputs exactly at right angles: a tilt far below the digits compared
        X[0, 0] += 1e-9
        for name in PAIR:
            K = biased.matrices(name, X, width_of(name))[0]
            path = follow(K[None], -np.array([RELEASED]))
            assert found.figures[f"straightness, {name}"] == pytest.approx(straightness(path)[0], rel=1e-6)

    def test_a_straighter_gated_path_would_be_no_counterexample(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(theory, "PAIR", PAIR[::-1])
        assert theory.counterexample().finding is Finding.UNDECIDED

    @pytest.mark.parametrize("theta", [0.0, 0.01, 0.7, 1.5])
    def test_the_entries_in_closed_form(self, theta: float) -> None:
        values, slopes = equal_norms.entries(arb(theta), 300, 150)
        X = np.zeros((2, D))
        X[0, 0], X[1, 0], X[1, 1] = 1, math.cos(theta), math.sin(theta)
        for name, value in zip(PAIR, values, strict=True):
            K = biased.matrices(name, X * D**0.5, width_of(name))[0]
            assert float(value.mid()) == pytest.approx(K[0, 1], rel=1e-12)
        step = 1e-6
        up, down = (equal_norms.entries(arb(theta) + sign * step, 300, 150)[0] for sign in (1, -1))
        for slope, high, low in zip(slopes, up, down, strict=True):
            assert float(slope.mid()) == pytest.approx(float(((high - low) / (2 * step)).mid()), abs=1e-4)

    @pytest.mark.parametrize(
        ("plain", "gated", "d", "finding"),
        [
            *((plain, gated, D, Finding.REFUTES) for _, plain, gated in TOO_NARROW),
            # matched in size: below d/m = 1/2 and from it on
            (200, 100, 75, Finding.SUPPORTS),
            (160, 80, 75, Finding.SUPPORTS),
            (140, 70, 75, Finding.REFUTES),
            (100, 50, 75, Finding.REFUTES),
            (75, 37, 75, Finding.REFUTES),
            # one hidden unit more and fewer than m̃ + d + 1
            (227, 150, 75, Finding.SUPPORTS),
            (5, 1, 2, Finding.SUPPORTS),
            (3, 1, 2, Finding.REFUTES),
            (33, 20, 11, Finding.SUPPORTS),
            (31, 20, 11, Finding.REFUTES),
        ],
    )
    def test_which_widths_are_wide_enough(self, plain: int, gated: int, d: int, finding: Finding) -> None:
        """The condition m ≥ m̃ + d + 1 by the certificate, which knows nothing of it."""
        assert equal_norms.all_angles(plain, gated, d).finding is finding
        assert (plain >= gated + d + 1) == (finding is Finding.SUPPORTS)

    def test_a_falling_margin_is_no_refutation(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """F = θ(1/7 − θ + 2θ²) is positive; its slope is negative from 0.105 on."""

        def made_up(theta: arb, *_: int) -> tuple[tuple[arb, arb], tuple[arb, arb]]:
            value, slope = theta / 7 - theta**2 + 2 * theta**3, arb(1) / 7 - 2 * theta + 6 * theta**2
            return (1 + value, arb(1)), (slope, arb(0))

        monkeypatch.setattr(equal_norms, "entries", made_up)
        assert equal_norms.all_angles.__wrapped__(1, 2, 3).finding is Finding.UNDECIDED

    @pytest.mark.long
    @given(st.integers(1, 400), st.integers(2, 200), st.integers(-150, 150), st.floats(1e-3, math.pi / 2))
    def test_the_condition_on_the_widths_by_numpy(self, gated: int, d: int, more: int, theta: float) -> None:
        """Condition numbers from the kernels of the library."""
        plain = max(1, gated + d + 1 + more)
        X = np.zeros((2, d))
        X[0, 0], X[1, 0], X[1, 1] = 1, math.cos(theta), math.sin(theta)
        first, second = (
            np.linalg.cond(biased.matrices(name, X * d**0.5, width)[0])
            for name, width in zip(PAIR, (plain, gated), strict=True)
        )
        # rounding: entries right to some 1e-15, the least eigenvalue to so many parts of the largest
        allowed = 1e-14 * max(first, second)
        if plain >= gated + d + 1:
            assert second <= first * (1 + allowed)
        elif theta < 2e-3:
            assert second >= first * (1 - allowed)

    @pytest.mark.parametrize("d", [2, 3, 10, 75, 100, 768])
    def test_matched_in_size_from_where_on(self, d: int) -> None:
        for width in {*range(2, 40), *range(max(2, 2 * d - 40), 2 * d + 40), 10 * d}:
            assert (width - matched_width("reglu", width, d) >= d + 1) == (width >= 2 * d + 2)

    @pytest.mark.parametrize("widths", [(300, 150), (152, 76)])
    def test_equal_norms_are_straighter_for_every_target(self, widths: tuple[int, int]) -> None:
        """The corrected statement by another way: polygons of the expected kernels, targets in all directions."""
        for cosine in (0.3, ACUTE, 0.95):
            plain, gated = self.pair(cosine, widths)
            for angle in np.linspace(0, np.pi, 13):
                e = np.array([[np.cos(angle), np.sin(angle)]])
                assert straightness_of(gated, e)[0] >= straightness_of(plain, e)[0] - 1e-12

    @pytest.mark.parametrize("widths", [(140, 70), (100, 50)])
    def test_narrow_networks_are_less_straight_at_small_angles(self, widths: tuple[int, int]) -> None:
        """d/m above 1/2, θ = 0.003; targets along an eigenvector are reached straight by both."""
        plain, gated = self.pair(1 - 5e-6, widths)
        for angle in np.linspace(0.1, 0.6, 6):
            e = np.array([[np.cos(angle), np.sin(angle)]])
            assert straightness_of(gated, e)[0] < straightness_of(plain, e)[0] - 1e-9

    @staticmethod
    def pair(cosine: float, widths: tuple[int, int]) -> list[np.ndarray]:
        X = np.zeros((2, D))
        X[0, 0] = X[1, 0] = 1
        X[1, :2] = cosine, math.sqrt(1 - cosine**2)
        return [biased.matrices(name, X * D**0.5, width)[0][None] for name, width in zip(PAIR, widths, strict=True)]
