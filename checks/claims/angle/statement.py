"""§3: gradient angles. The claimed product of cosines, its exact form, and where gating does not separate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import sympy as sp
from flint import arb

from checks.claims.angle.figure import missed, separation
from checks.claims.angle.separation import THRESHOLDS, beyond, closer
from checks.settings import Settings
from checks.tools import roads
from checks.tools.clauses import clause, shown
from checks.tools.evidence import branches, continuous, equal, is_lecun, nonzero, proof
from checks.tools.formulas import gated, plain, wider
from checks.tools.roads import Constants, Inputs, Setting, lecun, sample
from derivations.tools.proof import every
from derivations.tools.zero import vanishing, zero
from glutheory.activations import activation
from glutheory.claims import About, Claim, Control, Evidence, Fate, Figure, Finding, Outcome, Part, decide
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point, ball
from glutheory.symbolic.gaussian import a, b, c

CLAIM = Claim(
    id="angle",
    source="§3",
    statement=r"\cos\tilde\varphi_{ij} = \cos\varphi_{ij}\,\cos\alpha_{ij},\ \text{so gating separates samples}",
    words="The cosine between gated gradients is that between non-gated gradients times that between the inputs.",
    assumptions=("LeCun variances", "value branch and one gate", "inputs other than 0", "expected kernels"),
    corrected=(
        r"\cos\tilde\varphi^{(m)}_{ij} = \cos\varphi^{(m+d)}_{ij}\cos\alpha_{ij}:\text{ the non-gated network is wider "
        r"by } d.\ \text{With the same width, ReLU and } r=d/m,\ \cos\tilde\varphi-\cos\varphi\cos\alpha = "
        r"\frac{r^2\cos\alpha\,\sin\alpha}{\pi(1+r)(1+2r)}.\ \text{At acute angles gating separates inputs beyond } "
        r"\alpha\approx\frac{2r^2}{\pi(1+r)(1+2r)}\text{; closer ones come closer}"
    ),
    meaning=(
        "For inputs at an acute angle, gated gradients are further apart than non-gated ones, so samples disturb "
        "each other less while one of them is learned. The paper's product of cosines is right up to a factor 1 + "
        "O((d/m)^2), and exact if the plain network is d neurons wider. Only inputs that are very close already, "
        "at less than 0.003 radians for d = 75 and m = 1000, are brought closer instead."
    ),
    parts=(
        Part(
            "product of cosines",
            "cos φ̃ = cos φ · cos α at equal width",
            Fate.SHARPENED,
            "exact if the non-gated network is wider by d; at equal width the deviation is given, of order (d/m)²",
        ),
        Part(
            "separation",
            "gating separates samples",
            Fate.REVERSED,
            "at acute angles only beyond about 2r²/(π(1+r)(1+2r)), r = d/m; closer inputs come closer",
        ),
    ),
)

#: What the claim multiplies cos α by: the width of the non-gated network, from m and d.
Width = Callable[[int, int], int]
_QUICK, _FULL = ("reglu", "swiglu"), ("glu", "geglu", "gtu")
#: The two-layer task of the paper's code: d = 75; its probe has d = 200, m = 800.
_SHAPES = ((75, 1000), (200, 800), (16, 16))


def width(m: int, d: int) -> int:
    """The exact statement has m + d."""
    return m + d


MUTANTS: dict[str, Width] = {
    "width m - d": lambda m, d: max(m - d, 1),
    "width m + 2d": lambda m, d: m + 2 * d,
    "width m (the claim itself)": lambda m, _: m,
}


def deviations(setting: Setting, width: Width) -> list[arb]:
    """The deviations cos φ̃ − cos φ cos α, i < j, φ of the non-gated network of the claimed width; LeCun."""
    other = lecun(setting.network.ungated(), setting.X, width(setting.width, setting.d))
    full = dict(zip(setting.pairs, roads.entries(gated, setting, roads.quadrature), strict=True))
    alone = dict(zip(setting.pairs, roads.entries(plain, other, roads.quadrature), strict=True))
    found = []
    with precision(160):
        for i, j in setting.pairs:
            if i < j:
                g = [ball(setting.gram[s][t]) for s, t in ((i, j), (i, i), (j, j))]
                values = (full[i, j], full[i, i], full[j, j]), (alone[i, j], alone[i, i], alone[j, j]), tuple(g)
                cosines = [x / (y * z).sqrt() for x, y, z in values]
                found.append(cosines[0] - cosines[1] * cosines[2])
    return found


def _identities() -> Evidence:
    """K̃_m = (G/d) ⊙ K_{m+d}; the deviation for equal norms; and its value for ReLU from the engine's closed form."""
    m, d, g = sp.symbols("m d g", positive=True)
    S, T, S1, T1, r, rho = sp.symbols("S T S1 T1 r rho", positive=True)
    scales = Constants(m, d, 1 / m, [1 / d, 1 / d])
    shifted = gated(scales, g, [(g / d, 1), (S, T)]), wider(scales, g, [(g / d, 1), (S, T)])
    # inputs of norm √d, ρ = cos α: K_m/m = S + rρT; on the diagonal S1 + rT1; K_{m+d}/m has (1 + r)S
    deviation = ((1 + r) * S + r * rho * T) / ((1 + r) * S1 + r * T1) - (S + r * rho * T) / (S1 + r * T1)
    claimed = r**2 * (S * T1 - rho * T * S1) / ((S1 + r * T1) * ((1 + r) * S1 + r * T1))
    # ReLU on the sphere: S − ρT = √(1 − ρ²)/(2π), S1 = T1 = ½
    found = dual_relu(rho)
    relu = found[0] - rho * found[1] - sp.sqrt(1 - rho**2) / (2 * sp.pi)
    half = sp.Rational(1, 2)
    value = claimed.subs({S1: half, T1: half}) - 2 * r**2 * (S - rho * T) / ((1 + r) * (1 + 2 * r))
    return shown(
        clause("K̃ of width m is G/d times K of width m+d", lambda: zero(shifted), every("m d g S T")),
        clause(
            "on inputs of norm √d the deviation at equal width in closed form, also that of ReLU",
            vanishing(deviation - claimed, relu, value),
            every("r rho S T S1 T1"),
        ),
        about=About.CORRECTED,
    )


