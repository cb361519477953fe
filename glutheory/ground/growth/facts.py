"""Bounds of a function on a strip around the real axis, and how sums, products and powers inherit them.

z = x + iy with x in an interval and |y| ≤ tau; every number is a ball whose upper end is the bound.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import sympy as sp
from flint import arb

from glutheory.activations import Z
from glutheory.ground.balls import Tape

Line = tuple[arb, arb]  # (h0, h1) stands for h0 + h1·|x|, h1 ≥ 0


@dataclass(frozen=True)
class Facts:
    """What is known of a subexpression f on the strip; every entry is a bound, None where there is none."""

    size: arb  # |f| ≤ size·(1+|x|)^power·e^{rate|x|}
    power: int = 0
    rate: arb = field(default_factory=arb)
    above: Line | None = None  # Re f ≤ above
    below: Line | None = None  # Re f ≥ −below
    imag: Line | None = None  # |Im f| ≤ imag
    floor: arb = field(default_factory=arb)  # |f| ≥ floor
    angle: arb | None = None  # |arg f| ≤ angle < π

    @property
    def real(self) -> bool:
        """Whether f is real on the strip (a real function, on the axis)."""
        return self.imag is not None and bool(self.imag[0] == 0) and bool(self.imag[1] == 0)

    def filled(self) -> Facts:
        """The same with the entries that follow from others."""
        line = None
        if self.power <= 1 and self.rate == 0:
            line = (self.size, self.size if self.power else arb(0))
        above, below, imag = self.above or line, self.below or line, self.imag or line
        floor, angle = self.floor, self.angle
        for side in (above, below):
            if side is not None and side[1] == 0 and side[0] < 0:
                floor = arb.max(floor, -side[0])
        if angle is None and below is not None and below[1] == 0 and below[0] < 0:
            angle = arb(0) if flat(imag) == 0 else arb.pi() / 2
        return replace(self, above=above, below=below, imag=imag, floor=floor, angle=angle)


class RefusalError(Exception):
    """Why no bound was found."""


def flat(line: Line | None) -> arb | None:
    """The bound where it does not depend on x."""
    return line[0] if line is not None and line[1] == 0 else None


def need(line: Line | None, limit: arb | None, why: str) -> arb:
    """The constant bound, below the limit, or a refusal."""
    value = flat(line)
    if value is None or (limit is not None and not value < limit):
        raise RefusalError(why)
    return value


def add(parts: list[Facts]) -> Facts:
    """The sum of the parts."""

    def lines(name: str) -> Line | None:
        found = [getattr(part, name) for part in parts]
        if any(line is None for line in found):
            return None
        return sum((line[0] for line in found), arb(0)), sum((line[1] for line in found), arb(0))

    right = arb.pi() / 2
    wide = [part for part in parts if part.angle is None or not part.angle <= right]
    floor, angle = arb(0), None
    if not wide:
        # all summands in one convex cone: moduli project on the real axis with the cosine of the widest angle
        angle = arb(0)
        for part in parts:
            angle = arb.max(angle, part.angle or arb(0))
            floor += part.floor if part.angle == 0 else arb(0)
    elif len(wide) == 1 and wide[0].angle is not None and all(p.angle == 0 for p in parts if p is not wide[0]):
        # a positive number c plus w with |arg w| ≤ θ < π: |c + w| ≥ c·sin θ, and the sum stays within the sector
        angle = wide[0].angle
        floor = sum((p.floor for p in parts if p is not wide[0]), arb(0)) * angle.sin()
    size = sum((part.size for part in parts), arb(0))
    rate = parts[0].rate
    for part in parts[1:]:
        rate = arb.max(rate, part.rate)
    power = max(part.power for part in parts)
    return Facts(size, power, rate, lines("above"), lines("below"), lines("imag"), floor, angle).filled()


def scale(c: arb, f: Facts) -> Facts:
    """c·f for a real constant c."""
    size = abs(c)
    if not (c > 0 or c < 0):  # the ball does not know its sign
        return Facts(size * f.size, f.power, f.rate).filled()

    def times(line: Line | None) -> Line | None:
        return None if line is None else (size * line[0], size * line[1])

    above, below, angle = times(f.above), times(f.below), f.angle
    if not c > 0:
        above, below, angle = below, above, None
    return Facts(size * f.size, f.power, f.rate, above, below, times(f.imag), size * f.floor, angle).filled()


def multiply(f: Facts, g: Facts) -> Facts:
    """The product f·g."""
    angle = None
    if f.angle is not None and g.angle is not None and f.angle + g.angle < arb.pi():
        angle = f.angle + g.angle
    imag = (arb(0), arb(0)) if f.real and g.real else None
    below = (arb(0), arb(0)) if angle is not None and angle <= arb.pi() / 2 else None
    floor, size = f.floor * g.floor, f.size * g.size
    return Facts(size, f.power + g.power, f.rate + g.rate, None, below, imag, floor, angle).filled()


def power(f: Facts, exponent: sp.Rational, base: sp.Expr) -> Facts:
    """f^exponent on the principal branch; `base` is f's expression, for the message."""
    whole = exponent.q == 1
    if not whole and f.angle is None:
        raise RefusalError(f"the base {base} of a power may be negative or zero")
    if exponent < 0 and not f.floor > 0:
        raise RefusalError(f"the denominator {base} may vanish")
    q = arb(int(exponent.p)) / int(exponent.q)
    angle = None if f.angle is None or not abs(q) * f.angle < arb.pi() else abs(q) * f.angle
    imag = f.imag if f.real else None
    below = None
    even = whole and exponent.p % 2 == 0 and imag is not None
    if even or (angle is not None and angle <= arb.pi() / 2):
        below = (arb(0), arb(0))
    elif exponent == 2 and f.imag is not None and f.imag[1] == 0:
        below = (f.imag[0] * f.imag[0], arb(0))  # Re f² = (Re f)² − (Im f)²
        if f.power <= 1 and f.rate == 0:
            cross = 2 * f.imag[0] * f.size  # |Im f²| = 2|Re f||Im f|
            imag = imag or (cross, cross if f.power else arb(0))
    if exponent < 0:
        return Facts(f.floor**q, below=below, imag=imag, angle=angle).filled()
    power = int(sp.ceiling(f.power * exponent))
    floor = f.floor**q if f.floor > 0 else arb(0)
    return Facts(f.size**q, power, q * f.rate, None, below, imag, floor, angle).filled()


