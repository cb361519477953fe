"""The spectra behind the checks of Theorem 3.1: ReLU and ReGLU on grids of (n, d), and what is predicted there.

Kernels are divided by m. Wide: K/m = S and K̃/m = (G/d)⊙S, the limit m → ∞ under LeCun's variances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from checks.settings import Settings
from checks.tools.far_spectrum import Ends
from glutheory.claims import Assumption
from glutheory.numeric import gram
from glutheory.spectra import bulk, equivalent, spectrum

Array = npt.NDArray[np.float64]
_NETWORKS = ("relu", "reglu")
#: Entry errors of `gram`, relative to the diagonal.
ENTRY_ERROR = 1e-14
#: n = y d and n = d^κ.
_PROPORTIONAL, _POLYNOMIAL = (2, 4, 10), (1.25, 1.5, 2.0)
#: Sizes of one family, over its largest.
_SHARES = (1 / 8, 1 / 4, 1 / 2, 1)
#: Draws up to these n: small matrices are cheap, and the ends of their spectra fluctuate more.
_DRAWS, _LEAST = ((150, 3),), 2


@dataclass(frozen=True)
class Cell:
    """Data sets of one size.

    Attributes:
        n, d: inputs and their dimension.
        seeds: of the draws.
        sphere: whether the inputs are scaled to ‖x‖² = d.
        width: m, or 0 in the wide limit.
    """

    n: int
    d: int
    seeds: tuple[int, ...]
    sphere: bool = False
    width: int = 0

    @property
    def draws(self) -> tuple[Draw, ...]:
        return tuple(_draw(self.n, self.d, seed, self.sphere, self.width) for seed in self.seeds)


@dataclass(frozen=True, eq=False)
class Draw:
    """One data set with both spectra.

    Attributes:
        d: the dimension.
        sphere: whether all inputs have the norm √d.
        weights: ‖x_i‖²/d, shape (n,).
        plain, gated: all eigenvalues of K/m and K̃/m, descending.
        error: an absolute bound on the error of any of them.
        linear, squared: λ_1 of G/d and of H = D^(1/2)(G/d)D^(1/2).
    """

    d: int
    sphere: bool
    weights: Array
    plain: Array
    gated: Array
    error: float
    linear: float
    squared: float

    def ends(self, *, gated: bool, outliers: int = 1) -> Ends:
        values = self.gated if gated else self.plain
        return Ends(float(values[0]), float(bulk(values, outliers=outliers)[0]), float(values[-1]))

    @cached_property
    def predicted(self) -> tuple[Ends, Ends]:
        """The deterministic equivalents of K/m and K̃/m in the wide limit, for these norms."""
        n, norms = len(self.weights), None if self.sphere else np.sqrt(self.weights * self.d)
        found = []
        for net in _NETWORKS:
            limit = equivalent(net, n, self.d, degree=None, norms=norms)
            found.append(Ends(limit.largest, limit.second, limit.smallest))
        return found[0], found[1]


@lru_cache(maxsize=256)
def equal_norms(n: int, d: int) -> tuple[Ends, Ends]:
    """The deterministic equivalents of K/m and K̃/m in the wide limit, for n inputs of norm √d."""
    found = [equivalent(net, n, d, degree=None) for net in _NETWORKS]
    first, second = (Ends(limit.largest, limit.second, limit.smallest) for limit in found)
    return first, second


@lru_cache(maxsize=4096)
def _draw(n: int, d: int, seed: int, sphere: bool, width: int) -> Draw:
    X = inputs(n, d, seed, sphere=sphere)
    weights = np.sum(X**2, axis=1) / d
    # one thread: more of them wait for each other, and the last digits then differ between machines
    with threadpool_limits(1):
        found = [spectrum(K, entry_error=ENTRY_ERROR) for K in kernels(X, width)]
        linear, squared = (float(np.linalg.eigvalsh(Y.T @ Y / d)[-1]) for Y in (X, X * np.sqrt(weights)[:, None]))
    weights.flags.writeable = False
    return Draw(d, sphere, weights, found[0].values, found[1].values, max(x.error for x in found), linear, squared)


def inputs(n: int, d: int, seed: int, *, sphere: bool = False) -> Array:
    """Standard Gaussian inputs, or these scaled to the sphere of radius √d; shape (n, d)."""
    X = np.random.default_rng([seed, n, d]).standard_normal((n, d))
    return X * (math.sqrt(d) / np.linalg.norm(X, axis=1, keepdims=True)) if sphere else X


def kernels(X: Array, width: int = 0) -> tuple[Array, Array]:
    """K/m and K̃/m; width 0 is the wide limit."""
    if width:
        first, second = (gram(net, X, parametrization="standard", width=width) / width for net in _NETWORKS)
    else:
        first, second = (gram(net, X, kind="nngp") for net in _NETWORKS)
    return first, second


@dataclass(frozen=True)
class _Grid:
    """The sizes of a profile; in all of them d + 1 < n, and the product spans a decade in n and in d.

    Attributes:
        n, d: of the product grid.
        reach: the largest n of the families.
    """

    n: tuple[int, ...]
    d: tuple[int, ...]
    reach: int


_GRIDS = {
    False: _Grid((100, 215, 464, 1000), (9, 19, 42, 90), 720),
    True: _Grid((125, 360, 1040, 3000), (12, 26, 56, 120), 2400),
}


def grid(settings: Settings) -> _Grid:
    return _GRIDS[settings.profile.thorough]


def product(settings: Settings) -> tuple[Cell, ...]:
    """The product grid of the profile, Gaussian inputs."""
    found = grid(settings)
    return tuple(_cell(settings, n, d) for n in found.n for d in found.d)


def families(settings: Settings, *, sphere: bool = False) -> dict[str, tuple[Cell, ...]]:
    """Families n = y d and n = d^κ, by name."""
    reach = grid(settings).reach
    found = {}
    for y in _PROPORTIONAL:
        dimensions = [round(share * reach / y) for share in _SHARES]
        found[f"n = {y}d"] = tuple(_cell(settings, y * d, d, sphere) for d in dimensions)
    for power in _POLYNOMIAL:
        sizes = [(round(d**power), round(d)) for d in ((share * reach) ** (1 / power) for share in _SHARES)]
        found[f"n = d^{power:g}"] = tuple(_cell(settings, n, d, sphere) for n, d in sizes)
    return found


def _cell(settings: Settings, n: int, d: int, sphere: bool = False) -> Cell:
    draws = next((count for limit, count in _DRAWS if n <= limit), _LEAST)
    return Cell(n, d, tuple(settings.stream(f"spectral-grid/{i}") for i in range(draws)), sphere)


def gaussian(cells: tuple[Cell, ...]) -> tuple[Assumption, ...]:
    """What Theorem 3.1 presupposes, on these cells."""
    narrow = min(cell.n - cell.d - 1 for cell in cells)
    # Σ r²/d is χ²_nd/d: the worst deviation in its standard deviations
    totals = [(draw.weights.sum() - cell.n) / math.sqrt(2 * cell.n / cell.d) for cell in cells for draw in cell.draws]
    worst = float(np.max(np.abs(totals)))
    # r²/d has variance 2/d and kurtosis 3 + 12/d: the mean ratio of the variances in its standard deviations
    found = [
        (draw.weights.var(ddof=1) * cell.d / 2 - 1, (2 + 12 / cell.d) / cell.n) for cell in cells for draw in cell.draws
    ]
    spread = float(sum(off for off, _ in found) / math.sqrt(sum(variance for _, variance in found)))
    off = max(_off_traces(draw, cell.width) for cell in cells for draw in cell.draws)
    return (
        Assumption("sizes", "d + 1 < n", narrow > 0, f"n - d - 1 at least {narrow} on {len(cells)} sizes"),
        Assumption(
            "Gaussian",
            "inputs are standard Gaussian",
            max(worst, abs(spread)) < 6,
            f"sum |x|^2 off by at most {worst:.1f} standard deviations, the variance of |x|^2 by {spread:.1f}",
        ),
        Assumption(
            "LeCun",
            "variances 1/d and 1/m, the stated width: tr K/m = (1 + d/m) Σ‖x‖²/2d, tr K̃/m = (1 + 2d/m) Σ‖x‖⁴/2d²",
            off < 1e-11,
            f"traces of the spectra off by at most {off:.0e} of themselves",
        ),
    )


def _off_traces(draw: Draw, width: int) -> float:
    """By how much the sums of the eigenvalues of K/m and K̃/m are off what LeCun's variances make them, relative."""
    ratio, w = (draw.d / width if width else 0.0), draw.weights
    sums = (draw.plain, (1 + ratio) * w / 2), (draw.gated, (1 + 2 * ratio) * w**2 / 2)
    return max(abs(float(values.sum() / claimed.sum()) - 1) for values, claimed in sums)


def groups(settings: Settings) -> dict[str, tuple[Cell, ...]]:
    """The product grid, the proportional and the polynomial families, each as one group of sizes."""
    found = families(settings)
    proportional = tuple(cell for y in _PROPORTIONAL for cell in found[f"n = {y}d"])
    polynomial = tuple(cell for power in _POLYNOMIAL for cell in found[f"n = d^{power:g}"])
    return {"product grid": product(settings), "n = yd": proportional, "n = d^kappa": polynomial}
