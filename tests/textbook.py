"""Duals S and T as the literature prints them, typed in by hand and evaluated as balls: no derivation is behind them.

Every formula takes balls of a, b and c with c² ≤ ab and gives (S, T); T is +∞ where a jump makes it so. θ = arccos ρ.
"""

from __future__ import annotations

from collections.abc import Callable

from flint import arb

Formula = Callable[[arb, arb, arb], tuple[arb, arb]]


def _angle(a: arb, b: arb, c: arb) -> arb:
    """θ from sine and cosine, so that it is accurate near 0 and π."""
    return arb.atan2(_sine(a, b, c), c)


def _sine(a: arb, b: arb, c: arb) -> arb:
    """√(ab)·sin θ."""
    return (a * b - c * c).nonnegative_part().sqrt()


def identity(_a: arb, _b: arb, c: arb) -> tuple[arb, arb]:
    return c, arb(1)


def monomial2(a: arb, b: arb, c: arb) -> tuple[arb, arb]:  # Isserlis' theorem
    return a * b + 2 * c * c, 4 * c


def monomial3(a: arb, b: arb, c: arb) -> tuple[arb, arb]:  # Isserlis' theorem
    return 9 * a * b * c + 6 * c * c * c, 9 * (a * b + 2 * c * c)


def step(a: arb, b: arb, c: arb) -> tuple[arb, arb]:
    """Cho & Saul 2009, J_0; T is the density of two Gaussians at 0."""
    sine = _sine(a, b, c)
    slope = 1 / (2 * arb.pi() * sine) if sine > 0 else arb.pos_inf()
    return (arb.pi() - _angle(a, b, c)) / (2 * arb.pi()), slope


def sign(a: arb, b: arb, c: arb) -> tuple[arb, arb]:  # sign = 2 step − 1
    S, T = step(a, b, c)
    return 4 * S - 1, 4 * T


def relu(a: arb, b: arb, c: arb) -> tuple[arb, arb]:
    """Cho & Saul 2009, J_1."""
    return (_sine(a, b, c) + (arb.pi() - _angle(a, b, c)) * c) / (2 * arb.pi()), step(a, b, c)[0]


def absolute(a: arb, b: arb, c: arb) -> tuple[arb, arb]:  # |z| = 2 relu(z) − z
    return 4 * relu(a, b, c)[0] - c, sign(a, b, c)[0]


def leaky_relu(a: arb, b: arb, c: arb) -> tuple[arb, arb]:
    s = arb(1) / 100  # φ = s z + (1−s) relu, E[u relu(v)] = c/2
    S, T = relu(a, b, c)
    return s * s * c + s * (1 - s) * c + (1 - s) ** 2 * S, s * s + s * (1 - s) + (1 - s) ** 2 * T


def relu2(a: arb, b: arb, c: arb) -> tuple[arb, arb]:
    """Cho & Saul 2009, J_2; its derivative is 2 max(0, z)."""
    S = 3 * _sine(a, b, c) * c + (arb.pi() - _angle(a, b, c)) * (a * b + 2 * c * c)
    return S / (2 * arb.pi()), 4 * relu(a, b, c)[0]


def erf(a: arb, b: arb, c: arb) -> tuple[arb, arb]:
    """Williams 1997, Eq. 11."""
    outer = (1 + 2 * a) * (1 + 2 * b)
    return (2 * c / outer.sqrt()).asin() * 2 / arb.pi(), 4 / (arb.pi() * (outer - 4 * c * c).sqrt())


def normal_cdf(a: arb, b: arb, c: arb) -> tuple[arb, arb]:
    outer = (1 + a) * (1 + b)
    return arb(1) / 4 + (c / outer.sqrt()).asin() / (2 * arb.pi()), 1 / (2 * arb.pi() * (outer - c * c).sqrt())


def gelu(a: arb, b: arb, c: arb) -> tuple[arb, arb]:
    """Tsuchida, Pearce, van der Heide, Roosta & Gallagher 2021 (arXiv 2002.08517), S written in a, b, c."""
    A, D = (1 + a) * (1 + b), (1 + a) * (1 + b) - c * c
    root, turn = D.sqrt(), 2 * arb.pi()
    S = c / 4 + c / turn * (c / A.sqrt()).asin() + (c * c + a * b * D) / (turn * A * root)
    # its derivative in c, by hand
    T = arb(1) / 4 + ((c / A.sqrt()).asin() + c / root) / turn
    T += (2 * c - 2 * a * b * c) / (turn * A * root) + (c * c + a * b * D) * c / (turn * A * root**3)
    return S, T


def sin(a: arb, b: arb, c: arb) -> tuple[arb, arb]:
    front = (-(a + b) / 2).exp()
    return front * c.sinh(), front * c.cosh()


def cos(a: arb, b: arb, c: arb) -> tuple[arb, arb]:
    return sin(a, b, c)[::-1]


def exp(a: arb, b: arb, c: arb) -> tuple[arb, arb]:
    return ((a + b + 2 * c) / 2).exp(), ((a + b + 2 * c) / 2).exp()


def gaussian(a: arb, b: arb, c: arb) -> tuple[arb, arb]:
    D = (1 + a) * (1 + b) - c * c
    return 1 / D.sqrt(), c / (D * D.sqrt())
