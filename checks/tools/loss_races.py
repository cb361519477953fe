"""Two expected loss curves simulated by repeated multiplication, without eigenvalues: who leads at every power of two.

The residual's matrix is B = (I − ηK)^{2k}, or exp(−2tK) for the flow, and E L = Tr[B(Σ + YYᵀ)]. B is squared again and
again, which doubles k or t. A bound on its error is carried along, and a sign counts only beyond it. What `crossings`
says about the same pair comes from a decomposition and sums of exponentials: the two share the kernels alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from checks.tools.loss_pairs import LossPair, sign

Array = npt.NDArray[np.float64]
_UNIT = float(np.finfo(np.float64).eps) / 2
#: Times of the flow before that of the fastest mode, each half of the next; doublings after which all races end.
_EARLIER, _LONGEST = 8, 60
#: Data sets of more rows take too long.
LARGEST = 600
#: exp(−700) is near the smallest double.
_FLAT = 700.0


@dataclass(frozen=True)
class Race:
    """Who leads when.

    Attributes:
        steps: k, or t, ascending; the first is 0.
        signs: of L − L̃ there: −1 where the non-gated loss is lower, 0 where errors hide it.
        far: from this step on the slower of the two slowest modes leads by e^10 more than at the start.
    """

    steps: tuple[float, ...]
    signs: tuple[int, ...]
    far: float

    @property
    def start(self) -> int:
        """The first sign that is seen."""
        return next((value for value in self.signs if value), 0)

    @property
    def end(self) -> int:
        """The last sign that is seen beyond `far`; 0 if the race was not so long."""
        late = [seen for step, seen in zip(self.steps, self.signs, strict=True) if seen and step >= self.far]
        return late[-1] if late else 0


@dataclass(frozen=True, eq=False)
class _Power:
    """B = exp(log) · matrix, where `matrix` is within `error` of it in units of its own Frobenius norm."""

    matrix: Array
    log: float
    error: float

    def squared(self) -> _Power:
        """B², scaled to Frobenius norm 1."""
        product = self.matrix @ self.matrix
        before, after = float(np.linalg.norm(self.matrix)), float(np.linalg.norm(product))
        off = self.error * before if self.error < 1 else math.inf
        # an error grows by twice the spectral norm: at most Frobenius' and that of the square, and |B| <= 1
        spectral = min(before, math.sqrt(after), math.exp(min(-self.log, _FLAT)))
        grown = (2 * spectral + off) * off + _rounding(len(product)) * before**2
        return _Power(product / after, 2 * self.log + math.log(after), grown / after)

    def loss(self, moment: Array) -> tuple[float, float]:
        """Tr[B M] and its error, in units of exp(log)."""
        value = float(np.sum(self.matrix * moment))
        # |Tr[E M]| ≤ ‖E‖ Tr M for a positive semidefinite M, and n + 10 units of the sum of the moduli
        spread = float(np.sum(np.abs(self.matrix * moment)))
        norm = float(np.linalg.norm(self.matrix))
        return value, self.error * norm * float(np.trace(moment)) + (len(moment) + 10) * _UNIT * spread


def _rounding(n: int) -> float:
    """Of a product of n × n matrices, in units of the product of their Frobenius norms.

    Errors of n roundings grow like √n, but for a probability below e^{−50} by less than 10 times as much (Higham and
    Mary, SIAM J. Sci. Comput. 41 (2019) A2815).
    """
    return 10 * math.sqrt(n) * _UNIT


def _descent(K: Array, rate: float) -> _Power:
    """(I − ηK)²."""
    step = np.eye(len(K)) - rate * K
    return _Power(step, 0.0, _rounding(len(K))).squared()


def _flow(K: Array, time: float) -> _Power:
    """exp(−2·time·K); expm is a few products of matrices of norm below 1 for such short times."""
    import scipy.linalg

    return _Power(scipy.linalg.expm(-2 * time * K), 0.0, 4 * _rounding(len(K)))


@lru_cache(maxsize=512)
def race(given: tuple[LossPair, ...]) -> tuple[Race, ...]:
    """The races of pairs that share kernels and rate, and differ in the targets.

    Args:
        given: not empty.
    """
    data, rate = given[0].data, given[0].rate
    if any(item.data is not data or item.rate != rate for item in given):
        raise ValueError("given has pairs of different kernels or rates: give those of one data set.")
    moments = [[sigma + np.outer(item.Y, item.Y) for sigma in data.sigma] for item in given]
    signs, steps = [[_at_start(pair)] for pair in moments], [0.0]

    def look(step: float, powers: Sequence[_Power]) -> None:
        steps.append(step)
        for row, pair in zip(signs, moments, strict=True):
            row.append(_lead(powers, pair))

    step = 1.0
    if rate is None:
        step = 1 / max(float(np.trace(K)) for K in data.K)
        for earlier in range(_EARLIER, 0, -1):
            look(step / 2**earlier, [_flow(K, step / 2**earlier) for K in data.K])
    powers = [_flow(K, step) if rate is None else _descent(K, rate) for K in data.K]
    gap = abs(float(data.modes[0].values[0] - data.modes[1].values[0])) * (rate or 1.0)
    far = 5 / gap if gap > 0 else math.inf  # only how far to go is taken from the eigenvalues, not who wins
    for _ in range(_LONGEST):
        look(step, powers)
        if step >= 4 * far or min(power.error for power in powers) >= 1:
            break
        powers, step = [power.squared() for power in powers], 2 * step
    return tuple(Race(tuple(steps), tuple(row), far) for row in signs)


def _at_start(moments: Sequence[Array]) -> int:
    first, second = (float(np.trace(moment)) for moment in moments)
    return sign(first - second) if abs(first - second) > 1e-12 * first else 0


def _lead(powers: Sequence[_Power], moments: Sequence[Array]) -> int:
    """The sign of L − L̃, or 0 if the errors hide it."""
    (first, off), (second, gone) = (power.loss(moment) for power, moment in zip(powers, moments, strict=True))
    shift = powers[1].log - powers[0].log
    if abs(shift) > _FLAT:  # one of them is nothing beside the other
        larger, error = (second, gone) if shift > 0 else (first, off)
        return 0 if larger <= error else -sign(shift)
    scale = math.exp(shift)
    difference, errors = first - scale * second, off + scale * gone
    return sign(difference) if abs(difference) > errors else 0


def races(cases: Sequence[LossPair]) -> tuple[Race, ...]:
    """The race of every pair, in their order; kernels that several share are multiplied once."""
    groups: dict[tuple[int, float | None], list[int]] = {}
    for index, item in enumerate(cases):
        groups.setdefault((id(item.data), item.rate), []).append(index)
    found: dict[int, Race] = {}
    for indices in groups.values():
        found |= zip(indices, race(tuple(cases[index] for index in indices)), strict=True)
    return tuple(found[index] for index in range(len(cases)))


def as_isolated(given: LossPair, found: Race) -> bool:
    """Whether every sign that was seen is the one between the isolated crossings."""
    for step, seen in zip(found.steps, found.signs, strict=True):
        passed = [item for item in given.found if item.high <= step]
        inside = any(item.low < step < item.high for item in given.found)
        said = passed[-1].sign if passed else given.found.start
        if seen and not inside and seen != said:
            return False
    return True
