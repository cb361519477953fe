"""The figures: condition numbers, spike and bulk, and the gain against the number of blocks."""

from __future__ import annotations

from collections.abc import Sequence

from checks.tools.deep_kernels import Block
from checks.tools.deep_pairs import partners
from checks.tools.deep_spectra import Cell, Ends, measured, predicted
from glutheory.figures.chart import Chart, Role, Series

TITLES = {
    "reglu": "ReLU/ReGLU",
    "geglu": "GELU/GEGLU",
    "swiglu": "SiLU/SwiGLU",
    "glu": "sigmoid/GLU",
    "gtu": "tanh/GTU",
}
_LINE = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)


def charts(sphere: Sequence[Cell], deep: Sequence[Cell], other: Sequence[Cell]) -> tuple[Chart, ...]:
    """Condition numbers, ends of the spectra, gains on the sphere and on other rows."""
    largest = max((cell.n, cell.d) for cell in sphere)
    chosen = [cell for cell in sphere if (cell.n, cell.d) == largest and cell.norm]
    return (
        *(_conditions(chosen, residual) for residual in (True, False)),
        _ends(chosen),
        _gains(deep),
        _rows(other),
    )


def _lines(cell: Cell) -> tuple[Ends, ...]:
    # without residuals kernels grow by a factor a block
    depths = _LINE if cell.residual else cell.depths
    return predicted(cell.block, cell.n, cell.d, depths, cell.residual)


def _how(residual: bool) -> str:
    return "added to the stream" if residual else "without residuals"


def _conditions(cells: Sequence[Cell], residual: bool) -> Chart:
    series, x, y = [], list[float](), list[float]()
    for cell in (cell for cell in cells if cell.residual == residual and cell.block.gate in ("reglu", "swiglu")):
        role = Role.GATED if cell.block.gated else Role.PLAIN
        dashed = cell.block.gate == "swiglu"
        depths, line = _LINE if residual else cell.depths, [one.condition for one in _lines(cell)]
        series.append(Series(cell.block.title, depths, line, role, dashed=dashed))
        x += cell.depths
        y += [one.condition for one in measured(cell)]
    series.append(Series("measured", x, y, Role.THEORY, line=False))
    cell = cells[0]
    return Chart(
        f"Condition number of the NTK against depth, blocks {_how(residual)}",
        "blocks",
        r"$\lambda_1/\lambda_n$",
        series,
        xscale="log",
        yscale="log",
        note=f"Sphere, n = {cell.n}, d = {cell.d}, RMSNorm; lines: limiting spectra of the recursion.",
    )


def _ends(cells: Sequence[Cell]) -> Chart:
    """Spike, bulk and floor of ReLU and ReGLU."""
    series, x, y = [], list[float](), list[float]()
    for gated in (False, True):
        cell = next(cell for cell in cells if cell.residual and cell.block == Block("reglu", gated))
        line, points = _lines(cell), measured(cell)
        role = Role.GATED if gated else Role.PLAIN
        for label, name, dashed in (
            (r"\lambda_1", "first", False),
            (r"\lambda_2", "second", True),
            (r"\lambda_n", "last", False),
        ):
            title = f"{cell.block.title}, ${label}$"
            series.append(Series(title, _LINE, [getattr(one, name) for one in line], role, dashed=dashed))
            x += cell.depths
            y += [getattr(one, name) for one in points]
    series.append(Series("measured", x, y, Role.THEORY, line=False))
    return Chart(
        "Spike, bulk and floor against depth",
        "blocks",
        "eigenvalue over the diagonal",
        series,
        xscale="log",
        yscale="log",
        note="ReLU and ReGLU with residuals. The plain spike stays of the order of n, gated spectra close in on 1.",
    )


def _gains(deep: Sequence[Cell]) -> Chart:
    series, x, y = [], list[float](), list[float]()
    for plain, gated in partners(deep):
        lines = zip(_lines(plain), _lines(gated), strict=True)
        series.append(
            Series(TITLES[plain.block.gate], _LINE, [a.condition / b.condition for a, b in lines], Role.OTHER)
        )
        x += map(float, plain.depths)
        y += [a.condition / b.condition for a, b in zip(measured(plain), measured(gated), strict=True)]
    n, d = deep[0].n, deep[0].d
    series.append(Series("measured", x, y, Role.THEORY, line=False))
    series.append(Series("$(n+3)/3$", _LINE, [(n + 3) / 3] * len(_LINE), Role.THEORY, dashed=True))
    return Chart(
        "What gating gains against depth",
        "blocks",
        r"$\mathrm{cond} K_L/\mathrm{cond}\tilde K_L$",
        series,
        xscale="log",
        yscale="log",
        note=f"Sphere, n = {n}, d = {d}, RMSNorm, residuals. Limits: infinite for sigmoid, (n+3)/3 for ReLU, else 1.",
    )


def _rows(other: Sequence[Cell]) -> Chart:
    series = []
    for plain, gated in partners([cell for cell in other if cell.residual and cell.block.gate == "swiglu"]):
        found = zip(measured(plain), measured(gated), strict=True)
        label = f"{plain.data}, n = {plain.n}, d = {plain.d}"
        series.append(Series(label, plain.depths, [a.condition / b.condition for a, b in found], Role.OTHER))
    return Chart(
        "SiLU/SwiGLU on rows of different norms",
        "blocks",
        r"$\mathrm{cond} K_L/\mathrm{cond}\tilde K_L$",
        series,
        xscale="log",
        yscale="log",
        note="RMSNorm, residuals, rows as they are. Close pairs of rows need more blocks to be told apart.",
    )
