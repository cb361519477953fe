"""The checks of Theorem 3.1: their data, and the spectra predicted for them."""

from __future__ import annotations

import numpy as np
import pytest

from checks.settings import Settings
from checks.tools import spectral_grid
from checks.tools.far_spectrum import far
from checks.tools.spectral_grid import Cell, families, gaussian, groups, inputs, kernels, product
from glutheory.spectra import equivalent
from tests.checks.claims.spectral_cases import FULL, QUICK, SMALL, relu

pytest.importorskip("statsmodels", reason="the orders of spectra are fitted by statsmodels")


@pytest.mark.parametrize("settings", [QUICK, FULL], ids=["quick", "full"])
def test_all_sizes_are_as_the_theorem_wants(settings: Settings) -> None:
    cells = [cell for group in groups(settings).values() for cell in group]
    assert all(cell.d + 1 < cell.n for cell in cells)
    found = product(settings)
    for axis in ({cell.n for cell in found}, {cell.d for cell in found}):
        assert max(axis) >= 10 * min(axis)
    assert len(found) == 16
    assert all(cell.n == 4 * cell.d for cell in families(settings)["n = 4d"])
    assert all(abs(cell.n / cell.d**1.5 - 1) < 0.1 for cell in families(settings)["n = d^1.5"])


@pytest.mark.parametrize("width", [0, 7])
def test_kernels_are_those_of_the_formulas(width: int) -> None:
    X = inputs(9, 3, 5)
    a = np.sum(X**2, axis=1) / 3
    C, root = X @ X.T / 3, np.sqrt(np.outer(a, a))
    s, T = relu(C / root)
    ratio = 3 / width if width else 0.0
    plain, gated = kernels(X, width)
    assert plain == pytest.approx(root * s + ratio * C * T)
    assert gated == pytest.approx(C * ((1 + ratio) * root * s + ratio * C * T))


def test_draws_are_reproducible_and_read_only() -> None:
    draw = SMALL[0].draws[0]
    X = inputs(40, 6, 1)
    assert np.array_equal(X, inputs(40, 6, 1))
    assert not np.array_equal(X, inputs(40, 6, 2))
    for values, K in zip((draw.plain, draw.gated), kernels(X), strict=True):
        assert np.sort(np.linalg.eigvalsh(K))[::-1] == pytest.approx(values, abs=1e-12)
        assert not values.flags.writeable
    assert draw.linear == pytest.approx(np.linalg.eigvalsh(X @ X.T / 6)[-1])
    norms = np.sum(X**2, axis=1) / 6
    assert draw.squared == pytest.approx(np.linalg.eigvalsh(np.sqrt(np.outer(norms, norms)) * (X @ X.T) / 6)[-1])
    assert np.sum(inputs(5, 4, 0, sphere=True) ** 2, axis=1) == pytest.approx(4)
    assert draw.ends(gated=False).second == draw.plain[1]
    assert draw.ends(gated=True, outliers=0).second == draw.gated[0]


def test_assumptions_are_evaluated_on_the_data() -> None:
    assert all(item.holds for item in gaussian(product(QUICK)[:4]))
    assert not gaussian((Cell(10, 9, (0,)),))[0].holds
    assert not gaussian((Cell(200, 20, (0, 1), sphere=True),))[1].holds


def test_lecuns_variances_are_read_off_the_spectra(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = (Cell(30, 6, (5,)), Cell(30, 6, (5,), width=50))
    assert gaussian(cells)[2].holds
    # the kernels of another width, or of variances 2/d: what the claims are about is no longer there
    right = spectral_grid.kernels
    for wrong in (lambda X, _: right(X, 7), lambda X, width: [2 * K for K in right(X, width)]):
        spectral_grid._draw.cache_clear()
        monkeypatch.setattr(spectral_grid, "kernels", wrong)
        assert not any(gaussian((cell,))[2].holds for cell in cells)
    spectral_grid._draw.cache_clear()


def test_far_spectra_continue_the_equivalent() -> None:
    for network, found in zip(("relu", "reglu"), far(40_000, 1000), strict=True):
        expected = equivalent(network, 40_000, 1000, degree=None)
        for end in ("largest", "second", "smallest"):
            assert getattr(found, end) == pytest.approx(getattr(expected, end), rel=1e-3)


def test_predictions_meet_measured_spectra() -> None:
    """The edge of the gated bulk fluctuates by 3 % (Tracy–Widom), the spike of K by far less."""
    draw = Cell(400, 25, (3,)).draws[0]
    for gated in (False, True):
        ends, predicted = draw.ends(gated=gated), draw.predicted[gated]
        assert predicted.largest == pytest.approx(ends.largest, rel=0.15 if gated else 0.01)
        assert predicted.smallest == pytest.approx(ends.smallest, rel=0.25)
