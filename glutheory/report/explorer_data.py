"""The numbers behind the explorer: S and T of each pair's activation on a grid of correlations and variances.

All kernels of a pair follow from these: with c = ρq, the NTK is K = S + cT without and K̃ = 2cS + c²T with the gate.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sympy as sp

from glutheory.activations import Z, activation
from glutheory.networks import network
from glutheory.numeric import gram

Array = npt.NDArray[np.float64]

_CLOSE = (0.99, 0.995, 0.998, 0.9995)
#: ρ from −1 to 1 in steps of 0.02, and more near the ends, where T may have a vertical tangent.
RHO: tuple[float, ...] = tuple(sorted((*(k / 50 for k in range(-50, 51)), *_CLOSE, *(-rho for rho in _CLOSE))))
#: The variance q of the pre-activations, with two digits at most.
VARIANCES: tuple[float, ...] = (*(float(f"{m}e{e}") for e in (-2, -1, 0, 1) for m in (1, 1.5, 2, 3, 5, 7)), 100.0)


@dataclass(frozen=True)
class Pair:
    """A non-gated network and the gated one with the same activation.

    Attributes:
        plain, gated: their names as people write them.
        network: the name of the non-gated one in the zoo, which is that of its activation.
        homogeneous: φ(tz) = tφ(z) for t > 0; then S(q, ρ) = q S(1, ρ) and T does not depend on q.
    """

    plain: str
    gated: str
    network: str
    homogeneous: bool = False

    @property
    def variances(self) -> tuple[float, ...]:
        """The variances in the table."""
        return (1.0,) if self.homogeneous else VARIANCES


PAIRS = (
    Pair("ReLU", "ReGLU", "relu", homogeneous=True),
    Pair("GELU", "GEGLU", "gelu"),
    Pair("SiLU", "SwiGLU", "silu"),
    Pair("sigmoid", "GLU", "sigmoid"),
    Pair("identity", "bilinear", "identity", homogeneous=True),
    Pair("tanh", "GTU", "tanh"),
)


def table(pair: Pair) -> Array:
    """S and T of the pair's activation φ, shape (variances, 2, len(RHO)).

    Both come from the Gram matrix, T = (K − S)/c with an error of 1e-11 of T(1) at most. At ρ = 0, where c is 0, T is
    E[φ'(u)]².
    """
    rho = np.array(RHO)
    circle = np.column_stack([rho, np.sqrt((1 - rho) * (1 + rho))])
    values = np.empty((len(pair.variances), 2, len(rho)))
    for row, q in zip(values, pair.variances, strict=True):
        # two features, so that the variance ‖x‖²/2 is q
        X = math.sqrt(2 * q) * circle
        nngp, ntk = gram(network(pair.network), X[-1:], X, kind="both", threads=1)
        row[0] = nngp[0]
        with np.errstate(invalid="ignore"):
            row[1] = (ntk[0] - nngp[0]) / (q * rho)
        row[1, rho == 0] = _mean_slope(pair.network, q) ** 2
    return values


def _mean_slope(name: str, q: float) -> float:
    """E[φ'(u)] for u of variance q, which is E[zφ(√q z)]/√q by Stein's lemma.

    The trapezoidal rule is exact to rounding: the integrand is even or analytic in a strip of half width π/(2√q) at
    least, for 100 that is 30 steps.
    """
    z = np.linspace(-12, 12, 4801)
    weights = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    function = sp.lambdify(Z, activation(name).expr, ["scipy", "numpy"])
    return float(np.sum(weights * z * function(math.sqrt(q) * z))) / math.sqrt(q)


def packed(values: Array) -> str:
    """The numbers as base64 of little-endian float64: all digits, and shorter than in decimals."""
    return base64.b64encode(values.astype("<f8").tobytes()).decode("ascii")
