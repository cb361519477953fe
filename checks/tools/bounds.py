"""Bounds on the spectrum of a Hadamard product, each with the number that it bounds.

Every function computes the eigenvalues in question *and* both sides of the inequality, and returns them as a `Bound`.
`Bound.holds` compares them: the theorems are true, so what it tests is the kernels that were put in. All matrices are
real, symmetric, of shape (n, n), in any array type that numpy reads; the arithmetic is float64.

Sources: I. Schur, J. reine angew. Math. 140 (1911) 1 (products); R. B. Bapat & V. S. Sunder, Linear Algebra Appl. 72
(1985) 107 (majorisation); R. A. Horn & C. R. Johnson, Topics in Matrix Analysis (1991), Sections 5.3 and 5.5. Both are
proved in `derivations/proofs/majorisation.py`.
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


def _matrix(name: str, value: Any, order: int | None = None, *, validate: bool = True, unit: bool = False) -> Array:
    """A symmetric matrix; with `validate` a positive semidefinite one, with `unit` a correlation matrix."""
    read = symmetric(name, value, order)
    found = read.matrix
    if not validate:
        return found
    tolerance = 16 * len(found) * _EPS
    off = float(np.max(np.abs(np.diag(found) - 1)))
    if unit and off > tolerance:
        raise DomainError(
            f"{name} has a diagonal off 1 by {off:.3g}: give a correlation matrix, or use two_sided_condition."
        )
    values = eigenvalues(found)
    if values[-1] < -tolerance * max(values[0], 0.0) - read.error:
        raise DomainError(f"{name} has the eigenvalue {values[-1]:.6g}: give a positive semidefinite matrix.")
    return found


def eigenvalues(K: Array) -> Array:
    """The eigenvalues of a symmetric matrix, descending, shape (n,)."""
    return np.asarray(np.linalg.eigvalsh(K)[::-1], dtype=np.float64)


def majorisation_sums(K: Any, C: Any, *, validate: bool = True) -> Bound:
    """λ(K⊙C) ≺ λ(K): the sums of the k largest eigenvalues of K⊙C, k = 1 … n, shape (n,).

    The upper bounds are those of K; the lower ones are k·tr(K)/n, the flat spectrum's. At k = n both are the trace,
    so that the equality of the traces is bounded as well. Without `validate` C is taken as it is.

    Raises:
        DomainError: K or C is not symmetric and finite, or C not positive semidefinite with unit diagonal.

    Source: Bapat & Sunder 1985, Theorem 3; Horn & Johnson, Theorem 5.5.12. Ky Fan 1949 for the sums.
    """
    first = _matrix("K", K, validate=False)  # it may be indefinite
    second = _matrix("C", C, len(first), validate=validate, unit=True)
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

    Source: λ_min(K)·min g ≤ λ(K⊙G) ≤ λ_max(K)·max g; Schur 1911, Satz VII; Horn & Johnson, Theorem 5.3.4.
    """
    first = _matrix("K", K, validate=validate)
    second = _matrix("G", G, len(first), validate=validate)
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
