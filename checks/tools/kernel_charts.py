"""Figures of sampled kernels: against the formula, against another network, and their spread over the widths."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from checks.tools.evidence import WRONG, Array, Experiment
from checks.tools.roads import Formula
from glutheory.figures.chart import Chart, Role, Series

#: Standard errors on each side of a sampled mean.
_ERRORS = 3


def _bars(label: str, x: Array, y: Array, error: Array, role: Role) -> Series:
    """Points with ± error."""
    low, high = y - error, y + error
    return Series(label, x.tolist(), y.tolist(), role, low.tolist(), high.tolist(), line=False)


def against(formula: Formula, done: Sequence[Experiment], role: Role) -> Chart:
    """Every sampled entry's deviation from the formula, in percent of the diagonal, network by network."""
    columns: dict[str, list[float]] = {"x": [], "y": [], "error": []}
    names: list[tuple[float, str]] = []
    for item in done:
        mean, scale = item.expected(formula), _diagonal(item, formula) / 100
        start = len(columns["x"]) + 1
        columns["x"] += list(map(float, range(start, start + len(mean))))
        columns["y"] += ((item.samples.mean(axis=0) - mean) / scale).tolist()
        columns["error"] += (_ERRORS * np.sqrt(item.variance / len(item.samples)) / scale).tolist()
        names.append((start + (len(mean) - 1) / 2, item.setting.network.name))
    x, y, error = (np.array(column) for column in columns.values())
    off, end = 100 * WRONG, len(x) + 0.5
    wrong = Series(
        f"an error of {WRONG:.0%}",
        (0.5, end, math.nan, 0.5, end),
        (off, off, math.nan, -off, -off),
        Role.THEORY,
        dashed=True,
        guide=True,
    )
    return Chart(
        "Sampled networks lie on the formula",
        "entries of the kernel matrix, network by network",
        r"(sampled mean $-$ formula) / $\sqrt{K_{ii}K_{jj}}$ in %",
        (_bars("sampled", x, y, error, role), wrong),
        note=f"Each point is the mean of one kernel entry over {len(done[0].samples)} random networks of width "
        f"{_widths(done)}, with {_ERRORS} standard errors, which are known beforehand. But for rare exceptions the "
        f"bars reach 0; a kernel that is wrong by {WRONG:.0%} would put diagonal entries on the dashed lines.",
        names=names,
    )


def _widths(done: Sequence[Experiment]) -> str:
    """Of all networks: "16384", or "16384 (tanh: 32768)"."""
    by_width: dict[int, list[str]] = {}
    for item in done:
        by_width.setdefault(item.setting.width, []).append(item.setting.network.name)
    usual = max(by_width, key=lambda width: len(by_width[width]))
    others = [f"{', '.join(names)}: {width}" for width, names in by_width.items() if width != usual]
    return f"{usual} ({'; '.join(others)})" if others else str(usual)


def _diagonal(item: Experiment, formula: Formula) -> Array:
    """√(K_ii K_jj) for every entry."""
    mean, pairs = item.expected(formula), item.setting.pairs
    diagonal = [mean[pairs.index((i, i))] for i in range(len(item.setting.X))]
    return np.array([np.sqrt(diagonal[i] * diagonal[j]) for i, j in pairs])


