"""What decides the steps of `crossing` on normalised inputs, where the two examples against it live as well."""

from __future__ import annotations

from itertools import pairwise

import sympy as sp

from derivations.tools.matrices import K, e, i, j, k, q, r, spectral, u, values, x
from derivations.tools.numbers import larger
from derivations.tools.proof import Outcome, both, follows
from derivations.tools.sums import Form, Index, Tensor, delta, form, orthonormal, same, total, unit_diagonal
from derivations.tools.zero import positive, strictly, zero

m, t, s = sp.symbols("m t s", positive=True)
SIGMA, C, Y = Tensor("Sigma", symmetric=True), Tensor("C", symmetric=True), Tensor("Y")
_UNIT = unit_diagonal("C")


def first() -> Outcome:
    """C_ii = 1: the traces agree, and Tr KM − Tr K̃M̃ is a sum of non-negative terms and the part of the targets."""
    gated = C[i, j] * SIGMA[i, j]
    traces = total(SIGMA[i, i] - C[i, i] * SIGMA[i, i], i).where(_UNIT)
    outer = Y[i] * Y[j]
    first, second = (total(m * entry * (entry + outer), i, j) for entry in (SIGMA[i, j], gated))
    lost = total(m * (1 - C[i, j] ** 2) * SIGMA[i, j] ** 2, i, j)
    targets = total(outer * m * (SIGMA[i, j] - gated), i, j)
    diagonal = ((1 - C[i, i] ** 2) * SIGMA[i, i] ** 2).where(_UNIT)
    angle, entry = sp.symbols("theta k", real=True)
    sine = zero(entry**2 * (1 - sp.cos(angle) ** 2) - entry**2 * sp.sin(angle) ** 2)
    signs = follows("no term of the sum is negative", sine, positive(entry**2 * sp.sin(angle) ** 2))
    return both(same(traces, first - second - lost - targets, diagonal), signs)


def _strict() -> Outcome:
    """Equality at a simple λ_1: v_i x_ik = α_k u_i, hence C_ij² = 1 where v_i, v_j ≠ 0; and Σ_e (λ_e − λ_1)."""
    alpha, v, least = Tensor("alpha"), Tensor("v"), sp.Symbol("lambda_1", real=True)

    def gram(first: Index, second: Index) -> Form:
        """v_i v_j x_i·x_j with α_k u_i for v_i x_ik."""
        return total(alpha[r] * u[first] * alpha[r] * u[second], r)

    # it is what is said: v_i v_j takes part in every term
    meant = total(v[i] * x[i, r] * v[j] * x[j, r], r) - v[i] * v[j] * total(x[i, r] * x[j, r], r)
    parallel = gram(i, j) ** 2 - gram(i, i) * gram(j, j)
    # C_ij² < 1 for i ≠ j leaves one v_i ≠ 0, and u = e_i: λ_1 = K_ii = a, the whole diagonal
    trace = orthonormal(total(spectral(q, values, i, i), i), "q", 0) - total(values[e], e)
    excess = total(values[e] - least, e) - (total(values[e], e) - sp.Symbol("n", positive=True) * least)
    # ‖x_i‖²‖x_j‖²(1 − C_ij²) = g h e for inputs that are not parallel; v_1²‖x_1‖² = Σ_k (α_k u_1)² = w g
    one, other, room, square = sp.symbols("g h e w", positive=True)
    norm = total((alpha[r] * u[i]) ** 2, r) - gram(i, i)
    gap = sp.Symbol("s", nonnegative=True)  # λ_e − λ_1
    return both(
        follows("at most one $v_i$ is not 0", same(meant, parallel), strictly(one * other * room)),
        follows("some $\\alpha_k \\ne 0$, so that the other $u_i$ are 0", same(norm), strictly(square * one)),
        follows(
            "$\\sum_e(\\lambda_e - \\lambda_1) = 0$, of terms that are not negative", same(trace, excess), positive(gap)
        ),
    )


def last() -> Outcome:
    """vᵀ(A ⊙ XXᵀ/d)v is a sum of quadratic forms of A, and the diagonal of C is 1; when it is 0."""
    form = total(u[i] * K[i, j] * total(x[i, r] * x[j, r], r) * u[j], i, j)
    parts = total(total(u[i] * x[i, r] * K[i, j] * u[j] * x[j, r], i, j), r)
    level = sp.Symbol("lambda", real=True)
    # A ⊙ C with A = K − λI against K ⊙ C − λI, at i = j where δ is not 0
    shifted = (K[i, i] - level) * C[i, i] - (K[i, i] * C[i, i] - level)
    elsewhere = (K[i, j] - level * delta(i, j)) * C[i, j] - (K[i, j] * C[i, j] - level * delta(i, j) * C[i, j])
    return both(same(form - parts, shifted.where(_UNIT), elsewhere), _strict())


