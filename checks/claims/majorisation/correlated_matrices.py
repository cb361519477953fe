"""Matrices to test inequalities of Hadamard products on: random, extreme, of the zoo's kernels and of real data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glutheory.networks import GATES
from glutheory.numeric import gram

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Matrices:
    """A symmetric K, a correlation matrix C and squared norms g.

    Attributes:
        kind: where they come from.
        K: positive semidefinite unless the kind says "indefinite", shape (n, n).
        C: shape (n, n).
        g: shape (n,), positive; G = √g C √g.
    """

    kind: str
    K: Array
    C: Array
    g: Array

    @property
    def gram(self) -> Array:
        """G."""
        root = np.sqrt(self.g)
        return self.C * root * root[:, None]

    @property
    def definite(self) -> bool:
        """Whether K is positive semidefinite by construction."""
        return "indefinite" not in self.kind


def correlation(rows: Array) -> Array:
    """The cosines between the rows; exactly symmetric, with an exact unit diagonal."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    C = unit @ unit.T
    C = (C + C.T) / 2
    np.fill_diagonal(C, 1.0)
    return np.asarray(C)


def _correlations(rng: np.random.Generator, n: int) -> Iterator[tuple[str, Array]]:
    yield "full rank", correlation(rng.standard_normal((n, n + 2)))
    yield "low rank", correlation(rng.standard_normal((n, max(1, n // 3))))
    signs = rng.choice([-1.0, 1.0], n)
    yield "rank one, signs", np.outer(signs, signs)
    groups = rng.integers(0, max(1, n // 3), n)
    yield "blocks", (groups[:, None] == groups).astype(float)
    near = rng.standard_normal(n + 2) + 1e-6 * rng.standard_normal((n, n + 2))
    yield "nearly parallel", correlation(near)
    yield "identity", np.eye(n)


def _matrices(rng: np.random.Generator, n: int) -> Iterator[tuple[str, Array]]:
    A = rng.standard_normal((n, n))
    yield "Wishart", A @ A.T
    yield "low rank", A[:, :2] @ A[:, :2].T
    yield "spiked", np.ones((n, n)) + 0.01 * np.eye(n)
    scales = np.exp(2 * rng.standard_normal(n))
    yield "ill-scaled", (A @ A.T) * scales * scales[:, None]
    yield "indefinite", A + A.T


def random_cases(seed: int, rounds: int, sizes: tuple[int, ...] = (2, 3, 5, 12)) -> list[Matrices]:
    """Every kind of K with every kind of C, `rounds` times in each size."""
    rng = np.random.default_rng(seed)
    return [
        Matrices(f"{kind} with {other}", (K + K.T) / 2, C, np.exp(rng.standard_normal(n)))
        for _ in range(rounds)
        for n in sizes
        for kind, K in _matrices(rng, n)
        for other, C in _correlations(rng, n)
    ]


def kernel_cases(seed: int, names: tuple[str, ...], shapes: tuple[tuple[int, int], ...]) -> list[Matrices]:
    """K the NTK of a network on Gaussian inputs of any norm, C the cosines between them; LeCun, width 2d."""
    rng = np.random.default_rng(seed)
    cases = []
    for name in names:
        for n, d in shapes:
            X = rng.standard_normal((n, d))
            K = gram(name, X, parametrization="standard", width=2 * d, threads=1)
            cases.append(Matrices(f"NTK of {name}", K, correlation(X), np.sum(X**2, axis=1)))
    return cases


def data_cases(names: tuple[str, ...], size: int) -> list[Matrices]:
    """The same on images of handwritten digits (scikit-learn's copy), pixels from 0 to 1."""
    from sklearn.datasets import load_digits

    X = load_digits().data[:size] / 16.0
    kernels = [(name, gram(name, X, parametrization="standard", width=128, threads=1)) for name in names]
    return [Matrices(f"digits, {name}", K, correlation(X), np.sum(X**2, axis=1)) for name, K in kernels]


def zoo() -> tuple[str, ...]:
    """The activations that the gates have: their non-gated networks."""
    return tuple(dict.fromkeys(GATES.values()))
