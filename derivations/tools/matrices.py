"""Generic symbolic matrices, and the inequalities of quadratic forms that several proofs share."""

from __future__ import annotations

import sympy as sp

from derivations.tools.proof import PROOF, Outcome
from derivations.tools.zero import zero

#: Rows of the explicit matrices.
SIZE = 3


def symmetric(name: str, size: int = SIZE) -> sp.Matrix:
    """A generic symmetric matrix."""
    return sp.Matrix(size, size, lambda i, j: sp.Symbol(f"{name}_{min(i, j)}{max(i, j)}", real=True))


def full(name: str, rows: int = SIZE, columns: int = SIZE) -> sp.Matrix:
    """A generic matrix."""
    return sp.Matrix(rows, columns, lambda i, j: sp.Symbol(f"{name}_{i}{j}", real=True))


def orthogonal(name: str) -> sp.Matrix:
    """Cayley's parametrisation (I − A)(I + A)⁻¹ of the rotations of R³ (all but a set of measure 0), A generic skew."""
    x, y, z = sp.symbols(f"{name}_x {name}_y {name}_z", real=True)
    skew = sp.Matrix([[0, x, y], [-x, 0, z], [-y, -z, 0]])
    plus, minus = sp.eye(SIZE) + skew, sp.eye(SIZE) - skew
    return (minus * plus.adjugate() / plus.det()).applyfunc(sp.cancel)


def columns(B: sp.Matrix) -> list[sp.Matrix]:
    """D_k: the diagonal matrices of the columns of B."""
    return [sp.diag(*B.col(k)) for k in range(B.cols)]


def positive(*terms: sp.Expr) -> Outcome:
    """Each term is a product of factors that are nonnegative by their symbols' assumptions."""
    return Outcome(all(term.is_nonnegative for term in terms), PROOF, "the sign follows from the signs of the factors")


def weighted_sum() -> Outcome:
    """uᵀ(K⊙G)u − λ Σ g_i u_i² = Σ_k (D_k u)ᵀ(K − λI)(D_k u) for G = BBᵀ, everything generic."""
    K, B, u, level = symmetric("K"), full("b"), full("u", columns=1), sp.Symbol("lambda", real=True)
    G = B * B.T
    left = (u.T * K.multiply_elementwise(G) * u)[0] - level * sum(G[i, i] * u[i] ** 2 for i in range(SIZE))
    shifted = K - level * sp.eye(SIZE)
    right = sum(((D * u).T * shifted * (D * u))[0] for D in columns(B))
    return zero(left - right)


def quotient() -> tuple[Outcome, Outcome]:
    """L/l falls when L falls and l grows."""
    high, low = sp.symbols("L l", positive=True)
    down, up = sp.symbols("s t", nonnegative=True)
    gain = (high * up + low * down) / (low * (low + up))
    return zero(high / low - (high - down) / (low + up) - gain), positive(gain)
