"""Ball vectors, and the definiteness of a symmetric ball matrix by the signs of its pivots (Sylvester)."""

from __future__ import annotations

from typing import Any

from flint import arb, arb_mat


def column(values: Any) -> arb_mat:
    """These numbers as a matrix of one column."""
    return arb_mat([[x] for x in values])


def dot(x: arb_mat, y: arb_mat) -> arb:
    """The inner product of two columns."""
    return (x.transpose() * y)[0, 0]


def normal(v: arb_mat) -> arb_mat | None:
    """The exact midpoints of v over its largest entry; None where it is no vector."""
    top = arb(0)
    for x in v.entries():
        if not x.is_finite():
            return None
        top = arb.max(top, abs(arb(x.mid())))
    return None if top.contains(0) else (v / top).mid()


def definite(matrix: arb_mat) -> tuple[bool | None, arb_mat | None]:
    """Whether a symmetric matrix is positive definite, and if certainly not, an x of negative curvature, xᵀMx < 0.

    (None, None) says undecided: a pivot contains 0.
    """
    rows = [row[: i + 1] for i, row in enumerate(matrix.tolist())]
    n = len(rows)
    for k in range(n):
        pivot = rows[k][k]
        if pivot < 0:
            # x = L⁻ᵀ e_k has xᵀMx = pivot
            x = [arb(0)] * n
            x[k] = arb(1)
            for i in range(k - 1, -1, -1):
                x[i] = -sum((rows[j][i] * x[j] for j in range(i + 1, k + 1)), arb(0))
            return False, column(x)
        if not pivot > 0:
            return None, None
        below = [rows[i][k] for i in range(k + 1, n)]
        for i, entry in enumerate(below, start=k + 1):
            row, factor = rows[i], entry / pivot
            row[k] = factor
            # zip stops at the diagonal
            row[k + 1 :] = [y - factor * c for y, c in zip(row[k + 1 :], below, strict=False)]
    return True, None