def twins(exact: Formula, wrong: Formula, gated: Sequence[Experiment], others: Sequence[Experiment]) -> Chart:
    """The gated kernel of width m and the non-gated one of width m + d times G/d, both sampled, over the formula."""
    columns: dict[str, list[float]] = {name: [] for name in ("gated", "error", "plain", "plain error", "wrong")}
    for first, second in zip(gated, others, strict=True):
        mean, setting = first.expected(exact), first.setting
        inner = np.array([float(setting.gram[i][j]) / setting.d for i, j in setting.pairs])
        kept = np.abs(mean) > 0.05 * _diagonal(first, exact)
        draws = len(first.samples)
        found = {
            "gated": first.samples.mean(axis=0) / mean,
            "error": np.sqrt(first.variance / draws) / np.abs(mean),
            "plain": inner * second.samples.mean(axis=0) / mean,
            "plain error": np.abs(inner / mean) * np.sqrt(second.variance / draws),
            "wrong": first.expected(wrong) / mean,
        }
        for name, column in found.items():
            columns[name] += list(map(float, column[kept]))
    setting, d = gated[0].setting, gated[0].setting.d
    x = np.arange(1.0, len(columns["gated"]) + 1)
    series = []
    for name, role, shift, label in (
        ("gated", Role.GATED, -0.12, rf"sampled $\tilde K$ of width {setting.width}"),
        ("plain", Role.PLAIN, 0.12, rf"sampled $K\odot G/d$ of width {others[0].setting.width}"),
    ):
        y, error = np.array(columns[name]), _ERRORS * np.array(columns["error" if name == "gated" else f"{name} error"])
        series.append(_bars(label, x + shift, y, error, role))
    series.append(Series(rf"Eq. 5: $K\odot G/d$ of width {setting.width}", x.tolist(), columns["wrong"], line=False))
    series.append(Series(r"$K_m\odot G/d + S\odot G$", (0.5, x[-1] + 0.5), (1, 1), Role.THEORY))
    return Chart(
        f"A gated network of width $m$ has the kernel of a non-gated one of width $m+d$, times $G/d$ ($d={d}$)",
        "entry of the kernel matrix",
        "kernel / exact formula",
        series,
        note=f"Means over {len(gated[0].samples)} random networks with {_ERRORS} standard errors. Both kinds of "
        f"network lie on 1; Eq. 5 leaves out a share of the order d/(m+d) = {d / (setting.width + d):.2f}.",
    )


def spread(
    done: Sequence[Experiment], formula: Formula, ratios: Mapping[str, tuple[float, float]]
) -> tuple[Chart, Chart]:
    """The sampled variance over the widths, and its ratio to the computed one with standard errors."""
    roles = {False: Role.PLAIN, True: Role.GATED}
    names = list(dict.fromkeys(item.setting.network.name for item in done))
    falling: list[Series] = []
    ratio: list[Series] = []
    for name in names:
        items = [item for item in done if item.setting.network.name == name]
        role = roles[items[0].setting.network.gated]
        m = [item.setting.width for item in items]
        square = [float(item.expected(formula)[0]) ** 2 for item in items]
        sampled = [
            float(np.mean((item.samples[:, 0] - np.sqrt(s)) ** 2)) / s for item, s in zip(items, square, strict=True)
        ]
        known = [float(item.variance[0]) / s for item, s in zip(items, square, strict=True)]
        falling.append(Series(f"{name}, sampled", m, sampled, role, line=False))
        falling.append(Series(f"{name}, computed", m, known, role, dashed=True))
        values = np.array([ratios[f"{name}, width {width}"] for width in m])
        y, error = values[:, 0], _ERRORS * values[:, 1]
        place = np.array(m) * 1.06 ** (names.index(name) - (len(names) - 1) / 2)
        ratio.append(_bars(name, place, y, error, role))
    widths = [item.setting.width for item in done]
    ratio.append(Series("computed", (min(widths) / 1.3, max(widths) * 1.3), (1, 1), Role.THEORY))
    return (
        Chart(
            "The variance of a kernel entry falls like $1/m$, with a computed constant",
            "width $m$",
            r"Var $\hat K_{11}$ / $K_{11}^2$",
            falling,
            xscale="log",
            yscale="log",
            note="The lines are computed from products of dual activations; nothing is fitted to the points.",
        ),
        Chart(
            f"Sampled over computed variance, at widths from {min(widths)} to {max(widths)}",
            "width $m$",
            "ratio, mean over the entries",
            ratio,
            xscale="log",
            note=f"Bars: {_ERRORS} standard errors or more, computed beforehand from the fourth moments; narrow "
            "networks have heavy tails.",
        ),
    )
