"""The kernels of the teaser's heatmaps, expected and sampled, and how diagonally dominant they are.

n = 50 inputs in d = 100 dimensions, non-gated width m = 400. Two settings: the formulas of the paper (Eqs. 3 and 4, the
same width for both networks) and the released networks (with biases from 0, gated ones of matched size).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from checks.settings import Settings
from checks.tools.biased import matrices
from checks.tools.roads import one_thread

Array = npt.NDArray[np.float64]
N, D, M = 50, 100, 400
#: Standard normal inputs, the same scaled to norm √d, and inputs that are close enough for gating to do the opposite.
GAUSSIAN, NORMALISED, CLOSE = "gaussian", "normalised", "close"
KINDS = (GAUSSIAN, NORMALISED)
EQUATIONS, RELEASED = "Eqs. 3 and 4, equal width", "released networks, matched width"
#: Inputs of `CLOSE` are at about this angle.
_NEAR = 0.005
#: Networks whose kernels are sampled side by side (speed only).
_TOGETHER = 32


@dataclass(frozen=True)
class Plan:
    """Sizes, fixed before anything is run.

    Attributes:
        sets: data sets with sampled networks, one of each kind.
        expected: of these, those whose expected kernels are computed.
        widths: of the non-gated networks in the figure.
    """

    sets: int
    expected: int
    widths: tuple[int, ...]


FULL = Plan(512, 128, (100, 200, 400, 800, 1600, 3200, 6400))
QUICK = Plan(128, 16, (100, 400, 1600, 6400))


@dataclass(frozen=True)
class Dominance:
    """Of kernel matrices, shape (…, n, n); each figure has the shape (…).

    Attributes:
        correlation: the mean of |K_ij|/√(K_ii K_jj) over i ≠ j.
        rows: the mean over i of Σ_{j≠i} |K_ij| / K_ii, the radius of Gershgorin's disc over its centre.
        worst: the largest of these; below 1 the matrix is diagonally dominant in the literal sense.
        dominant: the share of rows where it is below 1.
    """

    correlation: Array
    rows: Array
    worst: Array
    dominant: Array


#: What is compared, in words: the smaller, the more diagonally dominant.
MEASURES = {
    "correlation": "mean |correlation| of the gradients",
    "rows": "mean of the row sums off the diagonal over the diagonal",
    "worst": "largest row sum off the diagonal over the diagonal",
}


def correlations(K: Array) -> Array:
    """K_ij/√(K_ii K_jj), the cosines between gradients."""
    scale = np.sqrt(np.diagonal(K, axis1=-2, axis2=-1))
    return np.asarray(K / scale[..., :, None] / scale[..., None, :])


def ratios(K: Array) -> Array:
    """Σ_{j≠i} |K_ij| / K_ii, shape (…, n)."""
    diagonal = np.diagonal(K, axis1=-2, axis2=-1)
    return np.asarray((np.abs(K).sum(axis=-1) - np.abs(diagonal)) / diagonal)


def apart(n: int) -> npt.NDArray[np.bool_]:
    """The entries off the diagonal."""
    return ~np.eye(n, dtype=bool)


def dominance(K: Array) -> Dominance:
    """All figures of these kernels."""
    found = ratios(K)
    cosines = np.abs(correlations(K))[..., apart(K.shape[-1])]
    return Dominance(cosines.mean(-1), found.mean(-1), found.max(-1), (found < 1).mean(-1))


def inputs(settings: Settings, kind: str, count: int) -> Array:
    """Data sets, shape (count, n, d)."""
    rng = np.random.default_rng(settings.stream("diagonal/data"))
    X = rng.standard_normal((count, N, D))
    if kind == CLOSE:
        X = X[:, :1] + _NEAR * X / 2**0.5
    if kind != GAUSSIAN:
        X = X / np.linalg.norm(X, axis=2, keepdims=True) * D**0.5
    return X


def width_of(name: str, setting: str, width: int = M) -> int:
    """Of a network of this kind, where the non-gated one has `width` neurons."""
    from glutheory.sampling.training import matched_width

    return width if setting == EQUATIONS else matched_width(name, width, D)


@lru_cache(maxsize=64)
def expected(settings: Settings, kind: str, name: str, setting: str, count: int, neurons: int = M) -> Array:
    """The expected kernels in float64, shape (count, n, n)."""
    from glutheory.numeric import gram

    found = []
    width = width_of(name, setting, neurons)
    for X in inputs(settings, kind, count):
        if setting == EQUATIONS:
            found.append(gram(name, X, parametrization="standard", width=width, threads=1))
        else:
            found.append(matrices(name, X, width)[0])
    return np.stack(found)


@lru_cache(maxsize=64)
def sampled(settings: Settings, kind: str, name: str, count: int, width: int = M) -> Array:
    """Kernels of released networks at initialisation, one on each data set, float64, shape (count, n, n)."""
    import torch

    from glutheory.sampling.training import Ensemble

    X = inputs(settings, kind, count)
    parts = []
    with one_thread():
        for first in range(0, count, _TOGETHER):
            data = X[first : first + _TOGETHER]
            nets = Ensemble(
                name,
                inputs=D,
                width=width_of(name, RELEASED, width),
                seed=settings.stream("diagonal/networks"),
                draws=range(first, first + len(data)),
                device=settings.device,
                dtype=torch.float64,
            )
            parts.append(nets.ntk(data).cpu().numpy())
    return np.concatenate(parts)
