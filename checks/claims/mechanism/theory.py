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

from checks.claims.mechanism.unequal import Form, alike, kernel, profile
from glutheory.networks import GATES, network
from glutheory.spectra import Equivalent, Levels, multiplicity
from glutheory.spectra.harmonics import power_mean
from glutheory.spectra.sphere import TaylorSeries, kernel_series

Array = npt.NDArray[np.float64]
#: Coefficients that are kept; levels with a bulk of their own have at most so many times n dimensions, and there are at
#: most so many.
_TERMS, _MATTERS, _MOST = 40, 40_000, 24
#: Coefficients below this are 0: they come from enclosures of 20 digits, and those of the zoo are above 1e-3, or 0.
_ROUNDING = 1e-15
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

    @property
    def top(self) -> float:
        """The larger coefficient of the degrees 1 and 2: over d the largest eigenvalue without degree 0, over n."""
        return max(self.coefficients[1:3])

    @property
    def floor(self) -> float:
        """What the degrees from 2 on add up to: the least eigenvalue for d ≪ n ≪ d²."""
        return self.total - self.coefficients[0] - self.coefficients[1]


@dataclass(frozen=True)
class Map:
    """How the kernels come from c_k.

    Attributes:
        degrees: how many degrees gating moves up.
        plain, gated: the factors of the full kernels are k + these.
        first: the first degree that centring keeps.
        alike: whether all degrees go with the norms of rows alike, as with homogeneous activations.
    """

    degrees: int = 1
    plain: int = 1
    gated: int = 2
    first: int = 1
    alike: bool = False


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


@dataclass(frozen=True)
class Factor:
    """constant · d^power, the leading order of a quotient of condition numbers for d ≪ n ≪ d²."""

    constant: float
    power: float

    def at(self, d: float) -> float:
        """Its value."""
        return float(self.constant * d**self.power)


def factors(gate: str, setting: str, rule: Map = MAP) -> tuple[Factor, Factor]:
    """Cond K/cond K_c and cond K_c/cond K̃ for d ≪ n ≪ d², as the claim prints them."""
    plain, centred, gated, _ = (series(gate, setting, *kind, rule) for kind in KINDS)
    f0 = plain.coefficients[0]
    # that of an odd function is known up to its rounding
    mean = Factor(f0 / centred.top * centred.floor / plain.floor, 1) if f0 > _ROUNDING else Factor(1.0, 0)
    return mean, Factor(centred.top / gated.top * gated.floor / centred.floor, 0)


@lru_cache(maxsize=4096)
def _power_mean(k: int, level: int, d: int) -> float:
    return float(power_mean(k, level, d))


def _sizes(n: int, d: int) -> tuple[int, ...]:
    """Multiplicities of the levels 0, 1, … that matter for n."""
    found: list[int] = []
    for level in range(_MOST):
        size = multiplicity(d, level)
        if level > 1 and size > _MATTERS * n:
            break
        found.append(size)
    return tuple(found)


@lru_cache(maxsize=4096)
def _levels(f: Series, n: int, d: int) -> tuple[tuple[float, ...], tuple[int, ...], float]:
    """Eigenvalues and multiplicities of the levels that matter for n, and the floor above them."""
    sizes = _sizes(n, d)
    # the coefficients of odd degrees that vanish are known up to their rounding
    values = tuple(
        math.fsum(x * _power_mean(k, level, d) for k, x in enumerate(f.coefficients) if x > 0)
        for level in range(len(sizes))
    )
    floor = f.total - math.fsum(size * value for size, value in zip(sizes, values, strict=True))
    return values, sizes, max(floor, 0.0)


def predicted(
    gate: str, setting: str, n: int, d: int, norms: Array | None = None, rule: Map = MAP
) -> tuple[float, ...]:
    """The four condition numbers of the limiting spectra on n random directions, of norm √d or of these norms.

    With `norms` every degree goes with its own function of them, and what one constant leaves of the means stays in
    the centred kernels (`unequal`); no block there, which normalises its input.
    """
    return _predicted(gate, setting, n, d, None if norms is None else tuple(map(float, norms)), rule)


@lru_cache(maxsize=4096)
def _predicted(
    gate: str, setting: str, n: int, d: int, norms: tuple[float, ...] | None, rule: Map
) -> tuple[float, ...]:
    found = []
    for gated, centred in KINDS:
        if norms is None:
            values, sizes, floor = _levels(series(gate, setting, gated, centred, rule), n, d)
            found.append(Equivalent(Levels(n, values[1:], sizes[1:], floor), n * values[0]).condition)
        else:
            found.append(_unequal(gate, setting, gated, centred, norms, d, rule))
    return tuple(found)


def _unequal(gate: str, setting: str, gated: bool, centred: bool, norms: tuple[float, ...], d: int, rule: Map) -> float:
    form = Form(
        full=None if setting == "wide" else rule.gated if gated else rule.plain,
        degrees=rule.degrees if gated else 0,
        first=rule.first if centred else 0,
    )
    q = tuple(x * x / d for x in norms)
    C, diagonal = (alike if rule.alike else kernel)(GATES[gate], form, q, _TERMS)
    sizes = _sizes(len(norms), d)
    means = np.array([[_power_mean(k, level, d) for k in range(_TERMS)] for level in range(len(sizes))])
    return profile(C, diagonal, sizes[1:], means).condition
