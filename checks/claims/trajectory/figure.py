"""The paths of two outputs as figures."""

from __future__ import annotations

import numpy as np

from checks.claims.trajectory.paths import ACUTE, Array, Plan, follow, straightness, trained
from checks.settings import Settings
from checks.tools.training_task import PAIRS, TITLES
from glutheory.figures.chart import Chart, Role, Series

_POINTS = 120


def charts(plan: Plan, settings: Settings) -> tuple[Chart, ...]:
    """The paths of one pair, and the straightness of all."""
    return (
        _paths(plan, settings),
        _straightness(plan, settings, "unit", None),
        _straightness(plan, settings, "small", ACUTE),
    )


def _paths(plan: Plan, settings: Settings) -> Chart:
    pair = PAIRS[0]
    runs = [trained(plan, settings, name, "small", ACUTE) for name in pair]
    # the pair of samples on which the two straightnesses differ as they do in the median
    differences = np.subtract(*(straightness(run.residuals) for run in reversed(runs)))
    index = int(np.argsort(differences)[len(differences) // 2])
    scale = float(np.linalg.norm(runs[0].start[index]))
    series = []
    for name, role, run in zip(pair, (Role.PLAIN, Role.GATED), runs, strict=True):
        start, kernel = run.start[index], run.kernels[index]
        series.append(_series(TITLES[name], run.residuals[:, index] / scale, role))
        path = follow(kernel[None], start[None], plan)[:, 0] / scale
        series.append(_series(f"{TITLES[name]}, path of its NTK", path, Role.THEORY, dashed=True))
        angle = np.linspace(0, 2 * np.pi, 61)
        values, vectors = np.linalg.eigh(kernel)
        circle = np.stack((np.cos(angle), np.sin(angle))) * np.sqrt(values / values.max())[:, None]
        series.append(
            _series(f"{TITLES[name]}, NTK ellipse", start / scale + 0.25 * (vectors @ circle).T, role, dashed=True)
        )
    series.append(
        _series("straight line", np.array([runs[0].start[index] / scale, [0.0, 0.0]]), Role.OTHER, dashed=True)
    )
    return Chart(
        title=f"Two outputs on the way to their targets, cosine {ACUTE} between the inputs",
        x=r"$(z_1-y_1)/|e_0|$",
        y=r"$(z_2-y_2)/|e_0|$",
        series=series,
        note=(
            "A pair on which ReLU and ReGLU differ as in the median: both follow the path of their NTK (dashed); the "
            "rounder ellipse of the gated network makes its path the straighter one."
        ),
    )


def _series(label: str, points: Array, role: Role, *, dashed: bool = False) -> Series:
    keep = np.unique(np.round(np.linspace(0, len(points) - 1, _POINTS)).astype(int))
    x, y = points[keep].T.tolist()
    return Series(label, x, y, role, dashed=dashed)


def _straightness(plan: Plan, settings: Settings, targets: str, cosine: float | None) -> Chart:
    series, least = [], 1.0
    for pair in PAIRS:
        runs = (trained(plan, settings, name, targets, cosine) for name in pair)
        plain, gated = (straightness(run.residuals)[:_POINTS] for run in runs)
        least = min(least, float(plain.min()), float(gated.min()))
        series.append(Series("/".join(TITLES[name] for name in pair), plain.tolist(), gated.tolist(), line=False))
    series.append(Series("equal", [least, 1.0], [least, 1.0], Role.THEORY, dashed=True))
    raw = cosine is None
    return Chart(
        title="Straightness, Gaussian inputs" if raw else f"Straightness, inputs of equal norm with cosine {cosine}",
        x="non-gated: displacement over length",
        y="gated: displacement over length",
        series=series,
        note=(
            "Above the line the gated network goes straighter: "
            + ("on raw Gaussian pairs that is about even for GELU and SiLU." if raw else "most do by far.")
        ),
    )
