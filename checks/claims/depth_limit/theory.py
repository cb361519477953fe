"""A block's map of correlations from the Hermite series of its activation, and what follows for depth.

f(ρ) = Σ p_j ρ^j with p_j = h_j²/E[φ²], of total 1 (derivations/proofs/depth_limit.py); a value branch moves every
degree up by one. Nothing here knows `glutheory.numeric`, which is judged by it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import sympy as sp

from glutheory.activations import Activation, Z, activation
from glutheory.ground.symmetry import symmetry
from glutheory.networks import GATES, Network, gated
from glutheory.symbolic.hermite import coefficients, norm

Array = npt.NDArray[np.float64]
#: Coefficients of the series, and decimals of each.
_TERMS, _DIGITS = 96, 20
#: Where the mean of ReLU and SiLU is taken away: E[φ(z)] at variance 1, SiLU's to 30 digits.
_MEANS = {"relu": 1 / sp.sqrt(2 * sp.pi), "silu": sp.Rational("0.206620964141907037262350828718")}


@dataclass(frozen=True)
class Block:
    """Between norms.

    Attributes:
        act: φ, at variance 1.
        gated: whether there is a value branch.
        name: for people.
    """

    act: Activation
    gated: bool
    name: str

    @property
    def network(self) -> Network:
        return gated(self.act) if self.gated else Network(self.name, (self.act,))

    @property
    def kink(self) -> bool:
        """Whether φ is made of two lines that meet at 0, for which μ = 1 exactly."""
        return symmetry(self.act.expr).degree == 1 and symmetry(self.act.expr).line is None


def plain(name: str) -> Block:
    """A plain block: of the zoo, or "relu, centred" and "silu, centred"."""
    first, _, centred = name.partition(", ")
    act = activation(first)
    return Block(Activation(name, act.expr - _MEANS[first]) if centred else act, False, name)


def gate(name: str) -> Block:
    """A gated block of the zoo."""
    return Block(activation(GATES[name]), True, name)


@lru_cache(maxsize=64)
def weights(act: Activation) -> Array:
    """p_0, p_1, … of φ at variance 1."""
    squares = np.array([float(h.mid()) ** 2 for h in coefficients(act, 1, _TERMS, _DIGITS)])
    return np.asarray(squares / float(norm(act, 1, _DIGITS).mid()))


@lru_cache(maxsize=64)
def mean_degree(act: Activation) -> float:
    """μ = f'(1) = E[φ'²]/E[φ²], variance 1."""
    return float((norm(act, 1, _DIGITS, derivative=True) / norm(act, 1, _DIGITS)).mid())


def image(act: Activation, rho: float) -> float:
    """f(ρ) of the plain block, for |ρ| so far from 1 that the series has converged."""
    return float(np.polynomial.polynomial.polyval(rho, weights(act)))


def slope(act: Activation, rho: float) -> float:
    """f'(ρ) of the plain block."""
    return float(np.polynomial.polynomial.polyval(rho, np.polynomial.polynomial.polyder(weights(act))))


def extinction(weights: Array, steps: int | None = None) -> float:
    """The smallest fixed point in [0, 1) of Σ w_j ρ^j: the limit of its iterates at 0, or one of them."""
    rho = 0.0
    for _ in range(steps if steps is not None else 100_000):
        after = float(np.polynomial.polynomial.polyval(rho, weights))
        if after == rho:
            break
        rho = after
    return rho


def second_slope(act: Activation) -> float:
    """f''(1) = E[φ''²]/E[φ²] of a smooth φ."""
    second = Activation(f"{act.label}''", sp.diff(act.expr, Z, 2))
    return float((norm(second, 1, _DIGITS) / norm(act, 1, _DIGITS)).mid())


def grown(mean: float, blocks: float, start: float) -> float:
    """The NTK on the diagonal after so many blocks."""
    if mean == 1:
        return start + 2 * blocks
    rest = (mean + 1) / (mean - 1)
    return math.pow(mean, blocks) * (start + rest) - rest
