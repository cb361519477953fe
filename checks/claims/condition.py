"""Theorem 3.1: the condition numbers, of the full spectrum and of the bulk, and what gating gains."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from checks.settings import Settings
from checks.tools.evidence import proof
from checks.tools.orders import Order, asymptotic, exceeded, measured, refuted
from checks.tools.spectral_grid import Cell, Draw, families, gaussian, grid, groups, product
from derivations.proofs.relu_expansion import d, n
from derivations.proofs.spectral_orders import BULK_GAIN, CONDITION, GAIN, GATED_CONDITION
from glutheory.claims import About, Claim, Evidence, Figure, Finding, Grade, Outcome, decide
from glutheory.figures.chart import Chart, Role, Series

CLAIM = Claim(
    id="condition",
    source="Thm 3.1",
    statement=(
        r"\mathrm{cond}(K) = O(n/d), \qquad \mathrm{cond}(\tilde K) = O(n/d^2): \text{ gating gains a factor } d"
    ),
    words=(
        "ReLU and ReGLU, Gaussian data, d + 1 < n: the condition numbers are of order n/d and n/d², so that gating "
        "gains a factor d."
    ),
    assumptions=("d + 1 < n", "Gaussian inputs", "LeCun variances, large width"),
    corrected=(
        r"\text{for } d \ll n \ll d^2:\quad \mathrm{cond}(K) \simeq \frac{2}{\pi-2}\,n, \quad \mathrm{cond}(\tilde K) "
        r"\simeq \frac{\pi}{2(\pi-1)}\cdot\frac nd, \quad \frac{\mathrm{cond}(K)}{\mathrm{cond}(\tilde K)} \simeq "
        r"\frac{4(\pi-1)}{\pi(\pi-2)}\,d \approx 2.39\,d; \quad \text{without } \lambda_1: \frac{\pi}{\pi-2}\cdot\frac "
        r"nd \text{ and } \frac1{\pi-1}\cdot\frac nd, \text{ quotient } \approx 5.89; \text{ for } m\to\infty "
        r"\text{ on every data set } \mathrm{cond}(K) \ge \frac{2(n-d-1)}{\pi-2}, \ \mathrm{cond}(\tilde K) \ge "
        r"\frac{n-d}{(\pi-1)d}"
    ),
    meaning=(
        "The condition number sets the number of steps that gradient descent needs. Gating gains a factor of order d, "
        "as the theorem says, but from n to n/d, not from n/d to n/d². Nearly all of the gain is the removal of one "
        "eigenvalue, the spike of the mean activation: treating this mode apart, by centring the features, would gain "
        "as much, and gating then adds a factor of about 6. The limit is reached slowly, and for n well beyond d² "
        "gating Gaussian inputs turns into a loss."
    ),
)


@dataclass(frozen=True)
class Law:
    """What is claimed of the orders for d ≪ n ≪ d².

    Attributes:
        orders: by name.
        outliers: how many eigenvalues are left out of the bulk.
        least: (n, d) ↦ lower bounds of cond(K) and cond(K̃) on every data set, for m → ∞, are these constants times
            n − d − 1 and (n − d)/d.
    """

    orders: Mapping[str, Order] = field(
        default_factory=lambda: {
            "K": Order("plain", "condition", 2 / (math.pi - 2), 1, 0),
            "gated": Order("gated", "condition", math.pi / (2 * (math.pi - 1)), 1, -1),
            "gain": Order("quotient", "condition", float(GAIN), 0, 1),
            "K, bulk": Order("plain", "bulk_condition", math.pi / (math.pi - 2), 1, -1),
            "gated, bulk": Order("gated", "bulk_condition", 1 / (math.pi - 1), 1, -1),
            "gain, bulk": Order("quotient", "bulk_condition", float(BULK_GAIN), 0, 0),
        }
    )
    outliers: int = 1
    least: tuple[float, float] = (2 / (math.pi - 2), 1 / (math.pi - 1))

    def having(self, name: str, **changes: Any) -> Law:
        return replace(self, orders={**self.orders, name: replace(self.orders[name], **changes)})


LAW = Law()
MUTANTS: dict[str, Law] = {
    "cond(K) of order n/d": LAW.having("K", d=-1),
    "the gated one of order n/d^2": LAW.having("gated", d=-2),
    "no gain": LAW.having("gain", d=0),
    "a gain of d/2": LAW.having("gain", constant=0.5),
    "a gain of d in the bulk": LAW.having("gain, bulk", d=1),
    "the floor 1/2 for the gated kernel": LAW.having("gated", constant=0.5),
    "the bulk with the outlier": replace(LAW, outliers=0),
    "three times the lower bounds": replace(LAW, least=(6 / (math.pi - 2), 3 / (math.pi - 1))),
}


def literal(law: Law) -> tuple[Evidence, ...]:
    """The stated orders against the proved lower bounds, and the stated gain."""
    return (
        exceeded(CONDITION, n / d, "K", "cond(K) ≥ 2(n−d−1)/(π−2) on every data set, over n/d"),
        exceeded(GATED_CONDITION, n / d**2, "gated", "cond(K̃) ≥ π(n−d)/(2(π−1)d) on all normalised data, over n/d²"),
        asymptotic({"gain": law.orders["gain"]}, About.LITERAL, "gain"),
    )


def bounds(cells: tuple[Cell, ...], law: Law) -> Evidence:
    """The lower bounds of every data set; on normalised inputs in the wide limit cond(K̃) ≤ cond(K) as well."""
    rows: dict[str, list[float]] = {"K": [], "gated": [], "gated over K, normalised": []}
    for cell in cells:
        for draw in cell.draws:
            low, high = _interval(draw, gated=False), _interval(draw, gated=True)
            rows["K"].append(low[1] / (law.least[0] * (cell.n - cell.d - 1)))
            rows["gated"].append(high[1] / (law.least[1] * (cell.n - cell.d) / cell.d))
            if cell.sphere:
                rows["gated over K, normalised"].append(high[0] / low[1])
    least = {name: min(values) for name, values in rows.items() if "over" not in name}
    worst = max(rows["gated over K, normalised"])
    passed = min(least.values()) >= 1 and worst <= 1
    count = len(rows["K"])
    figures: dict[str, Figure] = {
        "data sets": count,
        "least condition number over its bound": least,
        "largest cond(gated)/cond(K) on normalised inputs": worst,
    }
    what = f"the lower bounds of every data set, and cond(gated) ≤ cond(K) on normalised ones: {count} data sets"
    return Evidence(Grade.NUMERICAL, what, Finding.of(passed), About.CORRECTED, "bounds", figures)


def _interval(draw: Draw, *, gated: bool) -> tuple[float, float]:
    """(least, largest) value that the condition number can have; the eigenvalues have errors."""
    found = draw.ends(gated=gated)
    high = (found.largest + draw.error) / (found.smallest - draw.error) if found.smallest > draw.error else math.inf
    return (found.largest - draw.error) / (found.smallest + draw.error), high


def charts(settings: Settings) -> tuple[Chart, ...]:
    """Condition numbers against n at the largest d, and the gain over d."""
    found = grid(settings)
    cells = [cell for cell in product(settings) if cell.d == found.d[-1]]
    series = []
    for label, gated, end, role in (
        ("K", False, "condition", Role.PLAIN),
        ("K, bulk", False, "bulk_condition", Role.PLAIN),
        ("gated", True, "condition", Role.GATED),
    ):
        dashed = end == "bulk_condition"
        points = [(cell.n, getattr(draw.ends(gated=gated), end)) for cell in cells for draw in cell.draws]
        series += [
            Series(label, [x for x, _ in points], [y for _, y in points], role, line=False, dashed=dashed),
            Series(
                f"{label}, predicted",
                [cell.n for cell in cells],
                [getattr(cell.draws[0].predicted[gated], end) for cell in cells],
                Role.THEORY,
                dashed=dashed,
            ),
        ]
    first = Chart(
        "Most of what gating gains is one eigenvalue of the ReLU kernel",
        "inputs $n$",
        "condition number",
        tuple(series),
        xscale="log",
        yscale="log",
        note=f"Gaussian inputs in {found.d[-1]} dimensions. K, bulk: without the largest eigenvalue.",
    )
    lines = []
    for size in found.n[1:]:
        row = [cell for cell in product(settings) if cell.n == size]
        gains = [_gain(cell) for cell in row]
        lines.append(Series(f"n = {size}", [cell.d for cell in row], gains))
    lines.append(Series("2.39 d", list(map(float, found.d)), [float(GAIN) * x for x in found.d], Role.THEORY))
    lines.append(Series("no gain", list(map(float, found.d)), [1.0] * len(found.d), Role.THEORY, dashed=True))
    second = Chart(
        "What gating gains: of order d where n is well below d², little or less than nothing above",
        "dimension $d$",
        r"$\mathrm{cond}(K)/\mathrm{cond}(\tilde K)$",
        tuple(lines),
        xscale="log",
        yscale="log",
        note="Medians of Gaussian data sets. Below 1 gating makes the condition number worse.",
    )
    return first, second


def _gain(cell: Cell) -> float:
    values = sorted(draw.ends(gated=False).condition / draw.ends(gated=True).condition for draw in cell.draws)
    return values[len(values) // 2]


def run(settings: Settings, law: Law = LAW) -> Outcome:
    """The check; `law` is the corrected statement."""
    sizes = groups(settings)
    everything = tuple(cell for cells in sizes.values() for cell in cells)
    spheres = tuple(cell for family in families(settings, sphere=True).values() for cell in family)

    def corrected(law: Law) -> tuple[Evidence, ...]:
        return (
            asymptotic(law.orders, part="orders"),
            measured(law.orders, sizes, part="measured", outliers=law.outliers),
            bounds(everything + spheres, law),
        )

    proofs = (
        proof("spectral_orders", About.CORRECTED, "bounds"),
        proof("smallest_eigenvalue", About.CORRECTED, "bounds"),
    )
    found = corrected(law)
    evidence = (*literal(law), *proofs, *found)
    assumptions = gaussian(everything)
    controls = refuted(MUTANTS, corrected)
    size = grid(settings)
    corner = next(cell for cell in product(settings) if (cell.n, cell.d) == (size.n[-1], size.d[-1]))
    key = f"gain 2.39 d in the limit, {_gain(corner) / corner.d:.2f} d at n={corner.n}, d={corner.d}"
    verdict = decide(assumptions, evidence, controls)
    return Outcome(CLAIM, assumptions, evidence, controls, verdict, key, charts(settings))
