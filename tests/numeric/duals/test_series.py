"""Hermite coefficients of the logistic family: the same by integrals of 30 digits, and what a sum leaves out."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from glutheory.numeric.arrays import numpy_namespace
from glutheory.numeric.duals.bases import LOG_COSH, TANH, TERMS, X_TANH, Base
from glutheory.numeric.duals.series import Series, series

MP = mpmath.mp.clone()
MP.dps = 30
XP = numpy_namespace()
FUNCTIONS = {
    "tanh": (TANH, lambda x, q: MP.tanh(q * x)),
    "x tanh": (X_TANH, lambda x, q: x * MP.tanh(q * x)),
    "log cosh": (LOG_COSH, lambda x, q: MP.log(2 * MP.cosh(q * x))),
}
#: Octaves below and beyond the change of rules at 20/13, the one across it, and the lowest that is interpolated.
OCTAVES = (-30, -7, -1, 0, 3)


def scales(octave: int, count: int) -> np.ndarray:
    return 2.0**octave * np.linspace(1.0, 2.0, count, endpoint=False)


def coefficient(name: str, q: float, index: int) -> mpmath.mpf:
    """h_k(q) by its definition, an even function integrated over x ≥ 0."""
    base, function = FUNCTIONS[name]
    k = base.parity + 2 * index
    hermite = [MP.mpf(part) for part in np.polynomial.hermite_e.herme2poly([0] * k + [1])[::-1]]
    weight = 2 / MP.sqrt(2 * MP.pi * MP.factorial(k))

    def integrand(x: mpmath.mpf) -> mpmath.mpf:
        return function(x, MP.mpf(q)) * MP.polyval(hermite, x) * MP.exp(-x * x / 2)

    return weight * MP.quad(integrand, [0, 0.25, 1, 3, 6, 14])


@pytest.mark.long
@pytest.mark.parametrize("octave", OCTAVES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_coefficients_are_the_integrals(name: str, octave: int) -> None:
    """Of some rows one by one and of many interpolated; off by ten roundings of the norm of f.

    Those are of the sums of 18 polynomials, or of 128 nodes, and of their values.
    """
    base = FUNCTIONS[name][0]
    q = scales(octave, 40)
    for found, rows in ((series(XP, base, q), (0, 17, 39)), (series(XP, base, q[:3]), (0, 2))):
        for row in rows:
            for index in (0, 1, 4):
                wanted = coefficient(name, q[row], index)
                off = abs(MP.mpf(float(found.coefficients[index, row])) - wanted)
                assert off <= 10 * 2.0**-52 * np.sqrt(found.norm[row])


@pytest.mark.parametrize("base", [TANH, X_TANH, LOG_COSH], ids=list(FUNCTIONS))
def test_what_is_missing(base: Base) -> None:
    """At least what either sum leaves out, relative to its scale, and at most twice the larger of both."""
    q = np.concatenate([scales(octave, 30) for octave in OCTAVES])
    found = series(XP, base, q)
    scale, slope_scale = 0.25 + found.norm, 0.125 + 3.0 * found.slope_norm
    missing = found.missing(XP, base, scale, slope_scale)
    k = np.array(base.degrees())[:, None]
    larger = np.maximum(rest(found, found.norm, 1.0 + 0.0 * k) / scale, rest(found, found.slope_norm, k) / slope_scale)
    assert missing.shape == larger.shape == (TERMS + 1, len(q))
    sure = larger > 1e-10  # a difference from a norm has lost what is smaller
    assert (missing[sure] >= (1 - 1e-4) * larger[sure]).all()
    assert (missing[sure] <= (2 + 1e-4) * larger[sure]).all()


def rest(found: Series, total: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The total less the first 0 … TERMS squares."""
    squares = np.cumsum(weights * found.coefficients**2, axis=0)
    left: np.ndarray = np.concatenate([total[None, :], total - squares])
    return left


def test_no_scale_at_all() -> None:
    """A zero row, and rows too small to be interpolated, beside many others."""
    q = np.concatenate([[0.0, 5e-324, 1e-200], scales(-1, 40)])
    coefficients = series(XP, X_TANH, q).coefficients
    np.testing.assert_array_equal(coefficients[:, 0], 0.0)
    # x tanh(q x) = q x² for small q: h_0 = q, h_2 = √2 q
    np.testing.assert_allclose(coefficients[:2, 2], [1e-200, np.sqrt(2) * 1e-200], rtol=1e-14)
