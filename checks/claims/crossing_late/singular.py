"""Normalised data sets on which the non-gated covariance is singular, decided in rationals: who leads at every time.

Rows of norm √d in the wide limit: K/m = Σ has the entries f(C_ij), C = XXᵀ/d, and K̃/m = Σ⊙C. For a polynomial
activation f has rational coefficients, and Σ is singular if there are more rows than it has monomials. Where the least
eigenvalue is 0 and the targets are at right angles to its mode, that mode carries no loss, and the next one decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate

import sympy as sp
from flint import fmpq, fmpq_mat

from glutheory.claims import About, Evidence, Figure, Finding, Grade
from glutheory.symbolic.derived import derivation
from glutheory.symbolic.gaussian import a, b, c

Rows = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Singular:
    """A data set, its targets, and the eigenvectors of both kernels.

    Attributes:
        activation: of the hidden layer; a polynomial.
        C: the cosines.
        Y: the targets.
        plain, gated: orthogonal eigenvectors of K and of K̃, integers.
    """

    activation: str
    C: tuple[tuple[Fraction, ...], ...]
    Y: tuple[int, ...]
    plain: Rows
    gated: Rows


@dataclass(frozen=True)
class Decided:
    """What is proved.

    Attributes:
        parallel: whether two rows are parallel.
        form: Yᵀ(K − K̃)Y/m.
        plain, gated: eigenvalues of K/m and K̃/m, ascending, each as often as it occurs.
        weight: the loss at the start in the modes of the least eigenvalue of K.
        always: the sign of L − L̃ at every t > 0: that of all cumulated weights; 0 if they have both signs.
    """

    parallel: bool
    form: Fraction
    plain: tuple[Fraction, ...]
    gated: tuple[Fraction, ...]
    weight: Fraction
    always: int

    @property
    def refutes(self) -> bool:
        """Whether everything holds but Σ ≻ 0, also the simple λ_min(K) < λ_min(K̃), and the gated loss is higher."""
        simple = self.plain[0] < min(self.plain[1], self.gated[0])
        return not self.parallel and simple and self.form >= 0 and self.always < 0


_HALF = Fraction(1, 2)


def _simplex(d: int) -> tuple[tuple[Fraction, ...], ...]:
    """Of d + 1 rows."""
    return tuple(tuple(Fraction(1) if i == j else Fraction(-1, d) for j in range(d + 1)) for i in range(d + 1))


#: Of all λ_min(K) = 0 is simple, no two rows are parallel, and the hypothesis on Y holds.
SINGULAR: dict[str, Singular] = {
    "three inputs at 0, 60 and 120 degrees, Y = (1, 2, 1), bilinear": Singular(
        "identity",
        ((Fraction(1), _HALF, -_HALF), (_HALF, Fraction(1), _HALF), (-_HALF, _HALF, Fraction(1))),
        (1, 2, 1),
        ((1, -1, 1), (1, 0, -1), (1, 2, 1)),
        ((1, 1, 1), (1, 0, -1), (1, -2, 1)),
    ),
    "the corners of a regular tetrahedron, Y = (1, -1, 0, 0), bilinear": Singular(
        "identity",
        _simplex(3),
        (1, -1, 0, 0),
        ((1, 1, 1, 1), (1, -1, 0, 0), (0, 0, 1, -1), (1, 1, -1, -1)),
        ((1, 1, 1, 1), (1, -1, 0, 0), (0, 0, 1, -1), (1, 1, -1, -1)),
    ),
}


def _rational(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def _matrix(rows: Sequence[Sequence[Fraction]]) -> fmpq_mat:
    return fmpq_mat([[fmpq(value.numerator, value.denominator) for value in row] for row in rows])


def _covariance(example: Singular) -> list[list[Fraction]]:
    """F(C_ij) for rows of norm √d.

    Raises:
        ValueError: it is not rational.
    """
    f = derivation(example.activation).dual.S.subs({a: 1, b: 1})
    cosines = {value for row in example.C for value in row}
    table = {value: sp.sympify(f.subs(c, sp.Rational(value.numerator, value.denominator))) for value in cosines}
    if not all(value.is_Rational for value in table.values()):
        raise ValueError(f"the covariances of {example.activation!r} are not rational: take a polynomial.")
    return [[Fraction(int(table[value].p), int(table[value].q)) for value in row] for row in example.C]


def _modes(K: fmpq_mat, S: fmpq_mat, Y: fmpq_mat, vectors: Rows) -> list[tuple[Fraction, Fraction]]:
    """(λ, qᵀ(Σ + YYᵀ)q) of every eigenvector, the slowest first.

    Raises:
        ValueError: these are no orthogonal eigenvectors, or not all of them.
    """
    found = []
    crossed = any(sum(p * q for p, q in zip(u, v, strict=True)) for i, u in enumerate(vectors) for v in vectors[:i])
    if len(vectors) != K.nrows() or crossed:
        raise ValueError(f"{vectors} is no orthogonal basis.")
    for vector in vectors:
        q = fmpq_mat([[value] for value in vector])
        square = (q.transpose() * q)[0, 0]
        value = (q.transpose() * K * q)[0, 0] / square
        if K * q != q * value:
            raise ValueError(f"{vector} is no eigenvector.")
        weight = ((q.transpose() * S * q)[0, 0] + (q.transpose() * Y)[0, 0] ** 2) / square
        found.append((_rational(value), _rational(weight)))
    return sorted(found)


def decide(example: Singular) -> Decided:
    """Everything about the two loss curves of gradient flow that ends in a sign."""
    n = len(example.C)
    entries = _covariance(example)
    S, Y = _matrix(entries), fmpq_mat([[value] for value in example.Y])
    other = _matrix([[x * y for x, y in zip(u, v, strict=True)] for u, v in zip(entries, example.C, strict=True)])
    plain, gated = _modes(S, S, Y, example.plain), _modes(other, other, Y, example.gated)
    rates = sorted({rate for rate, _ in plain + gated})
    steps = [sum(w for r, w in plain if r == rate) - sum(w for r, w in gated if r == rate) for rate in rates]
    signs = {(total > 0) - (total < 0) for total in accumulate(steps)} - {0}
    return Decided(
        any(abs(example.C[i][j]) == 1 for i in range(n) for j in range(i)),
        _rational((Y.transpose() * (S - other) * Y)[0, 0]),
        tuple(rate for rate, _ in plain),
        tuple(rate for rate, _ in gated),
        sum((weight for rate, weight in plain if rate == plain[0][0]), Fraction(0)),
        signs.pop() if len(signs) == 1 else 0,
    )


@lru_cache(maxsize=8)
def decided(label: str) -> Decided:
    """What is proved of the data set of this name in `SINGULAR`."""
    return decide(SINGULAR[label])


def condition_needed() -> Evidence:
    """Without a positive definite Σ the smaller least eigenvalue does not decide: its mode can carry no loss."""
    rows = dict[str, Figure]()
    for label in SINGULAR:
        found = decided(label)
        rows[label] = {
            "Y^T(K - Kgated)Y/m": float(found.form),
            "eigenvalues of K/m": [float(value) for value in found.plain],
            "eigenvalues of Kgated/m": [float(value) for value in found.gated],
            "loss at the start in the slowest mode of K": float(found.weight),
            "sign of L - L' at every t > 0": found.always,
        }
    what = (
        "normalised inputs with a singular covariance, no two parallel, in rationals: the slowest mode of K carries no "
        "loss, and the gated loss is the higher one at every time although its least eigenvalue is the larger one"
    )
    passed = all(decided(label).refutes and decided(label).weight == 0 for label in SINGULAR)
    return Evidence(Grade.CERTIFICATE, what, Finding.of(passed), About.CORRECTED, "", rows)
