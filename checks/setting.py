"""A network with its data and variances, in exact numbers: where the three roads are to agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.ground.exact import Point
from glutheory.networks import Network, network

Inputs = tuple[tuple[Fraction, ...], ...]
#: Numbers with denominator 16 are exact in binary and keep every exact computation short.
_GRID = 16


@dataclass(frozen=True)
class Scales:
    """The numbers of a formula: SymPy symbols, balls or floats alike.

    Attributes:
        m: hidden width.
        d: input dimension.
        v: σ_v², the variance of the readout weights.
        w: the variances of the branches' weights, in the order of the branches (gated: σ_p², σ_w²).
    """

    m: Any
    d: Any
    v: Any
    w: Sequence[Any]


@dataclass(frozen=True)
class Setting:
    """A network in the standard parametrisation, with inputs.

    Attributes:
        network: its branches.
        X: the inputs, n rows of d exact numbers.
        width: m.
        readout: σ_v².
        branches: σ² of each branch.
    """

    network: Network
    X: Inputs
    width: int
    readout: Fraction
    branches: tuple[Fraction, ...]

    @property
    def d(self) -> int:
        return len(self.X[0])

    @cached_property
    def gram(self) -> tuple[tuple[Fraction, ...], ...]:
        """X Xᵀ."""
        return tuple(
            tuple(sum((s * t for s, t in zip(x, y, strict=True)), Fraction(0)) for y in self.X) for x in self.X
        )

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """(i, j) with i ≤ j, row by row: the order of all lists of entries."""
        return tuple((i, j) for i in range(len(self.X)) for j in range(i, len(self.X)))

    def points(self, i: int, j: int) -> tuple[Point, ...]:
        """The covariance of the pre-activations at x_i, x_j, for each branch."""
        a, b, c = self.gram[i][i], self.gram[j][j], self.gram[i][j]
        return tuple(Point(variance * a, variance * b, variance * c) for variance in self.branches)

    def array(self) -> npt.NDArray[np.float64]:
        """X in double precision, exactly."""
        return np.array([[float(value) for value in row] for row in self.X])


def generic(name: str | Network, X: Inputs, width: int) -> Setting:
    """Variances without any relation: no block of the kernel is negligible, and no two factors can be confused."""
    found = network(name)
    d, count = len(X[0]), len(found.branches)
    return Setting(found, X, width, Fraction(3, 4), tuple(Fraction(5 + 2 * i, 4 * d) for i in range(count)))


def lecun(name: str | Network, X: Inputs, width: int) -> Setting:
    """σ_v² = 1/m and 1/d for every branch."""
    found = network(name)
    return Setting(found, X, width, Fraction(1, width), (Fraction(1, len(X[0])),) * len(found.branches))


def sample(seed: int, d: int, *, extremes: bool = True) -> Inputs:
    """Four rounded Gaussian inputs; with `extremes` the third is next to the first, the fourth opposite the second.

    The first two have moderate norms, d/4 ≤ ‖x‖² ≤ 3d/4, so that no kernel entry dwarfs the others whatever the seed.
    """
    rng = np.random.default_rng(seed)
    rows: list[npt.NDArray[np.int_]] = []
    while len(rows) < (2 if extremes else 4):
        row = np.rint(0.75 * _GRID * rng.standard_normal(d)).astype(int)
        if d * _GRID**2 <= 4 * int((row**2).sum()) <= 3 * d * _GRID**2:
            rows.append(row)
    if extremes:
        rows += [rows[0] + np.eye(d, dtype=int)[0], -2 * rows[1]]
    return tuple(tuple(Fraction(int(value), _GRID) for value in row) for row in rows)
