"""S, T, K and K̃ of one activation at given correlations of two inputs, at full floating-point accuracy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from flint import arb

from glutheory.activations import Activation
from glutheory.errors import DomainError, PrecisionError
from glutheory.networks import partner, product
from glutheory.numeric import entry_error, gram
from glutheory.numeric.duals.record import HAND_MADE
from glutheory.symbolic import evaluate
from glutheory.symbolic.hermite import coefficient

Array = npt.NDArray[np.float64]

#: The variances for which `gram` keeps its accuracy.
LEAST, MOST = 1e-12, 1e6
NAMES = ("S", "T", "K", "K̃")
#: A readout variance so large that the NTK is its T part.
_LARGE = 2**60
#: Below this |ρ|, c·T/c would lose digits, and the derived formula is taken; series in ρ lose none.
_NEAR_ZERO = 1 / 32
_DIGITS = 17


@dataclass(frozen=True, eq=False)
class Curves:
    """The dual activations of one activation φ and the kernels made of them, in the ntk parametrisation.

    Attributes:
        plain, gated: the names of the network with hidden units φ(w·x), and of that with φ as its gate.
        rho: the correlations, ascending, shape (k,).
        S: E[φ(u)φ(v)], shape (k,).
        T: E[φ'(u)φ'(v)], shape (k,); inf at ρ = ±1 where φ jumps.
        K: S + cT, the NTK of the plain network; c = ρ√(ab).
        K_gated: 2cS + c²T, the NTK of the gated one.
        slopes: the derivatives of these four in ρ at ρ = 0.
    """

    plain: str
    gated: str
    rho: Array
    S: Array
    T: Array
    K: Array
    K_gated: Array
    slopes: tuple[float, float, float, float]

    @property
    def columns(self) -> tuple[Array, Array, Array, Array]:
        """S, T, K, K̃."""
        return self.S, self.T, self.K, self.K_gated

    @property
    def normalised(self) -> Curves:
        """Every curve divided by its value at ρ = 1, which must be among `rho`.

        Raises:
            DomainError: φ jumps, so that T, K and K̃ are infinite there; or one of them is 0.
        """
        tops = [float(column[-1]) for column in self.columns]
        if not all(map(math.isfinite, tops)):
            raise DomainError(f"T of {self.plain!r} is infinite at ρ = 1: a curve cannot be divided by that value.")
        if 0 in tops:
            raise DomainError(
                f"a curve of {self.plain!r} is 0 at ρ = 1, as far as float64 reaches: do not divide by it."
            )
        S, T, K, K_gated = (column / top for column, top in zip(self.columns, tops, strict=True))
        first, second, third, fourth = (slope / top for slope, top in zip(self.slopes, tops, strict=True))
        return Curves(self.plain, self.gated, self.rho, S, T, K, K_gated, (first, second, third, fourth))


def curves(act: Activation, rho: Array, a: float, b: float) -> Curves:
    """S, T, K and K̃ at these correlations, each within about `glutheory.entry_error` of its √(K(x,x) K(x',x')).

    Args:
        act: any activation.
        rho: ascending, in [−1, 1], shape (k,).
        a: the variance of the pre-activation at one input, 1e-12 to 1e6.
        b: at the other.

    Raises:
        DomainError: a correlation or a variance outside these, values beyond float64, or digits that cannot be had.
        DerivationError: the coefficients at ρ = 0 cannot be had.
    """
    check_variances(a, b)
    if not np.all(np.abs(rho) <= 1):
        raise DomainError("rho has entries outside [-1, 1]: correlations lie there.")
    root = math.sqrt(a) * math.sqrt(b)
    c = rho * root
    S, cT = _duals(act, rho, a, b)
    T = np.divide(cT, c, out=np.zeros_like(c), where=c != 0)
    gated = partner(product(act))
    plain = partner(gated)
    try:
        slopes = _slopes(act, a, b)
        if entry_error(plain) > HAND_MADE:
            S[c == 0], T[c == 0] = slopes[3] / (2 * root), slopes[0] / root
        else:
            for i in np.flatnonzero(np.abs(rho) < _NEAR_ZERO):
                T[i] = float(evaluate(act, a, b, float(c[i]), digits=_DIGITS)[1])
                cT[i] = c[i] * T[i]
    except PrecisionError:
        raise DomainError(
            f"T of {act.label!r} near ρ = 0 cannot be had at variances {a:g} and {b:g}: give others, nearer to 1."
        ) from None
    return Curves(plain.name, gated.name, rho, S, T, S + cT, c * (2 * S + cT), slopes)


def check_variances(a: float, b: float) -> None:
    """Refuse variances for which kernels are not known to be accurate.

    Raises:
        DomainError: one is outside the range.
    """
    for name, value in (("a", a), ("b", b)):
        if not LEAST <= value <= MOST:
            raise DomainError(f"variance {name} is {value}: give a number from {LEAST:g} to {MOST:g}.")


def _duals(act: Activation, rho: Array, a: float, b: float) -> tuple[Array, Array]:
    """S and c·T of pairs of rows at these angles, without cancellation."""
    net = product(act)
    # √(1 − ρ²) without cancellation: the angle keeps its digits up to ρ = ±1
    rows = math.sqrt(b) * np.column_stack([rho, np.sqrt((1 - rho) * (1 + rho))])
    variances = {"readout": _LARGE, "hidden": 1}
    # of width 1: the NNGP is _LARGE·S, the NTK S + _LARGE·cT
    nngp, ntk = gram(
        net,
        np.array([[math.sqrt(a), 0.0]]),
        rows,
        kind="both",
        parametrization="standard",
        width=1,
        variances=variances,
    )
    if not np.isfinite(nngp).all():
        raise DomainError(f"S of {act.label!r} is beyond float64 at variances {a:g} and {b:g}: give smaller ones.")
    S = nngp[0] / _LARGE
    return S, (ntk[0] - S) / _LARGE


def _slopes(act: Activation, a: float, b: float) -> tuple[float, float, float, float]:
    """The derivatives at ρ = 0 from S = Σ h_k(a) h_k(b) ρ^k and √(ab) T = dS/dρ."""
    h = [_middle(coefficient(act, k, Fraction(a)) * coefficient(act, k, Fraction(b))) for k in range(3)]
    root = math.sqrt(a) * math.sqrt(b)
    return h[1], 2 * h[2] / root, 2 * h[1], 2 * root * h[0]


def _middle(ball: arb) -> float:
    """The ball's middle; 0 for one that contains it, whose radius is about 1e-30 of the scale."""
    return 0.0 if ball.contains(0) else float(ball.mid())
