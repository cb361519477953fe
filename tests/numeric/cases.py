"""Pairs of rows with a given angle and norms, and the kernels' values from the exact inner products of those rows."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import mpmath
import numpy as np

import glutheory as glu
from glutheory.networks import Network

MP = mpmath.mp.clone()
MP.dps = 40

#: Signed 1 − |ρ|; the sign is that of ρ, and ±0 stands for duplicates and antipodes up to a factor.
GAPS = (0.0, -0.0, 1e-15, -1e-15, 1e-10, -1e-10, 1e-6, -1e-6, 1e-3, -1e-3, 0.04, -0.04, 0.06, -0.06, 0.3, -0.3, 0.9)
VARIANCES = (1e-12, 1e-6, 1e-2, 0.3, 1.0, 4.0, 30.0, 300.0, 1e4, 1e6)


class Pair(NamedTuple):
    """Two rows of d numbers."""

    x: np.ndarray
    y: np.ndarray

    def inner(self) -> tuple[Fraction, Fraction, Fraction]:
        """(‖x‖², ‖y‖², x·y)/d exactly."""
        x, y = ([Fraction(float(v)) for v in row] for row in self)
        products = [sum((p * q for p, q in zip(u, v, strict=True)), Fraction(0)) for u, v in ((x, x), (y, y), (x, y))]
        return products[0] / len(x), products[1] / len(x), products[2] / len(x)


def pair(a: float, b: float, gap: float, d: int, seed: int) -> Pair:
    """Rows with ‖x‖²/d ≈ a, ‖y‖²/d ≈ b and 1 − |cos| ≈ |gap|."""
    rng = np.random.default_rng(seed)
    x, side = rng.standard_normal((2, d))
    x /= np.linalg.norm(x)
    side -= (side @ x) * x
    side /= np.linalg.norm(side)
    size, sign = abs(gap), math.copysign(1.0, gap)
    y = sign * x if size == 0 else sign * (1 - size) * x + math.sqrt(size * (2 - size)) * side
    return Pair(x * math.sqrt(a * d), y * math.sqrt(b * d))


@cache
def duals(name: str, a: Fraction, b: Fraction, c: Fraction, digits: int = 30) -> tuple[mpmath.mpf, mpmath.mpf]:
    """(S, c T) from road 1; c T is 0 at c = 0, where T may be infinite."""
    S, T = glu.evaluate(name, a, b, c, digits=digits)
    return MP.mpf(S), (MP.mpf(c.numerator) / c.denominator * MP.mpf(T) if c else MP.mpf(0))


def kernels(network: Network | str, a: Fraction, b: Fraction, c: Fraction) -> tuple[mpmath.mpf, mpmath.mpf]:
    """NNGP and NTK in the ntk parametrisation by the product rule of theory."""
    values = [duals(act.name, a, b, c) for act in glu.network(network).branches]
    product, total = MP.mpf(1), MP.mpf(0)
    for S, cT in values:
        product, total = product * S, total * S + product * cT
    return product, product + total


def scale(network: Network | str, a: Fraction, b: Fraction) -> tuple[mpmath.mpf, ...]:
    """√(K(x,x) K(y,y)) for both kernels."""
    first, second = kernels(network, a, a, a), kernels(network, b, b, b)
    return tuple(MP.sqrt(p * q) for p, q in zip(first, second, strict=True))


def crowd(d: int, count: int = 60) -> np.ndarray:
    """Rows at no small angle to almost any other: among them a pair is refined alone, not with its whole tile."""
    return np.random.default_rng(7).standard_normal((count, d))
