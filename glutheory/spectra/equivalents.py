"""What the spectrum of a wide network's kernel tends to on random data: spike, bulk and floor, from its coefficients.

At LeCun's variances and m → ∞ the NTK over m is f(ρ) on inputs of norm √d: κ = S(1,1,ρ) for one branch, ρκ with a gate.
On random directions the part of f in the harmonics of level l is a Marchenko–Pastur matrix of ratio n/N_l and weight
N_l λ_l (`glutheory.spectra.sphere`): level 0 is a rank-one spike n λ_0, and all levels with N_l ≫ n add up to a floor,
the multiple of the identity that a kernel method cannot resolve (El Karoui 2010, Theorem 2.1; Ghorbani, Mei,
Misiakiewicz & Montanari 2021). To leading order n λ_0 = n (f_0 + f_2/d) and N_l λ_l = f_l.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from glutheory.errors import DomainError
from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.spectra.harmonics import integer, multiplicity
from glutheory.spectra.levels import Levels
from glutheory.spectra.marchenko_pastur import MarchenkoPastur
from glutheory.spectra.stairs import Constants, constants, stairs
from glutheory.symbolic.hermite import norm

#: With ``degree=None`` levels of a dimension up to this multiple of n have a bulk of their own: the rest spreads by at
#: most 2/√_MATTERS = 1 % of the floor. At most so many levels.
_MATTERS, _MOST = 40_000, 24


@dataclass(frozen=True)
class Equivalent:
    """The limiting spectrum of a kernel matrix, per m.

    Attributes:
        bulk: everything but the spike.
        spike: the strength of the rank-one part, n λ_0; 0 if there is none.
        constants: the exact constants, where they were asked for.
    """

    bulk: MarchenkoPastur | Levels
    spike: float
    constants: Constants | None = None

    @property
    def outlier(self) -> float | None:
        """Where the spike stands apart from the bulk; None if it does not."""
        return self.bulk.outlier(self.spike)

    @property
    def largest(self) -> float:
        """λ_1: the outlier, or the upper edge of the bulk."""
        found = self.outlier
        return self.second if found is None else found

    @property
    def second(self) -> float:
        """λ_2: the upper edge of the bulk."""
        return self.bulk.support[1]

    @property
    def smallest(self) -> float:
        """λ_n: the lower edge of the bulk, or its atom."""
        return self.bulk.support[0]

    @property
    def condition(self) -> float:
        """λ_1/λ_n."""
        return self.largest / self.smallest if self.smallest > 0 else math.inf

    @property
    def bulk_condition(self) -> float:
        """λ_2/λ_n: without the spike."""
        return self.second / self.smallest if self.smallest > 0 else math.inf


@lru_cache(maxsize=256)
def _exponent(net: Network) -> float:
    """The slope of ln f(x, x) over ln ‖x‖² at ‖x‖² = d; exact for homogeneous activations, where it is constant."""
    step = Fraction(51, 50)
    high, low = (math.prod(float(norm(act, variance).mid()) for act in net.branches) for variance in (step, 1 / step))
    return math.log(high / low) / (2 * math.log(step))


def _weights(net: Network, norms: Any, n: int, d: int) -> tuple[float, ...] | None:
    if norms is None:
        return None
    values = np.asarray(norms, dtype=np.float64)
    if values.shape != (n,) or not np.all(np.isfinite(values)) or np.min(values) <= 0:
        raise DomainError(f"norms has shape {values.shape}: give the {n} positive norms of the rows, or None for √d.")
    return tuple((values**2 / d) ** _exponent(net))


def _resolved(n: int, d: int) -> int:
    """The highest level that matters for n."""
    for degree in range(1, _MOST):
        if multiplicity(d, degree + 1) > _MATTERS * n:
            return degree
    return _MOST


def equivalent(
    network: Network | str,
    n: int,
    d: int,
    *,
    degree: int | None = 1,
    norms: Sequence[float] | np.ndarray | None = None,
    exact: bool = False,
) -> Equivalent:
    """The limiting spectrum of the NTK over m of a wide two-layer network on n random directions in ℝ^d.

    LeCun's variances, m → ∞, inputs uniform on the sphere of radius √d; with `norms`, inputs of these norms (Gaussian
    data: the norms of its rows). Relative errors are of order d^(−1/2) (the edges), n^(−2/3) (the extremes of a bulk),
    and for the levels above `degree`, which are counted as their mean, of order √(n/N_(degree+1)).

    Args:
        network: a network or its name, gated or not.
        n: the number of inputs.
        d: their dimension, ≥ 2.
        degree: the highest level with a bulk of its own. 1 is the regime n ~ d, and the bulk is one
            `MarchenkoPastur` (unless `norms` are given); 2 is n ~ d², and so on; None takes all that matter for n,
            24 at most: in fewer than about 6 dimensions `smallest` is then an overestimate.
        norms: ‖x_i‖ of the rows, shape (n,): K = D^(p/2) f D^(p/2) with D = diag(‖x_i‖²/d), and p = 1 for relu, 2 for
            reglu. For activations that are not homogeneous this is an approximation near norm √d, with p the slope of
            the kernel's diagonal there (1.14 for gelu, 2.17 for swiglu).
        exact: also give the exact `Constants`, for activations with elementary duals.

    Raises:
        DomainError: n is beyond the regime of `degree`: the next level, of dimension N ≤ n, is resolved as well; or an
            argument outside its domain.
    """
    net = named_network(network)
    n, d = integer("n", n, 1), integer("d", d, 2)
    degree = _resolved(n, d) if degree is None else integer("degree", degree, 1)
    limit = multiplicity(d, degree + 1)
    if limit <= n and degree < _MOST:
        raise DomainError(
            f"n is {n}, beyond the regime of degree {degree}: on the sphere in dimension {d} level {degree + 1} has "
            f"dimension {limit} and is resolved as well; give a higher degree, or None."
        )
    weights = _weights(net, norms, n, d)
    table = stairs(net, d, degree + 1)
    spike, floor = n * table[0].eigenvalue, table[-1].floor
    found = constants(net, d) if exact else None
    if degree == 1 and weights is None:
        return Equivalent(MarchenkoPastur(n / d, table[1].weight, floor), spike, found)
    eigenvalues, multiplicities = zip(*((item.eigenvalue, item.multiplicity) for item in table[1:]), strict=True)
    return Equivalent(Levels(n, eigenvalues, multiplicities, floor, weights), spike, found)
