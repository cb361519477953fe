"""A Toeplitz form in fixed point: three roundings per term, counted; one product of integer polynomials.

Ball polynomials would do as well, but their products are quadratic in the length when the coefficients span hundreds of
orders of magnitude; here only the absolute accuracy matters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from flint import arb, fmpz, fmpz_poly


def toeplitz_form(left: list[arb], right: list[arb], narrow: arb, log: float) -> arb:
    """Σ_jk left_j·right_k·exp(−narrow·(j−k)²) with an absolute error of about e^log, in fixed point."""
    sizes = [max((abs(x).upper() for x in side), default=arb(0)) for side in (left, right)]
    if sizes[0] == 0 or sizes[1] == 0:
        return arb(0)
    n = len(left)
    bits = max(8, math.ceil((float((sizes[0] * sizes[1]).log()) - log) / math.log(2)) + 2 * n.bit_length() + 6)
    units = [_exponent(size) for size in sizes]  # |side| ≤ 2^unit
    a, error_a = _fixed(left, units[0], bits)
    b, error_b = _fixed(right, units[1], bits)
    reach = n - 1
    rate = float(narrow)
    if rate > 0:
        reach = min(reach, math.isqrt(int((bits + 4) * math.log(2) / rate)) + 1)
    kernel, error_g = _fixed([(-narrow * (j * j)).exp() for j in range(reach + 1)], 0, bits)
    dropped = (-narrow * (reach + 1) ** 2).exp() if reach < n - 1 else arb(0)
    product = fmpz_poly(b) * fmpz_poly(kernel[:0:-1] + kernel)
    total = fmpz(0)
    for j in range(n):
        total += a[j] * product[j + reach]
    # in units where |left|, |right|, kernel ≤ 1, for each of the n² terms
    slack = n * n * ((1 + error_a) * (1 + error_b) * (1 + error_g) - 1 + dropped)
    unit = arb(2) ** (units[0] + units[1])
    value = arb(total) / arb(2) ** (3 * bits) * unit
    return value + arb(0, (slack * unit).upper())


def _exponent(size: arb) -> int:
    """The least e or so with size ≤ 2^e."""
    mantissa, exponent = size.upper().man_exp()
    return int(exponent) + int(mantissa).bit_length()


def _fixed(values: Sequence[arb], unit: int, bits: int) -> tuple[list[fmpz], arb]:
    """The values/2^unit as integers in units of 2^−bits, and the largest error of one, relative to 2^unit."""
    integers = []
    worst = arb(0)
    for value in values:
        mantissa, exponent = value.mid().man_exp()
        shift = int(exponent) + bits - unit
        integers.append(mantissa << shift if shift >= 0 else mantissa >> -shift)
        radius = value.rad()
        if radius > worst:
            worst = radius
    return integers, worst / arb(2) ** unit + 1 / arb(2) ** bits
