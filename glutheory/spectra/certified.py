"""The extreme eigenvalues of a symmetric matrix of balls, proved: Rayleigh quotients and Sylvester's law of inertia.

A Rayleigh quotient of any vector is an upper bound of λ_min; if all pivots of K − μI in LDLᵀ are certainly positive, μ
is a lower one (`definite`). Both are computed in ball arithmetic for the exact midpoints, with more and more bits; the
radii then move an eigenvalue by at most their norm (Weyl). The vectors are found by inverse iteration and need no
proof; where one belongs to another eigenvalue, a negative pivot says so and gives a better one.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import arb, arb_mat

from glutheory.errors import DomainError, PrecisionError
from glutheory.ground.arguments import as_digits
from glutheory.ground.balls import bits_of, precision

#: The precision is doubled up to the larger of this and eight times the first one.
_LEAST_CAP = 2048
#: Inverse iterations without progress, and new starts from a direction of negative curvature, at one precision.
_STALE, _STARTS = 3, 8


def certified_extremes(K: arb_mat, *, digits: int = 15) -> tuple[arb, arb]:
    """The smallest and the largest eigenvalue of a symmetric matrix of balls, as balls that contain them.

    The order n costs about n³/6 ball operations a few times: 20 in milliseconds, 100 in about a second.

    Args:
        K: a symmetric ball matrix; it stands for all symmetric matrices with entries in its balls (of a pair of
            mirrored entries the one below the diagonal is taken).
        digits: relative accuracy of both: radius ≤ 10^−digits · |λ|.

    Returns:
        ``(λ_min, λ_max)``: for every symmetric matrix in K its extreme eigenvalues lie in them.

    Raises:
        DomainError: not a square `arb_mat`, not finite, or mirrored entries that do not overlap.
        PrecisionError: the balls of K are too wide for these digits, or an eigenvalue is (nearly) 0 compared with the
            norm; ``reached`` holds the correct but wide pair.
    """
    wanted = as_digits(digits)
    M = _read(K)
    low_start, high_start = _starts(M)
    least = _smallest(M, low_start, wanted)
    most = _smallest(replace(M, sign=-1), high_start, wanted)
    with precision(4 * bits_of(wanted) + 128):
        pair = least.ball(M.radius), -most.ball(M.radius)
        for name, value, found in (("smallest", pair[0], least), ("largest", pair[1], most)):
            if arb(value.rad()) <= abs(value).lower() * arb(10) ** -wanted or value.is_zero():
                continue
            why = (
                f"the balls of K allow it to move by {M.radius.str(2, radius=False)}; give narrower balls."
                if found.narrow
                else "it is not told from 0 at the highest precision; is K singular?"
            )
            raise PrecisionError(f"digits is {wanted}: the {name} eigenvalue is {value.str(5)}: {why}", reached=pair)
    return pair


def certified_condition(K: arb_mat, *, digits: int = 10) -> arb:
    """The condition number λ_max/λ_min of a symmetric positive definite matrix of balls, as a ball.

    Args:
        K: as in `certified_extremes`.
        digits: relative accuracy.

    Raises:
        DomainError: as in `certified_extremes`; or an eigenvalue is certainly negative, or all are 0.
        PrecisionError: as in `certified_extremes`.
    """
    wanted = as_digits(digits)
    low, high = certified_extremes(K, digits=wanted + 1)
    if low < 0:
        raise DomainError(f"K is not positive semidefinite: its smallest eigenvalue is {low.str(5)}.")
    if low.is_zero():
        raise DomainError("K is singular: its smallest eigenvalue is 0; give a positive definite matrix.")
    with precision(bits_of(wanted + 1) + 32):
        return high / low


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
            return False, _column(x)
        if not pivot > 0:
            return None, None
        below = [rows[i][k] for i in range(k + 1, n)]
        for i, entry in enumerate(below, start=k + 1):
            row, factor = rows[i], entry / pivot
            row[k] = factor
            # zip stops at the diagonal
            row[k + 1 :] = [y - factor * c for y, c in zip(row[k + 1 :], below, strict=False)]
    return True, None


@dataclass(frozen=True)
class _Matrix:
    """A symmetric matrix: sign times exact midpoints, and a bound of the 2-norm of what the balls leave open."""

    mid: arb_mat
    radius: arb
    sign: int = 1

    @property
    def n(self) -> int:
        return int(self.mid.nrows())

    def rounded(self) -> arb_mat:
        """The matrix at the current precision."""
        return self.sign * self.mid


@dataclass(frozen=True)
class _Enclosure:
    low: arb
    high: arb
    narrow: bool

    def ball(self, radius: arb) -> arb:
        """The ball of the eigenvalue, the radii of the input included."""
        return arb(self.low.union(self.high)) + arb(0, radius.upper())


def _read(K: Any) -> _Matrix:
    if not isinstance(K, arb_mat) or K.nrows() != K.ncols() or K.nrows() == 0:
        raise DomainError(f"K is of type {type(K).__name__}: give a square flint.arb_mat with at least one row.")
    n = K.nrows()
    mid, radii = arb_mat(n, n), [arb(0)] * n
    for i in range(n):
        for j in range(i + 1):
            x = K[i, j]
            if not x.is_finite():
                raise DomainError(f"K has the entry {x} at ({i}, {j}): give finite balls.")
            if not x.overlaps(K[j, i]):
                raise DomainError(f"K is not symmetric: entry ({i}, {j}) is {x} and ({j}, {i}) is {K[j, i]}.")
            mid[i, j] = mid[j, i] = x.mid()
            radius = arb(x.rad())
            radii[i] += radius
            if i != j:
                radii[j] += radius
    norm = arb(0)
    for row in radii:  # the 2-norm of a symmetric matrix is at most its largest row sum
        norm = arb.max(norm, arb(row.upper()))
    return _Matrix(mid, norm)


def _starts(M: _Matrix) -> tuple[arb_mat, arb_mat]:
    """Approximate eigenvectors of the smallest and the largest eigenvalue, from float64."""
    with precision(64):
        scale = _norm(M)
        scale = scale if scale > 0 else arb(1)
        rough = np.array([[float((x / scale).mid()) for x in row] for row in M.mid.tolist()])
    vectors = np.linalg.eigh(rough)[1]
    return _column(map(float, vectors[:, 0])), _column(map(float, vectors[:, -1]))


def _smallest(M: _Matrix, start: arb_mat, digits: int) -> _Enclosure:
    """λ_min of the midpoints to `digits` digits or as fine as the radii allow; not narrow where the cap was reached."""
    first = bits_of(digits) + 64 + 2 * M.n
    cap = max(_LEAST_CAP, 8 * first)
    bits, v = first, start
    while True:
        with precision(bits):
            # at the cap an absolute accuracy has to do
            absolute = _norm(M) * arb(2) ** (-bits // 4) if bits >= cap else arb(0)
            for _ in range(_STARTS):
                v, quotient, goal, reached = _descend(M, v, digits, absolute)
                if not reached:
                    break
                low, high = arb((quotient - goal).lower()), arb(quotient.upper())
                certain, direction = definite(_shifted(M, low))
                if certain:
                    return _Enclosure(low, high, bits < cap)
                negative = None if direction is None else _normal(direction)
                if negative is None:
                    break
                v = negative
        if bits >= cap:
            with precision(bits):
                norm = _norm(M)
                return _Enclosure(-norm, norm, False)
        bits = min(2 * bits, cap)


def _descend(M: _Matrix, v: arb_mat, digits: int, absolute: arb) -> tuple[arb_mat, arb, arb, bool]:
    """Inverse iteration from v: (vector, its Rayleigh quotient, the residual to reach, whether it was reached)."""
    K, stale, least = M.rounded(), 0, arb.pos_inf()
    while True:
        Kv, square = K * v, _dot(v, v)
        quotient = _dot(v, Kv) / square
        rest = Kv - v * quotient
        residual = arb((_dot(rest, rest).upper() / square.lower()).sqrt().upper())
        # no finer than the input; a quarter, since low end, high end and radius add up
        goal = arb.max(arb.max(abs(quotient) * arb(10) ** -digits, M.radius) / 4, absolute)
        if residual <= goal:
            return v, quotient, goal, True
        # at the precision's end the residual stops falling; before that it falls fast, but not always at once
        stale = 0 if residual < least / 2 else stale + 1
        least = arb.min(least, residual)
        step = None
        with suppress(ZeroDivisionError):  # singular at this precision
            step = _normal(_shifted(M, arb((quotient - residual).lower())).solve(v, algorithm="approx"))
        if stale == _STALE or step is None:
            return v, quotient, goal, False
        v = step


def _shifted(M: _Matrix, shift: arb) -> arb_mat:
    result = M.rounded()
    for i in range(M.n):
        result[i, i] -= shift
    return result


def _norm(M: _Matrix) -> arb:
    """An upper bound of the 2-norm of the midpoints: Frobenius."""
    return arb(sum((x * x for x in M.mid.entries()), arb(0)).sqrt().upper())


def _column(values: Any) -> arb_mat:
    """These numbers as a matrix of one column."""
    return arb_mat([[x] for x in values])


def _dot(x: arb_mat, y: arb_mat) -> arb:
    """The inner product of two columns."""
    return (x.transpose() * y)[0, 0]


def _normal(v: arb_mat) -> arb_mat | None:
    """The exact midpoints of v over its largest entry; None where it is no vector."""
    top = arb(0)
    for x in v.entries():
        if not x.is_finite():
            return None
        top = arb.max(top, abs(arb(x.mid())))
    return None if top.contains(0) else (v / top).mid()
