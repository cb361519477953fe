"""Races of loss curves without eigenvalues, against matrix powers, and against wrong exponents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from checks.tools.loss_pairs import PAIRS, LossPair, case
from checks.tools.loss_races import Race, as_isolated, race, races
from glutheory.dynamics import LossCurve, crossings
from tests.checks.claims.loss_cases import QUICK, few, few_normalised


def direct(given: LossPair, step: float) -> float:
    """L − L̃ over L by numpy's power of a matrix, or its exponential by eigenvectors."""
    losses = []
    for K, sigma in zip(given.data.K, given.data.sigma, strict=True):
        if given.rate is None:
            values, vectors = np.linalg.eigh(K)
            B = vectors * np.exp(-2 * step * values) @ vectors.T
        else:
            B = np.linalg.matrix_power(np.eye(len(K)) - given.rate * K, 2 * int(step))
        losses.append(float(np.sum(B * (sigma + np.outer(given.Y, given.Y)))))
    return (losses[0] - losses[1]) / losses[0]


@pytest.mark.parametrize("flow", [False, True])
def test_the_signs_are_those_of_matrix_powers(flow: bool) -> None:
    given = few_normalised()[0] if flow else few()[2]
    (found,) = race((given,))
    assert found.steps[0] == 0
    seen = 0
    for step, sign in zip(found.steps[1:], found.signs[1:], strict=True):
        difference = direct(given, step)
        if sign and abs(difference) > 1e-9:
            assert np.sign(difference) == sign
            seen += 1
    assert seen > 5
    assert found.start == found.signs[0] or found.signs[0] == 0


def test_isolated_crossings_agree_and_wrong_exponents_do_not() -> None:
    """exp(−λt/4) for exp(−2λt), a mode left out of one curve, and the two curves exchanged: each is seen."""
    cases = few()
    assert all(as_isolated(given, found) for given, found in zip(cases, races(cases), strict=True))
    given, found = next(
        (given, found) for given, found in zip(cases, races(cases), strict=True) if len(given.found) == 1 and found.end
    )
    slowed = [LossCurve(curve.eigenvalues / 8, curve.weights) for curve in given.curves]
    exchanged = given.curves[1], given.curves[0]
    slow = int(given.least[1] < given.least[0])  # the curve that is higher in the end, without its slowest modes
    kept = given.curves[slow].eigenvalues > max(given.least) * 1.5
    without = list(given.curves)
    without[slow] = LossCurve(given.curves[slow].eigenvalues[kept], given.curves[slow].weights[kept])
    for wrong in ((slowed[0], slowed[1]), exchanged, (without[0], without[1])):
        altered = replace(given, curves=wrong)
        assert altered.found == crossings(*wrong, rate=given.rate)
        assert not as_isolated(altered, found)


def test_a_race_of_one_data_set() -> None:
    other = case(PAIRS[0], (40, 8), "random", QUICK)
    with pytest.raises(ValueError, match="one data set"):
        race((few()[0], other))


def test_the_end_is_told_only_by_long_races() -> None:
    found = Race((0.0, 1.0, 2.0, 4.0), (-1, -1, 1, 0), far=2.0)
    assert (found.start, found.end) == (-1, 1)
    assert Race((0.0, 1.0), (0, -1), far=2.0).end == 0
