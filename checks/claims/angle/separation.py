"""Whether gating separates samples: ReLU and ReGLU, LeCun, gradient angles against each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from flint import arb

from checks.tools import roads
from checks.tools.kinks import Kink
from glutheory.activations import activation
from glutheory.claims import About, Evidence, Figure, Finding, Grade
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point, ball

#: Pairs (d, m).
Shapes = Sequence[tuple[int, int]]
#: The claimed angle between inputs below which gating brings them closer, from r = d/m; ReLU.
Threshold = Callable[[float], float]


def threshold(r: float) -> float:
    """2r²/(π(1+r)(1+2r))."""
    return 2 * r * r / (math.pi * (1 + r) * (1 + 2 * r))


THRESHOLDS: dict[str, Threshold] = {
    "inputs come closer within twice that angle": lambda r: 2 * threshold(r),
    "within 2r^2/pi": lambda r: 2 * r * r / math.pi,
    "within an angle in proportion to r": lambda r: r / math.pi,
}


def closeness(m: int, d: int, angle: Fraction) -> tuple[arb, arb]:
    """(cos φ̃ − cos φ for ReLU, the inputs' angle) at two inputs of norm √d with tan(angle/2) = `angle`."""
    t2 = angle * angle
    rho = (1 - t2) / (1 + t2)
    S, T = roads.quadrature(activation("relu"), Point(Fraction(1), Fraction(1), rho))
    with precision(160):
        r, x = ball(Fraction(d, m)), ball(rho)
        full = x * ((1 + r) * S + r * x * T) / ((1 + 2 * r) / 2)
        alone = (S + r * x * T) / ((1 + r) / 2)
        return full - alone, x.acos()


def closer(shapes: Shapes) -> Evidence:
    """A pair of inputs that gating brings closer, certified for every shape."""
    figures: dict[str, Figure] = {}
    values = []
    for d, m in shapes:
        value, angle = closeness(m, d, Fraction(threshold(d / m) / 4).limit_denominator(10**6))
        values.append(value)
        figures[f"d={d}, m={m}: cos(gated) - cos(plain) at angle {float(angle.mid()):.2g}"] = float(value.mid())
    worse = sum(bool(value > 0) for value in values)
    what = "inputs so close that their gated gradients are at a smaller angle than the non-gated ones (ReLU, certified)"
    # one pair that gating separates says nothing of the others
    finding = Finding.REFUTES if worse else Finding.UNDECIDED
    return Evidence(Grade.CERTIFICATE, what, finding, part="separation", figures=figures)


def beyond(shapes: Shapes, threshold: Threshold = threshold) -> Evidence:
    """Where gating separates: the sign of cos φ̃ − cos φ over all angles between inputs, ReLU."""
    rows: dict[str, Figure] = {}
    good, complete = True, True
    for d, m in shapes:
        r = Fraction(d, m)
        found = Kink(Fraction(1), (1 + r) / (1 + 2 * r), 1 / (1 + r)).all()
        limit = threshold(float(r))
        acute = [angle for angle in found.angles if angle < math.pi / 2]
        good = good and found.signs[:2] == (1, -1) and len(acute) == 1 and abs(acute[0] / limit - 1) < 0.05
        complete = complete and found.complete
        rows[f"d={d}, m={m}"] = {"sign changes at angles": list(found.angles), "claimed": limit}
    what = (
        "at acute angles gating separates exactly the inputs beyond about 2r²/(π(1+r)(1+2r)), r = d/m (ReLU, all sign "
        "changes on the continuum isolated in balls)"
    )
    finding = Finding.of(good) if complete else Finding.UNDECIDED
    return Evidence(Grade.CERTIFICATE, what, finding, About.CORRECTED, "separation", rows)
