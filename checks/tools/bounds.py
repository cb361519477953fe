"""Bounds on the spectrum of a Hadamard product and of a perturbed matrix, each with the number that it bounds.

Every function computes the eigenvalues in question *and* both sides of the inequality, and returns them as a `Bound`.
`Bound.holds` compares them: the theorems are true, so what it tests is the kernels that were put in. All matrices are
real, symmetric, of shape (n, n), in any array type that numpy reads; the arithmetic is float64.

Sources: I. Schur, J. reine angew. Math. 140 (1911) 1 (products); R. B. Bapat & V. S. Sunder, Linear Algebra Appl. 72
(1985) 107 (majorisation); R. A. Horn & C. R. Johnson, Topics in Matrix Analysis (1991), Sections 5.3 and 5.5; H. Weyl,
Math. Ann. 71 (1912) 441 (sums). All but Weyl's are proved in `derivations/proofs/majorisation.py` and
`derivations/proofs/smallest_eigenvalue.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glutheory.errors import DomainError
from glutheory.ground.matrices import Array, symmetric

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Bound:
    """Numbers with what they are proved to lie between.

    Attributes:
        what: the inequality, in words.
        value: the bounded numbers, shape (k,).
        lower, upper: the bounds, shape (k,) each.
        scale: the size in which rounding errors count: the largest number that was added up on either side.
        order: n of the matrices.
    """

    what: str
    value: Array
    lower: Array
    upper: Array
    scale: float
    order: int

    @property
    def slack(self) -> float:
        """The smallest of value − lower and upper − value over all k, per `scale`; negative where the bound fails."""
        gap = float(min(np.min(self.value - self.lower), np.min(self.upper - self.value)))
        return gap / self.scale if self.scale > 0 else gap

    @property
    def rounding(self) -> float:
        """What rounding can take from the slack: 16 n ε.

        LAPACK's eigenvalues have errors of a few n ε times the norm (LAPACK Users' Guide, Section 4.7); the entries of
        the products are rounded once, which moves eigenvalues by at most n ε of it; each side is computed so.
        """
        return 16 * self.order * _EPS

    def holds(self, tolerance: float | None = None) -> bool:
        """Whether the slack is at least −tolerance (of `scale`); left out: `rounding`."""
        return self.slack >= -(self.rounding if tolerance is None else tolerance)


def _positive(name: str, value: Any, like: Array, *, unit: bool) -> Array:
    """A positive semidefinite matrix; with `unit` a correlation matrix."""
    read = symmetric(name, value, len(like))
    found = read.matrix
    tolerance = 16 * len(found) * _EPS
    off = float(np.max(np.abs(np.diag(found) - 1)))
    if unit and off > tolerance:
        raise DomainError(
            f"{name} has a diagonal off 1 by {off:.3g}: give a correlation matrix, or use schur_norms for other norms."
        )
    values = eigenvalues(found)
    if values[-1] < -tolerance * max(values[0], 0.0) - read.error:
        raise DomainError(f"{name} has the eigenvalue {values[-1]:.6g}: give a positive semidefinite matrix.")
    return found


def eigenvalues(K: Array) -> Array:
    """The eigenvalues of a symmetric matrix, descending, shape (n,)."""
    return np.asarray(np.linalg.eigvalsh(K)[::-1], dtype=np.float64)


def _ends(what: str, product: Array, low: float, high: float, sizes: Array) -> Bound:
    """Bounds on (λ_min, λ_max): the given ones outside, the extreme diagonal entries inside (Rayleigh)."""
    values, diagonal = eigenvalues(product), np.diag(product)
    scale = float(max(np.max(np.abs(sizes)), abs(values[0]), abs(values[-1])))
    return Bound(
        what,
        np.array([values[-1], values[0]]),
        np.array([low, np.max(diagonal)]),
        np.array([np.min(diagonal), high]),
        scale,
        len(product),
    )


def schur_extremes(K: Any, C: Any, *, validate: bool = True) -> Bound:
    """λ_min(K) ≤ λ(K⊙C) ≤ λ_max(K) for a correlation matrix C; the value is (λ_min, λ_max) of K⊙C.

    K may be indefinite. Without `validate` C is taken as it is, for which the bound need not hold.

    Raises:
        DomainError: K or C is not symmetric and finite, or C not positive semidefinite with unit diagonal.

    Source: Schur 1911, Satz VII; Horn & Johnson, Theorem 5.3.4.
    """
    first = symmetric("K", K).matrix
    second = _positive("C", C, first, unit=True) if validate else symmetric("C", C, len(first)).matrix
    own = eigenvalues(first)
    return _ends("extremes of K⊙C between those of K", first * second, own[-1], own[0], own)


def schur_norms(K: Any, G: Any, *, validate: bool = True) -> Bound:
    """λ_min(K)·min g ≤ λ(K⊙G) ≤ λ_max(K)·max g for G ⪰ 0 with diagonal g; the value is (λ_min, λ_max) of K⊙G.

    Where λ_min(K) < 0 the lower bound is λ_min(K)·max g; where λ_max(K) < 0 the upper one is λ_max(K)·min g. Without
    `validate` G is taken as it is.

    Raises:
        DomainError: K or G is not symmetric and finite, or G not positive semidefinite.

    Source: Schur 1911, Satz VII; Horn & Johnson, Theorem 5.3.4.
    """
    first = symmetric("K", K).matrix
    second = _positive("G", G, first, unit=False) if validate else symmetric("G", G, len(first)).matrix
    own, g = eigenvalues(first), np.diag(second)
    low, high = float(np.min(own[-1] * g)), float(np.max(own[0] * g))
    return _ends("extremes of K⊙G between those of K times the norms", first * second, low, high, np.array([low, high]))


def majorisation_sums(K: Any, C: Any, *, validate: bool = True) -> Bound:
    """λ(K⊙C) ≺ λ(K): the sums of the k largest eigenvalues of K⊙C, k = 1 … n, shape (n,).

    The upper bounds are those of K; the lower ones are k·tr(K)/n, the flat spectrum's. At k = n both are the trace,
    so that the equality of the traces is bounded as well. Without `validate` C is taken as it is.

    Raises:
        DomainError: K or C is not symmetric and finite, or C not positive semidefinite with unit diagonal.

    Source: Bapat & Sunder 1985, Theorem 3; Horn & Johnson, Theorem 5.5.12. Ky Fan 1949 for the sums.
    """
    first = symmetric("K", K).matrix
    second = _positive("C", C, first, unit=True) if validate else symmetric("C", C, len(first)).matrix
    own, found = eigenvalues(first), eigenvalues(first * second)
    n = len(first)
    flat = np.arange(1, n + 1) * (float(np.trace(first)) / n)
    scale = float(max(np.sum(np.abs(own)), np.sum(np.abs(found))))
    return Bound("K majorises K⊙C", np.cumsum(found), np.asarray(flat, dtype=np.float64), np.cumsum(own), scale, n)


def two_sided_condition(K: Any, G: Any, *, validate: bool = True) -> Bound:
    """cond(K⊙G) ≤ cond(K)·max g/min g for K, G ⪰ 0; the value is 1/cond(K⊙G) = λ_min/λ_max, shape (1,).

    Reciprocals are finite for singular matrices, and their rounding errors are absolute. The lower bound is
    (1/cond K)(min g/max g); the upper one is the ratio of the extreme diagonal entries of K⊙G. Without `validate`
    neither K nor G is tested.

    Raises:
        DomainError: K or G is not symmetric, finite and positive semidefinite, or is 0.

    Source: `schur_norms` for both ends.
    """
    first = symmetric("K", K).matrix
    if validate:
        _positive("K", K, first, unit=False)
    second = _positive("G", G, first, unit=False) if validate else symmetric("G", G, len(first)).matrix
    g, product = np.diag(second), first * second
    for name, matrix in (("K", first), ("G", second), ("K⊙G", product)):
        if not np.trace(matrix) > 0:
            raise DomainError(f"{name} has trace {np.trace(matrix):.3g}: give matrices with a positive trace.")
    own, found, diagonal = eigenvalues(first), eigenvalues(product), np.diag(product)
    return Bound(
        "1/cond(K⊙G) above 1/cond(K) times the ratio of the squared norms",
        np.array([found[-1] / found[0]]),
        np.array([own[-1] / own[0] * (np.min(g) / np.max(g))]),
        np.array([np.min(diagonal) / np.max(diagonal)]),
        1.0,
        len(first),
    )


def weyl(K: Any, E: Any, *, norm: bool = False) -> Bound:
    """λ_k(K) + λ_min(E) ≤ λ_k(K+E) ≤ λ_k(K) + λ_max(E) for k = 1 … n, descending; the value is λ(K+E), shape (n,).

    So a positive semidefinite E lowers no eigenvalue. With `norm` the coarser |λ_k(K+E) − λ_k(K)| ≤ ‖E‖, the operator
    norm.

    Raises:
        DomainError: K or E is not symmetric and finite.

    Source: Weyl 1912; Horn & Johnson, Matrix Analysis, Theorem 4.3.1.
    """
    first = symmetric("K", K).matrix
    second = symmetric("E", E, len(first)).matrix
    own, shift, found = eigenvalues(first), eigenvalues(second), eigenvalues(first + second)
    high, low = float(shift[0]), float(shift[-1])
    if norm:
        high = max(abs(high), abs(low))
        low = -high
    scale = float(max(np.max(np.abs(own)), np.max(np.abs(shift))))
    return Bound("eigenvalues of K+E near those of K", found, own + low, own + high, scale, len(first))


def gated_extremes(
    K: Any,
    S: Any,
    G: Any,
    ratio: float,
    *,
    gated: Any = None,
    value_variance: float = 1.0,
    validate: bool = True,
) -> Bound:
    """The ends of the spectrum of a gated kernel K̃ = σ_p² G⊙(K + r S), from those of the non-gated K and of S.

    σ_p² min g·[λ_min(K) + r λ_min(S)] ≤ λ(K̃) ≤ σ_p² max g·[λ_max(K) + r λ_max(S)], g = ‖x_i‖². The value is
    (λ_min, λ_max) of K̃.

    Args:
        K: the NTK of the non-gated network, positive semidefinite.
        S: E[φ(u)φ(v)], positive semidefinite.
        G: the inner products X Xᵀ.
        ratio: r = m σ_v²/σ_p² ≥ 0: d for LeCun's variances; 1 in the ntk parametrisation.
        gated: K̃ as measured; left out: computed from K, S and G.
        value_variance: σ_p²: 1/d for LeCun's variances and in the ntk parametrisation (where it is the squared scale).
        validate: whether to test that K, S and G are positive semidefinite.

    Raises:
        DomainError: a matrix is not symmetric, finite and positive semidefinite, or ratio or value_variance is not a
            finite number ≥ 0.

    Source: Schur 1911 and Weyl 1912; `derivations/proofs/smallest_eigenvalue.py`.
    """
    for name, number in (("ratio", ratio), ("value_variance", value_variance)):
        if not (np.isfinite(number) and number >= 0):
            raise DomainError(f"{name} is {number}: give a finite number ≥ 0.")
    first = symmetric("K", K).matrix
    if validate:
        _positive("K", K, first, unit=False)
    second, third = (
        _positive(name, value, first, unit=False) if validate else symmetric(name, value, len(first)).matrix
        for name, value in (("S", S), ("G", G))
    )
    if gated is None:
        product = value_variance * third * (first + ratio * second)
    else:
        product = symmetric("gated", gated, len(first)).matrix
    own, dual, g = eigenvalues(first), eigenvalues(second), value_variance * np.diag(third)
    low = float(np.min((own[-1] + ratio * dual[-1]) * g))
    high = float(np.max((own[0] + ratio * dual[0]) * g))
    return _ends("extremes of the gated kernel from the non-gated ones", product, low, high, np.array([low, high]))