def dual_relu(rho: sp.Symbol) -> tuple[sp.Expr, sp.Expr]:
    """The engine's S and T of ReLU at unit variances and covariance ρ."""
    from glutheory.symbolic.duals import dual

    found = dual(activation("relu"))
    S, T = (expr.subs({a: 1, b: 1}).subs(c, rho) for expr in (found.S, found.T))
    return S, T


def _ntk_parametrisation() -> dict[str, Figure]:
    """In the ntk parametrisation the deviation does not vanish at any width: ReLU, cos α = 1/√2, largest there."""
    S, T = roads.quadrature(activation("relu"), Point(Fraction(1), Fraction(1), sp.sqrt(2) / 2))
    with precision(160):
        x = arb(2).sqrt() / 2
        value = x * (2 * S + x * T) / (arb(3) / 2) - x * (S + x * T)
        return {"deviation at 45 degrees": float(value.mid()), "1/(12 pi)": 1 / (12 * math.pi)}


def run(settings: Settings, width: Width = width) -> Outcome:
    """The check; `width` is that of the non-gated network in the corrected statement."""
    names = _QUICK + (_FULL if settings.profile.thorough else ())
    chosen = [lecun(name, _data(settings, d), m) for name in names for d, m in _SHAPES]
    same = [deviations(setting, MUTANTS["width m (the claim itself)"]) for setting in chosen]
    table: dict[str, float] = {
        f"{setting.network.name}, d={setting.d}, m={setting.width}": max(float(abs(value).mid()) for value in values)
        for setting, values in zip(chosen, same, strict=True)
    }
    evidence = (
        equal(
            "the product of cosines at equal width (0 is the claim)",
            [value for values in same for value in values],
            part="product of cosines",
            figures={"largest deviation": dict(table)},
        ),
        closer(_SHAPES),
        proof("hadamard", About.CORRECTED),
        _identities(),
        equal(
            "the product of cosines with the non-gated network of width m+d",
            [value for setting in chosen for value in deviations(setting, width)],
            About.CORRECTED,
            figures={"ntk parametrisation, for comparison": _ntk_parametrisation()},
        ),
        beyond(_SHAPES),
    )
    assumptions = (
        is_lecun(chosen),
        branches(chosen, "value branch times one gate", lambda s: s.network.gated),
        continuous(chosen),
        nonzero(chosen),
    )
    controls = []
    for altered, wrong in MUTANTS.items():
        found = equal(altered, [value for setting in chosen for value in deviations(setting, wrong)])
        controls.append(
            Control(altered, found.finding is Finding.REFUTES, f"certificate: apart by {found.figures['largest']:.2g}")
        )
    for altered, limit in THRESHOLDS.items():
        rows = [row for row in beyond(_SHAPES, limit).figures.values() if isinstance(row, dict)]
        off = ", ".join(f"{row['sign changes at angles'][0]:.3g} not {row['claimed']:.3g}" for row in rows)
        caught = beyond(_SHAPES, limit).finding is Finding.REFUTES
        controls.append(Control(altered, caught, f"certificate: the sign changes at {off}"))
    drawn = (missed(_angles(chosen, same)), separation(_SHAPES))
    largest = table["reglu, d=75, m=1000"]
    key = f"off by {largest:.1e} at d=75, m=1000: O((d/m)^2)"
    verdict = decide(assumptions, evidence, controls, CLAIM.parts)
    return Outcome(CLAIM, assumptions, evidence, tuple(controls), verdict, key, charts=drawn)


def _angles(
    chosen: Sequence[Setting], found: Sequence[Sequence[arb]]
) -> dict[tuple[int, int], list[tuple[float, float]]]:
    """For ReGLU, by shape: the angle of every pair of inputs and the deviation there."""
    points: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for setting, values in zip(chosen, found, strict=True):
        if setting.network.name == "reglu":
            X = setting.array()
            norms = np.linalg.norm(X, axis=1)
            cosines = [X[i] @ X[j] / (norms[i] * norms[j]) for i, j in setting.pairs if i < j]
            rows = zip(cosines, values, strict=True)
            points[setting.d, setting.width] = [(math.acos(cosine), float(value.mid())) for cosine, value in rows]
    return points


def _data(settings: Settings, d: int) -> Inputs:
    return sample(settings.stream(f"angle/{d}"), d, extremes=False)
