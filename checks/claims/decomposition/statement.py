"""Appendix B: K as a linear kernel, a rank-one part and a diagonal, and how far that goes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import sympy as sp

from checks.claims.decomposition.linear_errors import Errors, Law, errors
from checks.settings import Settings
from checks.tools.evidence import proof, script_figures, script_grade
from checks.tools.exponents import power_law
from checks.tools.far_spectrum import far_residual
from checks.tools.mutants import refuted
from checks.tools.orders import CONSTANT_MARGIN, EXPONENT_MARGIN, LEVEL
from checks.tools.spectral_grid import Cell, families, gaussian, grid
from derivations.proofs.relu_expansion import FLOOR, GATED_FLOOR, coefficient, d, n
from glutheory.claims import About, Claim, Evidence, Fate, Figure, Finding, Grade, Outcome, Part, decide
from glutheory.figures.chart import Chart, Role, Series
from glutheory.spectra import MarchenkoPastur

Array = npt.NDArray[np.float64]
#: Imported, beyond the core.
NEEDS = ("statsmodels",)
CLAIM = Claim(
    id="decomposition",
    source="App. B",
    statement=(
        r"K \approx \alpha XX^\top + \beta rr^\top + \gamma D, \qquad \tilde K \approx \bigl(\alpha XX^\top + \beta "
        r"rr^\top + \gamma D\bigr)\odot\tfrac1dXX^\top"
    ),
    words=(
        "ReLU and ReGLU, d + 1 < n: the kernel is about a linear kernel plus a matrix of rank one plus a diagonal, and "
        "the gated kernel is the Hadamard product of that with XXᵀ/d."
    ),
    assumptions=("d + 1 < n", "Gaussian inputs", "LeCun variances, wide limit"),
    corrected=(
        r"\frac Km = \frac{1}{4d}XX^\top + \frac{1}{2\pi d}\Bigl(1+\frac1{2d}\Bigr)rr^\top + \Bigl(\frac14-\frac1{2\pi}"
        r"\Bigr)D + E, \quad D = \frac{\mathrm{diag}(r_i^2)}d: \quad \|E\| \simeq \frac{2t+t^2}{4\pi}, \ t = "
        r"\frac{\sqrt{2n}}d; \quad \frac{\tilde K}m = (\dots)\odot\frac{XX^\top}d + \tilde E, \ \|\tilde E\| \simeq "
        r"\frac{\kappa(n/d)}{4\pi d} \approx \frac{(1+\sqrt{n/d})^2}{2\pi d}, \ \|\tilde E\| \le "
        r"\max_i\tfrac{r_i^2}d\,\|E\|: \text{ good for } n \ll d^2, \text{ false for } n \gtrsim d^2"
    ),
    meaning=(
        "In high dimension a wide ReLU layer's kernel is a linear regression kernel plus its mean plus a ridge of "
        "0.09. But the error falls only like √n/d: it is below the smallest eigenvalue only for n < d²/25 or so, 160 "
        "inputs in 64 dimensions. The approximation explains the large eigenvalues of real networks, not the small "
        "ones nor their condition numbers. For the gated kernel it is much better, with an error of order 1/d at n of "
        "order d."
    ),
    parts=(
        Part(
            "n below d^2",
            "the approximations hold where n is well below d²",
            Fate.SHARPENED,
            "with the constants, and with the errors of both kernels",
        ),
        Part(
            "n of order d^2",
            "the approximations hold for every n > d + 1",
            Fate.DROPPED,
            "false from n of order d² on: the error of K stays above a constant",
        ),
    ),
)


LAW = Law()
MUTANTS: dict[str, Law] = {
    "alpha = 1/(2d)": replace(LAW, alpha=1 / 2),
    "beta = 1/(pi d)": replace(LAW, beta=1 / math.pi),
    "beta without 1/(2d)": replace(LAW, correction=0.0),
    "the gated floor for gamma": replace(LAW, gamma=float(GATED_FLOOR)),
    "T for S": replace(LAW, alpha=1 / (2 * math.pi), beta=1 / 4, correction=0.0),
    "half the error of K": replace(LAW, quadratic=1 / (8 * math.pi)),
    "twice the level 1 part in the gated error": replace(LAW, linear=4.0),
    "an error of the gated kernel like 1/sqrt(d)": replace(LAW, power=-0.5),
}
_PROPORTIONAL = ("n = 2d", "n = 4d", "n = 10d")
_SEEDS = 2


def _over(cells: Sequence[Cell], law: Law) -> list[tuple[Cell, Errors]]:
    return [(cell, errors(cell.n, cell.d, seed, cell.sphere, law)) for cell in cells for seed in cell.seeds[:_SEEDS]]


def _named(cell: Cell) -> str:
    return f"n={cell.n}, d={cell.d}, {'normalised' if cell.sphere else 'Gaussian'}"


def measured(cells: Sequence[Cell], law: Law) -> Evidence:
    """The measured errors over the claimed ones: exponents in n and d that vanish, and the mean ratio."""
    rows: dict[str, Figure] = {}
    good = True
    found = _over(cells, law)
    n, d = [float(cell.n) for cell, _ in found], [float(cell.d) for cell, _ in found]
    for name, gated in (("K", False), ("gated", True)):
        norms = [item.gated if gated else item.plain for _, item in found]
        ratio = np.array(norms) / [law.error(gated, cell.n, cell.d) for cell, _ in found]
        gap = power_law(ratio, level=LEVEL, n=n, d=d)
        fit = power_law(norms, level=LEVEL, n=n, d=d)
        typical = math.exp(float(np.mean(np.log(ratio))))
        good = good and gap.within(EXPONENT_MARGIN, n=0, d=0) and 1 / CONSTANT_MARGIN < typical < CONSTANT_MARGIN
        rows[name] = {
            "exponents (n, d)": list(fit.exponents),
            "exponent of d along n = yd": sum(fit.exponents),
            "exponents left": list(gap.exponents),
            "intervals": [list(pair) for pair in gap.intervals],
            "measured over claimed": typical,
            "points": fit.points,
            "confidence": LEVEL,
        }
    what = (
        f"operator norms of both errors over the claimed ones, n = yd: no exponent left within {EXPONENT_MARGIN}, mean "
        f"within a factor {CONSTANT_MARGIN:.2f}"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(good), About.CORRECTED, "errors", rows)


def hadamard(cells: Sequence[Cell], law: Law) -> Evidence:
    """‖E⊙XXᵀ/d‖ ≤ max(r²/d)‖E‖ on every data set, and the errors over the smallest eigenvalues."""
    found = _over(cells, law)
    quotients = [item.gated / (item.longest * item.plain) for _, item in found]
    relative: dict[str, Figure] = {}
    for cell, item in found:
        relative[_named(cell)] = [item.plain / item.least[0], item.gated / item.least[1]]
    what = f"Schur's bound of the gated error on {len(found)} data sets; both errors over the smallest eigenvalues"
    # both norms are rounded: a few n ε
    passed = max(quotients) <= 1 + 1e-10
    figures: dict[str, Figure] = {"largest over the bound": max(quotients), "error over lambda_min": relative}
    return Evidence(Grade.NUMERICAL, what, Finding.of(passed), About.CORRECTED, "gated", figures)


def derived(law: Law) -> Evidence:
    """The error laws against the levels that the approximation leaves out, at n = 4d and growing d."""
    rows: dict[str, Figure] = {}
    good = True
    for name, gated in (("K", False), ("gated", True)):
        ratios = [far_residual(4 * d, d)[gated] / law.error(gated, 4 * d, d) for d in (10**3, 10**4, 10**5, 10**6)]
        off = [abs(ratio - 1) for ratio in ratios]
        # corrections are of relative order d^(−1/2) at most, below 0.005 at the largest d
        good = good and off[-1] < 0.005 and off[-1] <= off[0]
        rows[name] = ratios
    what = "norms of the neglected levels over the claimed errors, n = 4d, d = 10^3 to 10^6"
    return Evidence(Grade.NUMERICAL, what, Finding.of(good), About.CORRECTED, "errors derived", rows)


def literal(cells: Sequence[Cell]) -> tuple[Evidence, ...]:
    """At n ~ d² the error does not vanish: proved, and measured on Gaussian inputs and normalised ones.

    All of ReLU's K, XXᵀ, rrᵀ and D are D^(1/2)(·)D^(1/2) of what they are on the normalised inputs, so that inputs of
    other norms have at least min r²/d times the error; on Gaussian ones with n of order d² that tends to 1.
    """
    size = (d + 1) * (d + 2) / 2
    bound = FLOOR - (FLOOR - coefficient(2)) * n / (n - size)
    limits = {factor: sp.limit(bound.subs(n, factor * d**2), d, sp.oo) for factor in (1, 4)}
    figures: dict[str, Figure] = {
        f"limit at n = {factor}d^2, at least": float(value) for factor, value in limits.items()
    }
    figures["gamma"] = float(FLOOR)
    refuted = all(bool(value > 0) for value in limits.values())
    first = Evidence(
        script_grade("spectral_orders"),
        "‖K/m − αXXᵀ − βrrᵀ − γD‖ over min r²/d, which tends to 1 on Gaussian inputs, for any α, β ≥ 0 on any inputs, "
        "n = d² and n = 4d²: bounded away from 0",
        Finding.REFUTES if refuted else Finding.UNDECIDED,
        About.LITERAL,
        "n of order d^2",
        {**figures, **script_figures("spectral_orders")},
    )
    found = _over(cells, LAW)
    rows: dict[str, Figure] = {
        _named(cell): [item.plain, item.least[0], LAW.error(False, cell.n, cell.d)] for cell, item in found
    }
    least = min(item.plain / float(FLOOR) for _, item in found)
    second = Evidence(
        Grade.NUMERICAL,
        "errors at n = d², Gaussian inputs and normalised ones: [measured, smallest eigenvalue, (2t + t²)/(4π)]; all "
        "larger than γ",
        Finding.REFUTES if least > 1 else Finding.UNDECIDED,
        About.LITERAL,
        "n of order d^2",
        rows,
    )
    return first, second


def charts(spheres: Sequence[Cell]) -> tuple[Chart, ...]:
    """The errors against d, and a histogram of the bulk."""
    ratio = 4
    cells = [cell for cell in spheres if cell.n == ratio * cell.d]
    found = _over(cells, LAW)
    line = np.geomspace(min(cell.d for cell in cells), max(cell.d for cell in cells), 40)
    series = []
    for name, gated, role in (("K", False, Role.PLAIN), ("gated", True, Role.GATED)):
        x = [float(cell.d) for cell, _ in found]
        series += [
            Series(f"error, {name}", x, [item.gated if gated else item.plain for _, item in found], role, line=False),
            Series(f"claimed, {name}", list(line), [LAW.error(gated, ratio * v, v) for v in line], Role.THEORY),
            Series(f"smallest eigenvalue, {name}", x, [item.least[gated] for _, item in found], role, dashed=True),
        ]
    first = Chart(
        "The error of the approximation against the smallest eigenvalue",
        "dimension $d$",
        "over $m$",
        tuple(series),
        xscale="log",
        yscale="log",
        note=(
            f"Normalised inputs, n = {ratio}d. Where an error is above the dashed line of its kernel, the "
            "approximation says nothing about the smallest eigenvalue."
        ),
    )
    return first, _histogram(max(cells, key=lambda cell: cell.n))


def _histogram(cell: Cell) -> Chart:
    """Both bulks against the laws of the approximation."""
    series = []
    draw = cell.draws[0]
    rows = (
        ("K", draw.plain, Role.PLAIN, 1 / 4, float(FLOOR)),
        ("gated", draw.gated, Role.GATED, 1 / (2 * math.pi), float(GATED_FLOOR)),
    )
    for name, spectrum, role, scale, floor in rows:
        values = spectrum[1:]
        law = MarchenkoPastur(cell.n / cell.d, scale, floor)
        # the modes of the linear part; the others are near the floor
        heights, edges = np.histogram(values, bins=50, range=(0.0, 1.1 * law.edges[1]))
        density = heights / (len(values) * (edges[1] - edges[0]))
        density[heights == 0] = math.nan  # a gap
        inner = np.linspace(*law.edges, 82)[1:-1]
        series += [
            Series(name, list((edges[1:] + edges[:-1]) / 2), [float(v) for v in density], role),
            Series(f"Marchenko-Pastur, {name}", list(inner), [float(v) for v in law.density(inner)], Role.THEORY),
        ]
    return Chart(
        "The bulk of the spectrum: d modes of the linear part, the others at the floor",
        r"eigenvalue over $m$",
        "density",
        tuple(series),
        yscale="log",
        note=f"Normalised inputs, n = {cell.n}, d = {cell.d}, without the largest eigenvalue. Approximated, all but d "
        "eigenvalues lie at 0.091 (K) and 0.341 (gated); in truth they spread around it.",
    )


def run(settings: Settings, law: Law = LAW) -> Outcome:
    """The check; `law` is the corrected statement."""
    # Gaussian inputs and the controls stay at the smaller sizes, where a matrix costs little
    gauss, sphere = families(settings), families(settings, sphere=True)
    limit = max(400, grid(settings).reach // 4)
    small = [cell for name in _PROPORTIONAL for cell in (*sphere[name], *gauss[name]) if cell.n <= limit]
    cells = [*small, *(cell for name in _PROPORTIONAL for cell in sphere[name] if cell.n > limit)]

    def corrected(law: Law, cells: Sequence[Cell]) -> tuple[Evidence, ...]:
        return measured(cells, law), hadamard(cells, law), derived(law)

    proofs = (
        proof("relu_expansion", About.CORRECTED, "constants"),
        proof("spectral_orders", About.CORRECTED, "constants"),
    )
    found = corrected(law, cells)
    evidence = (*literal((*gauss["n = d^2"], *sphere["n = d^2"])), *proofs, *found)
    assumptions = gaussian(tuple(cell for cell in small if not cell.sphere))
    controls = refuted(MUTANTS, lambda law: corrected(law, small), lambda _: "errors")
    exponents = [_along(found[0], name) for name in ("K", "gated")]
    key = f"errors like d^{exponents[0]:.2f} (K) and d^{exponents[1]:.2f} (gated) at n = yd"
    verdict = decide(assumptions, evidence, controls, CLAIM.parts)
    drawn = charts([cell for name in _PROPORTIONAL for cell in sphere[name]])
    return Outcome(CLAIM, assumptions, evidence, controls, verdict, key, drawn)


def _along(item: Evidence, name: str) -> float:
    row = item.figures[name]
    assert isinstance(row, dict)
    return float(row["exponent of d along n = yd"])
