"""Values of a smooth function, each correct to float64, and the polynomials through them."""

from __future__ import annotations

import math
from functools import lru_cache

import mpmath
import numpy as np
import sympy as sp
from flint import arb
from numpy.polynomial import chebyshev

from glutheory.activations import Z
from glutheory.ground.balls import Tape, precision
from glutheory.numeric.arrays import Array

#: Samples of a panel.
NODES = 20
#: What a resolved panel leaves out, of the largest value on it: a few roundings of the transform.
RESOLVED = 6e-16
#: Bits of the samples: at first, and where cancellation asks for more.
_BITS = (96, 256, 1024)
#: What is smaller is 0.
TINY = 1e-270
#: Points at which a panel is tried, closer to each other towards 0.
_PROBES = np.concatenate([sign * 0.0131 * 1.7 ** np.arange(27) for sign in (-1, 1)])


@lru_cache(maxsize=8)
def transform(count: int) -> tuple[Array, Array]:
    """Chebyshev's nodes on [−1, 1], and the matrix from values there to coefficients.

    Its entries are cosines, each rounded once: those of the three-term recurrence would have errors of count² ulps, and
    those of rounded angles have errors of one sign, which add up at the ends of the interval.
    """
    with mpmath.workprec(80):
        cosines = np.array([float(mpmath.cospi(mpmath.mpf(turn) / (2 * count))) for turn in range(4 * count)])
    turns = np.outer(np.arange(count), 2 * np.arange(count) + 1) % (4 * count)
    matrix = 2 / count * cosines[turns]
    matrix[0] /= 2
    return cosines[1 : 2 * count : 2], matrix


class Samples:
    """A smooth function, given by an expression in `Z`, at points of the line, each correct to float64.

    Of points outside of `low` to `high` it is the value at that end.
    """

    def __init__(self, expr: sp.Expr, low: float = -math.inf, high: float = math.inf) -> None:
        self.expr, self._low, self._high = expr, low, high
        self._tape = Tape([expr], [Z])

    def __call__(self, middle: float, half: float, nodes: Array) -> Array:
        """The values at middle + half·nodes; nan or inf where the function is not finite or beyond float64.

        These points are not rounded: for sin(1000 z) that alone would cost three digits.
        """
        values, missing = np.full(len(nodes), math.nan), list(range(len(nodes)))
        for bits in _BITS:
            with precision(bits):
                run, left = self._tape.bind(), []
                place, width = arb(middle), arb(half)
                for i in missing:
                    value = run([self._inside(place + width * arb(float(nodes[i])))])[0]
                    if not isinstance(value, arb):
                        values[i] = float(value)
                    elif value.is_finite() and (value.rel_accuracy_bits() > 60 or abs(value) < TINY):
                        values[i] = float(value.mid())
                    else:
                        left.append(i)
            missing = left
            if not missing:
                break
        return values

    def _inside(self, place: arb) -> arb:
        return arb(self._low) if place < self._low else arb(self._high) if place > self._high else place


def hits(coefficients: Array, low: float, high: float, samples: Samples, enough: float) -> bool:
    """Whether the polynomial has the function's values at points between the nodes, which may miss a narrow peak."""
    some = _PROBES[(low < _PROBES) & (high > _PROBES)]
    if not len(some):
        return True
    middle, half = (low + high) / 2, (high - low) / 2
    found = chebyshev.chebval((some - middle) / half, coefficients)
    return bool((np.abs(found - samples(0.0, 1.0, some)) <= 99 * enough).all())
