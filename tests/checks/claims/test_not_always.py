"""The check that gating does not always help: its sets, its searches, and the whole of it (slow)."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from checks import runner
from checks.claims.not_always import figure, statement
from checks.claims.not_always.certified_sets import certified, floors
from checks.claims.not_always.optimised_sets import circle, normalising, pushed
from checks.claims.not_always.pair_angles import harm, identities, opposed, opposed_slope
from checks.claims.not_always.statement import MUTANTS, Said, smallest
from checks.claims.not_always.subset_search import both, directions, menu, ratio, worst
from checks.settings import Settings
from checks.tools import roads
from checks.tools.extremal_sets import EXAMPLES, Example, agrees, both_turns, conditions, kernel, stated, turned
from checks.tools.formulas import gated as equation
from glutheory.claims import Finding, Verdict
from glutheory.ground.exact import ball
from glutheory.networks import GATES

QUICK = Settings()
NAMED = {example.name: example for example in reversed(EXAMPLES) if not example.costly}
CHEAP = tuple(NAMED[name] for name in ("opposite rays", "orthogonal pair", "obtuse pair", "two close pairs"))


def factor(example: Example) -> Fraction:
    return example.factor


class TestExamples:
    def test_normalised_means_exactly(self) -> None:
        for example in EXAMPLES:
            norms = {sum(value * value for value in row) for row in example.X}
            assert (norms == {example.d}) == example.normalised, example.where

    def test_turns(self) -> None:
        half, third = Fraction(1, 2), Fraction(1, 3)
        angle = 2 * math.atan(0.5) + 2 * math.atan(1 / 3)
        assert 2 * math.atan(both_turns(half, third)) == pytest.approx(angle)
        (first, second) = turned(Fraction(0), half)
        cosine = float(sum(x * y for x, y in zip(first, second, strict=True))) / 2
        assert cosine == pytest.approx(math.cos(2 * math.atan(0.5)))

    def test_the_kernel_is_that_of_the_library(self) -> None:
        for name in ("obtuse pair", "antipodal pair", "orthogonal pair"):
            example = NAMED[name]
            X = np.array([[float(value) for value in row] for row in example.X])
            for gated, wanted in zip((False, True), both(example.gate, X, example.width), strict=True):
                matrix = kernel(example, gated, stated(example, gated), roads.symbolic)
                found = np.array([[float(x.mid()) for x in row] for row in matrix.tolist()])
                assert found == pytest.approx(wanted, rel=1e-13)

    def test_recorded_figures_are_compared_to_the_last_digit(self) -> None:
        assert agrees(ball(Fraction(1, 3)), "0.333333")
        assert not agrees(ball(Fraction(1, 3)), "0.333335")

    def test_the_bounds(self) -> None:
        assert NAMED["obtuse pair"].factor == 2
        assert NAMED["opposite rays"].factor == 8
        wide = next(example for example in EXAMPLES if example.width is None)
        assert wide.factor == 4
        assert [float(x.mid()) for pair in conditions(wide) for x in pair] == pytest.approx([4, 16, 4, 16])

    def test_the_names_are_unique(self) -> None:
        assert len({example.where for example in EXAMPLES}) == len(EXAMPLES)


class TestCertificates:
    def test_they_support_the_examples(self) -> None:
        assert certified(CHEAP, equation, factor).finding is Finding.SUPPORTS

    @pytest.mark.parametrize("label", [label for label, said in MUTANTS.items() if said.equation is not equation])
    def test_a_wrong_kernel_is_refuted(self, label: str) -> None:
        assert certified(CHEAP, MUTANTS[label].equation, factor).finding is Finding.REFUTES

    def test_what_is_wrong_is_named(self) -> None:
        milder = replace(CHEAP[2], gated=CHEAP[2].plain)
        found = certified((milder,), equation, factor)
        assert found.figures["faults"] == [f"{milder.where}: not the recorded figures"]
        tight = certified(CHEAP[3:], equation, lambda _: Fraction(3, 2))
        assert tight.figures["faults"] == [f"{CHEAP[3].where}: above the proved factor"]
        harmless = Example("right angle", "reglu", turned(Fraction(0), Fraction(1)), 2, "1.3786", "1.0000")
        faults = certified((harmless,), equation, factor).figures["faults"]
        assert faults == [f"{harmless.where}: not certainly worse"]

    def test_smallest_eigenvalues(self) -> None:
        assert floors().finding is Finding.SUPPORTS


class TestSearch:
    @pytest.mark.parametrize(("n", "d", "normalised"), [(2, 1, False), (2, 2, True), (3, 2, True), (2, 3, True)])
    def test_against_every_subset(self, n: int, d: int, normalised: bool) -> None:
        count = 2 if d == 1 else 8
        X = menu(d, count, normalised=normalised)
        best = 0.0
        for chosen in itertools.combinations(range(len(X)), n):
            K, gated = both("swiglu", X[list(chosen)], 4)
            before, after = np.linalg.cond(K), np.linalg.cond(gated)
            if max(before, after) < 1e6:
                best = max(best, after / before)
        found = worst("swiglu", n, d, count, normalised=normalised, width=4)
        assert found.ratio == pytest.approx(best, rel=1e-8)
        assert ratio(*both("swiglu", np.array(found.X), 4)) == pytest.approx(best, rel=1e-8)

    def test_directions_are_unit_vectors(self) -> None:
        for d in (1, 2, 3):
            X = directions(d, 2 if d == 1 else 20)
            assert np.linalg.norm(X, axis=1) == pytest.approx(np.ones(len(X)))
            assert len({tuple(row.round(9)) for row in X}) == len(X)

    def test_more_points_than_the_menu_has(self) -> None:
        assert worst("glu", 3, 1, 2, normalised=True, width=1).ratio == 0

    def test_singular_pairs_are_not_compared(self) -> None:
        assert worst("bilinear", 2, 1, 2, normalised=False, width=1).ratio == 0

    def test_the_smallest_sets(self) -> None:
        """The claims on ReGLU and the bilinear gate alone, and wrong ones."""
        claims = {key: {g: table[g] for g in ("reglu", "bilinear")} for key, table in statement.SMALLEST.items()}
        assert smallest(Said(smallest=claims), False).finding is Finding.SUPPORTS
        for key, gate, size in (((True, True), "reglu", (2, 2)), ((True, False), "bilinear", (2, 2))):
            wrong = {key: {gate: size}}
            assert smallest(Said(smallest=wrong), False).finding is Finding.REFUTES
        assert smallest(Said(smallest={(True, False): {"reglu": (3, 2)}}), False).finding is Finding.REFUTES


class TestPairs:
    @pytest.mark.parametrize("width", [1, 2, 8])
    def test_the_angles_against_a_scan(self, width: int) -> None:
        found = harm(Fraction(2, width))
        assert found.complete
        for angle in np.linspace(0.003, math.pi - 0.003, 150):
            inside = any(low < angle < high for low, high in found.intervals)
            near = any(abs(angle - end) < 1e-4 for interval in found.intervals for end in interval)
            value = ratio(*both("reglu", circle(np.array([angle])), width))
            assert near or (value > 1) == inside, angle

    def test_the_slope(self) -> None:
        """By differences, at a point as narrow balls."""
        h, r = Fraction(1, 10**6), Fraction(1)
        for angle in (Fraction(3, 2), Fraction(5, 2)):
            value = partial(opposed, r)
            rough = (value(angle + h, angle + h) - value(angle - h, angle - h)) / (2 * ball(h))
            assert float(opposed_slope(r, angle, angle).mid()) == pytest.approx(float(rough.mid()), rel=1e-9)

    def test_the_identities(self) -> None:
        assert identities().finding is Finding.SUPPORTS


class TestCharts:
    def test_pairs(self) -> None:
        chart = figure.pair()
        for series in chart.series[1:]:
            k = 100
            X = circle(np.radians([series.x[k]]))
            assert series.y[k] == pytest.approx(ratio(*both(series.label, X, 2)), rel=1e-9)
        reglu = np.array(chart.series[1].y)
        assert reglu[0] > 1.4

    def test_extent(self) -> None:
        bound, close, opposite = figure.extent().series
        assert all(x < y for x, y in zip(close.y, bound.y, strict=True))
        assert all(0 < y < x for x, y in zip(opposite.x, opposite.y, strict=True))


def test_pushed_sets_stay_below_the_bound() -> None:
    value, angles = pushed("reglu", 2, 2, 10, 0)
    assert 1.03 < value < 1.5
    assert value == pytest.approx(ratio(*both("reglu", circle(np.array(angles)), 2)))
    # a pair at a right angle has no correlation to lose: the supremum of the wide limit
    assert pushed("reglu", 2, None, 10, 0)[0] == pytest.approx(1)


def test_normalising_turns_the_loss_around() -> None:
    for raw, scaled in normalising("reglu", 12, 5, 5, 3):
        assert scaled < 1 < raw


@pytest.mark.slow
def test_end_to_end() -> None:
    found = statement.run(QUICK)
    assert all(control.caught for control in found.controls), found.controls
    assert all(assumption.holds for assumption in found.assumptions), found.assumptions
    assert found.verdict is Verdict.HOLDS
    assert found.charts
    assert {gate for _, table in statement.SMALLEST.items() for gate in table} == set(GATES)
    json.dumps(runner.document([found], QUICK), allow_nan=False)


@pytest.mark.slow
@pytest.mark.parametrize("label", MUTANTS)
def test_a_wrong_claim_changes_the_verdict(label: str) -> None:
    assert statement.run(QUICK, MUTANTS[label]).verdict is Verdict.FAILS
