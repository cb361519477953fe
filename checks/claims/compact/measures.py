"""How compact two spectra on the same data are, by every measure, with the error bounds of the eigenvalues."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from checks.tools.spectral_grid import ENTRY_ERROR, inputs
from glutheory.networks import GATES
from glutheory.numeric import gram
from glutheory.spectra import (
    Spectrum,
    effective_rank,
    log_spread,
    majorisation_gap,
    participation_ratio,
    spectrum,
)

Array = npt.NDArray[np.float64]
#: Data sets of each size.
_SEEDS = 2


@dataclass(frozen=True)
class SpectrumPair:
    """Two spectra on the same data."""

    gate: str
    n: int
    d: int
    plain: Spectrum
    gated: Spectrum


#: (by how much the second spectrum is the more compact one, a bound of what the eigenvalues' errors do to it).
Measure = Callable[[Spectrum, Spectrum], tuple[float, float]]


def clipped(found: Spectrum) -> Array:
    """Without the rounding below 0 of singular matrices."""
    return np.maximum(found.values, 0.0)


def _relative(*spectra: Spectrum) -> float:
    """The largest relative error of an eigenvalue; above 1/10 nothing is said about logarithms."""
    return max(found.error / max(found.smallest, found.error) for found in spectra)


def _majorisation(plain: Spectrum, gated: Spectrum) -> tuple[float, float]:
    # n eigenvalues, each within its error, in both partial sums; twice for the scaling to trace 1
    error = 2 * sum(found.n * found.error / found.trace for found in (plain, gated))
    return majorisation_gap(clipped(plain), clipped(gated)), error


def _effective(measure: Callable[[Array], float]) -> Measure:
    """A difference of effective ranks or participation ratios: both are far from sensitive to small errors."""
    return lambda plain, gated: (measure(clipped(gated)) - measure(clipped(plain)), 1e-9 * plain.n)


def _logarithmic(measure: Callable[[Spectrum], float]) -> Measure:
    def found(plain: Spectrum, gated: Spectrum) -> tuple[float, float]:
        error = _relative(plain, gated)
        # ln(1 + e) ≤ e and −ln(1 − e) ≤ 1.06 e for e ≤ 1/10; two eigenvalues, two spectra
        return (measure(plain) - measure(gated), 5 * error) if error < 0.1 else (0.0, 0.0)

    return found


MEASURES: dict[str, Measure] = {
    "majorisation": _majorisation,
    "effective rank": _effective(effective_rank),
    "participation ratio": _effective(participation_ratio),
    "condition number": _logarithmic(lambda found: math.log(found.largest / found.smallest)),
    "spread of logarithms": _logarithmic(lambda found: log_spread(found.values)),
}


@lru_cache(maxsize=64)
def _kernel(network: str, n: int, d: int, seed: int, sphere: bool, kind: str) -> Spectrum:
    with threadpool_limits(1):
        return spectrum(gram(network, inputs(n, d, seed, sphere=sphere), kind=kind), entry_error=ENTRY_ERROR)


@lru_cache(maxsize=32)
def cases(seed: int, sizes: tuple[tuple[int, int], ...], sphere: bool, kind: str) -> tuple[SpectrumPair, ...]:
    """Every gate of the zoo on these sizes."""
    found = []
    for n, d in sizes:
        for shift in range(_SEEDS):
            for gate, alone in GATES.items():
                pair = (_kernel(net, n, d, seed + shift, sphere, kind) for net in (alone, gate))
                found.append(SpectrumPair(gate, n, d, *pair))
    return tuple(found)
