"""The rows of a data matrix, checked and scaled so that no norm overflows, underflows or loses digits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import array_api_compat

from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array, Namespace, constant, namespace, power_of_two, sum_of_squares, two_product
from glutheory.numeric.pairs import Radii

#: Beyond this variance exp(a) has overflowed, and the low part of a is of no use.
_HUGE = 1e4
#: Entries of the rows that are read at a time.
_ENTRIES = 1 << 15


@dataclass(frozen=True, eq=False)
class Rows:
    """n rows of d numbers x_i, float64, each with its own power of two taken out.

    Attributes:
        xp: the array namespace.
        scaled: x_i·2^(−exponent_i), exactly, the largest entry in [1, 2); shape (n, d). A zero row stays zero.
        exponent: integers, shape (n,).
        unit: x_i/‖x_i‖, shape (n, d); zero for a zero row.
        length: ‖scaled_i‖, shape (n,).
        norm: ‖x_i‖, shape (n,).
    """

    xp: Namespace
    scaled: Array
    exponent: Array
    unit: Array
    length: Array
    norm: Array

    @property
    def count(self) -> int:
        """N, the number of rows."""
        return int(self.scaled.shape[0])

    @cached_property
    def squares(self) -> tuple[Array, Array]:
        """The squared lengths of `scaled` as an unevaluated sum of two numbers, each of shape (n,)."""
        return sum_of_squares(self.xp, self.scaled)

    def radii(self, variance: Fraction) -> Radii:
        """The standard deviations of w·x_i for weights w of this variance."""
        return Radii(self.xp, self.norm * math.sqrt(variance), lambda: self._square(variance))

    def pullback(self, gradient: Array) -> Array:
        """Of r ∂/∂r x̂ and ∂/∂ρ e summed, shape (n, d), the gradient with respect to x: divided by ‖x‖."""
        return gradient / self.norm[:, None]

    def _square(self, variance: Fraction) -> tuple[Array, Array]:
        """a_i = variance·‖x_i‖² as an unevaluated sum of two numbers, each of shape (n,): about 32 digits.

        exp(a) multiplies the relative error of a by a, which is why one number is not enough.
        """
        high, low = self.squares
        first = float(variance)
        second = float(variance - Fraction(first))
        product, error = two_product(self.xp, high, constant(self.xp, high, first))
        error = error + high * second + low * first
        high = power_of_two(self.xp, power_of_two(self.xp, product, self.exponent), self.exponent)
        low = power_of_two(self.xp, power_of_two(self.xp, error, self.exponent), self.exponent)
        return high, self.xp.where(high < _HUGE, low, self.xp.zeros_like(low))


def _check(name: str, X: Array, xp: Namespace) -> None:
    """Shape, kind and finiteness, each failure in one sentence."""
    if X.ndim != 2:
        raise DomainError(f"{name} has shape {tuple(X.shape)}: give a matrix of shape (rows, features).")
    if X.shape[1] == 0:
        raise DomainError(f"{name} has shape {tuple(X.shape)}: give rows of at least one feature.")
    if X.dtype not in (xp.float64, xp.float32) and not xp.isdtype(X.dtype, "integral"):
        raise DomainError(f"{name} has dtype {X.dtype}: convert it to float64 or float32.")
    if xp.isdtype(X.dtype, "integral"):
        return
    good = xp.all(xp.isfinite(X), axis=1)
    if not bool(xp.all(good)):
        row = int(xp.nonzero(~good)[0][0])
        column = int(xp.nonzero(~xp.isfinite(X[row, :]))[0][0])
        raise DomainError(
            f"{name} has the value {float(X[row, column])} in row {row}, column {column} (counted from 0), the first "
            "row that is not finite: remove or repair such rows."
        )


def read_rows(name: str, X: Array) -> Rows:
    """The rows of the argument called `name`, a numpy or torch matrix of shape (n, d).

    Raises:
        DomainError: not a matrix, not float64, float32 or integers, or not finite (the first such row is named).
    """
    xp = namespace(X)
    _check(name, X, xp)
    if array_api_compat.is_torch_array(X):
        X = X.detach()
    count, d = X.shape
    # some rows at a time, for the cache; a device takes all at once
    some = max(1, _ENTRIES // d) if array_api_compat.is_numpy_namespace(xp) else max(1, count)
    if count <= some:
        scaled, exponent, unit, length = _scaled(xp, X)
    else:
        scaled, unit = (xp.empty((count, d), dtype=xp.float64) for _ in range(2))
        exponent, length = xp.empty(count, dtype=xp.int64), xp.empty(count, dtype=xp.float64)
        for start in range(0, count, some):
            rows = slice(start, min(start + some, count))
            for whole, part in zip((scaled, exponent, unit, length), _scaled(xp, X[rows, :]), strict=True):
                whole[rows, ...] = part
    return Rows(xp, scaled, exponent, unit, length, power_of_two(xp, length, exponent))


def _scaled(xp: Namespace, X: Array) -> tuple[Array, Array, Array, Array]:
    """`scaled`, `exponent`, `unit` and `length` of these rows."""
    x = xp.astype(X, xp.float64, copy=False)
    largest = xp.max(xp.abs(x), axis=1) if x.shape[0] else x[:, 0]
    safe = xp.where(largest > 0, largest, xp.ones_like(largest))
    exponent = xp.astype(xp.floor(xp.log2(safe)), xp.int64)
    scaled = power_of_two(xp, x, -exponent[:, None])
    length = xp.sqrt(xp.sum(scaled * scaled, axis=1))
    unit = scaled / xp.where(length > 0, length, xp.ones_like(length))[:, None]
    return scaled, exponent, unit, length
