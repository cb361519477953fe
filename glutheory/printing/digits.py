"""Decimal digits that a ball certifies: a value printed to n digits is the true value rounded to n digits."""

from __future__ import annotations

from fractions import Fraction

from flint import arb, fmpz

#: Extra digits that callers should ask an evaluation for, so that rounding to nearest is decided.
GUARD = 6


def _exact(value: arb) -> Fraction:
    mantissa, exponent = value.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def ends(ball: arb) -> tuple[Fraction, Fraction]:
    """The ball's end points, exactly."""
    middle, radius = _exact(ball), _exact(arb(ball.rad()))
    return middle - radius, middle + radius


def _exponent(value: Fraction) -> int:
    """The e with 10^e ≤ |value| < 10^(e+1)."""
    size = abs(value)
    # the bit lengths give e up to one
    guess = int((size.numerator.bit_length() - size.denominator.bit_length()) * 0.30103)
    while Fraction(10) ** guess > size:
        guess -= 1
    while Fraction(10) ** (guess + 1) <= size:
        guess += 1
    return guess


def rounded(value: Fraction, digits: int) -> tuple[int, int]:
    """(n, e) with n·10^e the value rounded to this many significant digits (ties to even)."""
    if value == 0:
        return 0, 0
    e = _exponent(value) - digits + 1
    n = round(value / Fraction(10) ** e)
    return (n // 10, e + 1) if abs(n) == 10**digits else (n, e)


def decimal(n: int, e: int) -> str:
    """n·10^e in positional notation; scientific where that is much shorter, or would need zeros that are no digits."""
    text = str(fmpz(abs(n)))  # Python refuses to write integers of more than 4300 digits
    sign = "-" if n < 0 else ""
    point = len(text) + e
    if not -6 < point <= len(text):
        return f"{sign}{text[0]}{'.' + text[1:] if len(text) > 1 else ''}e{point - 1:+d}"
    if e == 0:
        return sign + text
    return f"{sign}{text[:point]}.{text[point:]}" if point > 0 else f"{sign}0.{'0' * -point}{text}"


def certified(ball: arb, digits: int) -> str | None:
    """The longest decimal of at most this many significant digits to which every number in the ball rounds.

    Trailing zeros are kept: they are certified like any other digit. None if not even one digit is certain (the ball
    contains 0, say); an exact zero is "0", an infinite ball "inf" or "-inf".
    """
    if not ball.is_finite():
        return "inf" if ball > 0 else ("-inf" if ball < 0 else None)
    if ball == 0:
        return "0"
    if ball.contains(0):
        return None
    low, high = ends(ball)
    if low == high:
        return exact_decimal(low, digits)
    most = min(digits, max(1, int(ball.rel_accuracy_bits() * 0.30103) + 2))
    # near a tie one digit less can be decided, far from it one more
    for tried in range(most, 0, -1):
        first = rounded(low, tried)
        if first == rounded(high, tried):
            return decimal(*first)
    return None


def shown(ball: arb, digits: int) -> str:
    """The certified digits, or ``0 +/- r`` for a ball that contains 0 (``nan`` for one that says nothing)."""
    found = certified(ball, digits)
    if found is not None or not ball.is_finite():
        return found or "nan"
    return "0 +/- " + str(arb(abs(ball).upper()).str(2, radius=False))


def exact_decimal(value: Fraction, digits: int) -> str:
    """An exactly known rational: plainly if it has at most this many digits, else rounded."""
    n, e = rounded(value, digits)
    if n * Fraction(10) ** e == value:
        while n and n % 10 == 0:
            n, e = n // 10, e + 1
        if 0 < e < 21:
            n, e = n * 10**e, 0
    return decimal(n, e)


def ball_text(ball: arb, digits: int) -> str:
    """The ball as ``[midpoint +/- radius]``, correct as an enclosure."""
    return str(ball.str(digits, more=True)) if ball.is_finite() else (certified(ball, 1) or "nan")


def common_digits(first: arb, second: arb, most: int) -> int:
    """On how many significant digits two balls are known to agree, at most `most`."""
    if not (first.is_finite() and second.is_finite()):
        return most if first == second else 0
    gap, size = abs(first - second).upper(), abs(first).lower()
    if gap == 0:
        return most
    if not size > 0:
        return 0
    return max(0, min(most, -_exponent(_exact(arb(gap)) / _exact(arb(size))) - 1))


def significant(text: str, most: int) -> int:
    """How many significant digits a decimal shows; `most` for an exact or infinite one that needs no more."""
    if text in ("0", "inf", "-inf"):
        return most
    return len(text.partition("e")[0].lstrip("-").replace(".", "").lstrip("0"))
