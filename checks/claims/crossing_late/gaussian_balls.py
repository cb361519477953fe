"""Gaussian data on which gating lowers the least eigenvalue, proved in ball arithmetic (ReLU and ReGLU)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from flint import arb, arb_mat

from checks.tools.relu_balls import kernels
from glutheory.claims import Evidence, Figure, Finding, Grade
from glutheory.ground.balls import precision

Array = npt.NDArray[np.float64]
_BITS = 128


def exceeds(K: arb_mat, bound: float) -> bool:
    """Whether λ_min(K) > bound was proved: R(K − bound·I)Rᵀ is within 1 of I in the maximum row sum.

    R is any invertible matrix (it must be, if the product is near I); floating point proposes an inverse Cholesky
    factor.
    """
    import scipy.linalg

    n = K.nrows()
    with precision(_BITS):
        shifted = K - _identity(n) * arb(bound)
        rough = np.array([[float(x.mid()) for x in row] for row in shifted.tolist()])
        try:
            factor = scipy.linalg.cholesky(rough, lower=True)
        except np.linalg.LinAlgError:
            return False
        inverse = arb_mat(scipy.linalg.solve_triangular(factor, np.eye(n), lower=True).tolist())
        rest = (inverse * shifted * inverse.transpose() - _identity(n)).tolist()
        return all(sum((abs(x) for x in row), arb(0)) < 1 for row in rest)


def quotient(K: arb_mat, vector: Array) -> arb:
    """The Rayleigh quotient, an upper bound of λ_min."""
    with precision(_BITS):
        v = arb_mat([[value] for value in vector.tolist()])
        return (v.transpose() * K * v)[0, 0] / (v.transpose() * v)[0, 0]


def _identity(n: int) -> arb_mat:
    return arb_mat([[int(i == j) for j in range(n)] for i in range(n)])


@lru_cache(maxsize=4)
def counterexample(n: int, d: int, seed: int, widths: tuple[int | None, ...]) -> Evidence:
    """Standard Gaussian data, constant targets with noise: the hypothesis holds, and λ_min(K̃) < λ_min(K).

    Then L(k) ≤ L(0) (1 − ηλ_min(K))^{2k} and L̃(k) ≥ λ_min(Σ̃) (1 − ηλ_min(K̃))^{2k} for η ≤ 1/λ_max(K), so the gated
    loss is the higher one for all large k.
    """
    from glutheory.dynamics import decompose

    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    # along 1, where K is largest: the hypothesis is a condition on Y
    Y = 1 + 0.1 * rng.standard_normal(n)
    rows, refuted = dict[str, Figure](), True
    for width in widths:
        found = kernels(X, width)
        rough = [decompose([[float(x.mid()) for x in r] for r in K.tolist()]) for K in (found.plain, found.gated)]
        with precision(_BITS):
            y = arb_mat([[value] for value in Y.tolist()])
            hypothesis = (y.transpose() * (found.plain - found.gated) * y)[0, 0]
            above = quotient(found.gated, rough[1].vectors[:, 0])
            between = float(np.sqrt(rough[0].values[0] * rough[1].values[0]))
            positive = float(rough[1].values[0]) / (2 if width is None else 4)
            proved = [hypothesis > 0, above < between, exceeds(found.plain, between)]
            proved.append(exceeds(found.sigma_gated, positive))
            start = float((found.sigma.trace() + (y.transpose() * y)[0, 0]).upper())
            rate = 1 / float(rough[0].values[-1])
            # 2k ln((1 − ηλ̃)/(1 − ημ)) > ln(L(0)/λ_min(Σ̃))
            gap = np.log1p(-rate * float(above.upper())) - np.log1p(-rate * between)
        refuted = refuted and all(proved)
        rows["wide limit" if width is None else f"width {width}"] = {
            "Y^T(K - Kgated)Y/m": float(hypothesis.mid()),
            "smallest eigenvalue of K/m, above": between,
            "smallest eigenvalue of Kgated/m, below": float(above.upper()),
            "smallest eigenvalue of the gated covariance, above": positive,
            "gated loss certainly higher after step": float(np.ceil(np.log(start / positive) / (2 * gap))),
            "everything proved": all(proved),
        }
    what = (
        f"Gaussian data, n = {n}, d = {d}, where the hypothesis holds and the gated loss is the higher one in the end"
    )
    finding = Finding.REFUTES if refuted else Finding.UNDECIDED
    return Evidence(Grade.CERTIFICATE, f"{what} (ReLU, certified)", finding, figures=rows)
