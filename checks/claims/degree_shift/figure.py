"""Figures of the spectrum on the sphere: gating moves every degree one up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from glutheory.figures.chart import Chart, Role, Series

Array = npt.NDArray[np.float64]


def levels(
    name: str, gate: str, claimed: tuple[Sequence[float], ...], spectra: tuple[Array, ...], error: float
) -> Chart:
    """The eigenvalue of each level on S², from the shifted coefficients and from the discretised operator.

    Args:
        name: of the non-gated network.
        gate: of the gated one.
        claimed: eigenvalues per level by Funk–Hecke, non-gated and gated.
        spectra: all eigenvalues of the discretised operator, descending; the same two.
        error: of the discretised eigenvalues; smaller eigenvalues are not shown.
    """
    series = []
    for label, role, values, spectrum in zip((name, gate), (Role.PLAIN, Role.GATED), claimed, spectra, strict=True):
        order = np.argsort(-np.repeat(values, [2 * level + 1 for level in range(len(values))]), kind="stable")
        sampled = np.empty(len(order))
        sampled[order] = spectrum[: len(order)]
        means = [float(np.mean(sampled[level**2 : (level + 1) ** 2])) for level in range(len(values))]
        shown = [value > error * spectrum[0] for value in values]
        x = np.flatnonzero(shown).tolist()
        series.append(Series(f"{label}, Funk-Hecke", x, [values[level] for level in x], role))
        series.append(Series(f"{label}, spectrum", x, [means[level] for level in x], role, line=False, dashed=True))
    return Chart(
        "Gating moves the spectrum on the sphere one degree up",
        "level (degree of the spherical harmonics)",
        "eigenvalue",
        series,
        yscale="log",
        note=f"An activation of the form z/2 + even, like {name}, gives the plain kernel the even levels and level "
        "1; the gated one has the odd levels, 0 and 2. Hollow: the discretised operator, means over the 2l+1 of a "
        "level.",
    )


def coefficients(weights: Sequence[float], terms: int, name: str, gate: str) -> Chart:
    """The Taylor coefficients of both kernels in ρ."""
    k = [index for index in range(terms) if weights[index] > 0]
    c = np.array([weights[index] for index in k])
    degree = np.array(k)
    return Chart(
        r"Coefficients of $\rho^j$: $(k+1)c_k$ at $j=k$ becomes $(k+2)c_k$ at $j=k+1$",
        "degree $j$",
        "coefficient",
        (
            Series(name, k, ((degree + 1) * c).tolist(), Role.PLAIN, line=False),
            Series(gate, (degree + 1).tolist(), ((degree + 2) * c).tolist(), Role.GATED, line=False),
        ),
        yscale="log",
        note="The same coefficients of the dual activation make both kernels; gating moves them one degree up, times "
        "(k+2)/(k+1).",
    )
