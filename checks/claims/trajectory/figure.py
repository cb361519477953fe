"""The paths of two outputs as figures."""

from __future__ import annotations

import numpy as np

from checks.claims.trajectory.curves import follow, straightness, straightness_of
from checks.claims.trajectory.paths import (
    ALIKE,
    OPPOSITE,
    PAIR,
    RELEASED,
    Array,
    Plan,
    expected,
    trained,
)
from checks.settings import Settings
from checks.tools.training_task import TITLES
from glutheory.figures.chart import Chart, Role, Series

_POINTS = 120
#: Data sets whose kernels predict the shares over the directions of the targets.
_SETS = 256


def charts(plan: Plan, settings: Settings) -> tuple[Chart, ...]:
    """The paths of one data set, the straightness of all, and how it hangs on the targets."""
    return _paths(plan, settings), _straightness(plan, settings), _directions(plan, settings)


def _paths(plan: Plan, settings: Settings) -> Chart:
    both = [trained(settings, plan.sets, name) for name in PAIR]
    # the data set on which the two straightnesses differ as they do in the median
    differences = np.subtract(*(straightness(paths.residuals) for paths in reversed(both)))
    index = int(np.argsort(differences)[len(differences) // 2])
    target = np.array(RELEASED)
    series = []
    for name, role, paths in zip(PAIR, (Role.PLAIN, Role.GATED), both, strict=True):
        kernel = paths.kernels[index]
        series.append(_series(TITLES[name], paths.residuals[:, index] + target, role))
        path = follow(kernel[None], paths.start[:1])[:, 0] + target
        series.append(_series(f"{TITLES[name]}, path of its NTK", path, Role.THEORY, dashed=True))
        angle = np.linspace(0, 2 * np.pi, 61)
        values, vectors = np.linalg.eigh(kernel)
        circle = np.stack((np.cos(angle), np.sin(angle))) * np.sqrt(values / values.max())[:, None]
        series.append(_series(f"{TITLES[name]}, NTK ellipse", 0.004 * (vectors @ circle).T, role, dashed=True))
    straight = Series("straight line", (0.0, target[0]), (0.0, target[1]), Role.OTHER, dashed=True, guide=True)
    series.append(straight)
    return Chart(
        title="Two centred outputs on the way to the released targets (0.03, 0.008)",
        x="output at the first input",
        y="output at the second input",
        series=series,
        note=(
            "A Gaussian data set on which ReLU and ReGLU differ as in the median: both follow the path of their own "
            "NTK (dashed, covered by what was trained); the ellipses are those of the NTK at the start, scaled alike."
        ),
    )


def _series(label: str, points: Array, role: Role, *, dashed: bool = False) -> Series:
    keep = np.unique(np.round(np.linspace(0, len(points) - 1, _POINTS)).astype(int))
    x, y = points[keep].T.tolist()
    return Series(label, x, y, role, dashed=dashed)


def _straightness(plan: Plan, settings: Settings) -> Chart:
    plain, gated = (straightness(trained(settings, plan.sets, name).residuals)[:_SETS] for name in PAIR)
    least = float(min(plain.min(), gated.min()))
    share = float(np.mean(gated > plain))
    return Chart(
        title="Straightness of ReLU and ReGLU on the same Gaussian data sets, released targets",
        x="ReLU: displacement over length",
        y="ReGLU: displacement over length",
        series=(
            Series("measured, one data set each", plain.tolist(), gated.tolist(), line=False),
            Series("equal", [least, 1.0], [least, 1.0], Role.THEORY, dashed=True),
        ),
        note=f"Above the line ReGLU goes straighter: on {share:.0%} of the data sets shown.",
    )


def _directions(plan: Plan, settings: Settings) -> Chart:
    """How often ReGLU goes straighter over the direction of the targets: predicted by kernels, and trained."""
    count = min(plan.sets, _SETS)
    kernels = {
        "predicted, own kernels": [trained(settings, plan.sets, name).kernels[:count] for name in PAIR],
        "predicted, expected kernels": [expected(settings, plan.sets, name)[:count] for name in PAIR],
    }
    angles = np.arange(0, 181, 5)
    series = []
    for (label, pair), dashed in zip(kernels.items(), (False, True), strict=True):
        shares = []
        for angle in np.deg2rad(angles):
            start = np.tile([-np.cos(angle), -np.sin(angle)], (count, 1))
            plain, gated = (straightness_of(K, start) for K in pair)
            shares.append(float(np.mean(gated > plain)))
        series.append(Series(label, angles.tolist(), shares, Role.THEORY, dashed=dashed))
    x, y, low, high = [], [], [], []
    for targets in (RELEASED, OPPOSITE, *((ALIKE,) if plan.further else ())):
        plain, gated = (straightness(trained(settings, plan.sets, name, targets).residuals) for name in PAIR)
        hits = int(np.sum(gated > plain))
        ends = _interval(hits, plan.sets)
        x.append(float(np.rad2deg(np.arctan2(targets[1], targets[0]))) % 180)
        y.append(hits / plan.sets)
        low.append(ends[0])
        high.append(ends[1])
    series.append(Series("measured, trained networks, 95 %", x, y, Role.OTHER, low, high, line=False))
    return Chart(
        title="How often ReGLU goes straighter than ReLU hangs on the direction of the targets",
        x="direction of the targets in the plane of the two outputs, degrees",
        y="share of Gaussian data sets",
        series=series,
        note=(
            "The released targets are at 15 degrees. Where one output has nearly all of the way to go ReGLU is the "
            "straighter one, where both have the same way (45, 135 degrees) ReLU is."
        ),
    )


def _interval(hits: int, count: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    found = binomtest(hits, count).proportion_ci(0.95)
    return float(found.low), float(found.high)
