"""What the spectrum of a wide network's kernel tends to on random data: spike, bulk and floor, from its coefficients.

At LeCun's variances and m → ∞ the NTK over m is f(ρ) on inputs of norm √d: κ = S(1,1,ρ) for one branch, ρκ with a gate.
On random directions the part of f in the harmonics of level l is a Marchenko–Pastur matrix of ratio n/N_l and weight
N_l λ_l (`glutheory.spectra.sphere`): level 0 is a rank-one spike n λ_0, and all levels with N_l ≫ n add up to a floor,
the multiple of the identity that a kernel method cannot resolve (El Karoui 2010, Theorem 2.1; Ghorbani, Mei,
Misiakiewicz & Montanari 2021). To leading order n λ_0 = n (f_0 + f_2/d) and N_l λ_l = f_l, the Taylor coefficient.

`equivalent` gives the limiting spectrum, `stairs` the levels (multiplicity, share and floor of each), `constants` the
exact constants of the regime n ~ d.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from glutheory.errors import DomainError
from glutheory.ground.arguments import integer
from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.spectra.harmonics import multiplicity
from glutheory.spectra.levels import Levels
from glutheory.spectra.marchenko_pastur import MarchenkoPastur
from glutheory.spectra.sphere import Level, closed_kernel, funk_hecke, kernel_series
from glutheory.symbolic.hermite import norm

#: The input dimension in exact constants.
DIMENSION = sp.Symbol("d", positive=True)
#: Numbers of Taylor coefficients to try, and the relative accuracy of a level's share that ends the trial.
_TERMS, _ACCURACY = (12, 24, 40), 1e-9
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


def _weights(net: Network, norms: Any, n: int, d: int) -> tuple[float, ...] | None:
    if norms is None:
        return None
    values = np.asarray(norms, dtype=np.float64)
    if values.shape != (n,) or not np.all(np.isfinite(values)) or np.min(values) <= 0:
        raise DomainError(f"norms has shape {values.shape}: give the {n} positive norms of the rows, or None for √d.")
    return tuple((values**2 / d) ** _exponent(net))


@lru_cache(maxsize=256)
def _exponent(net: Network) -> float:
    """The slope of ln f(x, x) over ln ‖x‖² at ‖x‖² = d; exact for homogeneous activations, where it is constant."""
    step = Fraction(51, 50)
    high, low = (math.prod(float(norm(act, variance).mid()) for act in net.branches) for variance in (step, 1 / step))
    return math.log(high / low) / (2 * math.log(step))


def _resolved(n: int, d: int) -> int:
    """The highest level that matters for n."""
    for degree in range(1, _MOST):
        if multiplicity(d, degree + 1) > _MATTERS * n:
            return degree
    return _MOST


@dataclass(frozen=True)
class Stair:
    """One level of a wide kernel.

    Attributes:
        level: l.
        multiplicity: N_l.
        eigenvalue: λ_l.
        weight: N_l λ_l, the level's share of f(1); tends to the Taylor coefficient f_l as d grows.
        floor: f(1) minus the shares up to this level: what λ_n tends to for N_l ≪ n ≪ N_(l+1).
    """

    level: int
    multiplicity: int
    eigenvalue: float
    weight: float
    floor: float


@lru_cache(maxsize=1024)
def stairs(network: Network | str, d: int, levels: int = 4) -> tuple[Stair, ...]:
    """The levels 0, 1, … of a wide network's kernel (LeCun, m → ∞, per m) on inputs of norm √d.

    The staircase of floors: λ_n falls by one step each time n passes the dimension of the next level of harmonics.

    Raises:
        DomainError: d < 2 or no levels.
    """
    net = named_network(network)
    left, found = _total(net), []
    for item in _levels(net, d, levels):
        share = item.multiplicity * item.value
        left -= share
        found.append(Stair(item.level, item.multiplicity, item.value, share, max(left, 0.0)))
    return tuple(found)


def _levels(net: Network, d: int, levels: int) -> tuple[Level, ...]:
    """The eigenvalues from as few Taylor coefficients as will do: in high dimension the first ones are all."""
    for terms in _TERMS:
        found = funk_hecke(net, d, levels, kind="nngp", terms=terms)
        if max(item.error * item.multiplicity for item in found) < _ACCURACY * _total(net):
            break
    return found


@lru_cache(maxsize=256)
def _total(net: Network) -> float:
    """f(1)."""
    return float(kernel_series(net, "nngp", 12).total.mid())


@dataclass(frozen=True)
class Constants:
    """K/m ≈ α XXᵀ + β rrᵀ + γ diag(r²) on inputs of norm √d, r_i = ‖x_i‖, exactly up to the order stated.

    Attributes:
        alpha, beta, gamma: SymPy expressions; the relative error is O(1/d²).
    """

    alpha: sp.Expr
    beta: sp.Expr
    gamma: sp.Expr


def constants(network: Network | str, d: Any = DIMENSION) -> Constants:
    """The exact constants of K/m ≈ α XXᵀ + β rrᵀ + γ diag(r²), LeCun, m → ∞, inputs of norm √d.

    From the levels 0 and 1 to relative order 1/d: β d = λ_0 = f_0 + f_2/d, α d = d λ_1 = f_1 + 3f_3/d, and γ d is what
    is left of f(1).

    Args:
        network: one whose activations have elementary duals: the ReLU family, gelu, erf, gated or not.
        d: the dimension, a number or a symbol.

    Raises:
        DomainError: an activation without elementary dual.
    """
    net = named_network(network)
    kernel, rho = closed_kernel(net, "nngp")
    if kernel is None:
        raise DomainError(
            f"network is {net.name!r}: it has no elementary dual on the sphere; use `stairs` for numbers."
        )
    f = [sp.simplify(sp.diff(kernel, rho, k).subs(rho, 0) / sp.factorial(k)) for k in range(4)]
    spike, linear = f[0] + f[2] / d, f[1] + 3 * f[3] / d
    floor = sp.simplify(kernel.subs(rho, 1)) - spike - linear
    return Constants(*(sp.expand(x / d) for x in (linear, spike, floor)))