def polynomial_above(f: sp.Expr, tau: arb, half_line: int) -> Line | None:
    """A constant bound of Re f for a polynomial of degree ≥ 2 that falls to −∞ where it is used."""
    if not f.is_polynomial(Z):
        return None
    ascending = sp.Poly(f, Z).all_coeffs()[::-1]
    degree = len(ascending) - 1
    if degree < 2:
        return None
    coefficients = [number(c) for c in ascending]
    k = -coefficients[-1] if degree % 2 == 0 or half_line > 0 else coefficients[-1]
    if not k > 0 or (degree % 2 and not half_line):
        return None
    if degree == 2:  # −k(x² − y²) + αx + γ
        return coefficients[0] + k * tau**2 + coefficients[1] ** 2 / (4 * k), arb(0)
    # Re f ≤ −k|x|^d + Σ b_j |x|^j, from |z^j| ≤ (|x|+τ)^j and |z^d − x^d| ≤ (|x|+τ)^d − |x|^d
    size = [abs(c) for c in coefficients]
    b = [
        sum((size[i] * int(sp.binomial(i, j)) * tau ** (i - j) for i in range(j, degree + 1)), arb(0))
        for j in range(degree)
    ]
    start = arb.max(arb(1), sum(b, arb(0)) / k)  # beyond this |x| the leading term wins
    return sum((b[j] * start**j for j in range(degree)), arb(0)), arb(0)


def number(value: sp.Expr) -> arb:
    """A real constant as a ball."""
    ball = Tape([value], []).bind()([])[0]
    if not isinstance(ball, arb) or not ball.is_finite():
        raise RefusalError(f"the constant {value} is not a finite real number")
    return ball
