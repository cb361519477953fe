"""The kernels that several claims speak of, as formulas: Eqs. 3 and 4 of the paper and their neighbours.

Each is a `checks.tools.roads.Formula`: of the scales, the inner product x·x' and (S, T) of every branch.
"""

from __future__ import annotations

import math
from typing import Any

from checks.tools.roads import Constants, Duals


def plain(scales: Constants, inner: Any, duals: Duals) -> Any:
    """Eq. 3: K = m S + m σ_v² (x·x') T."""
    ((S, T),) = duals
    return scales.m * S + scales.m * scales.v * inner * T


def gated(scales: Constants, inner: Any, duals: Duals) -> Any:
    """Eq. 4: K̃ = m(σ_v² + σ_p²)(x·x') S + m σ_v² σ_p² (x·x')² T."""
    (S, T), p = duals[-1], scales.w[0]
    return scales.m * (scales.v + p) * inner * S + scales.m * scales.v * p * inner * inner * T


def wider(scales: Constants, inner: Any, duals: Duals) -> Any:
    """K_{m+d} (x·x')/d: the non-gated kernel of a network wider by d, times the inner product."""
    m = scales.m + scales.d
    return plain(Constants(m, scales.d, 1 / m, scales.w[1:]), inner, duals[-1:]) * inner / scales.d


def of_branches(scales: Constants, inner: Any, duals: Duals) -> Any:
    """K = m ∏ S_i + m σ_v² (x·x') Σ_i T_i ∏_{j≠i} S_j, for a product of branches."""
    whole = math.prod([S for S, _ in duals], start=1)
    branches = sum(T * without(duals, i) for i, (_, T) in enumerate(duals))
    return scales.m * (whole + scales.v * inner * branches)


def without(duals: Duals, i: int) -> Any:
    """∏_{j≠i} S_j."""
    return math.prod([S for j, (S, _) in enumerate(duals) if j != i], start=1)
