"""The figure of `glutheory kernel`: S, T, and the pair of kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glutheory.figures.chart import Chart, Role, Series
from glutheory.studies.kernel.curves import Curves
from glutheory.studies.kernel.deep import StackCurves
from glutheory.studies.kernel.study import KernelStudy

_RHO = r"correlation $\rho$ of the two inputs"


#: The duals, and what they are.
_DUALS = (("S", r"E[\varphi(u)\varphi(v)]"), ("T", r"E[\varphi'(u)\varphi'(v)]"))


def charts(study: KernelStudy) -> tuple[Chart, ...]:
    """One panel for each dual, one for the kernels over their values at ρ = 1 (as they are where that is infinite).

    Of stacks one panel for their NTKs, likewise.
    """
    variances = _variances(study)
    found = []
    if study.curves:
        title = r"The kernels without the gate, $K$, and with it, $\tilde K$"
        found += [*(_dual(study, *dual) for dual in _DUALS), _kernels(study.curves, title, variances)]
    if study.stacks:
        title = r"Stacks: the NTK without gates, $K$, and with them, $\tilde K$"
        found.append(_kernels(study.stacks, title, variances))
    return tuple(found)


def _variances(study: KernelStudy) -> str:
    return rf"$a = b = {study.a:g}$" if study.a == study.b else rf"$a = {study.a:g}$, $b = {study.b:g}$"


def _dual(study: KernelStudy, name: str, meaning: str) -> Chart:
    scaled = " over its value at 1" if study.normalised else ""
    return Chart(
        f"The dual activation ${name}${scaled}",
        _RHO,
        rf"${name}$",
        [Series(item.plain, item.rho.tolist(), getattr(item, name).tolist()) for item in study.curves],
        note=rf"${name} = {meaning}$ for normal $u, v$ of variances {_variances(study)} and correlation $\rho$.",
    )


def _kernels(curves: Sequence[Curves | StackCurves], title: str, variances: str) -> Chart:
    finite = all(np.isfinite(item.K[-1]) for item in curves)
    series: list[Series] = []
    for item in curves:
        series += _pair(item.normalised if finite else item)
    return Chart(
        title,
        _RHO,
        "kernel over its value at 1" if finite else "kernel",
        series,
        note=rf"NTKs in the ntk parametrisation, {variances}. A lower curve tells inputs better apart.",
    )


def _pair(item: Curves | StackCurves) -> list[Series]:
    return [
        Series(rf"{item.plain} ($K$)", item.rho.tolist(), item.K.tolist(), Role.PLAIN),
        Series(rf"{item.gated} ($\tilde K$)", item.rho.tolist(), item.K_gated.tolist(), Role.GATED),
    ]
