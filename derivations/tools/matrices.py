"""Matrices of every size as sums over indices, and the inequalities of quadratic forms that several proofs share."""

from __future__ import annotations

import sympy as sp

from derivations.tools.proof import Outcome
from derivations.tools.sums import Form, Index, Tensor, delta, same, total
from derivations.tools.zero import positive, zero

#: i, j, k run over the n inputs, r over their d coordinates, e, f over the n eigenvectors.
i, j, k = (Index(name, "n") for name in "ijk")
r = Index("r", "d")
e, f = Index("e", "n"), Index("f", "n")
#: A symmetric matrix, a vector, coordinates x_ir of inputs, orthonormal eigenvectors q_ie with eigenvalues λ_e.
K, u, x = Tensor("K", symmetric=True), Tensor("u"), Tensor("x")
q, values = Tensor("q"), Tensor("lambda")


def spectral(vectors: Tensor, eigenvalues: Tensor, first: Index, second: Index, power: sp.Expr = sp.S.One) -> Form:
    """Σ_e λ_e^power q_ie q_je."""
    return total(eigenvalues[e] ** power * vectors[first, e] * vectors[second, e], e)


def weighted_sum() -> Outcome:
    """uᵀ(K⊙G)u − λ Σ g_i u_i² = Σ_r (D_r u)ᵀ(K − λI)(D_r u) for G = XXᵀ and g_i = G_ii, for every n and d."""
    level = sp.Symbol("lambda", real=True)
    left = total(u[i] * u[j] * K[i, j] * total(x[i, r] * x[j, r], r), i, j)
    left -= level * total(total(x[i, r] ** 2, r) * u[i] ** 2, i)
    right = total(x[i, r] * u[i] * (K[i, j] - level * delta(i, j)) * x[j, r] * u[j], i, j, r)
    return same(left - right)


def quotient() -> tuple[Outcome, Outcome]:
    """L/l falls when L falls and l grows."""
    high, low = sp.symbols("L l", positive=True)
    down, up = sp.symbols("s t", nonnegative=True)
    gain = (high * up + low * down) / (low * (low + up))
    return zero(high / low - (high - down) / (low + up) - gain), positive(gain)
