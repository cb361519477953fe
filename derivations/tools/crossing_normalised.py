"""What decides the steps of `crossing` on normalised inputs, where the two examples against it live as well."""

from __future__ import annotations

from itertools import pairwise

import sympy as sp

from derivations.tools.matrices import K, e, i, j, k, q, r, spectral, u, values, x
from derivations.tools.means import ORDER, reading
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
    reading({"D(0)": traces, "0": form(0), r"\mathrm{Tr}[KM]": first, r"\mathrm{Tr}[\tilde K\tilde M]": second}, "=")
    reading({r"m\sum_{i\ne j}(1-C_{ij}^2)\,\Sigma_{ij}^2": lost, r"Y^\top(K-\tilde K)\,Y": targets}, "=")
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


_SUM = r"\frac1d\sum_k (v\odot x^{(k)})^\top A\,(v\odot x^{(k)})"


def last() -> Outcome:
    """vᵀ(A ⊙ XXᵀ/d)v is a sum of quadratic forms of A, and the diagonal of C is 1; when it is 0."""
    form = total(u[i] * K[i, j] * total(x[i, r] * x[j, r], r) * u[j], i, j)
    parts = total(total(u[i] * x[i, r] * K[i, j] * u[j] * x[j, r], i, j), r)
    level = sp.Symbol("lambda", real=True)
    # A ⊙ C with A = K − λI against K ⊙ C − λI, at i = j where δ is not 0
    shifted = (K[i, i] - level) * C[i, i] - (K[i, i] * C[i, i] - level)
    elsewhere = (K[i, j] - level * delta(i, j)) * C[i, j] - (K[i, j] * C[i, j] - level * delta(i, j) * C[i, j])
    eye = level * delta(i, j) * C[i, j]  # λI, since C_ii = 1
    hadamard = (K[i, j] - level * delta(i, j)) * C[i, j]
    reading({r"\tilde K": K[i, j] * C[i, j], r"\lambda_1 I": eye, r"A\odot C": hadamard}, "=")
    # the form at a unit v, a sum of forms of A ⪰ 0, is what the least eigenvalues differ by
    gap, more = sp.Symbol("s", nonnegative=True), sp.Symbol("e", positive=True)
    reading({r"v^\top(A\odot C)\,v": form, _SUM: parts}, "=")
    reading({_SUM: gap, r"\lambda_1": level, r"\tilde\lambda_1": level + gap}, ORDER)
    # `_strict`: where it is 0 the least eigenvalue is not simple, or two inputs are parallel, or n = 1
    strict = r"n \ge 2", r"\text{no two } x_i \text{ parallel}", r"\lambda_1 \text{ simple}"
    reading({r"\lambda_1": level, r"\tilde\lambda_1": level + more}, *strict)
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
    ones = m * y * sp.ones(2, 1), y * sp.ones(2, 1)
    reading({"K": m * kernel, r"\tilde K": m * gated, "D(t)": found, "m": m})
    reading({r"Y^\top(K-\tilde K)Y": (ones[0].T * (kernel - gated) * ones[1])[0]})
    reading({r"\lambda(K/m)": sp.Tuple(a - b, a + b), r"\lambda(\tilde K/m)": sp.Tuple(a - b, a + b)})
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
    number = sp.Symbol("d", positive=True)
    told = {n: number + 1}
    reading({"d": number, "m": m, r"\|Y\|^2": size, "D(t)": difference.subs(told)}, "=")
    spectrum = [value.subs(told) for value in (high, high, low)]
    reading({r"\lambda(K/m)": sp.Tuple(0, spectrum[0]), r"\lambda(\tilde K/m)": sp.Tuple(*spectrum[1:])}, "=")
    reading(
        {r"Y^\top(K-\tilde K)Y": (forms * m).subs(told), r"\|Y\|^2": square.subs(told)},
        "=",
        r"Y \perp \mathbf 1",
        "n=d+1",
    )
    reading({r"\|Y\|^2": size}, "=", "t>0")
    reading({"d": 1 + more, r"\|Y\|^2": size}, ORDER, r"d \ge 2")
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
    # D(t) = Σ_j c_j e^{−2r_jt} by the cumulated weights: each times e^{−2r_jt} − e^{−2r_{j+1}t}, which is positive
    modes, falls = sp.symbols("E_1:4", positive=True), sp.symbols("p_1:3", positive=True)
    steps = sum(total_ * (first - second) for total_, (first, second) in zip(sums[:2], pairwise(modes), strict=True))
    by_parts = zero(sum(c * mode for c, mode in zip(weights, modes, strict=True)) - steps - sums[2] * modes[2])
    form_ = (targets.T * (kernel - gated) * targets)[0]
    reading({"m": m, "K": m * kernel, r"\mathbf 1\mathbf 1^\top": one, "I": eye, r"Y^\top(K-\tilde K)Y": m * form_})
    reading({r"\lambda(K/m)": sp.Tuple(a - b, a - b, a + 2 * b), "C": sp.Tuple(*sums)})
    reading({r"\lambda(\tilde K/m)": sp.Tuple(a - b, a + b / 2, a + b / 2)})
    reading({"D(t)": sums[0] * falls[0] + sums[1] * falls[1]}, ORDER)
    below = sp.expand(sums[0].subs(a, asked)) * falls[0] + sp.expand(sums[1]) * falls[1]
    reading({"D(t)": below}, "a>b", "b>0", "3y^2 > a-b", "t>0", ORDER)
    b_relu = (sp.sqrt(1 - sp.Rational(1, 4)) - (sp.pi - sp.acos(-sp.Rational(1, 2))) / 2) / (2 * sp.pi)
    return both(
        by_parts,
        zero(*spectra[0], *spectra[1], sums[2], form_ - 9 * b * y**2),
        follows("the signs of $C$, slowest first", strictly(*(sp.expand(item) for item in (*negative, *order)))),
        larger((sp.Rational(1, 2), b_relu), (b_relu, sp.S.Zero)),
    )
