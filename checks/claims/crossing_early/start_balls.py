"""Standard Gaussian data on which the gated network starts with the lower loss, proved (ReLU and ReGLU)."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from flint import arb_mat

from checks.tools.relu_balls import kernels
from glutheory.claims import Evidence, Figure, Finding, Grade
from glutheory.ground.balls import precision

Array = npt.NDArray[np.float64]
_BITS = 128
#: Draws after which the search for such a data set gives up: at n = 300, d = 290 about one in 10 to 14 is one.
_TRIES = 400


def traces(X: Array) -> tuple[Fraction, Fraction]:
    """Tr Σ and Tr Σ̃ of ReLU and ReGLU under LeCun's variances, exactly: Σ_ii = q/2, Σ̃_ii = q²/2, q = ‖x‖²/d.

    The same at every width.
    """
    squares = [sum((Fraction(value) ** 2 for value in row), Fraction(0)) / X.shape[1] for row in X.tolist()]
    return sum(squares, Fraction(0)) / 2, sum((q**2 for q in squares), Fraction(0)) / 2


def shorter(n: int, d: int, seed: int) -> tuple[Array, int] | None:
    """The first draw with Tr Σ > Tr Σ̃, and how many there were before it."""
    rng = np.random.default_rng(seed)
    for tries in range(_TRIES):
        X = rng.standard_normal((n, d))
        q = np.sum(X**2, axis=1) / d
        if float(np.sum(q - q * q)) > 0:
            return X, tries
    return None


@lru_cache(maxsize=2)
def counterexample(n: int, d: int, seed: int) -> Evidence:
    """The hypothesis holds, and E L_0 > E L̃_0: then L_k > L̃_k for all small ηk, by continuity."""
    what = f"standard Gaussian data, n = {n}, d = {d}, on which the gated network starts with the lower loss, certified"
    found = shorter(n, d, seed)
    if found is None:
        return Evidence(Grade.CERTIFICATE, what, Finding.UNDECIDED, figures={"data sets drawn": _TRIES})
    X, tries = found
    plain, gated = traces(X)
    matrices = kernels(X, None)
    with precision(_BITS):
        one = arb_mat([[1]] * n)
        hypothesis = (one.transpose() * (matrices.plain - matrices.gated) * one)[0, 0]
        proved = [bool(hypothesis > 0), plain > gated]
    figures: dict[str, Figure] = {
        "data sets drawn before": tries,
        "targets": "1",
        "Y^T(K - Kgated)Y/m": float(hypothesis.mid()),
        "initial loss, non-gated": float(plain) + n,
        "initial loss, gated": float(gated) + n,
        "everything proved": all(proved),
    }
    return Evidence(Grade.CERTIFICATE, what, Finding.REFUTES if all(proved) else Finding.UNDECIDED, figures=figures)
