"""Expected kernels of two-layer networks with biases that start at 0, as formulas and as matrices.

A bias adds a constant 1 to the input of its layer: x·x' becomes x·x' + 1 where a first-layer gradient is meant, and the
readout's own bias adds 1. At initialisation it changes no output, so that S, T and the NNGP kernel are those without.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from checks.tools.roads import Constants, Duals
from glutheory.networks import Network, network, product

Array = npt.NDArray[np.float64]


def equation(scales: Constants, inner: Any, duals: Duals) -> Any:
    """The NTK m ∏ S_i + m σ_v² (x·x' + 1) Σ_i T_i ∏_{j≠i} S_j + 1."""
    every, slopes = duals[0]
    for S, T in duals[1:]:
        every, slopes = every * S, slopes * S + every * T
    return scales.m * (every + scales.v * (inner + 1) * slopes) + 1


def covariance(scales: Constants, duals: Duals) -> Any:
    """The NNGP kernel m σ_v² ∏ S_i."""
    value = scales.m * scales.v
    for S, _ in duals:
        value = value * S
    return value


def matrices(name: str | Network, X: Array, width: int) -> tuple[Array, Array]:
    """The NTK and the NNGP kernel of LeCun networks of this width on the rows of X, no two of them at right angles."""
    d = X.shape[1]
    inner = X @ X.T
    inner = (inner + inner.T) / 2
    scales = Constants(width, d, 1 / width, [1 / d] * len(network(name).branches))
    duals = [_dual(product(branch), X, inner) for branch in network(name).branches]
    return np.asarray(equation(scales, inner, duals)), np.asarray(covariance(scales, duals))


def _dual(alone: Network, X: Array, inner: Array) -> tuple[Array, Array]:
    """S and T of one branch: its network of width 1 has the kernels S and S + (x·x')T.

    T loses digits where x·x' is small, by the ratio of it to the norms, but is itself a small part of the kernel.
    """
    from glutheory.numeric import gram

    S, K = gram(alone, X, kind="both", parametrization="standard", width=1, threads=1)
    return S, (K - S) / inner
