"""Orders such as λ_max(K) ~ c n^α d^β decided: derived far out, and tested on data where a computer can go.

Finite sizes bias fitted exponents. So a claimed order is held against

* the deterministic equivalent at sizes where it is a power law (`asymptotic`), and the equivalent against measured
  spectra of all sizes (`measured`; no claimed number enters there);
* measured spectra within its range, with corrections for finite sizes that are stated beforehand (`on_data`).

Exponents here are multiples of 1/2, and the constants 1/4 and 1/(2π) differ by the factor π/2: `measured` allows half
of the way to the nearest alternative, `on_data` a tenth in the constants.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

import numpy as np
import sympy as sp

from checks.settings import Settings
from checks.tools.evidence import proof, script_figures, script_grade
from checks.tools.exponents import PowerLaw, power_law
from checks.tools.far_spectrum import Ends, far
from checks.tools.spectral_grid import Cell, equal_norms
from derivations.proofs.relu_expansion import FLOOR, GATED_FLOOR, d, n
from derivations.proofs.spectral_orders import OFFSET
from glutheory.claims import About, Control, Evidence, Figure, Finding, Grade

#: Half of the distance between exponents that differ by 1/2; half of the way, in logarithms, from 1/(2π) to 1/4.
EXPONENT_MARGIN, CONSTANT_MARGIN = 0.25, math.sqrt(math.pi / 2)
Scale = tuple[int, int]
#: Two scales (n, d), d ≪ n ≪ d², and the factors around them; errors there are of order √(d/n) and √n/d.
SCALES: tuple[Scale, Scale] = ((10**11, 10**8), (10**20, 10**14))
#: The proof script of the bounds.
SCRIPT = "spectral_orders"
_FACTORS = (1, 3, 10)
#: 2√(d/n) = 2e-3 at the further scale, times 2 for what a quotient of two edges adds, rounded up.
_FAR_MARGIN = 0.005
LEVEL = 0.99
#: The range in which a law is tested: 4d ≤ n ≤ d²/8. What is left beyond the stated corrections is of second order in
#: √(d/n) ≤ 1/2 and √(2n)/d ≤ 1/2; on earlier draws of other seeds a mean was at most 6 % off.
_FEWEST, _MOST = 4, 8
DATA_MARGIN = 1.1
#: What is judged here.
QUOTED = (
    "The orders are judged as notes on the paper quote them from the theorem; the explicit expressions of Props B.6 "
    "and B.9 were not available."
)


@dataclass(frozen=True)
class Order:
    """A claimed order constant · n^n · d^d of an end of the spectrum, over m.

    Attributes:
        kernel: "plain", "gated", or "quotient" of the first by the second.
        end: "largest", "second", "smallest", "condition" or "bulk_condition".
        constant: of the leading order.
        n, d: exponents.
    """

    kernel: str
    end: str
    constant: float
    n: float
    d: float

    def of(self, plain: Any, gated: Any) -> float:
        """The number in question, of two records with the ends."""
        first, second = float(getattr(plain, self.end)), float(getattr(gated, self.end))
        return {"plain": first, "gated": second, "quotient": first / second}[self.kernel]

    def at(self, n: float, d: float) -> float:
        return float(self.constant * n**self.n * d**self.d)


Law = Mapping[str, Order]
Claimed = TypeVar("Claimed")


@dataclass(frozen=True)
class Orders:
    """What is claimed of several ends of the spectrum for d ≪ n ≪ d².

    Attributes:
        orders: by name.
        outliers: how many eigenvalues are left out of the bulk.
    """

    orders: Law
    outliers: int = 1

    def having(self, name: str, **changes: Any) -> Self:
        """The same with one order changed."""
        return replace(self, orders={**self.orders, name: replace(self.orders[name], **changes)})


def _far_fit(order: Order, scale: tuple[int, int]) -> tuple[PowerLaw, float]:
    """The exponents of the equivalent around this scale, and its constant there."""
    sizes = [(a * scale[0], b * scale[1]) for a in _FACTORS for b in _FACTORS]
    values = [order.of(*far(*size)) for size in sizes]
    fit = power_law(values, n=[float(x) for x, _ in sizes], d=[float(y) for _, y in sizes])
    middle = (float(_FACTORS[1] * scale[0]), float(_FACTORS[1] * scale[1]))
    return fit, order.of(*far(*(int(x) for x in middle))) / order.at(*middle)


def asymptotic(
    law: Law, about: About = About.CORRECTED, part: str = "", scales: tuple[Scale, Scale] = SCALES
) -> Evidence:
    """The claimed orders against the deterministic equivalent far out, at two scales: the further one is closer."""
    rows: dict[str, Figure] = {}
    good = True
    for name, order in law.items():
        (near, off), (fit, ratio) = (_far_fit(order, scale) for scale in scales)
        errors = (abs(fit.exponent("n") - order.n), abs(fit.exponent("d") - order.d), abs(ratio - 1))
        before = (abs(near.exponent("n") - order.n), abs(near.exponent("d") - order.d), abs(off - 1))
        closer = max(errors) <= max(before)
        good = good and max(errors) <= _FAR_MARGIN and closer
        rows[name] = {
            "claimed": [order.constant, order.n, order.d],
            "exponents": [fit.exponent("n"), fit.exponent("d")],
            "over the claimed order": ratio,
            "over the claimed order, nearer": off,
        }
    (n0, d0), (n1, d1) = scales
    what = (
        f"constants and exponents of the deterministic equivalent around (n, d) = ({n0:.0e}, {d0:.0e}) and "
        f"({n1:.0e}, {d1:.0e}), within {_FAR_MARGIN} at the latter"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(good), about, part, rows)


def _points(order: Order, cells: Sequence[Cell], outliers: int) -> tuple[list[float], list[float], list[Cell]]:
    """(measured, predicted, cell) of every draw."""
    measured, predicted, where = [], [], []
    for cell in cells:
        for draw in cell.draws:
            ends = (draw.ends(gated=gated, outliers=outliers) for gated in (False, True))
            measured.append(order.of(*ends))
            predicted.append(order.of(*draw.predicted))
            where.append(cell)
    return measured, predicted, where


def finite_size(n: float, d: float) -> tuple[Ends, Ends]:
    """The ends of K/m and K̃/m over their leading orders: 1 + first corrections, inputs of norm √d, d < n < d²/2.

    λ_1: what levels beyond the spike add to it. λ_2: the edge (1 + √y)² of Marchenko and Pastur's law, y = n/d, on top
    of the floor. λ_n: level 2 on the n − d directions without level 1, (UUᵀ − I) of ratio t² = 2(n − d)/d², whose edge
    is −2t + t²; its coefficient is 1/(4π) for K and 1/4 for K̃.
    """
    y, t = n / d, math.sqrt(2 * (n - d)) / d
    edge, dip = (1 + math.sqrt(y)) ** 2, 2 * t - t * t
    floor, gated_floor, offset = float(FLOOR), float(GATED_FLOOR), float(OFFSET)
    return (
        Ends(1 + 1 / (2 * d) + 2 * math.pi * gated_floor / n, (edge + 4 * floor) / y, 1 - dip / (4 * math.pi * floor)),
        Ends(1 + 4 * offset / y, (edge + 2 * math.pi * gated_floor) / y, 1 - dip / (4 * gated_floor)),
    )


def valid(settings: Settings) -> tuple[Cell, ...]:
    """Sizes within 4d ≤ n ≤ d²/8, Gaussian inputs and normalised ones."""
    sizes, dimensions = ((250, 500, 1000, 2000), 4) if settings.profile.thorough else ((200, 400, 800), 3)
    seeds = tuple(settings.stream(f"orders/data/{i}") for i in range(2))
    return tuple(
        Cell(n, round(d), seeds, sphere)
        for sphere in (False, True)
        for n in sizes
        for d in np.geomspace(math.sqrt(_MOST * n), n / _FEWEST, dimensions)
    )


def on_data(
    law: Law, cells: Sequence[Cell], *, about: About = About.CORRECTED, part: str = "data", outliers: int = 1
) -> Evidence:
    """The claimed law itself, constant and exponents, against measured spectra within its range.

    Corrections that no claimed number enters: `finite_size`, and for Gaussian inputs what the deterministic equivalent
    says that their norms change.
    """
    rows: dict[str, Figure] = {}
    good = True
    kinds = {
        name: [cell for cell in cells if cell.sphere is sphere]
        for name, sphere in (("normalised", True), ("Gaussian", False))
        if any(cell.sphere is sphere for cell in cells)
    }
    for name, order in law.items():
        for kind, chosen in kinds.items():
            ratios, raw, where = [], [], []
            for cell in chosen:
                for draw in cell.draws:
                    value = order.of(*(draw.ends(gated=gated, outliers=outliers) for gated in (False, True)))
                    expected = order.at(cell.n, cell.d)
                    known = order.of(*finite_size(cell.n, cell.d))
                    if not cell.sphere:
                        known *= order.of(*draw.predicted) / order.of(*equal_norms(cell.n, cell.d))
                    ratios.append(value / (expected * known))
                    raw.append(value / expected)
                    where.append(cell)
            gap = power_law(
                ratios, level=LEVEL, n=[float(cell.n) for cell in where], d=[float(cell.d) for cell in where]
            )
            typical = math.exp(float(np.mean(np.log(ratios))))
            good = good and gap.within(EXPONENT_MARGIN, n=0, d=0) and 1 / DATA_MARGIN < typical < DATA_MARGIN
            rows[f"{name}, {kind}"] = {
                "measured over the law with corrections": typical,
                "least, largest": [min(ratios), max(ratios)],
                "without corrections": [min(raw), max(raw)],
                "exponents left (n, d)": list(gap.exponents),
                "intervals": [list(pair) for pair in gap.intervals],
            }
    sizes = sorted({(cell.n, cell.d) for cell in cells})
    figures: dict[str, Figure] = {
        **rows,
        "sizes": [list(size) for size in sizes],
        "confidence": LEVEL,
        "exponents within": EXPONENT_MARGIN,
        "constants within a factor": DATA_MARGIN,
    }
    what = (
        f"measured spectra over the claimed law with the stated corrections, {len(sizes)} sizes with {_FEWEST}d ≤ n ≤ "
        f"d²/{_MOST}: no exponent left beyond {EXPONENT_MARGIN}, means within {DATA_MARGIN - 1:.0%}"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(good), about, part, figures)


def measured(
    law: Law, groups: Mapping[str, Sequence[Cell]], *, about: About = About.CORRECTED, part: str = "", outliers: int = 1
) -> Evidence:
    """Measured spectra against the equivalent: exponents in n and d, and sizes. The claimed numbers do not enter.

    The intervals decide on all sizes together; of the groups, whose few sizes leave wide intervals, the estimates do.
    """
    everything = tuple(cell for cells in groups.values() for cell in cells)
    rows: dict[str, Figure] = {}
    good = True
    for name, order in law.items():
        for group, cells in {"all sizes": everything, **groups}.items():
            gap, typical, row = _row(order, cells, outliers)
            fine = all(abs(exponent) < EXPONENT_MARGIN for exponent in gap.exponents)
            if group == "all sizes":
                fine = gap.within(EXPONENT_MARGIN, n=0, d=0)
            good = good and fine and 1 / CONSTANT_MARGIN < typical < CONSTANT_MARGIN
            rows[f"{name}, {group}"] = row
    what = (
        f"the equivalent, from which the orders are read, against measured spectra on {len(everything)} sizes: "
        f"exponents agree within {EXPONENT_MARGIN} ({LEVEL:.0%} confidence each), sizes within a factor "
        f"{CONSTANT_MARGIN:.2f} on average"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(good), about, part, rows)


def _row(order: Order, cells: Sequence[Cell], outliers: int) -> tuple[PowerLaw, float, dict[str, Figure]]:
    """(the fit of measured over predicted, its geometric mean, the figures)."""
    values, theory, where = _points(order, cells, outliers)
    columns = {"n": [float(cell.n) for cell in where], "d": [float(cell.d) for cell in where]}
    ratio = np.array(values) / np.array(theory)
    fit, expected, gap = (power_law(y, level=LEVEL, **columns) for y in (values, theory, ratio))
    # the larger half of the sizes: local exponents
    large = [i for i, cell in enumerate(where) if cell.n >= np.median(columns["n"])]
    local = power_law([values[i] for i in large], level=LEVEL, **{k: [x[i] for i in large] for k, x in columns.items()})
    typical = math.exp(float(np.mean(np.log(ratio))))
    row: dict[str, Figure] = {
        "exponents": list(fit.exponents),
        "intervals": [list(pair) for pair in fit.intervals],
        "exponents of the equivalent": list(expected.exponents),
        "difference, intervals": [list(pair) for pair in gap.intervals],
        "exponents at the larger sizes": list(local.exponents),
        "measured over predicted": typical,
        "sizes": [[cell.n, cell.d] for cell in cells],
        "points": fit.points,
        "confidence": LEVEL,
    }
    return gap, typical, row


def exceeded(bound: sp.Expr, order: sp.Expr, part: str, what: str, about: About = About.LITERAL) -> Evidence:
    """A proved lower bound over a claimed upper order: refuted if unbounded along n = 2d and along n = d^(3/2).

    `bound` and `order` are expressions in n and d.
    """
    limits = [sp.limit((bound / order).subs(n, size), d, sp.oo) for size in (2 * d, d ** sp.Rational(3, 2))]
    finding = Finding.REFUTES if all(limit == sp.oo for limit in limits) else Finding.SUPPORTS
    if proof(SCRIPT).finding is not Finding.SUPPORTS:
        finding = Finding.UNDECIDED
    figures: dict[str, Figure] = {
        f"at d = {size}, n = 2d, at least": float((bound / order).subs({n: 2 * size, d: size}))
        for size in (10, 100, 1000)
    }
    return Evidence(script_grade(SCRIPT), what, finding, about, part, {**figures, **script_figures(SCRIPT)})


def bounded(bound: sp.Expr, order: sp.Expr, part: str, what: str, about: About = About.LITERAL) -> Evidence:
    """A proved upper bound over a claimed order: supported if it stays finite along n = 2d and along n = d^(3/2)."""
    limits = [sp.limit((bound / order).subs(n, size), d, sp.oo) for size in (2 * d, d ** sp.Rational(3, 2))]
    finite = all(limit.is_finite for limit in limits)
    figures: dict[str, Figure] = {
        "limit of the bound over the order, n = 2d": str(limits[0]),
        "n = d^1.5": str(limits[1]),
    }
    finding = Finding.of(finite) if proof(SCRIPT).finding is Finding.SUPPORTS else Finding.UNDECIDED
    return Evidence(script_grade(SCRIPT), what, finding, about, part, {**figures, **script_figures(SCRIPT)})


def refuted(
    mutants: Mapping[str, Claimed],
    judge: Callable[[Claimed], Sequence[Evidence]],
    needed: Callable[[Claimed], str] = lambda _: "",
) -> tuple[Control, ...]:
    """Wrong statements judged by the evidence of the right one: caught where some piece refutes them.

    Where `needed` names a part for a statement, the evidence on this part has to.
    """
    found = []
    for altered, wrong in mutants.items():
        against = [item.part for item in judge(wrong) if item.finding is Finding.REFUTES]
        caught = needed(wrong) in against if needed(wrong) else bool(against)
        found.append(Control(altered, caught, f"refuted by: {', '.join(against) or 'nothing'}"))
    return tuple(found)
