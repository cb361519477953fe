"""The kernels of ReLU and ReGLU on float64 data as matrices of balls, from the arc-cosine closed forms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from flint import arb, arb_mat

from glutheory.ground.balls import precision

Array = npt.NDArray[np.float64]
_BITS = 128


@dataclass(frozen=True, eq=False)
class Kernels:
    """K/m, K̃/m, Σ, Σ̃ of ReLU and ReGLU on float64 data, as matrices of balls."""

    plain: arb_mat
    gated: arb_mat
    sigma: arb_mat
    sigma_gated: arb_mat


def kernels(X: Array, width: int | None) -> Kernels:
    """From the arc-cosine closed forms (Cho & Saul 2009), LeCun; width None: the limit K/m = Σ."""
    n, d = X.shape
    with precision(_BITS):
        points = arb_mat(X.tolist())
        gram = (points * points.transpose()).tolist()
        ratio = arb(0) if width is None else arb(d) / width
        roots = [gram[i][i].sqrt() for i in range(n)]
        tables: list[list[list[arb]]] = [[[arb(0)] * n for _ in range(n)] for _ in range(4)]
        for i in range(n):
            for j in range(i + 1):
                size = roots[i] * roots[j] / d
                rho = gram[i][j] / (roots[i] * roots[j]) if i != j else arb(1)
                share = (1 - rho.acos() / arb.pi()) / 2 if i != j else arb(1) / 2  # T
                root = (1 - rho * rho).sqrt() if i != j else arb(0)
                S, c = size * (rho * share + root / (2 * arb.pi())), gram[i][j] / d
                K = S + ratio * c * share
                for table, value in zip(tables, (K, c * (K + ratio * S), S, c * S), strict=True):
                    table[i][j] = table[j][i] = value
        return Kernels(*(arb_mat(table) for table in tables))
