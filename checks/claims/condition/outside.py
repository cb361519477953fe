"""Two settings that are easily taken for evidence on Theorem 3.1: a slope over d at small n, and the released n < d."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from checks.settings import Settings
from checks.tools import biased
from checks.tools.exponents import PowerLaw, power_law
from checks.tools.spectral_grid import inputs, kernels
from glutheory.claims import About, Evidence, Figure, Finding, Grade

Array = npt.NDArray[np.float64]
#: Forty inputs, dimensions on both sides of n and a width of 500 give the slope of about −0.96 that was reported.
_FORTY, _WIDTH, _DIMENSIONS, _DRAWS = 40, 500, (20, 28, 40, 50, 64), 20
#: (n, draws): the slope over n/2 ≤ d ≤ n − 2, wide limit, each n four times the one before.
_GROWING = ((40, 20), (160, 8), (640, 2))
_LEVEL, _FLAT, _RATIO = 0.999, 0.15, 1.4
#: The released probe: 50 inputs of dimension 200, hidden width 800, one output, all parameters.
_INPUTS, _DIMENSION, _HIDDEN, _PROBES = 50, 200, 800, 6


@dataclass(frozen=True)
class Small:
    """What is claimed of small n.

    Attributes:
        largest: the exponent of λ_max(K)/m in d at n = 40.
        fades: the slope of cond(K) over n/2 ≤ d ≤ n − 2 is of order n^(−fades).
        gains: at n = 50, d = 200 cond(K)/cond(K̃) lies between these.
    """

    largest: float = 0.0
    fades: float = 0.5
    gains: tuple[float, float] = (5.0, 40.0)


def slope(settings: Settings, claimed: Small) -> Evidence:
    """Where a slope near −1 of cond(K) over d comes from at n = 40, and what becomes of it as n grows.

    Level 2 pulls λ_min(K) below its limit by about (2t − t²)/(4π), t² = 2(n − d)/d²; at d in proportion to n this is
    of order n^(−1/2), and so is the slope.
    """
    fits = _fits(settings, _FORTY, _DIMENSIONS, _DRAWS, _WIDTH)
    low, high = fits["largest"].interval("d")
    slopes = []
    for n, draws in _GROWING:
        dimensions = tuple(round(d) for d in np.geomspace(n / 2, n - 2, 4))
        slopes.append(_fits(settings, n, dimensions, draws, 0)["condition"].exponent("d"))
    ratios = [after / before * 4**claimed.fades for before, after in pairwise(slopes)]
    passed = claimed.largest - _FLAT < low and high < claimed.largest + _FLAT
    passed = passed and all(1 / _RATIO < ratio < _RATIO for ratio in ratios)
    found = _ends(settings, _FORTY, _DIMENSIONS, _DRAWS, _WIDTH)
    ends = found[0], found[-1]
    figures: dict[str, Figure] = {
        "n, width, dimensions": [_FORTY, _WIDTH, *_DIMENSIONS],
        "data sets of each size": _DRAWS,
        "exponents in d": {name: fit.exponent("d") for name, fit in fits.items()},
        "intervals": {name: list(fit.interval("d")) for name, fit in fits.items()},
        "confidence": _LEVEL,
        "n/(2 pi)": _FORTY / (2 * np.pi),
        "lambda_max/m at the ends": [float(np.mean(top)) for top, _ in ends],
        "lambda_min/m at the ends": [float(np.mean(bottom)) for _, bottom in ends],
        "slope of cond over n/2 <= d <= n - 2, wide limit": {
            f"n = {n}": value for (n, _), value in zip(_GROWING, slopes, strict=True)
        },
        "slope over the one before, times 2": ratios,
    }
    what = (
        f"cond(K) over d at n = {_FORTY}: λ_max/m has no exponent beyond {_FLAT}, the slope is that of a rising λ_min; "
        f"and it falls like n^(-1/2)"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(passed), About.CORRECTED, "slope at small n", figures)


@lru_cache(maxsize=8)
def _ends(
    settings: Settings, n: int, dimensions: tuple[int, ...], draws: int, width: int
) -> list[tuple[list[float], list[float]]]:
    """For each dimension λ_max/m and λ_min/m of K on every draw."""
    found = []
    for d in dimensions:
        spectra = [
            np.linalg.eigvalsh(kernels(inputs(n, d, settings.stream(f"condition/slope/{i}")), width)[0])
            for i in range(draws)
        ]
        found.append(([float(values[-1]) for values in spectra], [float(values[0]) for values in spectra]))
    return found


def _fits(settings: Settings, n: int, dimensions: tuple[int, ...], draws: int, width: int) -> dict[str, PowerLaw]:
    """The powers of d in λ_max, λ_min and cond."""
    ends = _ends(settings, n, dimensions, draws, width)
    d = [float(value) for value in dimensions for _ in range(draws)]
    top, bottom = (np.concatenate([pair[k] for pair in ends]) for k in (0, 1))
    rows = {"largest": top, "smallest": bottom, "condition": top / bottom}
    return {name: power_law(values, level=_LEVEL, d=d) for name, values in rows.items()}


def released(settings: Settings, claimed: Small) -> Evidence:
    """The released probe, with n < d: sampled networks, their expected kernels, and the wide limit."""
    rows, tops, widths = _probe(settings)
    low, high = claimed.gains
    passed = all(low < value < high for row in rows.values() for value in row)
    figures: dict[str, Figure] = {
        "n, d, widths": [_INPUTS, _DIMENSION, *widths],
        "d + 1 < n": False,
        "cond(K)/cond(gated)": {name: [min(row), max(row)] for name, row in rows.items()},
        "lambda_max(K)/m, expected": [min(tops), max(tops)],
        "n/(2 pi)": _INPUTS / (2 * np.pi),
        "data sets": _PROBES,
    }
    what = (
        f"the released probe, n = {_INPUTS} inputs of dimension {_DIMENSION}, which is outside d + 1 < n: ReLU and "
        f"ReGLU of matched size, all parameters, gain between {low:g} and {high:g}"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(passed), About.CORRECTED, "released, n < d", figures)


@lru_cache(maxsize=2)
def _probe(settings: Settings) -> tuple[dict[str, list[float]], list[float], list[int]]:
    """cond(K)/cond(K̃) by kind of kernel, λ_max/m of the expected K, one of each for every data set; and both widths."""
    import torch

    from glutheory.sampling.training import Ensemble, matched_width

    rows: dict[str, list[float]] = {"one network": [], "expected kernel": [], "wide limit": []}
    tops, widths = [], []
    for draw in range(_PROBES):
        seed = settings.stream(f"condition/released/{draw}")
        X = inputs(_INPUTS, _DIMENSION, seed)
        found = []
        for name in ("relu", "reglu"):
            width = matched_width(name, _HIDDEN, _DIMENSION)
            net = Ensemble(name, inputs=_DIMENSION, width=width, seed=seed, dtype=torch.float64)
            found.append((net.ntk(X)[0].numpy(), biased.matrices(name, X, width)[0]))
            widths.append(width)
        (plain, expected), (gated, gated_expected) = found
        limit = kernels(X)
        tops.append(float(np.linalg.eigvalsh(expected)[-1]) / _HIDDEN)
        pairs = (plain, gated), (expected, gated_expected), limit
        for row, (first, second) in zip(rows.values(), pairs, strict=True):
            row.append(_condition(first) / _condition(second))
    return rows, tops, widths[:2]


def _condition(K: Array) -> float:
    values = np.linalg.eigvalsh(K)
    return float(values[-1] / values[0])
