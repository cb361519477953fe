"""The figures of the condition numbers: against n, and what gating gains against d."""

from __future__ import annotations

from checks.settings import Settings
from checks.tools.spectral_grid import Cell, grid, product
from derivations.proofs.spectral_orders import GAIN
from glutheory.figures.chart import Chart, Role, Series


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
        gains = [gain(cell) for cell in row]
        lines.append(Series(f"n = {size}", [cell.d for cell in row], gains))
    lines.append(
        Series("2.39 d, predicted", list(map(float, found.d)), [float(GAIN) * x for x in found.d], Role.THEORY)
    )
    lines.append(Series("no gain", list(map(float, found.d)), [1.0] * len(found.d), Role.THEORY, dashed=True))
    second = Chart(
        "What gating gains: of order d where n is well below d², far less where it is well above",
        "dimension $d$",
        r"$\mathrm{cond}(K)/\mathrm{cond}(\tilde K)$",
        tuple(lines),
        xscale="log",
        yscale="log",
        note=(
            f"Medians of Gaussian data sets. At d = {found.d[-1]} the gain is {reach(settings)}; 2.39 d is predicted "
            "for d ≪ n ≪ d². Below 1 gating makes the condition number worse."
        ),
    )
    return first, second


def gain(cell: Cell) -> float:
    """The median over draws of cond(K)/cond(K̃)."""
    values = sorted(draw.ends(gated=False).condition / draw.ends(gated=True).condition for draw in cell.draws)
    return values[len(values) // 2]


def reach(settings: Settings) -> str:
    """The measured gain over d at the largest dimension, for every n of the grid that is larger."""
    gains = _gains(settings)
    return f"{', '.join(f'{value:.2f} d' for value in gains.values())} for n = {', '.join(map(str, gains))}"


def ends(settings: Settings) -> tuple[float, float]:
    """The least and the largest of these."""
    gains = _gains(settings).values()
    return min(gains), max(gains)


def _gains(settings: Settings) -> dict[int, float]:
    found = grid(settings)
    cells = [cell for cell in product(settings) if cell.d == found.d[-1] and cell.n in found.n[1:]]
    return {cell.n: gain(cell) / cell.d for cell in cells}