def opposite() -> Outcome:
    """Two inputs with C_12 = −1 and constant targets: the spectra, and the two exponentials that are left."""
    a, b, y = sp.symbols("a b y", positive=True)
    one, eye = sp.ones(2, 2), sp.eye(2)
    kernel, cosines = (a - b) * eye + b * one, 2 * eye - one
    gated = sp.matrix_multiply_elementwise(kernel, cosines)
    mean, rest = one / 2, eye - one / 2  # the eigenspaces of both
    spectra = kernel - ((a + b) * mean + (a - b) * rest), gated - ((a - b) * mean + (a + b) * rest)
    moments = [matrix + y**2 * one for matrix in (kernel, gated)]  # Σ = K/m with m = 1, Y = y(1, 1)
    slow = (rest * moments[0]).trace() - (mean * moments[1]).trace()
    fast = (mean * moments[0]).trace() - (rest * moments[1]).trace()
    found = slow * sp.exp(-2 * (a - b) * t) + fast * sp.exp(-2 * (a + b) * t)
    form = y**2 * sum(kernel - gated)
    # −D/(2y²) is a positive factor times 1 − e^{−s}, s = 4bt, which is 0 at 0 and has a positive slope
    rises = 1 - sp.exp(-s)
    return both(
        zero(
            *spectra[0],
            *spectra[1],
            form - 4 * b * y**2,
            found + 2 * y**2 * sp.exp(-2 * (a - b) * t) * rises.subs(s, 4 * b * t),
            found - 2 * y**2 * (sp.exp(-2 * (a + b) * t) - sp.exp(-2 * (a - b) * t)),
            rises.subs(s, 0),
            (sp.diff(rises, s), sp.exp(-s)),
        ),
        strictly(4 * b * y**2, 2 * y**2, 4 * b * t),
        follows("$1 - e^{-s} > 0$ for $s > 0$", strictly(sp.exp(-s))),
    )


def singular() -> Outcome:
    """A simplex of n = d + 1 inputs and the linear φ: kernels of two eigenspaces, and targets that sum to 0."""
    n, more = sp.Symbol("n", positive=True), sp.Symbol("g", positive=True)
    d, Z, eye = n - 1, Tensor("Z"), delta(i, j)

    def mixed(on: sp.Expr, off: sp.Expr) -> Form:
        """The matrix with these eigenvalues on the constants and on the sums 0."""
        return form((eye - 1 / n) * off + on / n)

    cosines = eye * (1 + 1 / d) - 1 / d
    low, high = 1 - 1 / d**2, 1 + 1 / d
    spectra = [cosines - mixed(sp.S.Zero, high), cosines * cosines - mixed(high, low)]
    # Y is any vector Z less its mean; what it adds to the constants' weight, and to the others'
    mean = total(Z[k], k) * (1 / n)
    square = total((Z[i] - mean) ** 2, i)
    alone, rest = total(Z[i] - mean, i), total((Z[i] - mean) * (eye - 1 / n) * (Z[j] - mean), i, j)
    forms = total((Z[i] - mean) * (cosines - cosines * cosines) * (Z[j] - mean), i, j)
    size = sp.Symbol("y", nonnegative=True)  # ‖Y‖²; Σ = K/m with m = 1, a mode's weight is its dimension times λ
    fast, slow = d * high + size - high, d * low + size
    # D is a negative factor times 1 − e^{−s}, s = 2(high − low)t
    rises = 1 - sp.exp(-s)
    difference = fast * sp.exp(-2 * high * t) - slow * sp.exp(-2 * low * t)
    wide = {n: 2 + more}  # d = 1 + g
    return both(
        same(*spectra, alone, rest - square, forms - (d + 1) / d**2 * square),
        zero(
            (fast, d - 1 / d + size),
            (slow, d - 1 / d + size),
            difference + slow * sp.exp(-2 * low * t) * rises.subs(s, 2 * (high - low) * t),
            rises.subs(s, 0),
            (sp.diff(rises, s), sp.exp(-s)),
        ),
        strictly(*(sp.factor(value.subs(wide)) for value in (slow, low, high - low, 1 - 1 / d)), sp.exp(-s)),
    )


def tie() -> Outcome:
    """Three inputs with C_ij = −1/2 and constant targets: the spectra, the sum of exponentials, the signs of C."""
    a, b, y, more = sp.symbols("a b y e", positive=True)
    one, eye = sp.ones(3, 3), sp.eye(3)
    kernel, cosines = (a - b) * eye + b * one, sp.Rational(3, 2) * eye - one / 2
    gated = sp.matrix_multiply_elementwise(kernel, cosines)
    mean, rest = one / 3, eye - one / 3  # the eigenspaces of both
    spectra = kernel - ((a + 2 * b) * mean + (a - b) * rest), gated - ((a - b) * mean + (a + b / 2) * rest)
    rates, weights = zip(
        # slowest first, for b > 0; Σ = K/m with m = 1, Y = y(1, 1, 1)
        (a - b, (rest * kernel).trace() - (mean * (gated + y**2 * one)).trace()),
        (a + b / 2, -(rest * gated).trace()),
        (a + 2 * b, (mean * (kernel + y**2 * one)).trace()),
        strict=True,
    )
    sums = [sum(weights[: j + 1]) for j in range(3)]
    asked = 3 * y**2 + b - more  # a, from 3y² = a − b + e
    negative = [-sums[0].subs(a, asked), -sp.expand(sums[1])]
    order = [sp.expand(high - low) for low, high in pairwise(rates)]
    targets = y * sp.ones(3, 1)
    b_relu = (sp.sqrt(1 - sp.Rational(1, 4)) - (sp.pi - sp.acos(-sp.Rational(1, 2))) / 2) / (2 * sp.pi)
    return both(
        zero(*spectra[0], *spectra[1], sums[2], (targets.T * (kernel - gated) * targets)[0] - 9 * b * y**2),
        follows("the signs of $C$, slowest first", strictly(*(sp.expand(item) for item in (*negative, *order)))),
        larger((sp.Rational(1, 2), b_relu), (b_relu, sp.S.Zero)),
    )
