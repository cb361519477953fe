"""Gradient correlations exactly: what a gate multiplies each by, and pairs of inputs that it correlates more."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import sympy as sp
from flint import arb

from checks.claims.diagonal.angles import pattern
from checks.claims.diagonal.kernels import D, M
from checks.tools import roads
from checks.tools.clauses import clause, shown
from checks.tools.evidence import equal
from checks.tools.formulas import gated, plain, wider
from checks.tools.roads import Constants, Formula, Inputs, Setting, lecun, sample
from checks.tools.theorems import SCHWARZ
from derivations.tools.proof import Outcome as Proven
from derivations.tools.proof import both, every
from derivations.tools.zero import positive, zero
from glutheory.claims import About, Evidence, Figure, Finding, Grade
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball

#: Networks with their non-gated partners, and shapes (d, m), at which the factor is looked at in balls.
_NETWORKS = ("reglu", "geglu", "swiglu", "gtu")
_SHAPES = ((12, 48), (12, 12))
#: tan(θ/2) of pairs of norm √d at which the gate raises |cos|: close ones, and where the non-gated one vanishes.
PAIRS = (
    ("relu", "reglu", Fraction(1, 200)),
    ("relu", "reglu", Fraction(47, 20)),
    ("gelu", "geglu", Fraction(27, 20)),
    ("silu", "swiglu", Fraction(231, 200)),
)
_BITS = 160


def factor() -> Evidence:
    """The factor cos α: cos φ̃ of width m is cos φ of width m + d times it, for any inputs; so |cos φ̃| ≤ |cos α|."""
    m, d = sp.symbols("m d", positive=True)
    scales = Constants(m, d, 1 / m, [1 / d, 1 / d])

    def entry() -> Proven:
        g, S, T = sp.symbols("g S T", real=True)
        duals = [(g / d, 1), (S, T)]
        return zero((gated(scales, g, duals), wider(scales, g, duals)))

    def multiply() -> Proven:
        """x·x' = g, |x|² = p, |x'|² = q, and the non-gated kernel has the entries a off and b, c on the diagonal."""
        (g, a), (p, q, b, c) = sp.symbols("g a", real=True), sp.symbols("p q b c", positive=True)
        return zero(((g / d * a) / sp.sqrt(p / d * b * q / d * c), g / sp.sqrt(p * q) * a / sp.sqrt(b * c)))

    def bounded() -> Proven:
        """cos² φ = 1 − u."""
        x, u = sp.Symbol("x", real=True), sp.Symbol("u", nonnegative=True)
        return both(zero(x**2 - (1 - u) * x**2 - u * x**2), positive(u * x**2))

    return shown(
        clause(
            "each entry of the gated kernel of width m is x·x'/d times that of the non-gated one of width m + d",
            entry,
            every("m d g S T"),
        ),
        clause(
            "the cosines of gradients are those of that network times those of the inputs",
            multiply,
            every("g a p q b c"),
        ),
        clause("so none has a larger modulus than that of its inputs", bounded, every("x u", SCHWARZ)),
        about=About.CORRECTED,
        part="factor",
    )


def cosine(formula: Formula, setting: Setting, i: int, j: int) -> arb:
    """The cosine between the gradients at x_i and x_j, expected kernels, duals by road 2."""
    entries = (roads.entry(formula, setting, pair, roads.quadrature) for pair in ((i, j), (i, i), (j, j)))
    with precision(_BITS):
        x, y, z = entries
        return arb(x / (y * z).sqrt())


def products(seed: int, wider_by: Fraction, power: int) -> Evidence:
    """The cosine at width m against that at width m + `wider_by`·d times cos α to this power, in balls."""
    values = []
    for index, name in enumerate(_NETWORKS):
        for d, m in _SHAPES:
            own = lecun(name, sample(seed + index, d), m)
            other = lecun(own.network.ungated(), own.X, max(1, m + int(wider_by * d)))
            for i, j in own.pairs:
                if i < j:
                    x, y = cosine(gated, own, i, j), cosine(plain, other, i, j)
                    with precision(_BITS):
                        g, h, k = (ball(own.gram[s][t]) for s, t in ((i, j), (i, i), (j, j)))
                        values.append(x - y * (g / (h * k).sqrt()) ** power)
    what = f"the factor cos α at every pair, non-gated networks wider by d ({', '.join(_NETWORKS)})"
    return equal(what, values, About.CORRECTED, part="factor")


def _pair(half: Fraction) -> Inputs:
    """Two inputs of norm √d at an angle with this tangent of its half."""
    root = Fraction(10)
    assert root**2 == D
    cosine_, sine = (1 - half**2) / (1 + half**2), 2 * half / (1 + half**2)
    rest = (Fraction(0),) * (D - 2)
    return ((root, Fraction(0), *rest), (root * cosine_, root * sine, *rest))


@lru_cache(maxsize=1)
def counterexamples() -> Evidence:
    """Pairs of inputs whose gradients gating correlates more, at the teaser's d and m; and a row of another norm."""
    figures: dict[str, Figure] = {}
    raised = []
    for ungated, name, half in PAIRS:
        X = _pair(half)
        before, after = cosine(plain, lecun(ungated, X, M), 0, 1), cosine(gated, lecun(name, X, M), 0, 1)
        with precision(_BITS):
            raised.append(bool(abs(after) > abs(before)))
            degrees = float((2 * ball(half).atan() * 180 / arb.pi()).mid())
        figures[f"{ungated}/{name} at {degrees:.4g} degrees"] = [float(before.mid()), float(after.mid())]
    # a short row beside a long one at 60 degrees or so: its row sum, which is K_12/K_11
    long, short = _pair(Fraction(4, 7))
    X = (tuple(value / 4 for value in short), long)
    sums = []
    for formula, name in ((plain, "relu"), (gated, "reglu")):
        setting = lecun(name, X, M)
        with precision(_BITS):
            entries = [roads.entry(formula, setting, pair, roads.quadrature) for pair in ((0, 1), (0, 0))]
            sums.append(abs(entries[0]) / entries[1])
    with precision(_BITS):
        raised.append(bool(sums[1] > sums[0]))
    figures["relu/reglu, row sum over diagonal of a row four times shorter"] = [float(value.mid()) for value in sums]
    figures["certainly raised"] = f"{sum(raised)} of {len(raised)}"
    what = "pairs for which the gate raises |cos| of the gradients at d = 100, m = 400 (plain, gated; expected kernels)"
    finding = Finding.REFUTES if any(raised) else Finding.UNDECIDED
    return Evidence(Grade.CERTIFICATE, what, finding, part="suppression", figures=figures)


