"""Figures of the start: two pairs of loss curves, and how often the gated network starts with the lower loss."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm

from checks.claims.crossing_early.evidence import shrunk
from checks.settings import Settings
from checks.tools.loss_pairs import PAIRS, LossPair, case
from glutheory.figures.chart import Chart, Role, Series

_SIZES, _SHARES, _DRAWS = (300, 1000), (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95), 4000


def charts(settings: Settings) -> tuple[Chart, ...]:
    """All of them."""
    return (
        _curves(
            case(PAIRS[0], (300, 20), "noisy", settings),
            "Expected losses at first: ReLU and ReGLU, standard Gaussian inputs, n = 300, d = 20",
            "The outputs of the gated network at initialisation are the larger ones: its loss starts higher.",
        ),
        _curves(
            shrunk(settings)[1],
            "The same with inputs of variance 1/2",
            "Its outputs grow with the fourth power of the inputs' size: on shorter inputs the gated loss starts "
            "lower.",
        ),
        _shares(settings),
    )


def _curves(given: LossPair, title: str, note: str) -> Chart:
    """At a small learning rate; a large one takes most of the largest eigenvalue's part in the first step."""
    assert given.rate is not None
    times = given.rate * np.geomspace(1e-3, 30, 80)
    x = times.tolist()
    series = [
        Series(name, x, [float(value) for value in curve.flow(times)], role)
        for name, curve, role in zip(("non-gated", "gated"), given.curves, (Role.PLAIN, Role.GATED), strict=True)
    ]
    return Chart(title, r"$\eta k m$, small $\eta$", "expected loss", series, None, "log", "log", note)


def _shares(settings: Settings) -> Chart:
    rng = np.random.default_rng(settings.stream("crossing-early/shares"))
    series = []
    for n in _SIZES:
        dims = [max(5, round(share * n)) for share in _SHARES]
        measured = []
        for d in dims:
            q = rng.chisquare(d, (_DRAWS, n)) / d
            measured.append(float(np.mean(np.sum(q - q * q, axis=1) > 0)))
        ratio = [d / n for d in dims]
        series.append(Series(f"n = {n}", ratio, measured, line=False))
    grid = np.linspace(0.01, 1, 60)
    normal = [float(norm.sf(math.sqrt(2 / value))) for value in grid.tolist()]
    series.append(Series(r"$\Phi(-\sqrt{2n/d})$", grid.tolist(), normal, Role.THEORY))
    return Chart(
        "How often the gated network starts with the lower loss (ReLU, ReGLU, standard Gaussian inputs)",
        r"$d/n$",
        "share of data sets",
        series,
        None,
        "linear",
        "linear",
        "The first half of the corollary fails on these data sets, for any targets.",
    )
