"""Two inputs of norm √d at an acute angle: the gated kernel is the better conditioned one, with the same eigenvectors.

Both kernels have the eigenvectors (1, ±1); with the entries a (diagonal) and b > 0 the condition number is
(a + b)/(a − b), so that K̃ is better conditioned where f = b ã − b̃ a > 0. For ReLU at the angle θ, biases included,

    b = m S + (d cos θ + 1) T + 1,   b̃ = m̃ S cos θ + (d cos θ + 1)(S + T cos θ) + 1,

S = (sin θ + (π − θ) cos θ)/2π, T = (π − θ)/2π, and a, ã are their values at θ = 0. For which widths f > 0 at all of
them is proved in `close_inputs`; here it is enclosed at given widths, by another way.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from flint import arb

from checks.claims.trajectory.paths import HIDDEN, PAIR, D, width_of
from checks.tools import biased, roads
from checks.tools.branch_and_bound import Box, hull, positive
from checks.tools.roads import Constants
from checks.tools.training_task import PAIRS
from glutheory.claims import About, Evidence, Figure, Finding, Grade
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point, ball
from glutheory.networks import network

_BITS = 128
#: Cosines between inputs of equal norm.
_COSINES = tuple(Fraction(i, 20) for i in (0, 10, 15, 19))
_MORE_COSINES = (*(Fraction(i, 100) for i in range(1, 100)), Fraction(999, 1000), Fraction(9999, 10000))
#: Just beyond π/2, and where the certificate goes over from f' > 0 to f > 0.
_RIGHT, _NEAR = Fraction(3927, 2500), Fraction(1, 8)


def entries(theta: arb, plain: int, gated: int, d: int = D) -> tuple[tuple[arb, arb], tuple[arb, arb]]:
    """(b, b̃) and their derivatives by θ, for ReLU and ReGLU of these widths on inputs of norm √d."""
    c, s, rest = theta.cos(), theta.sin(), arb.pi() - theta
    S, T = (s + rest * c) / (2 * arb.pi()), rest / (2 * arb.pi())
    dS, dT = -rest * s / (2 * arb.pi()), -1 / (2 * arb.pi())
    first, slope = d * c + 1, -d * s
    values = plain * S + first * T + 1, gated * c * S + first * (S + c * T) + 1
    inner = dS - s * T + c * dT
    slopes = (
        plain * dS + slope * T + first * dT,
        gated * (c * dS - s * S) + slope * (S + c * T) + first * inner,
    )
    return values, slopes


@lru_cache(maxsize=16)
def all_angles(plain: int | None = None, gated: int | None = None, d: int = D) -> Evidence:
    """F > 0 for ReLU and ReGLU on all of (0, π/2], in balls; the widths are those of the protocol if none are given."""
    widths = plain or width_of(PAIR[0]), gated or width_of(PAIR[1])

    def both(low: Fraction, high: Fraction) -> tuple[arb, arb]:
        """F and its derivative on [low, high]."""
        (a, b), _ = entries(arb(0), *widths, d)
        values, slopes = entries(hull(low, high), *widths, d)
        return values[0] * b - values[1] * a, slopes[0] * b - slopes[1] * a

    def margin(box: Box) -> arb:
        """F' next to 0, where F vanishes, and F beyond."""
        ((low, high),) = box
        with precision(_BITS):
            value, slope = both(low, high)
            return slope if high <= _NEAR else value

    found = positive(margin, [((Fraction(0), _NEAR),), ((_NEAR, _RIGHT),)])
    finding = Finding.SUPPORTS if found.positive else Finding.UNDECIDED
    if found.counterexample:
        # where F falls it need not be negative
        ((_, angle),) = found.counterexample
        with precision(_BITS):
            finding = Finding.REFUTES if both(angle, angle)[0] < 0 else Finding.UNDECIDED
    figures: dict[str, Figure] = {"widths": list(widths), "d": d, "angles, to": float(_RIGHT), "boxes": found.boxes}
    what = (
        f"ReLU/ReGLU of widths {widths[0]} and {widths[1]}, d = {d}, expected kernels: cond(K~) < cond(K) for two "
        "inputs of norm √d at every acute angle"
    )
    return Evidence(Grade.CERTIFICATE, what, finding, About.CORRECTED, "condition", figures)


def _pair(name: str, cosine: Fraction) -> tuple[arb, arb]:
    """Diagonal and off-diagonal entry of the expected kernel on two inputs of norm √d."""
    net = network(name)
    width = width_of(name)
    found = []
    for value in (Fraction(1), cosine):
        duals = [roads.quadrature(act, Point(Fraction(1), Fraction(1), value)) for act in net.branches]
        with precision(_BITS):
            m, d = arb(width), arb(D)
            scales = Constants(m, d, 1 / m, [1 / d] * len(net.branches))
            found.append(arb(biased.equation(scales, d * ball(value), duals)))
    return found[0], found[1]


@lru_cache(maxsize=2)
def equal_norms(thorough: bool) -> Evidence:
    """On inputs of norm √d at no obtuse angle the gated kernel is better conditioned, with the same eigenvectors."""
    apart = 0
    rows: dict[str, Figure] = {}
    cosines = _COSINES + (_MORE_COSINES if thorough else ())
    for plain, gated in PAIRS:
        worst = float("inf")
        for cosine in cosines:
            (a, b), (ga, gb) = _pair(plain, cosine), _pair(gated, cosine)
            with precision(_BITS):
                # both off-diagonals are positive, so that (1, 1) belongs to the larger eigenvalue of both
                margin = b * ga - gb * a
                conditions = (a + b) / (a - b), (ga + gb) / (ga - gb)
            good = bool(margin > 0) and bool(b > 0) and bool(gb > 0)
            apart += not good
            worst = min(worst, float((conditions[0] / conditions[1]).lower()))
            if cosine in _COSINES:
                key = f"{plain}/{gated}, cosine {float(cosine):g}"
                rows[key] = [round(float(value.mid()), 4) for value in conditions]
        rows[f"{plain}/{gated}, least ratio"] = worst
    figures: dict[str, Figure] = {"cosines": [float(value) for value in cosines], "not certified": apart}
    figures |= {"condition numbers (plain, gated)": rows}
    what = f"cond(K~) < cond(K) for two inputs of norm √d at these cosines, expected kernels of width {HIDDEN}, matched"
    return Evidence(Grade.CERTIFICATE, what, Finding.of(apart == 0), About.CORRECTED, "condition", figures)
