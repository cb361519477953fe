"""Theorem 3.1, Propositions B.6 and B.9: the largest eigenvalues, of the full spectrum and of the bulk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sympy as sp

from checks.settings import Settings
from checks.tools.evidence import proof
from checks.tools.far_orders import asymptotic, bounded, exceeded
from checks.tools.measured_orders import measured, on_data, valid
from checks.tools.mutants import refuted
from checks.tools.orders import QUOTED, Order, Orders
from checks.tools.spectral_grid import Cell, Draw, gaussian, grid, groups, product
from derivations.proofs import spectral_orders as bounds
from derivations.proofs.relu_expansion import coefficient, d, delta, n
from glutheory.claims import About, Claim, Evidence, Fate, Figure, Finding, Grade, Outcome, Part, decide
from glutheory.figures.chart import Chart, Role, Series

#: Imported, beyond the core.
NEEDS = ("statsmodels",)
CLAIM = Claim(
    id="lambda-max",
    source="Thm 3.1, Props B.6, B.9, as quoted",
    statement=r"\lambda_{\max}(K) = O(mn/d), \qquad \lambda_{\max}(\tilde K) = O(mn/d^2)",
    words=(
        "ReLU and ReGLU, Gaussian data, d + 1 < n: the largest eigenvalue of K is of order mn/d, that of the gated "
        f"kernel of order mn/d², in the full spectrum or in its bulk. {QUOTED}"
    ),
    assumptions=("d + 1 < n", "Gaussian inputs", "LeCun variances, large width"),
    corrected=(
        r"\frac{\lambda_1(K)}{mn} \to \frac1{2\pi} \text{ for every large } d,\quad \frac{\lambda_2(K)}{m} \simeq "
        r"\frac14\cdot\frac nd; \qquad \frac{\lambda_1(\tilde K)}{m} \simeq \frac14\cdot\frac nd, \quad "
        r"\text{its bulk} \simeq \frac{1}{2\pi}\cdot\frac nd \qquad (d \ll n \ll d^2); \text{ on every data set } "
        r"\lambda_1(K) \ge \frac{m\,\mathrm{tr}\,G}{2\pi d},\ \lambda_1(\tilde K) \ge "
        r"\frac{m\,(\mathrm{tr}\,G)^2}{4nd^3}"
    ),
    meaning=(
        "The largest stable learning rate of full-batch gradient descent is set by the largest eigenvalue. For ReLU it "
        "belongs to the mean activation, grows with the number of inputs and does not shrink with the dimension. "
        "Gating with a zero-mean value branch removes it: the largest eigenvalue falls by a factor of about 0.64 d, as "
        "the theorem says of the quotient, but both are a factor d larger than stated. Without that one eigenvalue the "
        "two kernels are of the same order n/d."
    ),
    parts=(
        Part("K", "the largest eigenvalue of K is of order mn/d", Fate.DROPPED, "of order mn, whatever d is: mn/(2π)"),
        Part(
            "bulk of K",
            "without its largest eigenvalue K is of order mn/d",
            Fate.SHARPENED,
            "mn/(4d) for d ≪ n, and a bound on every data set",
        ),
        Part(
            "gated",
            "the largest eigenvalue of the gated kernel is of order mn/d²",
            Fate.DROPPED,
            "of order mn/d: mn/(4d) for d ≪ n",
        ),
        Part(
            "bulk of the gated kernel",
            "its bulk is of order mn/d²",
            Fate.DROPPED,
            "of order mn/d: mn/(2πd) for d ≪ n ≪ d²",
        ),
    ),
)


#: Over m.
LAW = Orders(
    {
        "K": Order("plain", "largest", 1 / (2 * math.pi), 1, 0),
        "K, bulk": Order("plain", "second", 1 / 4, 1, -1),
        "gated": Order("gated", "largest", 1 / 4, 1, -1),
        "gated, bulk": Order("gated", "second", 1 / (2 * math.pi), 1, -1),
    }
)
#: For one's own sizes (`checks.own`): as the theorem states it, of unknown constants, and as corrected.
STATED = {
    "K": Order("plain", "largest", 1, 1, -1),
    "K, bulk": Order("plain", "second", 1, 1, -1),
    "gated": Order("gated", "largest", 1, 1, -2),
    "gated, bulk": Order("gated", "second", 1, 1, -2),
}
CORRECTED = LAW.orders
MUTANTS: dict[str, Orders] = {
    "K of order n/d": LAW.having("K", d=-1),
    "1/pi for 1/(2 pi)": LAW.having("K", constant=1 / math.pi),
    "the gated kernel of order n/d^2": LAW.having("gated", d=-2),
    "1/2 for 1/4": LAW.having("gated", constant=1 / 2),
    "1/8 for 1/4": LAW.having("gated", constant=1 / 8),
    "1/4 for 1/(2 pi) in the gated bulk": LAW.having("gated, bulk", constant=1 / 4),
    "the bulk with the outlier": replace(LAW, outliers=0),
}


def literal() -> tuple[Evidence, ...]:
    """The stated orders against the proved bounds, for the full spectrum and for the bulk."""
    normalised = {bounds.tau: n, bounds.tau2: n, delta: 0}
    top, gated_top = (sp.sympify(bound).subs(normalised) for bound in (bounds.TOP, bounds.GATED_TOP))
    rest, linear = sp.Rational(1, 2) - coefficient(0), (1 + sp.sqrt(n / d)) ** 2
    return (
        exceeded(top, n / d, "K", "λ_1(K)/m ≥ tr G/(2πd) on every data set, over n/d"),
        bounded(rest * linear, n / d, "bulk of K", "λ_2(K)/m ≤ (1/2 − 1/2π) λ_1(G/d), Gaussian data, over n/d"),
        exceeded(gated_top, n / d**2, "gated", "λ_1(K̃)/m ≥ (tr G)²/(4nd³) on every data set, over n/d²"),
        exceeded(
            coefficient(0) * n / d,
            n / d**2,
            "bulk of the gated kernel",
            "the d largest eigenvalues of K̃/m, a fraction d/n of all, have a mean of at least tr H/(2πd), over n/d²",
        ),
    )


def sandwich(cells: tuple[Cell, ...], law: Orders) -> Evidence:
    """The bounds of every data set with the claimed constants, wide and at finite width, with all rounding."""
    worst, count = math.inf, 0
    rows: dict[str, Figure] = {}
    for cell in cells:
        for draw in cell.draws:
            slacks = _slacks(draw, cell, law)
            for name, slack in slacks.items():
                before = rows.get(name)
                rows[name] = slack if before is None else min(float(str(before)), slack)
            worst, count = min(worst, *slacks.values()), count + 1
    what = f"the two-sided bounds of every data set, with the claimed constants, on {count} spectra"
    finding = Finding.of(worst >= 0)
    figures: dict[str, Figure] = {"data sets": count, "least relative slack": rows}
    return Evidence(Grade.NUMERICAL, what, finding, About.CORRECTED, "bounds", figures)


def _slacks(draw: Draw, cell: Cell, law: Orders) -> dict[str, float]:
    """How far inside the bounds, relative to the eigenvalue; errors of the eigenvalues are allowed for."""
    ratio = cell.d / cell.width if cell.width else 0.0
    plain, gated = (draw.ends(gated=flag, outliers=law.outliers) for flag in (False, True))
    trace = float(draw.weights.sum())
    constant, quarter = law.orders["K"].constant, law.orders["gated"].constant
    rest = (0.5 - constant + ratio / 2) * draw.linear
    slack = 2 * draw.error
    return {
        "K from below": (plain.largest - constant * trace + slack) / plain.largest,
        "K from above": (constant * trace + rest - plain.largest + slack) / plain.largest,
        "bulk of K from above": (rest - plain.second + slack) / plain.second,
        "gated from below": (gated.largest - (1 + 2 * ratio) * quarter * trace**2 / (cell.n * cell.d) + slack)
        / gated.largest,
        "gated from above": ((0.5 + ratio) * draw.squared - gated.largest + slack) / gated.largest,
    }


def charts(settings: Settings) -> tuple[Chart, ...]:
    """At the largest n of the grid against d."""
    size = grid(settings).n[-1]
    cells = [cell for cell in product(settings) if cell.n == size]
    series = []
    for label, gated, end, role in (
        ("K, largest", False, "largest", Role.PLAIN),
        ("K, bulk", False, "second", Role.PLAIN),
        ("gated, largest", True, "largest", Role.GATED),
        ("gated, bulk", True, "second", Role.GATED),
    ):
        dashed = end == "second"
        points = [(cell.d, getattr(draw.ends(gated=gated), end)) for cell in cells for draw in cell.draws]
        lines = [(cell.d, getattr(cell.draws[0].predicted[gated], end)) for cell in cells]
        series += [
            Series(label, [x for x, _ in points], [y for _, y in points], role, line=False, dashed=dashed),
            Series(f"{label}, predicted", [x for x, _ in lines], [y for _, y in lines], Role.THEORY, dashed=dashed),
        ]
    stated = [float(cell.d) for cell in cells]
    slope = [size / x for x in stated]
    series.append(Series("stated for K: slope of n/d", stated, slope, Role.OTHER, dashed=True, guide=True))
    note = (
        f"Gaussian inputs, n = {size}. The largest eigenvalue of K stays at n/(2π) whatever d is; all else falls like "
        "1/d. Lines: the deterministic equivalent. No line of slope -2 fits the gated kernel."
    )
    title = "The largest eigenvalue of the ReLU kernel does not fall with the dimension"
    return (Chart(title, "dimension $d$", "eigenvalue over $m$", series, None, "log", "log", note),)


def run(settings: Settings, law: Orders = LAW) -> Outcome:
    """The check; `law` is the corrected statement."""
    sizes = groups(settings)
    everything = tuple(cell for cells in sizes.values() for cell in cells)
    within = valid(settings)
    finite = tuple(replace(cell, width=1000) for cell in product(settings) if cell.n <= 500)

    def corrected(law: Orders) -> tuple[Evidence, ...]:
        return (
            asymptotic(law.orders, part="orders"),
            on_data(law.orders, within, outliers=law.outliers),
            measured(law.orders, sizes, part="measured", outliers=law.outliers),
            sandwich(everything + finite, law),
        )

    proofs = (
        proof("relu_expansion", About.CORRECTED, "bounds"),
        proof("spectral_orders", About.CORRECTED, "bounds"),
    )
    found = corrected(law)
    evidence = (*literal(), *proofs, *found)
    assumptions = gaussian(everything)
    controls = refuted(MUTANTS, corrected, lambda _: "data")
    row = found[2].figures["K, all sizes"]
    gated_row = found[2].figures["gated, all sizes"]
    assert isinstance(row, Mapping)
    assert isinstance(gated_row, Mapping)
    key = f"measured exponents: K {_pair(row)}, gated {_pair(gated_row)}"
    verdict = decide(assumptions, evidence, controls, CLAIM.parts)
    return Outcome(CLAIM, assumptions, evidence, controls, verdict, key, charts(settings))


def _pair(row: Mapping[str, Any]) -> str:
    return "({:.2f}, {:.2f})".format(*row["exponents"])
