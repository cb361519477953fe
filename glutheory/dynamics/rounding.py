"""Logarithms of 1 − ηλ without cancellation, and how far a sum of exponentials is off by rounding and by its kernel.

u = 2⁻⁵³. The exponential and logarithms of numpy are right within 4 units in the last place, 8u.
"""

from __future__ import annotations

import numpy as np

from glutheory.ground.matrices import Array

UNIT = float(np.finfo(np.float64).eps) / 2
#: In units of u: an exponent k·r, relatively, and a term of the sum besides; see `log_factors` and `rounded`.
_EXPONENT, _TERM = 16, 16
#: What a loss is off by where exponentials underflow: over the initial loss, and absolutely, per mode.
_LOST, _LEAST = 2.0**-1000, 2.0**-1070
#: Veltkamp's constant for 53 bits.
_SPLIT = 2.0**27 + 1
#: Above this ηλ its distance from 1 is it itself.
_HUGE = 2.0**64


def log_factors(rate: float, eigenvalues: Array) -> Array:
    """ln|1 − ηλ|, right within 12u relatively (−∞ where ηλ = 1), or within 2⁻¹⁰⁷⁴ where ηλ underflows.

    ηλ is taken as the unevaluated sum of two doubles (Dekker 1971), exactly, and so is 1 − ηλ near ηλ = 1, and ηλ − 2
    near 2: at a rate of 2/λ·(1 − δ) the rounding of ηλ alone would move the exponent 2δ by u.
    """
    (m, p), (n, q) = np.frexp(rate), np.frexp(eigenvalues)
    high = m * n
    rest = _rest(m, n, high)
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        x, rest = np.ldexp(high, p + q), np.ldexp(rest, np.minimum(p + q, 64))  # it counts below `_HUGE` only
        small = np.log1p(-np.minimum(x, 0.5))
        middle = np.log(np.abs((1 - np.clip(x, 0.5, 1.5)) - rest))
        large = np.log1p((np.clip(x, 1.5, _HUGE) - 2) + rest)
        huge = np.log(high) + (p + q) * np.log(2.0)
    return np.asarray(np.select([x < 0.5, x <= 1.5, x <= _HUGE], [small, middle, large], huge))


def _rest(a: np.float64, b: Array, product: Array) -> Array:
    """The product less the rounded one, exactly, for numbers below 1."""
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    return np.asarray(((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low)


def _halves(value: Array | np.float64) -> tuple[Array | np.float64, Array | np.float64]:
    high = _SPLIT * value - (_SPLIT * value - value)
    return high, value - high


def rounded(exponents: Array, weights: Array) -> Array:
    """What rounding does to each term of Σ weights·exp(−exponents), shape (steps, modes).

    An exponent k·r is right within 16u relatively: r within 12u, k within u, and their product; the exponential, its
    product with the weight and their share in the sum of n terms within (n + 16)u.
    """
    # the upper cut changes nothing: of terms so far below the smallest double `_LOST` is all that is left
    exponents = np.minimum(exponents, 1e4)
    with np.errstate(over="ignore", under="ignore"):
        units = _EXPONENT * np.abs(exponents) + len(weights) + _TERM
        return np.asarray(UNIT * units * np.exp(-exponents) * weights + (_LOST * weights + _LEAST))


def moved_flow(times: Array, error: float, least: float) -> Array:
    """2tε·exp(−2t·max(λ − ε, 0)): how far exp(−2tK) is, in norm, from that of a kernel within ε; λ the least of K."""
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        return _upward(np.log(2 * times) + np.log(error) - 2 * times * max(least - error, 0.0))


def moved_descent(steps: Array, shift: float, slowest: float) -> Array:
    """2kε·q^{2k−1}: how far (I − ηK)^{2k} is, in norm, from that of a matrix within ε = `shift` of I − ηK.

    ‖I − ηK‖ = exp(−slowest/2), and q is this and ε together.
    """
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        own = -slowest / 2
        q = float(np.logaddexp(own, np.log(shift)))
        # q is often within u of 1, and what matters is how far from it
        q += _EXPONENT * UNIT * (abs(own) + (q - own))
        return _upward(np.log(2 * steps) + np.log(shift) + np.maximum(2 * steps - 1, 0.0) * q)


def moved_weights(steps: Array, slowest: float) -> Array:
    """‖(I − ηK)^{2k}‖ = exp(−slowest·k), or the same of the flow: what an error of the initial loss becomes."""
    with np.errstate(over="ignore", under="ignore"):
        return _upward(-steps * slowest)


def _upward(logs: Array) -> Array:
    """Their exponentials with room for all rounding, of logarithms up to 2000 in size; ∞ for what is not a number."""
    found = np.exp(logs) * (1 + 2.0**-36) + _LOST
    return np.asarray(np.where(np.isnan(found), np.inf, found))
