"""The four kernels on rows of different norms: each degree of ρ goes with a function of the norm of its own.

With q = ‖x‖²/d and h_k(q) the Hermite coefficients of z ↦ φ(√q z), S = Σ h_k(q_i) h_k(q_j) ρ^k (Mehler) and
cT = Σ k h_k(q_i) h_k(q_j) ρ^k; a gate multiplies by √(q_i q_j) ρ, and one constant is subtracted from h_0 on all rows.
For ReLU every h_k is √q times its value at 1; for a sigmoid h_0 is the same at all norms, h_1 about √q and h_3 about
q^(3/2), so that no single weight of a row can stand for its norm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from glutheory.activations import activation
from glutheory.errors import DomainError
from glutheory.spectra.profiles import Profile
from glutheory.symbolic.hermite import hermite_series, norm

Array = npt.NDArray[np.float64]
#: h_k is interpolated in ln q by so many Chebyshev nodes for each factor 4 to either side of q = 1, up to 4⁴. Where it
#: is analytic for |Im ln q| < π, as of a function that is analytic near the real line, the error is 4.7^(−12) = 1e-8.
_NODES, _FACTOR, _WIDEST = 12, math.log(4), 4
_DIGITS = 20


@dataclass(frozen=True, eq=False)
class Degrees:
    """An activation at several norms.

    Attributes:
        h: h_k(q_i), shape (terms, n).
        square, slopes: E φ² and q E φ'², shape (n,).
    """

    h: Array
    square: Array
    slopes: Array


@dataclass(frozen=True)
class Form:
    """One of the four kernels.

    Attributes:
        full: None for the wide kernel; the full one has k + `full` times h_k².
        degrees: by how many gating moves up; 0 without a gate.
        first: the first degree that centring keeps.
    """

    full: int | None
    degrees: int
    first: int


@lru_cache(maxsize=1024)
def _at(name: str, q: Fraction, terms: int) -> tuple[float, ...]:
    """h_0, …, E φ² and q E φ'² at one norm."""
    act = activation(name)
    found = hermite_series(act, q, terms, _DIGITS)
    slopes = float(q) * float(norm(act, q, _DIGITS, derivative=True).mid())
    return *(float(x.mid()) for x in found.coefficients), float(found.norm.mid()), slopes


def amplitudes(name: str, q: Array, terms: int) -> Degrees:
    """Of an activation of the zoo, by interpolation.

    Raises:
        DomainError: rows of norm 0, or of norms too far from √d.
    """
    least, most = float(np.min(q)), float(np.max(q))
    wide = max(1, math.ceil(max(abs(math.log(least)), abs(math.log(most))) / _FACTOR)) if least > 0 else _WIDEST + 1
    if wide > _WIDEST:
        raise DomainError(f"norms: ‖x‖²/d is {least:.3g} to {most:.3g}; give rows from 1/256 to 256.")
    count, unit = _NODES * wide, wide * _FACTOR
    nodes = np.cos(np.pi * (np.arange(count) + 0.5) / count)
    places = [Fraction(float(x)).limit_denominator(10**6) for x in np.exp(unit * nodes)]
    values = np.array([_at(name, place, terms) for place in places])
    fit = np.polynomial.chebyshev.chebfit(np.log([float(place) for place in places]) / unit, values, count - 1)
    found: Array = np.asarray(np.polynomial.chebyshev.chebval(np.log(q) / unit, fit), dtype=np.float64)
    return Degrees(found[:terms], found[terms], found[terms + 1])


@lru_cache(maxsize=256)
def _known(name: str, q: tuple[float, ...], terms: int) -> Degrees:
    return amplitudes(name, np.array(q), terms)


def kernel(name: str, form: Form, q: tuple[float, ...], terms: int) -> tuple[Array, Array]:
    """(C, diagonal), shapes (terms, n) and (n,): the kernel is Σ_k C_k(q_i) C_k(q_j) ρ^k.

    Args:
        name: the activation.
        form: which kernel.
        q: ‖x_i‖²/d of the rows.
        terms: how many degrees.
    """
    found, size = _known(name, q, terms), np.array(q)
    kept = found.h.copy()
    if form.first > 0:
        kept[0] -= _known(name, (float(np.mean(size)),), terms).h[0]
        kept[1 : form.first] = 0
    if form.full is None:
        by, diagonal = np.ones(terms), found.square
    else:
        by = np.arange(form.full, form.full + terms, dtype=np.float64)
        # 2cS + c²T with a gate
        diagonal = (2 if form.degrees else 1) * found.square + found.slopes
    diagonal = diagonal - by @ (found.h**2 - kept**2)
    C = kept * np.sqrt(by)[:, None]
    if not form.degrees:
        return C, diagonal
    moved = np.concatenate([np.zeros((form.degrees, len(size))), (C * np.sqrt(size))[: terms - form.degrees]])
    return moved, diagonal * size


def alike(name: str, form: Form, q: tuple[float, ...], terms: int) -> tuple[Array, Array]:
    """What is exact for homogeneous activations: every degree goes with the norm as the uncentred diagonal does."""
    C, diagonal = kernel(name, form, (1.0,), terms)
    whole = replace(form, first=0)
    weights = kernel(name, whole, q, terms)[1] / kernel(name, whole, (1.0,), terms)[1]
    return C * np.sqrt(weights), diagonal * weights


def profile(C: Array, diagonal: Array, sizes: Sequence[int], means: Array) -> Profile:
    """The limiting spectrum on random directions.

    Args:
        C: of `kernel`.
        diagonal: the same.
        sizes: multiplicities of the levels 1, 2, …
        means: E[t^k P_l], shape (levels, terms), level 0 included.
    """
    shares = means @ C**2
    floor = diagonal - shares[0] - np.asarray(sizes, dtype=np.float64) @ shares[1:]
    spikes = np.sqrt(means[0])[:, None] * C
    used = spikes[np.max(np.abs(spikes), axis=1) > 1e-9 * math.sqrt(float(np.max(diagonal)))]
    return Profile(np.maximum(floor, 0.0), shares[1:], tuple(sizes), used)
