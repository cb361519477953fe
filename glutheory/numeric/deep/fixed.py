"""Where the correlation of two inputs goes in a deep normed network: the fixed points of a block's map.

Between norms the units of a block have one variance, so that its image has the correlation f(ρ) = ∏_i ρ'_i(ρ), the
product over the branches. A correlation with f(ρ) = ρ stays what it is, with residuals and without; it attracts others
where |f'(ρ)| < 1. ρ = 1 always is one: the same input twice. A linear block keeps every correlation as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import array_api_compat.numpy as xp
import numpy as np
from scipy.optimize import brentq

from glutheory.ground.symmetry import symmetry
from glutheory.networks import Network
from glutheory.networks import network as network_of
from glutheory.numeric.arrays import Array
from glutheory.numeric.deep.pairs import Pairs, product, start
from glutheory.numeric.deep.tabulated import Same, tabulated

#: Points of [−1, 1] between which a root is looked for.
_GRID = 4001
#: |f'| within this of 1 is marginal: f is known to about this.
_MARGINAL = 1e-9
#: A slope within this of 0 is 0: the entries of kernels are known within 1e-12 of their scale.
_NOTHING = 1e-12


@dataclass(frozen=True)
class FixedPoint:
    """A fixed point of the map of correlations.

    Attributes:
        rho: where it is.
        slope: f'(ρ) there, 0 where it is not told from that; inf at ρ = 1 where an activation jumps.
    """

    rho: float
    slope: float

    @property
    def stable(self) -> bool | None:
        """Whether it attracts its neighbourhood; None where |f'| is 1, so that the slope does not tell."""
        if abs(abs(self.slope) - 1.0) <= _MARGINAL:
            return None
        return abs(self.slope) < 1.0


def block_map(network: Network, rho: Array, variance: Fraction | int = 1) -> tuple[Array, Array]:
    """f(ρ) and f'(ρ) of a block after a norm.

    Args:
        network: whose product of branches it is.
        rho: correlations, shape (k,).
        variance: of the branches' dense layers.

    Raises:
        DomainError: an activation whose second moment is not finite or zero.
    """
    rho = np.asarray(rho, dtype=float)
    ones = np.ones_like(rho)
    # with τ = 1 for every branch, τ of the image is f'
    fed = Pairs(xp, ones, ones, *_ends(rho), ones)
    images = []
    for act in network.branches:
        factor = Same() if act.name == "identity" else tabulated(act, 0, Fraction(variance))
        with np.errstate(all="ignore"):
            images.append(factor.image(fed, lambda f: f, lambda f: f, {}))
    made = product(images)
    assert made.tau is not None
    return made.rho, made.tau


def _ends(rho: Array) -> tuple[Array, Array]:
    made = start(xp, rho, rho, rho, 1.0 - np.abs(rho), False)
    return made.minus, made.plus


def keeps_correlations(network: Network) -> bool:
    """Whether f(ρ) = ρ for all ρ: the only branch is z times a number. Decided exactly."""
    line = symmetry(network.branches[0].expr).line
    return len(network.branches) == 1 and line is not None and line[1] == 0


def fixed_points(network: Network | str, variance: Fraction | int = 1) -> tuple[FixedPoint, ...]:
    """All fixed points of a block's map that a grid of 4001 correlations tells apart, ascending.

    None are listed where every ρ is one (`keeps_correlations`).

    Raises:
        DomainError: as `block_map`.
        UnknownNameError: no such network.
    """
    network = network_of(network)
    if keeps_correlations(network):
        return ()

    def excess(rho: float) -> float:
        return float(block_map(network, np.array([rho]), variance)[0][0]) - rho

    # ρ = ±1 are looked at exactly, and what is near them next to them
    grid = np.cos(np.linspace(np.pi, 0.0, _GRID))
    grid[_GRID // 2] = 0.0
    values = block_map(network, grid, variance)[0] - grid
    found = []
    zero = np.abs(values) <= 4e-16
    for k in range(_GRID):
        alone = k in (0, _GRID - 1) or (grid[k] == 0.0) or not (zero[k - 1] or zero[k + 1])
        if zero[k] and alone:
            found.append(float(grid[k]))
    changes = np.nonzero((values[:-1] * values[1:] < 0) & ~zero[:-1] & ~zero[1:])[0]
    found += [float(brentq(excess, grid[k], grid[k + 1], xtol=1e-15)) for k in changes]
    slopes = block_map(network, np.array(sorted(found)), variance)[1]
    slopes = np.where(np.abs(slopes) <= _NOTHING, 0.0, slopes)
    return tuple(FixedPoint(rho, float(slope)) for rho, slope in zip(sorted(found), slopes, strict=True))
