"""Pairs of expected loss curves, non-gated and gated, over gates, shapes, targets and widths: the data of Cor. 4.2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from checks.settings import Settings
from glutheory.claims import Assumption
from glutheory.dynamics import Crossings, LossCurve, Modes, crossings, decompose, expected_loss

Array = npt.NDArray[np.float64]
PAIRS = (("relu", "reglu"), ("gelu", "geglu"), ("silu", "swiglu"))
TARGETS = ("linear", "noisy", "random", "constant")
#: A width at which the second block of each kernel counts; None is the limit, K/m = Σ.
WIDTHS = (None, 1000)
#: Of every entry of these kernels, over √(K_ii K_jj).
ENTRY_ERROR = 1e-14


@dataclass(frozen=True, eq=False)
class Data:
    """The kernels of a pair of networks on one data set, over m: times and rates are in units of 1/m.

    Attributes:
        X: shape (n, d).
        K, sigma: pairs (non-gated, gated) of NTK/m and covariance, shape (n, n).
        modes: of K.
    """

    X: Array
    K: tuple[Array, Array]
    sigma: tuple[Array, Array]
    modes: tuple[Modes, Modes]


@dataclass(frozen=True, eq=False)
class LossPair:
    """A pair of loss curves, non-gated and gated, and what the rules ask of their kernels.

    Attributes:
        label: gate, shape, targets, width.
        d: the dimension of the inputs.
        curves: the losses.
        rate: η m, or None for the gradient flow.
        forms: YᵀKY/m.
        traces: Tr Σ.
        slopes: Tr[K(Σ + YYᵀ)]/m.
        data: the kernels, which pairs with other targets share.
        Y: the targets, shape (n,).
    """

    label: str
    d: int
    curves: tuple[LossCurve, LossCurve]
    rate: float | None
    forms: tuple[float, float]
    traces: tuple[float, float]
    slopes: tuple[float, float]
    data: Data
    Y: Array

    @property
    def n(self) -> int:
        """The number of inputs."""
        return len(self.curves[0].eigenvalues)

    @property
    def hypothesis(self) -> bool:
        """Yᵀ(K − K̃)Y ≥ 0."""
        return self.forms[0] >= self.forms[1]

    @property
    def least(self) -> tuple[float, float]:
        """The smallest eigenvalues of K/m."""
        return float(self.curves[0].eigenvalues.min()), float(self.curves[1].eigenvalues.min())

    @cached_property
    def found(self) -> Crossings:
        """All crossings."""
        return crossings(*self.curves, rate=self.rate)

    @property
    def resolved(self) -> bool:
        """Whether the order of the least eigenvalues is certain.

        With it which curve is lower in the end, if the covariances are positive definite, so that every mode carries
        loss: by `derivations.proofs.crossing` for inputs of which no two are parallel and activations of `PAIRS`.
        """
        return abs(self.least[0] - self.least[1]) > self.curves[0].error + self.curves[1].error

    @property
    def regular(self) -> bool:
        """Whether both kernels are certainly not singular: then no covariance is, as a null vector of it is one of K.

        From Σ u_iφ(w·x_i) = 0 for all w its derivatives in w are 0 as well.
        """
        return all(least > curve.error for least, curve in zip(self.least, self.curves, strict=True))


def inputs(n: int, d: int, seed: int, *, normalised: bool = False) -> Array:
    """Standard Gaussian rows; `normalised`: scaled to ‖x‖² = d."""
    X = np.random.default_rng(seed).standard_normal((n, d))
    return X * np.sqrt(d) / np.linalg.norm(X, axis=1, keepdims=True) if normalised else X


def targets(kind: str, X: Array, seed: int) -> Array:
    """Xw + 0.1 noise, Xw with noise of its own size, random signs, or 1 + 0.1 noise."""
    rng, (n, d) = np.random.default_rng([seed, TARGETS.index(kind)]), X.shape
    signal, noise = X @ rng.standard_normal(d), rng.standard_normal(n)
    found = {
        "linear": signal + 0.1 * noise,
        "noisy": signal + np.sqrt(d) * noise,
        "random": np.sign(noise),
        "constant": 1 + 0.1 * noise,
    }
    return np.asarray(found[kind])


@lru_cache(maxsize=8)
def kernels(
    pair: tuple[str, str], n: int, d: int, width: int | None, seed: int, normalised: bool, variance: float = 1.0
) -> Data:
    """In the limit of large width K/m is the covariance."""
    return data_of(pair, inputs(n, d, seed, normalised=normalised) * np.sqrt(variance), width)


def data_of(pair: tuple[str, str], X: Array, width: int | None = None) -> Data:
    """The same of given rows, shape (n, d)."""
    from glutheory import gram

    both = [gram(name, X, kind="both", parametrization="standard", width=width or 1) for name in pair]
    sigma = (both[0][0], both[1][0])
    K = sigma if width is None else (both[0][1] / width, both[1][1] / width)
    return Data(X, K, sigma, (decompose(K[0], entry_error=ENTRY_ERROR), decompose(K[1], entry_error=ENTRY_ERROR)))


def case(
    pair: tuple[str, str],
    shape: tuple[int, int],
    kind: str,
    settings: Settings,
    *,
    width: int | None = None,
    fraction: float | None = 0.5,
    normalised: bool = False,
    variance: float = 1.0,
) -> LossPair:
    """Gradient descent at `fraction` of the largest rate stable for both; None: the gradient flow.

    `variance` multiplies the squares of all inputs.
    """
    n, d = shape
    seed = settings.stream(f"crossing/data/{n}/{d}")
    data = kernels(pair, n, d, width, seed, normalised, variance)
    Y = targets(kind, data.X, seed)
    where = "wide" if width is None else f"m={width}"
    label = f"{pair[0]}, n={n}, d={d}, {kind}, {where}" + f", variance {variance:g}" * (variance != 1)
    return loss_pair(label, data, Y, fraction)


def loss_pair(label: str, data: Data, Y: Array, fraction: float | None) -> LossPair:
    """The losses of both networks for these targets, shape (n,); `fraction` as in `case`."""
    first, second = (
        expected_loss(m, s, Y, entry_error=ENTRY_ERROR) for m, s in zip(data.modes, data.sigma, strict=True)
    )
    rate = None if fraction is None else fraction * min(first.largest_stable_rate, second.largest_stable_rate)
    forms = float(Y @ data.K[0] @ Y), float(Y @ data.K[1] @ Y)
    traces = float(np.trace(data.sigma[0])), float(np.trace(data.sigma[1]))
    noise = float(np.sum(data.K[0] * data.sigma[0])), float(np.sum(data.K[1] * data.sigma[1]))
    slopes = noise[0] + forms[0], noise[1] + forms[1]
    return LossPair(label, data.X.shape[1], (first, second), rate, forms, traces, slopes, data, Y)


@lru_cache(maxsize=8)
def grid(settings: Settings, normalised: bool = False) -> tuple[LossPair, ...]:
    """Gates × shapes × targets × widths; on normalised inputs the gradient flow in the wide limit."""
    shapes = [(300, d) for d in (5, 10, 20, 75, 200)]
    if settings.profile.thorough:
        shapes += [(300, d) for d in (12, 15, 40, 120, 290)] + [(n, d) for n in (600, 1200) for d in (5, 20, 75, 290)]
    return tuple(_cases(shapes, settings, normalised))


def _cases(shapes: list[tuple[int, int]], settings: Settings, normalised: bool) -> Iterator[LossPair]:
    for pair in PAIRS:
        for shape in shapes:
            for width in (None,) if normalised else WIDTHS:
                for kind in TARGETS:
                    fraction = None if normalised else 0.5
                    yield case(pair, shape, kind, settings, width=width, fraction=fraction, normalised=normalised)


def gaussian(cases: Sequence[LossPair]) -> Assumption:
    """That the inputs are standard Gaussian, as far as their variances tell."""
    sizes, dims = ({getattr(given, name) for given in cases} for name in ("n", "d"))
    least, most = (f([float(given.data.X.var()) for given in cases]) for f in (min, max))
    # the variance of n·d ≥ 1500 standard normal entries is within six deviations of 1
    spread = 6 * (2 / min(given.n * given.d for given in cases)) ** 0.5
    return Assumption(
        "Gaussian",
        "standard Gaussian inputs",
        1 - spread < least <= most < 1 + spread,
        f"n in {sorted(sizes)}, d in {sorted(dims)}, variances {least:.3f} to {most:.3f}",
    )


def sign(value: float) -> int:
    """−1, 0 or 1."""
    return (value > 0) - (value < 0)
