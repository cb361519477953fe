"""Functions that begin far out, and jumps that meet at |ρ| = 1: tiny and infinite values are right, or refused."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import glutheory as glu
from glutheory.activations.parser import parse_expression
from glutheory.errors import DomainError, PrecisionError
from glutheory.quadrature import enclose

#: Jumps +1, +1, −1 at 1, 2, 4: with √b = 2√a those at 1 and 2 meet, and those at 2 and 4.
JUMPS = ("heaviside(z-1)+heaviside(z-2)-heaviside(z-4)", "(heaviside(z-1)+heaviside(z-2)-heaviside(z-4))*tanh(z)")


def _own(text: str) -> glu.Activation:
    return glu.Activation(text, parse_expression(text))


@pytest.mark.parametrize("text", JUMPS)
def test_jumps_of_both_signs_that_meet(text: str) -> None:
    """T → +∞, since the pair of positive product is where u is denser; with 2 and 3 in place of 1 and 2 still so."""
    act = _own(text)
    assert glu.evaluate(act, 1, 4, 2, digits=10)[1] == mpmath.inf
    assert enclose(act, 1, 4, 2, digits=10)[1] == math.inf
    # on the way there: it grows as 1/√(1 − ρ²)
    near, nearer = (enclose(act, 1, 4, 2 - Fraction(1, 10**k), digits=8)[1] for k in (8, 12))
    assert 90 * near < nearer < 110 * near
    # negative control: the other way round the negative pair is where u is denser
    turned = _own(text.replace("-heaviside(z-4)", "+heaviside(z-4)").replace("(z-1)+", "(z-1)-"))
    assert glu.evaluate(turned, 1, 4, 2, digits=10)[1] == -mpmath.inf
    assert enclose(turned, 1, 4, 2, digits=10)[1] == -math.inf


@pytest.mark.parametrize(("c", "power"), [("0.5", -122), (1, -91), ("-0.5", -355)])
def test_a_ramp_from_twenty(c: object, power: int) -> None:
    """Certified relative digits: S against one mpmath integral over u."""
    S, T = glu.evaluate(_own("max(0,z-20)"), 1, 1, c, digits=15)
    with mpmath.workdps(40):
        rho = mpmath.mpf(str(c))
        spread = mpmath.sqrt(1 - rho * rho)

        def inner(u: mpmath.mpf) -> mpmath.mpf:
            if rho == 1:
                return u - 20
            gap = (20 - rho * u) / spread
            return spread * (mpmath.npdf(gap) - gap * mpmath.erfc(gap / mpmath.sqrt(2)) / 2)

        # scaled, since mpmath's tolerance is an absolute one
        unit = mpmath.mpf(10) ** power
        wanted = unit * mpmath.quad(lambda u: (u - 20) * inner(u) * mpmath.npdf(u) / unit, [20, 20.2, 21, 23, 30, 45])
        assert abs(S - wanted) < abs(wanted) * mpmath.mpf(10) ** -14
    assert math.floor(mpmath.log10(S)) == power
    assert T > S > 0


def test_values_too_small_for_the_road_name_the_argument() -> None:
    for text, variance in (("max(0,z-20)", "0.01"), ("heaviside(z-1)*tanh(z)", "1e-4")):
        with pytest.raises(PrecisionError, match="is too near 0 for any digit of it: take larger variances") as caught:
            enclose(_own(text), variance, variance, 0, digits=15)
        assert all(ball.contains(0) for ball in caught.value.reached)
    # where road 2 sees the scale its balls are right
    assert enclose(_own("max(0,z-20)"), 1, 1, 1, digits=15)[0].rad() < 1e-100


@pytest.mark.long
def test_gram_of_a_far_kink() -> None:
    X = np.array([[1.0, 0], [0, 1], [1, 1]]) * np.sqrt(2)
    act = _own("max(0,z-20)")
    K = glu.gram(glu.product(act), X, kind="nngp")
    for i, j, (b, c) in ((0, 0, (1, 1)), (0, 1, (1, 0)), (0, 2, (2, 1)), (2, 2, (2, 2))):
        a = 2 if i == 2 else 1
        wanted = float(glu.evaluate(act, a, b, c, digits=15)[0])
        assert abs(K[i, j] - wanted) <= 1e-12 * math.sqrt(K[i, i] * K[j, j])
    with pytest.raises(DomainError, match=r"at a variance of 2 comes from beyond .* standard deviations"):
        glu.gram(glu.product(_own("max(0,z-50)")), X)