@lru_cache(maxsize=8)
def relu_angles(stretch: float) -> Evidence:
    """All angles at which the gate of ReGLU lowers |cos| at equal width; `stretch` multiplies the claimed ones."""
    found = pattern(Fraction(D, M))
    claimed = tuple(angle * stretch for angle in found.angles)
    # the claimed pattern at points on both sides of every claimed angle, by enclosed integrals
    ends = (0.0, *claimed, math.pi)
    points = [low + (high - low) * share for low, high in pairwise(ends) for share in (0.1, 0.9)]
    wanted = [sign for sign in (1, -1, 1, -1) for _ in range(2)]
    seen = [_sign(angle) for angle in points]
    good = found.signs == (1, -1, 1, -1) and seen == wanted
    finding = Finding.of(good) if found.complete and all(seen) else Finding.UNDECIDED
    figures: dict[str, Figure] = {
        "angles where the sign changes, degrees": [math.degrees(angle) for angle in claimed],
        "points on both sides": len(points),
        "as claimed": sum(a == b for a, b in zip(seen, wanted, strict=True)),
    }
    what = (
        "ReLU on inputs of norm √d, d/m = 1/4: gating raises |cos| of the gradients below the first of these angles "
        "and between the other two, and lowers it elsewhere; all sign changes isolated in balls"
    )
    return Evidence(Grade.CERTIFICATE, what, finding, About.CORRECTED, "suppression", figures)


def _sign(angle: float) -> int:
    """Of |cos φ̃| − |cos φ| for ReLU at about this angle; 0 where the balls do not tell."""
    X = _pair(Fraction(math.tan(angle / 2)).limit_denominator(2000))
    before, after = cosine(plain, lecun("relu", X, M), 0, 1), cosine(gated, lecun("reglu", X, M), 0, 1)
    with precision(_BITS):
        difference = abs(after) - abs(before)
        return 1 if difference > 0 else -1 if difference < 0 else 0
