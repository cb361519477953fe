"""The predicted spectrum: its units, where it applies, how it scales."""

from __future__ import annotations

import math

import numpy as np
import pytest

import glutheory as glu
from glutheory.commands.data import draw_rows
from glutheory.networks import network
from glutheory.spectra import equivalent
from glutheory.studies.spectrum import predictions
from glutheory.studies.spectrum.predictions import Prediction, predict
from glutheory.studies.spectrum.study import spectrum_study
from tests.zoo import DEGREES, FAST_NETWORKS


@pytest.mark.long
def test_the_prediction_has_the_units_of_the_matrix() -> None:
    """And it predicts: its errors are of order d^(−1/2) = 0.16 and n^(−2/3) = 0.02."""
    X = draw_rows("gaussian", 400, 40, 3).X
    norms = np.linalg.norm(X, axis=1)
    for kind, parametrization, width, unit in (
        ("ntk", "standard", 4096, 4096),
        ("nngp", "standard", 4096, 1),
        ("nngp", "ntk", None, 1),
    ):
        study = spectrum_study(["relu", "reglu"], X, kind=kind, parametrization=parametrization, width=width)
        for item in study.networks:
            found = equivalent(item.network, 400, 40, degree=None, norms=norms)
            assert item.theory is not None
            # the edges' root finder stops at 1e-13
            assert item.theory.largest == pytest.approx(unit * found.largest, rel=1e-12)
            assert item.theory.condition == pytest.approx(found.condition, rel=1e-12)
            assert item.theory.bulk_condition == pytest.approx(found.bulk_condition, rel=1e-12)
            assert not item.theory.approximate
            measured = item.values[[0, 1, -1]]
            predicted = [item.theory.largest, item.theory.second, item.theory.smallest]
            np.testing.assert_allclose(predicted, measured, rtol=0.16 + 0.02)


@pytest.mark.parametrize(
    ("name", "n", "d", "options", "change", "part"),
    [
        ("relu", 60, 10, ("ntk", "ntk", None), None, "standard parametrisation"),
        ("relu", 60, 9, ("ntk", "standard", 4096), None, "at least 10 features"),
        ("relu", 49, 10, ("nngp", "ntk", None), None, "50 rows"),
        ("relu", 60, 10, ("ntk", "standard", 99), None, "wide networks"),
        ("relu", 60, 10, ("ntk", "standard", 4096), 0.0, "a row is zero"),
        ("relu", 60, 10, ("nngp", "standard", 4096), 1e-4, "differ by more than a factor of 1000"),
        ("gelu", 60, 40, ("ntk", "standard", 4096), 3.0, "norms near √d"),
        ("erf", 60, 40, ("nngp", "standard", 4096), 2.0**600, "differ by more than a factor of 1000"),
    ],
)
def test_where_it_does_not_apply_it_says_why(
    name: str, n: int, d: int, options: tuple[str, str, int | None], change: float | None, part: str
) -> None:
    X = draw_rows("normalised", n, d, 0).X
    if change is not None:
        X[:10] *= change
    found = predict(network(name), X, *options)
    assert isinstance(found, str)
    assert part in found


def test_rows_of_any_size_are_judged() -> None:
    X = draw_rows("normalised", 60, 12, 0).X
    for size in (2.0**1000, 2.0**-1000):
        assert "norms near √d" in str(predict(network("erf"), size * X, "nngp", "ntk", None))


def test_activations_that_are_not_homogeneous_are_approximate() -> None:
    found = predict(network("gelu"), draw_rows("normalised", 60, 12, 0).X, "nngp", "ntk", None)
    assert isinstance(found, Prediction)
    assert found.approximate
    degrees = {name: predictions._degree(network(name)) for name in FAST_NETWORKS}
    assert {name: degree for name, degree in degrees.items() if degree is not None} == DEGREES


@pytest.mark.parametrize("name", ["relu", "reglu", "step"])
def test_the_prediction_scales_as_the_matrix_does(name: str) -> None:
    X = draw_rows("gaussian", 60, 12, 0).X
    K = [glu.gram(name, 2.0**k * X, kind="nngp")[0, 0] for k in (0, -220, 200)]
    found = [predict(network(name), 2.0**k * X, "nngp", "ntk", None) for k in (0, -220, 200)]
    for own, entry in zip(found, K, strict=True):
        assert isinstance(own, Prediction)
        assert isinstance(found[0], Prediction)
        assert own.largest / found[0].largest == pytest.approx(entry / K[0], rel=1e-12)
        assert own.condition == pytest.approx(found[0].condition, rel=1e-12)


def test_a_floor_of_zero_gives_an_infinite_prediction() -> None:
    found = Prediction(3.0, 2.0, 0.0, True, False)
    assert math.isinf(found.condition)
    assert math.isinf(found.bulk_condition)
