"""What is predicted for the four kernels: their Taylor series on the sphere, their limiting spectra, their limits.

On inputs of norm √d a kernel is f(ρ) = Σ f_k ρ^k. With S = Σ c_k ρ^k the plain kernel has the coefficients c_k (wide)
or (k+1)c_k (ntk), the gated one c_k or (k+2)c_k one degree higher, and centring sets c_0 to 0. A residual block
divides by the branch's mean square and adds ρ. Level l of the harmonics has the eigenvalue Σ_k f_k E[t^k P_l], and
the levels are Marchenko–Pastur bulks above a floor (`glutheory.spectra.equivalents`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from glutheory.networks import GATES, network
from glutheory.numeric import gram
from glutheory.spectra import Equivalent, Levels, multiplicity
from glutheory.spectra.harmonics import power_mean
from glutheory.spectra.sphere import TaylorSeries, kernel_series

Array = npt.NDArray[np.float64]
#: Coefficients that are kept; levels with a bulk of their own have at most so many times n dimensions, and there are at
#: most so many.
_TERMS, _MATTERS, _MOST = 40, 40_000, 24
#: Which kernels: (gated, centred), in the order of `kernels.Four`.
KINDS = ((False, False), (False, True), (True, False), (True, True))


@dataclass(frozen=True)
class Series:
    """f(ρ) = Σ f_k ρ^k with f(1).

    Attributes:
        coefficients: the first ones.
        total: f(1), of all of them.
    """

    coefficients: tuple[float, ...]
    total: float

    def condition(self, n: float, d: float) -> float:
        """The leading order of the condition number for d ≪ n ≪ d²."""
        f0, f1, f2 = self.coefficients[:3]
        return n * max(f0, max(f1, f2) / d) / (self.total - f0 - f1)


@dataclass(frozen=True)
class Map:
    """How the kernels come from c_k.

    Attributes:
        degrees: how many degrees gating moves up.
        plain, gated: the factors of the full kernels are k + these.
        first: the first degree that centring keeps.
    """

    degrees: int = 1
    plain: int = 1
    gated: int = 2
    first: int = 1


MAP = Map()


@lru_cache(maxsize=1024)
def series(gate: str, setting: str, gated: bool, centred: bool, rule: Map = MAP) -> Series:
    """Of one of the four kernels."""
    name = GATES[gate]
    known = _known(name, "nngp")
    c = [float(x.mid()) for x in known.coefficients]
    gone = c[: rule.first] if centred else []
    for k in range(len(gone)):
        c[k] = 0.0
    square = float(known.total.mid())
    if setting == "wide":
        found, total = c, square - math.fsum(gone)
    else:
        by = rule.gated if gated else rule.plain
        found = [(k + by) * x for k, x in enumerate(c)]
        total = float(_known(gate if gated else name, "ntk").total.mid())
        total -= math.fsum((k + by) * x for k, x in enumerate(gone))
    if gated:
        found = [0.0] * rule.degrees + found[: _TERMS - rule.degrees]
    if setting == "block":
        left = square - math.fsum(gone)
        found, total = [x / left for x in found], total / left + 1
        found[1] += 1
    return Series(tuple(found), total)


@lru_cache(maxsize=64)
def _known(name: str, kind: str) -> TaylorSeries:
    return kernel_series(network(name), kind, _TERMS)


def leading(gate: str, setting: str, n: float, d: float, rule: Map = MAP) -> tuple[float, ...]:
    """The leading orders of the four condition numbers for d ≪ n ≪ d²."""
    return tuple(series(gate, setting, *kind, rule).condition(n, d) for kind in KINDS)


@lru_cache(maxsize=4096)
def _power_mean(k: int, level: int, d: int) -> float:
    return float(power_mean(k, level, d))


@lru_cache(maxsize=4096)
def _levels(f: Series, n: int, d: int) -> tuple[tuple[float, ...], tuple[int, ...], float]:
    """Eigenvalues and multiplicities of the levels 0, 1, … that matter for n, and the floor above them."""
    values: list[float] = []
    sizes: list[int] = []
    for level in range(_MOST):
        size = multiplicity(d, level)
        if level > 1 and size > _MATTERS * n:
            break
        # the coefficients of odd degrees that vanish are known up to their rounding
        values.append(math.fsum(x * _power_mean(k, level, d) for k, x in enumerate(f.coefficients) if x > 0))
        sizes.append(size)
    floor = f.total - math.fsum(size * value for size, value in zip(sizes, values, strict=True))
    return tuple(values), tuple(sizes), max(floor, 0.0)


def predicted(
    gate: str, setting: str, n: int, d: int, norms: Array | None = None, rule: Map = MAP
) -> tuple[float, ...]:
    """The four condition numbers of the limiting spectra on n random directions, of norm √d or of these norms.

    With `norms` a kernel is taken as W^(1/2) f W^(1/2), w_i = (‖x_i‖²/d)^p, p the slope of its diagonal at norm √d:
    exact for ReLU, an approximation for GELU and SiLU. What one constant leaves of the mean, of rank one and of
    strength n/(4πd) for ReLU on Gaussian data, is below the threshold of an outlier and left out.
    """
    return _predicted(gate, setting, n, d, None if norms is None else tuple(map(float, norms)), rule)


@lru_cache(maxsize=4096)
def _predicted(
    gate: str, setting: str, n: int, d: int, norms: tuple[float, ...] | None, rule: Map
) -> tuple[float, ...]:
    found = []
    for gated, centred in KINDS:
        weights = None if norms is None else _weights(gate if gated else GATES[gate], setting, np.array(norms), d)
        values, sizes, floor = _levels(series(gate, setting, gated, centred, rule), n, d)
        limit = Equivalent(Levels(n, values[1:], sizes[1:], floor, weights), n * values[0])
        found.append(limit.condition)
    return tuple(found)


def _weights(name: str, setting: str, norms: Array, d: int) -> tuple[float, ...]:
    return tuple(float(x) for x in (norms**2 / d) ** _slope(name, "nngp" if setting == "wide" else "ntk"))


@lru_cache(maxsize=64)
def _slope(name: str, kind: str) -> float:
    """The slope of ln f(x, x) over ln ‖x‖² at ‖x‖² = d."""
    step = 1.02
    # one feature: ‖x‖²/d is the square of the entry
    low, high = np.diag(gram(name, np.array([[1 / step], [step]]), kind=kind, threads=1))
    return math.log(high / low) / (4 * math.log(step))
