"""Theorem 3.1: the smallest eigenvalues. Of order m they are; that gating raises λ_min needs normalised inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import sympy as sp

from checks.settings import Settings
from checks.tools.evidence import proof
from checks.tools.extremal_sets import GRID, ends, exact, rounded
from checks.tools.far_orders import Scale, asymptotic, bounded
from checks.tools.far_spectrum import far
from checks.tools.measured_orders import measured, on_data, valid
from checks.tools.mutants import refuted
from checks.tools.orders import QUOTED, Order
from checks.tools.spectral_grid import Cell, families, gaussian, groups, kernels, product
from derivations.proofs.relu_expansion import SUM, n
from glutheory.claims import About, Claim, Evidence, Fate, Figure, Finding, Grade, Outcome, Part, decide
from glutheory.figures.chart import Chart, Role, Series

#: Imported, beyond the core.
NEEDS = ("statsmodels",)
CLAIM = Claim(
    id="lambda-min",
    source="Thm 3.1, as quoted",
    statement=(
        r"\lambda_{\min}(K) = O(m), \quad \lambda_{\min}(\tilde K) = O(m), \qquad \lambda_{\min}(\tilde K) \ge "
        r"\lambda_{\min}(K)"
    ),
    words=(
        "ReLU and ReGLU, Gaussian data, d + 1 < n: both smallest eigenvalues are of order m, and that of the gated "
        f"kernel is the larger one. {QUOTED}"
    ),
    assumptions=("d + 1 < n", "Gaussian inputs", "LeCun variances"),
    corrected=(
        r"\lambda_{\min}(\tilde K) \ge \frac{\min_i\|x_i\|^2}{d}\,\lambda_{\min}(K) \text{ on every data set, so } "
        r"\lambda_{\min}(\tilde K) \ge \lambda_{\min}(K) \text{ if all } \|x_i\|^2 \ge d \text{, as on normalised "
        r"inputs, "
        r"} \|x_i\|^2 = d\text{; not for a smaller common norm, and on Gaussian data not always. For Gaussian "
        r"inputs, } d\to\infty,\ d+1<n=O(d):\ "
        r"\frac{\lambda_{\min}(K)}m \to \frac14-\frac1{2\pi},\quad \frac{\lambda_{\min}(\tilde K)}m \to "
        r"\frac12-\frac1{2\pi}; \text{ for } d^2 \ll n \ll d^3:\ \frac14-\frac3{4\pi} \text{ and } "
        r"\frac14-\frac1{2\pi}"
    ),
    meaning=(
        "The smallest eigenvalue is the rate of the slowest mode, the last part of the training data to be fitted. "
        "Gating raises it from 0.09 to 0.34 per hidden unit where the inputs have the norm √d, as after RMSNorm, "
        "since it moves the kernel one polynomial degree up. With other norms the shortest input decides: gating "
        "multiplies its share by its squared norm once more, and in few dimensions that outweighs the gain."
    ),
    parts=(
        Part(
            "order",
            "both smallest eigenvalues are of order m at most",
            Fate.SHARPENED,
            "with the limits for n of order d, and beyond d²",
        ),
        Part(
            "inequality",
            "λ_min(K̃) ≥ λ_min(K) on Gaussian data",
            Fate.REVERSED,
            "only with the factor min‖x‖²/d, so on inputs of norm √d; on Gaussian data it can be the smaller one",
        ),
    ),
)
#: Sizes (d, n) of the certified counterexamples, the width, and how often data are drawn for them.
_SIZES, _WIDTH, _TRIES = ((2, 4), (5, 8), (8, 12)), 1000, 80
#: ‖x‖²/d of inputs of a common norm; at the first gating lowers λ_min.
_NORMS = (1 / 16, 1.0, 4.0)
#: d² ≪ n ≪ d³.
BEYOND: tuple[Scale, Scale] = ((10**20, 10**8), (10**35, 10**14))


@dataclass(frozen=True)
class Law:
    """What is claimed.

    Attributes:
        floors: limits of the smallest eigenvalues for n = O(d) and beyond, as long as n ≪ d².
        beyond: for d² ≪ n ≪ d³.
        power: λ_min(K̃) ≥ (min‖x‖²/d)^power λ_min(K).
        sense: 1, or −1 for the reverse inequality.
        equal: whether equal norms, of whatever size, are said to be enough for λ_min(K̃) ≥ λ_min(K).
    """

    floors: Mapping[str, Order] = field(
        default_factory=lambda: {
            "K": Order("plain", "smallest", 1 / 4 - 1 / (2 * math.pi), 0, 0),
            "gated": Order("gated", "smallest", 1 / 2 - 1 / (2 * math.pi), 0, 0),
        }
    )
    beyond: Mapping[str, Order] = field(
        default_factory=lambda: {
            "K": Order("plain", "smallest", 1 / 4 - 3 / (4 * math.pi), 0, 0),
            "gated": Order("gated", "smallest", 1 / 4 - 1 / (2 * math.pi), 0, 0),
        }
    )
    power: int = 1
    sense: int = 1
    equal: bool = False

    def having(self, table: str, name: str, constant: float) -> Law:
        orders = getattr(self, table)
        changed = {**orders, name: replace(orders[name], constant=constant)}
        return replace(self, floors=changed) if table == "floors" else replace(self, beyond=changed)


LAW = Law()
#: For one's own sizes (`checks.own`): as the theorem states it, of unknown constants, and as corrected.
STATED = {"K": Order("plain", "smallest", 1, 0, 0), "gated": Order("gated", "smallest", 1, 0, 0)}
CORRECTED = LAW.floors
MUTANTS: dict[str, Law] = {
    "the gated floor for K": LAW.having("floors", "K", 1 / 2 - 1 / (2 * math.pi)),
    "the whole diagonal, 1/2, for the gated kernel": LAW.having("floors", "gated", 1 / 2),
    "1/4 - 1/(4 pi) for 1/4 - 1/(2 pi)": LAW.having("floors", "K", 1 / 4 - 1 / (4 * math.pi)),
    "no further stair for K": LAW.having("beyond", "K", 1 / 4 - 1 / (2 * math.pi)),
    "both kernels on the same stair": LAW.having("beyond", "gated", 1 / 4 - 3 / (4 * math.pi)),
    "the inequality without the norms": replace(LAW, power=0),
    "equal norms of any size are enough": replace(LAW, equal=True),
    "the inequality reversed": replace(LAW, sense=-1),
}


def orders() -> Evidence:
    """Both smallest eigenvalues are at most the mean of the diagonal, which is of order m."""
    return bounded(
        sp.sympify(SUM), n**0, "order", "λ_n ≤ tr/n: λ_n(K)/m ≤ τ/(2n), λ_n(K̃)/m ≤ τ₂/(2n), τ ≈ τ₂ ≈ n; over 1"
    )


def counterexamples(settings: Settings) -> Evidence:
    """Gaussian data sets, rounded to sixteenths, on which λ_min(K̃) < λ_min(K), certified."""
    figures: dict[str, Figure] = {"width": _WIDTH}
    certain = 0
    for d, size in _SIZES:
        rng = np.random.default_rng([settings.stream("lambda-min/literal"), size, d])
        data = [rounded(rng, size, d) for _ in range(_TRIES)]
        lows = [[float(np.linalg.eigvalsh(K)[0]) for K in kernels(X / GRID, _WIDTH)] for X in data]
        worse = [i for i, (plain, gated) in enumerate(lows) if gated < plain]
        row: dict[str, Figure] = {"data sets drawn": _TRIES, "of these worse with the gate": len(worse)}
        if worse:
            # the first clear one
            chosen = next((i for i in worse if lows[i][1] < 0.9 * lows[i][0]), worse[0])
            plain, gated = ends(exact(data[chosen]), _WIDTH)
            certain += bool(gated[0] < plain[0])
            row |= {
                "lambda_min(K)": plain[0].str(12, radius=False),
                "lambda_min(gated)": gated[0].str(12, radius=False),
                "sixteenths": [[int(value) for value in line] for line in data[chosen]],
            }
        figures[f"d={d}, n={size}"] = row
    finding = Finding.REFUTES if certain else Finding.UNDECIDED
    what = "Gaussian data sets with d + 1 < n on which gating lowers the smallest eigenvalue, certified"
    return Evidence(Grade.CERTIFICATE, what, finding, About.LITERAL, "inequality", figures)


def inequality(cells: tuple[Cell, ...], law: Law) -> Evidence:
    """λ_min(K̃) against (min‖x‖²/d)^power λ_min(K), errors of the eigenvalues allowed for.

    Normalised inputs are also taken at other common norms: ReLU's K grows with the square of the norm, K̃ with the
    fourth power.
    """
    broken, count, least = 0, 0, math.inf
    for cell in cells:
        for draw in cell.draws:
            for size in _NORMS if cell.sphere else (1.0,):
                plain, gated = size * float(draw.plain[-1]), size**2 * float(draw.gated[-1])
                shortest = size * float(draw.weights.min())
                factor = 1.0 if law.equal and cell.sphere else shortest**law.power
                slack = law.sense * (gated - factor * plain) + draw.error * (size**2 + factor * size)
                broken, count = broken + (slack < 0), count + 1
                least = min(least, gated / (factor * plain))
    figures: dict[str, Figure] = {"data sets": count, "broken": broken, "least quotient": least}
    what = f"the inequality with the norms on {count} data sets: Gaussian, normalised, wide and of width {_WIDTH}"
    return Evidence(Grade.NUMERICAL, what, Finding.of(broken == 0), About.CORRECTED, "inequality", figures)


def charts(spheres: tuple[Cell, ...], cells: tuple[Cell, ...]) -> tuple[Chart, ...]:
    """The staircase on normalised inputs, and Gaussian inputs."""
    d = 10**4
    sizes = np.geomspace(2 * d, 30 * d**2, 60)
    curves = [far(round(size), d) for size in sizes]
    series = []
    for label, gated, role in (("K", False, Role.PLAIN), ("gated", True, Role.GATED)):
        points = [
            (cell.n / cell.d**2, float(draw.ends(gated=gated).smallest)) for cell in spheres for draw in cell.draws
        ]
        series += [
            Series(label, [x for x, _ in points], [y for _, y in points], role, line=False),
            Series(f"{label}, d = 10^4", list(sizes / d**2), [pair[gated].smallest for pair in curves], Role.THEORY),
        ]
    stairs = Chart(
        "The smallest eigenvalue goes down a staircase; gating is one step behind",
        "$n/d^2$",
        r"$\lambda_{\min}/m$",
        tuple(series),
        xscale="log",
        yscale="log",
        note=(
            "Normalised inputs. Steps at 0.341, 0.0908 and 0.0113, each time n passes the number of monomials of a "
            "degree; at n near d² the points have d below 30, where the next steps follow at once."
        ),
    )
    shortest = [float(draw.weights.min()) for cell in cells for draw in cell.draws]
    quotients = [float(draw.gated[-1] / draw.plain[-1]) for cell in cells for draw in cell.draws]
    ends = [min(shortest), 1.0]
    norms = Chart(
        "On Gaussian inputs the shortest one decides",
        r"shortest input, $\min\|x\|^2/d$",
        r"$\lambda_{\min}(\tilde K)/\lambda_{\min}(K)$",
        (
            Series("measured", shortest, quotients, line=False),
            Series("proved lower bound", ends, ends, Role.THEORY),
            Series("equal", ends, [1.0, 1.0], Role.THEORY, dashed=True),
        ),
        xscale="log",
        yscale="log",
        note="Points below 1: gating lowers the smallest eigenvalue. None can lie below the solid line.",
    )
    return stairs, norms


def run(settings: Settings, law: Law = LAW) -> Outcome:
    """The check; `law` is the corrected statement."""
    sizes = groups(settings)
    everything = tuple(cell for cells in sizes.values() for cell in cells)
    spheres = tuple(cell for family in families(settings, sphere=True).values() for cell in family)
    within = valid(settings)
    finite = tuple(replace(cell, width=_WIDTH) for cell in product(settings) if cell.n <= 500)

    def corrected(law: Law) -> tuple[Evidence, ...]:
        return (
            asymptotic(law.floors, part="floors"),
            # no computer reaches d² ≪ n ≪ d³ with a large d: these are predictions, untested on data
            asymptotic(law.beyond, part="further stairs, predicted", scales=BEYOND),
            on_data(law.floors, within),
            measured(law.floors, sizes, part="measured"),
            inequality(everything + spheres + finite, law),
        )

    literal = (orders(), counterexamples(settings))
    proofs = (
        proof("smallest_eigenvalue", About.CORRECTED, "inequality"),
        proof("spectral_orders", About.CORRECTED, "floors"),
    )
    found = corrected(law)
    evidence = (*literal, *proofs, *found)
    assumptions = gaussian(everything)
    controls = refuted(MUTANTS, corrected, lambda wrong: "data" if wrong.floors != LAW.floors else "")
    key = _key(found[0].figures, literal[1].figures)
    verdict = decide(assumptions, evidence, controls, CLAIM.parts)
    return Outcome(CLAIM, assumptions, evidence, controls, verdict, key, charts(spheres, product(settings)))


def _key(floors: Mapping[str, Any], literal: Mapping[str, Any]) -> str:
    values = [floors[name]["claimed"][0] * floors[name]["over the claimed order"] for name in ("K", "gated")]
    d, size = _SIZES[-1]
    worse = literal[f"d={d}, n={size}"]["of these worse with the gate"]
    return f"floors {values[0]:.4f}, {values[1]:.4f} predicted; d={d}, n={size}: lower {worse} of {_TRIES}"
