"""Two samples in the kernel regime: the ellipse, and why a smaller condition number means a straighter path."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

import sympy as sp
from flint import acb, arb

from checks.claims.trajectory.paths import PAIR, RATE, RELEASED, STEPS, D, width_of
from checks.tools import biased, roads
from checks.tools.evidence import identity
from checks.tools.roads import Inputs, lecun
from glutheory.claims import About, Evidence, Figure, Finding, Grade
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball

#: κ ↦ the least cosine between −Ke and −e.
Bound = Callable[[Any], Any]
_BITS = 128
_CONDITIONS = (1, 2, 3, 5, 9, 17)
_SLOPES = (Fraction(1, 8), Fraction(1, 2), Fraction(1), Fraction(2), Fraction(8))


def kantorovich(kappa: Any) -> Any:
    """2√κ/(1 + κ)."""
    return 2 * sp.sqrt(kappa) / (1 + kappa)


def ellipse() -> Evidence:
    """What following the ellipse means."""
    a, b, c, e1, e2, x, y = sp.symbols("a b c e1 e2 x y", real=True)
    K, e = sp.Matrix([[a, b], [b, c]]), sp.Matrix([e1, e2])
    step = -K * e
    size = (e.T * K * e)[0]
    inverse = K.inv()
    # on δᵀK⁻¹δ = 1 the slope eᵀδ of ½|e|² is stationary where e is parallel to K⁻¹δ
    tangent = inverse * step
    on = (step.T * inverse * step)[0] - size
    parallel = tangent[0] * e2 - tangent[1] * e1
    # it is least there: eᵀδ ≥ −√(eᵀKe) on the ellipse, for the difference of squares is (e × K⁻¹δ)² det K
    delta = sp.Matrix([x, y])
    cross = (inverse * delta)[0] * e2 - (inverse * delta)[1] * e1
    schwarz = size * (delta.T * inverse * delta)[0] - ((e.T * delta)[0]) ** 2 - cross**2 * K.det()
    what = (
        "parameter steps of length 1 move the outputs within the ellipse δᵀK⁻¹δ ≤ 1; the point of it that lowers the "
        "loss most is −Ke/√(eᵀKe): gradient descent moves there"
    )
    return identity(what, on, parallel, schwarz, part="ellipse")


def angles(bound: Bound) -> Evidence:
    """The start of the path: its angle to the target, in closed form."""
    k, t = sp.symbols("kappa t", positive=True)
    # e = (1, t) in the eigenbasis, Ke ∝ (1, κt)
    square = (1 + k * t**2) ** 2 / ((1 + t**2) * (1 + k**2 * t**2))
    gap = (k - 1) ** 2 * (1 - k * t**2) ** 2 / ((1 + k) ** 2 * (1 + t**2) * (1 + k**2 * t**2))
    slope = sp.diff(sp.log(square), k) - 2 * t**2 * (1 - k) / ((1 + k * t**2) * (1 + k**2 * t**2))
    what = (
        "cos of the angle between −Ke and −e: its square exceeds that of 2√κ/(1+κ) by a square (Kantorovich), and it "
        "falls as κ grows while the start stays in its place in the eigenbasis"
    )
    return identity(what, square - bound(k) ** 2 - gap, slope, about=About.CORRECTED, part="straightness")


def nested() -> Evidence:
    """The paths for growing κ are nested convex curves, so that their lengths grow (Archimedes)."""
    k, x, s = sp.symbols("kappa x s", positive=True)
    curve = x**k
    # x = exp(−s), y = exp(−κs): the flow in the eigenbasis, time in units of the slow mode
    flow = curve.subs(x, sp.exp(-s)) - sp.exp(-k * s)
    convex = sp.diff(curve, x, 2) - k * (k - 1) * x ** (k - 2)
    falls = sp.diff(curve, k) - x**k * sp.log(x)
    what = (
        "the path is y = x^κ in the eigenbasis, scaled: convex, with the same ends for every κ, and lower for larger κ "
        "(x^κ ln x < 0): an outer convex curve is longer, so straightness falls as κ grows"
    )
    return identity(what, flow, convex, falls, about=About.CORRECTED, part="straightness")


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
