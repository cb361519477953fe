"""The figures: maps of correlations, orbits, the limits of kernels, and what regression learns over depth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from checks.claims.depth_limit.orbits import orbit
from checks.claims.depth_limit.regression import DEPTHS, GATED, PLAIN, SETS, fits, size
from checks.claims.depth_limit.theory import Block, gate, plain
from checks.settings import Settings
from glutheory.figures.chart import Chart, Role, Series
from glutheory.numeric.deep.fixed import block_map

_TITLES = {"relu": "ReLU", "silu": "SiLU", "tanh": "tanh", "reglu": "ReGLU", "swiglu": "SwiGLU", "glu": "GLU"}
_BLOCKS = tuple(range(1, 41))


def charts(settings: Settings) -> tuple[Chart, ...]:
    """All of them."""
    return (_maps(), _orbits(), *(_learned(name, settings) for name in SETS))


def _shown() -> Sequence[tuple[Block, Role, bool]]:
    return (
        (plain("relu"), Role.PLAIN, False),
        (plain("silu"), Role.PLAIN, True),
        (plain("tanh"), Role.OTHER, False),
        (gate("reglu"), Role.GATED, False),
        (gate("swiglu"), Role.GATED, True),
    )


def _maps() -> Chart:
    rho = np.linspace(-1, 1, 81)
    series = [
        Series(_TITLES[block.name], list(rho), list(block_map(block.network, rho)[0]), role, dashed=dashed)
        for block, role, dashed in _shown()
    ]
    series.append(Series(r"$f(\rho) = \rho$", list(rho), list(rho), Role.THEORY))
    note = "Gated maps cross the diagonal at 0 from above; SiLU's crosses it at 0.659, ReLU's touches it at 1."
    return Chart("One block between norms", r"correlation before $\rho$", r"after $f(\rho)$", series, note=note)


def _orbits() -> Chart:
    series = []
    for block, role, dashed in _shown():
        values = orbit(block, _BLOCKS)[:, 3]
        series.append(Series(_TITLES[block.name], list(map(float, _BLOCKS)), list(values), role, dashed=dashed))
    note = "From 0.6, without residuals. The limit is the probability of extinction of a branching process."
    return Chart("Correlations over depth", "blocks", r"correlation $\rho_L$", series, note=note)


def _learned(name: str, settings: Settings) -> Chart:
    series = []
    blocks = list(map(float, DEPTHS))
    for network in (*PLAIN, *GATED):
        found = fits(name, network, 0, settings)
        role = Role.GATED if network in GATED else Role.PLAIN
        # below -0.5 nothing is seen but that it is worse than the mean
        r2 = [max(fit.r2, -0.5) for fit in found]
        series.append(Series(_TITLES[network], blocks, r2, role, dashed=network in ("silu", "swiglu")))
    own = size(settings)
    note = (
        f"NTK, no residuals, no ridge; {own.train} rows to learn from, {own.test} new ones; R² below -0.5 is cut off."
    )
    return Chart(f"{name}: what is learned over depth", "blocks", "$R^2$ on new rows", series, xscale="log", note=note)
