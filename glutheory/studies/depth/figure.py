"""The figure of `glutheory depth`: condition numbers over the number of blocks, and where the correlations go."""

from __future__ import annotations

import math

from glutheory.figures.chart import Chart, Role, Series
from glutheory.studies.depth.study import DepthStudy, NetworkDepths


def charts(study: DepthStudy) -> tuple[Chart, ...]:
    """λ_1/λ_n and λ_2/λ_n, and the mean correlation."""
    return _conditions(study), _correlations(study)


def _role(item: NetworkDepths) -> Role:
    return Role.GATED if item.gated else Role.PLAIN


def _conditions(study: DepthStudy) -> Chart:
    series = []
    for item in study.networks:
        whole = [math.nan if depth.condition.is_bound else depth.condition.value for depth in item.depths]
        series.append(Series(item.network, study.blocks, whole, _role(item)))
    for item in study.networks:
        spread = [depth.spread for depth in item.depths]
        series.append(Series(rf"{item.network}, $\lambda_2/\lambda_n$", study.blocks, spread, _role(item), dashed=True))
    return Chart(
        "Condition number of the NTK against depth",
        "blocks",
        r"$\lambda_1/\lambda_n$",
        series,
        xscale="log",
        yscale="log",
        note=f"{study.data}. Dashed: without the largest eigenvalue.",
    )


def _correlations(study: DepthStudy) -> Chart:
    series = [
        Series(item.network, study.blocks, [depth.correlation for depth in item.depths], _role(item))
        for item in study.networks
    ]
    return Chart(
        "Mean correlation of two inputs",
        "blocks",
        r"$\rho$ in the NNGP",
        series,
        xscale="log",
        note="1: all inputs look the same to the network; 0: nothing is shared between them.",
    )
