"""The figure of `glutheory depth`: condition numbers over the number of blocks, and where correlations go."""

from __future__ import annotations

import math

from glutheory.figures.chart import Chart, Role, Series
from glutheory.studies.depth.study import Depth, DepthStudy, NetworkDepths


def charts(study: DepthStudy) -> tuple[Chart, ...]:
    """λ_1/λ_n, the same without the largest eigenvalue, the ratios of pairs, and the mean correlation."""
    whole = [
        Series(item.network, study.blocks, [_known(depth) for depth in item.depths], _role(item))
        for item in study.networks
    ]
    rest = [
        Series(item.network, study.blocks, [depth.spread for depth in item.depths], _role(item))
        for item in study.networks
    ]
    return (
        _condition("Condition number of the NTK against depth", r"$\lambda_1/\lambda_n$", whole, f"{study.data}."),
        _condition("Without the largest eigenvalue", r"$\lambda_2/\lambda_n$", rest, ""),
        *_gains(study),
        _correlations(study),
    )


def _known(depth: Depth) -> float:
    return math.nan if depth.condition.is_bound else depth.condition.value


def _role(item: NetworkDepths) -> Role:
    return Role.GATED if item.gated else Role.PLAIN


def _condition(title: str, label: str, series: list[Series], note: str) -> Chart:
    return Chart(title, "blocks", label, series, xscale="log", yscale="log", note=note)


def _gains(study: DepthStudy) -> tuple[Chart, ...]:
    """One panel with every pair's ratio; none where there is no pair."""
    if not study.pairs:
        return ()
    series = [Series(f"{pair.plain} over {pair.gated}", study.blocks, pair.ratios) for pair in study.pairs]
    ends = study.blocks[0], study.blocks[-1]
    none = Series("no gain", ends, (1.0, 1.0), Role.THEORY, dashed=True, guide=True)
    return (
        Chart(
            "What gating gains",
            "blocks",
            r"$\mathrm{cond}(K)/\mathrm{cond}(\tilde K)$",
            (*series, none),
            xscale="log",
            yscale="log",
            note="Condition number without the gate over that with it; below 1 gating makes it worse.",
        ),
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
