"""The figure of `glutheory spectrum`: all eigenvalues over their rank, and each over the smallest one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glutheory.figures.chart import Chart, Role, Series
from glutheory.studies.spectrum.findings import NetworkSpectrum
from glutheory.studies.spectrum.study import SpectrumStudy

Array = npt.NDArray[np.float64]

#: Points of a curve.
_POINTS = 300


def charts(study: SpectrumStudy) -> tuple[Chart, ...]:
    """Eigenvalues over rank; of the matrices whose smallest one is resolved, also relative to that."""
    found = [_ranked(study)]
    shown = [item for item in study.networks if item.resolved == study.setting.n]
    if shown:
        found.append(_relative(shown))
    return tuple(found)


def _role(item: NetworkSpectrum) -> Role:
    return Role.GATED if item.gated else Role.PLAIN


def _ranked(study: SpectrumStudy) -> Chart:
    n = study.setting.n
    ranks = np.unique(np.round(np.geomspace(1, n, _POINTS)).astype(int))
    letter = "K" if study.setting.kind == "ntk" else r"\Sigma"
    series = []
    for item in study.networks:
        values = np.where(item.values > item.error, item.values, np.nan)[ranks - 1]
        name = rf"{item.network} ($\tilde {letter}$)" if item.gated else f"{item.network} (${letter}$)"
        series.append(Series(name, ranks.tolist(), values.tolist(), _role(item)))
    for item in study.networks:
        if item.theory is not None:
            ends = (item.theory.largest, item.theory.second, item.theory.smallest)
            series.append(Series(f"{item.network}, predicted", (1, 2, n), ends, Role.THEORY, line=False, dashed=True))
    hidden = max(n - item.resolved for item in study.networks)
    notes = [f"{study.setting.kind.upper()} matrices of {study.setting.data}."]
    if any(item.theory is not None for item in study.networks):
        notes.append("Markers: the largest eigenvalue and the edges of the bulk by random-matrix theory.")
    if hidden:
        notes.append(f"Not shown: up to {hidden} eigenvalues below their error.")
    if all(item.resolved == 0 for item in study.networks):
        series = [Series("no eigenvalue is resolved", (1, n), (1, 1), Role.OTHER)]
    return Chart(
        "Eigenvalues in descending order",
        r"rank $i$",
        r"eigenvalue $\lambda_i$",
        series,
        xscale="log",
        yscale="log",
        note=" ".join(notes),
    )


def _relative(networks: list[NetworkSpectrum]) -> Chart:
    """λ_i/λ_n over the fraction of the ranks: where a curve begins is the condition number, its middle is the bulk."""
    n = len(networks[0].values)
    ranks = np.unique(
        np.round(np.append(np.geomspace(1, n, _POINTS // 2), np.linspace(1, n, _POINTS // 2))).astype(int)
    )
    series = [
        Series(item.network, (ranks / n).tolist(), (item.values[ranks - 1] / item.values[-1]).tolist(), _role(item))
        for item in networks
    ]
    for item in networks:
        if item.theory is not None:
            label = rf"{item.network}, $\lambda_2/\lambda_n$ predicted"
            series.append(Series(label, (2 / n, 1.0), [item.theory.bulk_condition] * 2, Role.THEORY, dashed=True))
    return Chart(
        "Eigenvalues over the smallest one: the lower, the better conditioned",
        r"fraction of the ranks, $i/n$",
        r"$\lambda_i/\lambda_n$",
        series,
        yscale="log",
        note="A curve begins, on the left, at the condition number and ends at 1."
        + " Dashed: the upper edge of the bulk by random-matrix theory." * (len(series) > len(networks)),
    )
