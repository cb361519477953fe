"""The figure of `glutheory depth`: condition numbers over the number of blocks, and where correlations go."""

from __future__ import annotations

import math

from glutheory.figures.chart import Chart, Role, Series
from glutheory.studies.depth.study import Depth, DepthStudy, NetworkDepths


def charts(study: DepthStudy) -> tuple[Chart, ...]:
    """λ_1/λ_n, λ_2/λ_n, the ratios of pairs, the eigenvalues themselves, and the mean correlation with its limits."""
    whole = [
        Series(item.network, _blocks(item), [_known(depth) for depth in item.depths], _role(item))
        for item in study.networks
    ]
    rest = [
        Series(item.network, _blocks(item), [depth.spread for depth in item.depths], _role(item))
        for item in study.networks
    ]
    return (
        _condition("Condition number of the NTK against depth", r"$\lambda_1/\lambda_n$", whole, f"{study.data}."),
        _condition("Without the largest eigenvalue", r"$\lambda_2/\lambda_n$", rest, ""),
        *_gains(study),
        _eigenvalues(study),
        _correlations(study),
    )


def _known(depth: Depth) -> float:
    return math.nan if depth.condition.is_bound else depth.condition.value


def _blocks(item: NetworkDepths) -> list[int]:
    return [depth.blocks for depth in item.depths]


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


def _eigenvalues(study: DepthStudy) -> Chart:
    """λ_1, λ_2 and λ_n; what is not told from 0 is left out."""
    series = [
        Series(f"{item.network}, {name}", _blocks(item), values, _role(item), dashed=dashed)
        for item in study.networks
        for name, dashed, values in (
            (r"$\lambda_1$", False, [depth.largest for depth in item.depths]),
            (r"$\lambda_2$", True, [depth.second for depth in item.depths]),
            (r"$\lambda_n$", False, [depth.smallest if depth.told else math.nan for depth in item.depths]),
        )
    ]
    note = "Of each network from above: the largest, the second (dashed), the smallest."
    return Chart("Eigenvalues", "blocks", "eigenvalue of the NTK", series, xscale="log", yscale="log", note=note)


def _correlations(study: DepthStudy) -> Chart:
    series = [
        Series(item.network, _blocks(item), [depth.correlation for depth in item.depths], _role(item))
        for item in study.networks
    ]
    ends = study.blocks[0], study.blocks[-1]
    limits = [
        Series(rf"{item.network}, $\rho^*$", ends, (point.rho, point.rho), _role(item), dashed=True, guide=True)
        for item in study.networks
        for point in item.fixed_points
        if point.stable
    ]
    return Chart(
        "Mean correlation of two inputs",
        "blocks",
        r"$\rho$ in the NNGP",
        (*series, *limits),
        xscale="log",
        note="1: all inputs look the same to the network; 0: nothing is shared between them. Dashed: fixed points of "
        "a block's map of correlations that attract.",
    )
