"""Figures of the crossing: two pairs of loss curves, the crossing against the rate, and the least eigenvalues."""

from __future__ import annotations

import numpy as np

from checks.settings import Settings
from checks.tools.loss_pairs import PAIRS, LossPair, case, grid
from glutheory.dynamics import LossCurve
from glutheory.figures.chart import Chart, Role, Series

_FRACTIONS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)


def charts(settings: Settings) -> tuple[Chart, ...]:
    """All of them."""
    crossing = case(PAIRS[0], (300, 20), "linear", settings)
    never = case(PAIRS[0], (300, 5), "linear", settings)
    return (
        _curves(
            crossing,
            "Expected losses that cross: ReLU and ReGLU, n = 300, d = 20, linear targets",
            "The non-gated loss is lower at first, the gated one after the crossing (marked), which comes when most of "
            "the initial loss is gone.",
        ),
        _curves(
            never,
            "Expected losses of ReLU and ReGLU with few dimensions: n = 300, d = 5, linear targets",
            "With many more samples than dimensions squared the gated network has the smaller least eigenvalue and its "
            "loss is the higher one in the end.",
        ),
        _rates(settings),
        _eigenvalues(settings),
    )


def _curves(given: LossPair, title: str, note: str) -> Chart:
    assert given.rate is not None
    marks = [item.step for item in given.found]
    last = 5 * max([*marks, 5000.0])
    steps = np.geomspace(0.1, last, 150)
    x = (given.rate * steps).tolist()

    def values(curve: LossCurve, at: list[float]) -> list[float]:
        assert given.rate is not None
        return [float(value) for value in curve.descent(at, given.rate)]

    series = [
        Series("non-gated", x, values(given.curves[0], steps.tolist()), Role.PLAIN),
        Series("gated", x, values(given.curves[1], steps.tolist()), Role.GATED),
    ]
    if marks:
        at = [given.rate * step for step in marks]
        series.append(Series("crossing", at, values(given.curves[0], marks), Role.THEORY, line=False))
    return Chart(title, r"$\eta k m$", "expected loss", series, None, "log", "log", note)


def _rates(settings: Settings) -> Chart:
    series = []
    for kind, role in (("noisy", Role.THEORY), ("random", Role.OTHER)):
        x, y = list[float](), list[float]()
        for fraction in _FRACTIONS:
            given = case(PAIRS[0], (300, 20), kind, settings, fraction=fraction)
            if given.found.found and given.rate is not None:
                x.append(fraction)
                y.append(given.rate * given.found.found[-1].step)
        series.append(Series(f"{kind} targets", x, y, role))
    return Chart(
        "Where the curves cross, against the learning rate (ReLU, n = 300, d = 20)",
        r"$\eta$ over the largest stable rate",
        r"$\eta k m$ at the crossing",
        [item for item in series if item.x],
        None,
        "linear",
        "log",
        "Learning rate times steps at the crossing is constant; it shrinks only close to divergence, where the "
        "largest mode of the non-gated kernel becomes slow.",
    )


def _eigenvalues(settings: Settings) -> Chart:
    series = []
    for plain, gated in PAIRS:
        chosen = [
            given
            for given in grid(settings)
            if given.label.startswith(f"{plain},") and "linear, wide" in given.label and given.n == 300
        ]
        ordered = sorted(chosen, key=lambda given: given.d)
        x = [float(given.d) for given in ordered]
        y = [given.least[1] / given.least[0] for given in ordered]
        series.append(Series(f"{gated} over {plain}", x, y))
    x = [min(min(item.x) for item in series), max(max(item.x) for item in series)]
    series.append(Series("equal", x, [1.0, 1.0], Role.THEORY, dashed=True))
    return Chart(
        "The least eigenvalue of the gated kernel over that of the non-gated one, n = 300",
        "dimension d",
        r"$\lambda_{\min}(\tilde K)/\lambda_{\min}(K)$",
        series,
        None,
        "log",
        "log",
        "Above 1 the gated loss is lower in the end, below 1 the non-gated one: on Gaussian inputs the change comes "
        "between d = 5 and d = 20, where d squared is of the order of n.",
    )
