"""The interpolant of the logistic family against the average it is made from, in extended precision where there is one.

What is interpolated has a rounding of 6e-16 at the nodes and K products of about m numbers add a few more: 3e-15 of the
scale √(F(q, q, 1) F(q', q', 1)) has been measured, and entries of `gram` may be off by 1e-14.
"""

from __future__ import annotations

import math
from typing import Any

import array_api_compat.numpy as xp
import numpy as np
import pytest

from glutheory.numeric import gram
from glutheory.numeric.chebyshev import enough
from glutheory.numeric.duals import close, interpolant
from glutheory.numeric.duals.bases import LOG_COSH, TANH, X_TANH, Base
from glutheory.numeric.duals.mixture import averages
from glutheory.numeric.pairs import Geometry

TOLERANCE = 5e-15
BASES = {"tanh": TANH, "x tanh": X_TANH, "log cosh": LOG_COSH}


def _pairs(rho: np.ndarray, gap: np.ndarray) -> Geometry:
    return Geometry(xp, rho, True, 1.0, np.sqrt(gap * (2.0 - gap)), 0.0 * gap)


def _tile(span: tuple[int, int], whole: bool) -> tuple[Geometry, np.ndarray, np.ndarray]:
    """Pairs at all angles, or for |ρ| ≥ 3/4, the ends and 1e-15 beside them among them."""
    rng = np.random.default_rng(7)
    low, high = interpolant.edges(span)
    q, q2 = np.exp(rng.uniform(math.log(low), math.log(high), (2, 30)))
    q[:2], q2[:2] = (low, high), (high, low)
    gap = rng.uniform(0, 1.0 if whole else 0.25, (30, 30)) ** rng.uniform(1, 8, (30, 30))
    gap[0], gap[1] = 0.0, 1e-15
    return _pairs(np.where(rng.random((30, 30)) < 0.5, -1.0, 1.0) * (1.0 - gap), gap), q, q2


def _average(pairs: Geometry, base: Base, q: np.ndarray, q2: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of all pairs of a tile."""
    own, other = (np.broadcast_to(side, pairs.rho.shape).ravel() for side in (q[:, None], q2[None, :]))
    flat = _pairs(pairs.rho.ravel(), interpolant.gaps(pairs).ravel())
    return tuple(part.reshape(pairs.rho.shape) for part in averages(flat, base, own, other))


def _errors(base: Base, span: tuple[int, int], whole: bool) -> list[float]:
    pairs, q, q2 = _tile(span, whole)
    found = interpolant.interpolant(base, span, whole).tile(pairs, q, q2, ((1.0, 0.0), (0.0, 1.0)))
    wanted = _average(pairs, base, q, q2)
    same = [averages(_pairs(1.0 + 0 * side, 0 * side), base, side, side) for side in (q, q2)]
    return [
        float(np.max(np.abs(f - w) / np.sqrt(np.outer(one, two))))
        for f, w, one, two in zip(found, wanted, *same, strict=True)
    ]


@pytest.mark.long
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("span", [(-2, 0), (3, 5), (1, 13), (12, 16), (4, 16), (20, 24), (40, 41)])
@pytest.mark.parametrize("name", BASES)
def test_it_is_the_average(name: str, span: tuple[int, int], whole: bool) -> None:
    assert interpolant.serves(span, whole)
    assert max(_errors(BASES[name], span, whole)) < TOLERANCE


def test_an_interpolant_of_too_few_terms_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a fifth of the polynomials less leaves what a rounding does not."""
    monkeypatch.setattr(interpolant, "enough", lambda half, distance: enough(half, distance) * 4 // 5)
    monkeypatch.setattr(interpolant, "interpolant", interpolant._make.__wrapped__)
    assert max(_errors(X_TANH, (2, 12), True)) > 3 * TOLERANCE


def test_sums_are_those_of_the_parts() -> None:
    pairs, q, q2 = _tile((3, 5), True)
    made = interpolant.interpolant(TANH, (3, 5), True)
    s, t, both = made.tile(pairs, q, q2, ((1.0, 0.0), (0.0, 1.0), (0.75, -2.0)))
    np.testing.assert_allclose(both, 0.75 * s - 2.0 * t, rtol=0, atol=1e-14 * np.max(np.abs(t)))


@pytest.mark.parametrize("range_", [(0.0, 1.0), (1.0, math.inf), (1.0, 9.0)])
def test_ranges_too_wide_have_none(range_: tuple[float, float]) -> None:
    assert interpolant.span(*range_) is None


def test_ranges_hold_what_they_are_made_of() -> None:
    for smallest, largest in ((1.0, 1.0), (1.3, 4.4), (0.75, 5.0)):
        found = interpolant.span(smallest, largest)
        assert found is not None
        low, high = interpolant.edges(found)
        assert low <= smallest <= largest <= high


def _hard() -> np.ndarray:
    """Rows around one direction, of several norms, some of them equal, opposite or nearly so."""
    rng = np.random.default_rng(1)
    X = (rng.standard_normal((90, 16)) + 4) * np.exp(rng.uniform(-0.5, 1.0, (90, 1)))
    X[1], X[2], X[3], X[4] = X[0], -X[0], X[0] * (1 + 1e-9), X[0] + 1e-6 * X[5]
    X[6], X[7:30] = -X[0] - 1e-9 * X[8], -X[7:30]
    X[40:50] *= 1e-3
    return X


@pytest.mark.parametrize("name", ["silu", "swiglu", "tanh", "sigmoid", "softplus", "glu"])
def test_gram_is_the_same_pair_by_pair(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Any] = []
    make = interpolant.interpolant

    def noted(*arguments: Any) -> Any:
        used.append(arguments)
        return make(*arguments)

    monkeypatch.setattr(close, "interpolant", noted)
    found = gram(name, _hard(), kind="both", block=90)
    assert used
    monkeypatch.setattr(close, "serves", lambda *_: False)
    before = len(used)
    for part, wanted in zip(found, gram(name, _hard(), kind="both", block=90), strict=True):
        scale = np.sqrt(np.diag(wanted))
        assert np.max(np.abs(part - wanted) / np.outer(scale, scale)) < TOLERANCE
    assert len(used) == before


@pytest.mark.parametrize("name", ["silu", "tanh", "softplus"])
def test_gram_is_the_same_where_angles_are_refined(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rounding of ρ is harmless where `limit` says so."""
    X = _hard()
    found = gram(name, X, kind="both")
    monkeypatch.setattr("glutheory.numeric.duals.logistic._GENTLE", (0.0, 0.0))
    for part, wanted in zip(found, gram(name, X, kind="both"), strict=True):
        scale = np.sqrt(np.diag(wanted))
        assert np.max(np.abs(part - wanted) / np.outer(scale, scale)) < TOLERANCE
