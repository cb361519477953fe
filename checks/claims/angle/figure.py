"""Figures of gradient angles: what the product of cosines misses, and which inputs gating separates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from glutheory.figures.chart import Chart, Role, Series

Shapes = Sequence[tuple[int, int]]


def missed(points: Mapping[tuple[int, int], Sequence[tuple[float, float]]]) -> Chart:
    """The deviation from the product of cosines at equal width, on the scale of the closed form for ReLU.

    `points` has for each (d, m) the angles between inputs and the certified deviations.
    """
    series = []
    for (d, m), found in points.items():
        r = d / m
        scale = r * r / (math.pi * (1 + r) * (1 + 2 * r))
        x, y = zip(*found, strict=True)
        series.append(Series(f"$d={d}$, $m={m}$", x, [value / scale for value in y], line=False))
    angles = np.linspace(0, math.pi, 91)
    curve = np.sin(2 * angles) / 2
    law = Series(r"$\cos\alpha\,\sin\alpha$", angles.tolist(), curve.tolist(), Role.THEORY)
    return Chart(
        "The product of cosines is off by a computed amount at every angle but 0, 90 and 180 degrees",
        r"angle between inputs $\alpha$",
        r"$(\cos\tilde\varphi - \cos\varphi\,\cos\alpha)\ /\ \frac{r^2}{\pi(1+r)(1+2r)}$",
        (law, *series),
        note="ReLU and ReGLU on random data, r = d/m: divided by the factor that depends on the shape, all pairs of "
        "inputs lie on one curve. The claim would put them on 0.",
    )


def separation(shapes: Shapes) -> Chart:
    """The ratio of the gated to the non-gated gradient angle over the angle between the inputs, ReLU, closed form."""
    theta = np.geomspace(1e-4, math.pi / 2, 120)
    rho, T = np.cos(theta), (math.pi - theta) / (2 * math.pi)
    S = rho * T + np.sin(theta) / (2 * math.pi)
    series, limits = [], []
    for d, m in shapes:
        r = d / m
        gated, plain = rho * ((1 + r) * S + r * rho * T) / (0.5 + r), (S + r * rho * T) / (0.5 + r / 2)
        ratio = np.arccos(gated) / np.arccos(plain)
        series.append(Series(f"$d={d}$, $m={m}$", theta.tolist(), ratio.tolist()))
        limits.append(2 * r * r / (math.pi * (1 + r) * (1 + 2 * r)))
    ends = Series(r"$2r^2/(\pi(1+r)(1+2r))$", limits, [1.0] * len(limits), Role.THEORY, line=False)
    return Chart(
        "Gating separates inputs, except those that are very close already",
        r"angle between inputs $\alpha$",
        r"gated / non-gated gradient angle",
        (*series, Series("", (theta[0], theta[-1]), (1, 1), Role.THEORY, dashed=True), ends),
        xscale="log",
        note="ReLU, LeCun, inputs of equal norm. Above the dashed line gating moves gradients apart. Each curve "
        "crosses it at the angle of the corrected statement (crosses); closer inputs come closer.",
    )
