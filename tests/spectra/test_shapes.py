"""Measures of a spectrum's shape: majorisation, ranks, bulk and outliers."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glutheory import DomainError
from glutheory.spectra import (
    MarchenkoPastur,
    bulk,
    effective_rank,
    log_spread,
    majorisation_gap,
    majorises,
    outliers,
    participation_ratio,
    spectral_entropy,
)

SPECTRA = st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=20)
TRANSFERS = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19), st.floats(0, 1)), max_size=8)


def _flattened(values: list[float], transfers: list[tuple[int, int, float]]) -> np.ndarray:
    """A vector that `values` majorises: a sequence of T-transforms (Hardy, Littlewood & Pólya)."""
    found = np.array(values)
    for i, j, t in transfers:
        i, j = i % len(found), j % len(found)
        a, b = found[i], found[j]
        if i != j:
            found[i], found[j] = t * a + (1 - t) * b, (1 - t) * a + t * b
    return found


@given(SPECTRA, TRANSFERS)
@example([1.0, 1.0], [])
@example([1e6, 1e-6], [(0, 1, 0.5)])
def test_majorisation_and_schur_concavity(values: list[float], transfers: list[tuple[int, int, float]]) -> None:
    flat = _flattened(values, transfers)
    rounding = 1e-15 * len(values)
    assert majorises(values, flat, tolerance=rounding)
    assert majorisation_gap(values, flat) >= -rounding
    assert spectral_entropy(values) <= spectral_entropy(flat) + 1e-12
    assert effective_rank(values) <= effective_rank(flat) * (1 + 1e-12)
    assert participation_ratio(values) <= participation_ratio(flat) * (1 + 1e-12)
    n = len(values)
    for measure in (effective_rank, participation_ratio):
        assert 1 - 1e-12 <= measure(values) <= n * (1 + 1e-12)


@given(SPECTRA, st.floats(1e-200, 1e200), st.randoms())
def test_scale_and_order_do_not_matter(values: list[float], scale: float, random: Random) -> None:
    other = [scale * x for x in values]
    random.shuffle(other)
    for measure in (spectral_entropy, effective_rank, participation_ratio, log_spread):
        assert measure(other) == pytest.approx(measure(values), rel=1e-9, abs=1e-12)
    assert abs(majorisation_gap(values, other)) < 1e-14


def test_known_shapes() -> None:
    assert effective_rank([2.0] * 7) == pytest.approx(7)
    assert participation_ratio([2.0] * 7 + [0.0] * 3) == pytest.approx(7)
    assert effective_rank([1.0, 0.0, -1e-17]) == 1
    assert spectral_entropy([1.0]) == 0
    assert log_spread([math.e, 1 / math.e]) == pytest.approx(1)
    assert not majorises([1, 1], [2, 0])
    assert majorises([2, 0], [1, 1])
    assert majorisation_gap([1, 1], [2, 0]) == -0.5
    assert majorisation_gap([3.0], [5.0]) == 0
    assert not majorises([3, 3, 0], [4, 1, 1])  # incomparable, in both directions
    assert not majorises([4, 1, 1], [3, 3, 0])


def test_bulk_and_outliers() -> None:
    values = [1.0, 100.0, 1.1, 0.9, 1.2, 0.8]
    assert outliers(values) == 1
    assert list(bulk(values)) == [1.2, 1.1, 1.0, 0.9, 0.8]
    assert len(bulk(values, outliers=0)) == 6
    assert outliers([1.0, 1.1, 1.2, 1.3]) == 0
    assert outliers([100.0, 50.0, 1.0, 0.9, 0.8, 0.7]) == 2
    assert outliers([5.0]) == 0
    assert outliers([1.0, 0.0, 0.0, 0.0]) == 1
    law = MarchenkoPastur(0.5)
    assert outliers(law.quantiles(500)) == 0
    assert outliers([*law.quantiles(500), 30.0]) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: effective_rank([]), "values has shape"),
        (lambda: effective_rank(np.eye(2)), "values has shape"),
        (lambda: effective_rank([1.0, np.nan]), "not finite"),
        (lambda: effective_rank([0.0, 0.0]), "at least one"),
        (lambda: effective_rank([1.0, -0.1]), "must be ≥ 0"),
        (lambda: log_spread([1.0, 0.0]), "not positive"),
        (lambda: majorises([1.0], [1.0, 2.0]), "equal size"),
        (lambda: majorises([1.0], [1.0], tolerance=-1), "tolerance"),
        (lambda: bulk([1.0, 2.0], outliers=2), "outliers is 2"),
    ],
)
def test_bad_shapes(call: Callable[[], object], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        call()
