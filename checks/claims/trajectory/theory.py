"""Two samples in the kernel regime, in balls: the lengths of paths, and a data set on which the gated one is longer."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from flint import acb, arb

from checks.claims.trajectory import equal_norms
from checks.claims.trajectory.paths import PAIR, RATE, RELEASED, STEPS, D, width_of
from checks.tools import biased, roads
from checks.tools.roads import Inputs, lecun
from glutheory.claims import About, Evidence, Figure, Finding, Grade
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball

_BITS = 128
_CONDITIONS = (1, 2, 3, 5, 9, 17)
_SLOPES = (Fraction(1, 8), Fraction(1, 2), Fraction(1), Fraction(2), Fraction(8))


@lru_cache(maxsize=1)
def lengths() -> Evidence:
    """The lengths of these paths, enclosed, for several κ and starts."""
    smallest = float("inf")
    rows: dict[str, Figure] = {}
    for slope in _SLOPES:
        with precision(_BITS):
            t = ball(slope)
            found = [_length(kappa, t) for kappa in _CONDITIONS]
            straight = [(1 + t * t).sqrt() / length for length in found]
            differences = [later - first for first, later in pairwise(found)]
        smallest = min(smallest, *(float(value.lower()) for value in differences))
        rows[f"fast over slow error {slope}"] = [round(float(value.mid()), 6) for value in straight]
    figures: dict[str, Figure] = {"kappa": list(_CONDITIONS), "straightness": rows, "least certified growth": smallest}
    what = f"the lengths of the paths grow with κ at {len(_SLOPES)} starts, enclosed"
    return Evidence(Grade.CERTIFICATE, what, Finding.of(smallest > 0), About.CORRECTED, "straightness", figures)


def _length(kappa: int, t: arb) -> arb:
    """∫₀¹ √(1 + t²κ²x^{2κ−2}) dx."""
    value = acb.integral(lambda x, analytic: (1 + (t * kappa * x ** (kappa - 1)) ** 2).sqrt(analytic=analytic), 0, 1)
    return arb(value.real)


def counterexample() -> Evidence:
    """Two inputs at right angles with typical norms on which the gated path is the longer one, certified."""
    X: Inputs = (
        tuple(Fraction(9, 8) for _ in range(D)),
        tuple(Fraction(7, 8) * (-1) ** i * (i < D - 1) for i in range(D)),
    )
    found = {}
    for name in PAIR:
        with precision(_BITS):
            a, b, c = roads.entries(biased.equation, lecun(name, X, width_of(name)), roads.quadrature)
            found[name] = protocol_straightness((a, b, c))
    plain, gated = (found[name] for name in PAIR)
    norms = [float(sum(value * value for value in row)) / D for row in X]
    figures: dict[str, Figure] = {"|x|^2/d": norms, "targets": list(RELEASED), "steps": STEPS, "rate": RATE}
    figures |= {f"straightness, {name}": float(value.mid()) for name, value in found.items()}
    what = (
        "expected kernels of ReLU and ReGLU on two orthogonal inputs of unequal norm, all steps of the released "
        "protocol in balls: the gated path is the longer one"
    )
    finding = Finding.REFUTES if gated < plain else Finding.UNDECIDED
    return Evidence(Grade.CERTIFICATE, what, finding, part="straighter", figures=figures)


@lru_cache(maxsize=1)
def descent() -> tuple[arb, arb]:
    """The straightness of ReLU and ReGLU by descent at η = 1.3/λ_max, where the flow of ReGLU is the straighter one.

    Two inputs of norm √d at a right angle, d = 75, widths 81 = 5 + d + 1 and 5; from the start 0.067 in the fast and
    0.998 in the slow mode. Both share the rate, that of the larger λ_max: there the fast mode overshoots.
    """
    with precision(_BITS):
        (a, ga), _ = equal_norms.entries(arb(0), 81, 5, D)
        (b, gb), _ = equal_norms.entries(arb.pi() / 2, 81, 5, D)
        rate = ball(Fraction(13, 10)) / (a + b)
        plain, gated = (_polygon(1 - rate * (x + y), 1 - rate * (x - y)) for x, y in ((a, b), (ga, gb)))
        return plain, gated


def _polygon(fast: arb, slow: arb, count: int = 200) -> arb:
    """|e_0| over the whole length, for these factors of the two modes, between −1 and 1."""
    x, y, length = ball(Fraction(67, 1000)), ball(Fraction(998, 1000)), arb(0)
    whole = (x * x + y * y).sqrt()
    for _ in range(count):
        later = fast * x, slow * y
        length += ((x - later[0]) ** 2 + (y - later[1]) ** 2).sqrt()
        x, y = later
    # what is left is at most the two geometric series
    rest = sum((abs(v * (1 - r)) / (1 - abs(r)) for v, r in ((x, fast), (y, slow))), arb(0))
    return whole / (length + rest * arb(0.5, 0.5))


def protocol_straightness(kernel: tuple[arb, arb, arb]) -> arb:
    """|Y| over the length of the polygon (I − ηK)^k e_0, k = 0, …, of the released protocol, ended by a line to 0.

    `kernel` has the entries K_11, K_12, K_22.
    """
    a, b, c = kernel
    with precision(_BITS):
        rate = ball(Fraction(RATE).limit_denominator(10**6))
        x, y = (-ball(Fraction(value).limit_denominator(10**6)) for value in RELEASED)
        whole, length = (x * x + y * y).sqrt(), arb(0)
        for _ in range(STEPS):
            dx, dy = rate * (a * x + b * y), rate * (b * x + c * y)
            length += (dx * dx + dy * dy).sqrt()
            x, y = x - dx, y - dy
        return whole / (length + (x * x + y * y).sqrt())
