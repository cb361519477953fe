"""Ours: the largest eigenvalue of the ReLU kernel is m n/(2π), whatever d; that of the gated kernel is m n/(4d)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from checks.settings import Settings
from checks.tools.evidence import proof
from checks.tools.exponents import power_law
from checks.tools.far_spectrum import far
from checks.tools.mutants import refuted
from checks.tools.orders import CONSTANT_MARGIN, EXPONENT_MARGIN, LEVEL
from checks.tools.spectral_grid import Cell, families, gaussian, product
from derivations.proofs.relu_expansion import GATED_FLOOR
from derivations.proofs.spectral_orders import OFFSET, THRESHOLD
from glutheory.claims import Assumption, Claim, Evidence, Figure, Finding, Grade, Outcome, decide
from glutheory.figures.chart import Chart, Role, Series

#: Imported, beyond the core.
NEEDS = ("statsmodels",)
CLAIM = Claim(
    id="spike",
    source="this project",
    statement=(
        r"\frac{\lambda_{\max}(K)}{mn} \to \frac1{2\pi} \text{ independent of } d, \qquad "
        r"\frac{d\,\lambda_{\max}(\tilde K)}{mn} \to \frac14 \qquad (d \to \infty,\ n/d \to \infty)"
    ),
    words=(
        "The largest eigenvalue of the ReLU kernel is mn/(2π), independent of the dimension; that of ReGLU is mn/(4d), "
        "an outlier from n/d = 4/(π−2)² ≈ 3.07 on. Thus the corrected orders of Theorem 3.1."
    ),
    assumptions=("Gaussian inputs", "LeCun variances, wide limit", "many inputs per dimension"),
    meaning=(
        "ReLU features have a positive mean, and one eigenvalue of the NTK carries it: this mode, nearly the constant "
        "function, is learned n/π times as fast as the average one, in any dimension. In the gated network the value "
        "branch has mean zero; what is left of the spike comes from the squares of the inner products and is smaller "
        "by the factor π/(2d)."
    ),
)


@dataclass(frozen=True)
class Law:
    """What is claimed.

    Attributes:
        plain, gated: constants of λ_1(K)/(mn) and dλ_1(K̃)/(mn).
        plain_d, gated_d: powers of d in λ_1/(mn).
        threshold: n/d from which on the spike of the gated kernel is an outlier.
    """

    plain: float = 1 / (2 * math.pi)
    gated: float = 1 / 4
    plain_d: float = 0.0
    gated_d: float = -1.0
    threshold: float = float(THRESHOLD)

    def largest(self, gated: bool, n: float, d: float) -> float:
        """λ_1/m with the first corrections: of level 0 and of the bulk; norms √d."""
        if gated:
            return float(self.gated * n * d**self.gated_d) + float(OFFSET)
        return float(self.plain * n * d**self.plain_d) * (1 + 1 / (2 * d)) + float(GATED_FLOOR)


LAW = Law()
MUTANTS: dict[str, Law] = {
    "1/pi for 1/(2 pi)": replace(LAW, plain=1 / math.pi),
    "1/2 for 1/4": replace(LAW, gated=1 / 2),
    "1/8 for 1/4": replace(LAW, gated=1 / 8),
    "the bulk's 1/(2 pi) for 1/4": replace(LAW, gated=1 / (2 * math.pi)),
    "the spike of K falls like 1/d": replace(LAW, plain_d=-1.0),
    "the spike of the gated kernel falls like 1/d^2": replace(LAW, gated_d=-2.0),
    "an outlier only from n/d = 4 on": replace(LAW, threshold=4.0),
}
#: Dimensions for the extrapolation along n = d^(3/2), each four times the one before.
_DIMENSIONS = tuple(10**4 * 4**k for k in range(8))
#: What is left after one step of Richardson's extrapolation is of the next order, 1/d of the last but one: below 1e-6.
_LIMIT_MARGIN = 1e-6
#: What was measured.
_MEASURED = ("K, Gaussian inputs", "gated, normalised inputs")


def limits(law: Law) -> Evidence:
    """The two limits by Richardson's extrapolation of the deterministic equivalent along n = d^(3/2).

    λ_1(K)/n has the error 1/(4πd), dλ_1(K̃)/n has one of order d/n = d^(−1/2): factors 4 and 2 from row to row.
    """
    sizes = [(round(d**1.5), d) for d in _DIMENSIONS]
    figures: dict[str, list[float]] = {"d": [float(d) for _, d in sizes]}
    errors = []
    for gated, power, factor, claimed in (
        (False, law.plain_d, 4, law.plain),
        (True, law.gated_d, 2, law.gated),
    ):
        values = np.array([far(n, d)[gated].largest / (n * float(d) ** power) for n, d in sizes])
        extrapolated = (factor * values[1:] - values[:-1]) / (factor - 1)
        errors.append(abs(float(extrapolated[-1]) / claimed - 1))
        name = "gated" if gated else "K"
        figures[name] = [float(x) for x in values]
        figures[f"{name}, extrapolated"] = [float(x) for x in extrapolated]
    what = f"limits of the deterministic equivalent along n = d^1.5, d up to {_DIMENSIONS[-1]:.1e}, extrapolated"
    passed = max(errors) < _LIMIT_MARGIN
    return Evidence(Grade.NUMERICAL, what, Finding.of(passed), part="limits", figures={**figures, "errors": errors})


def threshold(law: Law) -> Evidence:
    """Where the equivalent of K̃ has an outlier, by bisection, at two dimensions."""
    found = []
    for d in (10**6, 10**10):
        low, high = 2.0, 6.0
        for _ in range(40):
            middle = (low + high) / 2
            gated = far(round(middle * d), d)[1]
            low, high = (low, middle) if gated.largest > gated.second else (middle, high)
        found.append((low + high) / 2)
    errors = [abs(value / law.threshold - 1) for value in found]
    # at the threshold the outlier leaves the edge quadratically: its 1e-13 are seen from 3e-7 on; and 1/d
    passed = errors[-1] < 1e-5 and errors[-1] <= max(errors[0], 1e-6)
    figures = {"n/d at d = 1e6, 1e10": found, "errors": errors}
    what = "the threshold of the outlier of the gated kernel in the deterministic equivalent"
    return Evidence(Grade.NUMERICAL, what, Finding.of(passed), part="threshold", figures=figures)


def measured(law: Law, cells: tuple[Cell, ...], spheres: tuple[Cell, ...]) -> Evidence:
    """Measured largest eigenvalues over the law with its corrections: exponents that vanish, and the mean ratio."""
    figures: dict[str, Figure] = {}
    good = True
    rows = ((_MEASURED[0], False, cells), (_MEASURED[1], True, spheres))
    for name, gated, chosen in rows:
        ratios, n, d = [], [], []
        for cell in chosen:
            # beyond twice the threshold the outlier is well apart from the edge
            if gated and cell.n < 2 * float(THRESHOLD) * cell.d:
                continue
            for draw in cell.draws:
                total = float(draw.weights.sum())
                ratios.append(draw.ends(gated=gated).largest / law.largest(gated, total, cell.d))
                n.append(float(cell.n))
                d.append(float(cell.d))
        gap = power_law(ratios, level=LEVEL, n=n, d=d)
        typical = math.exp(float(np.mean(np.log(ratios))))
        good = good and gap.within(EXPONENT_MARGIN, n=0, d=0) and 1 / CONSTANT_MARGIN < typical < CONSTANT_MARGIN
        figures[name] = {
            "measured over the law": typical,
            "least and largest": [min(ratios), max(ratios)],
            "exponents left (n, d)": list(gap.exponents),
            "intervals": [list(pair) for pair in gap.intervals],
            "data sets": len(ratios),
        }
    what = (
        f"measured largest eigenvalues over the law with its first corrections: no exponent left within "
        f"{EXPONENT_MARGIN}, mean within a factor {CONSTANT_MARGIN:.2f}"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(good), part="measured", figures=figures)


def charts(cells: tuple[Cell, ...], spheres: tuple[Cell, ...]) -> tuple[Chart, ...]:
    """λ_1/n against d for K, and dλ_1/n against n/d for the gated kernel."""
    bulk = float(GATED_FLOOR)
    first = [
        (cell.d, (draw.ends(gated=False).largest - bulk) / float(draw.weights.sum()))
        for cell in cells
        for draw in cell.draws
    ]
    line = np.geomspace(min(cell.d for cell in cells), max(cell.d for cell in cells), 60)
    plain = Chart(
        r"The spike of the ReLU kernel, over the squared norms, tends to $1/(2\pi)$ with the dimension",
        "dimension $d$",
        r"$(\lambda_1(K)/m - 0.341)/\mathrm{tr}(G/d)$",
        (
            Series("measured", [float(x) for x, _ in first], [y for _, y in first], Role.PLAIN, line=False),
            Series(r"$(1+1/(2d))/(2\pi)$", list(line), list(LAW.plain * (1 + 0.5 / line)), Role.THEORY),
            Series(r"$1/(2\pi)$", [line[0], line[-1]], [LAW.plain] * 2, Role.THEORY, dashed=True),
        ),
        xscale="log",
        note=(
            "Gaussian inputs, all n. Less what the bulk adds, and per squared norm, all lie on one curve, which tends "
            "to 1/(2π). The spread at small d is that of the directions."
        ),
    )
    pairs = [
        (cell.n / cell.d, draw.ends(gated=True).largest * cell.d / cell.n) for cell in spheres for draw in cell.draws
    ]
    ratios = np.geomspace(1.5, 1e5, 120)
    d = 10**6
    curve = [far(round(y * d), d)[1].largest / y for y in ratios]
    gated = Chart(
        "The spike of the gated kernel is n/(4d) where n is well beyond d",
        "$n/d$",
        r"$d\,\lambda_1(\tilde K)/(mn)$",
        (
            Series("measured", [x for x, _ in pairs], [y for _, y in pairs], Role.GATED, line=False),
            Series("deterministic equivalent", list(ratios), curve, Role.THEORY),
            Series("$1/4$", [ratios[0], ratios[-1]], [LAW.gated] * 2, Role.THEORY, dashed=True),
            Series("threshold", [LAW.threshold] * 2, [0.2, max(curve)], Role.OTHER, dashed=True, guide=True),
        ),
        xscale="log",
        note="Left of the threshold 3.07 the largest eigenvalue belongs to the bulk; to the right it tends to n/(4d).",
    )
    return plain, gated


def run(settings: Settings, law: Law = LAW) -> Outcome:
    """The check; `law` is what is claimed."""
    cells = product(settings)
    spheres = tuple(cell for family in families(settings, sphere=True).values() for cell in family)
    proofs = (proof("relu_expansion", part="limits"), proof("spectral_orders", part="limits"))

    def judged(law: Law) -> tuple[Evidence, ...]:
        return limits(law), threshold(law), measured(law, cells, spheres)

    found = judged(law)
    evidence = (*proofs, *found)
    many = max(cell.n / cell.d for cell in spheres)
    most = f"n/d up to {many:.1f} measured, {_DIMENSIONS[-1] ** 0.5:.0f} in the equivalent"
    assumptions = (
        *gaussian(cells),
        Assumption("many inputs", "n/d beyond the threshold", many > float(THRESHOLD), most),
    )
    controls = refuted(MUTANTS, judged, lambda wrong: "measured" if wrong.threshold == LAW.threshold else "")
    over = [found[2].figures[name]["measured over the law"] for name in _MEASURED]  # type: ignore[index, call-overload]
    key = f"limits 1/2pi, 1/4 predicted; measured x {over[0]:.3f}, x {over[1]:.3f}"
    verdict = decide(assumptions, evidence, controls)
    return Outcome(CLAIM, assumptions, evidence, controls, verdict, key, charts(cells, spheres))
