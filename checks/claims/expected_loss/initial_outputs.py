"""The outputs of random networks at initialisation: their mean and covariance, tested with known variances."""

from __future__ import annotations

from functools import lru_cache
from math import prod

import numpy as np
import numpy.typing as npt

from checks.settings import FALSE_ALARM, Settings
from checks.tools import roads
from checks.tools.neuron_moments import product_mean
from checks.tools.roads import Formula, Setting
from checks.tools.statistics import MeanTest
from glutheory.claims import About, Evidence, Figure, Finding, Grade

Array = npt.NDArray[np.float64]
#: The relative error of a variance of the outputs that the test promises to find.
WRONG = 0.1
_CHUNK = 1 << 16


def draw(setting: Setting, seed: int, count: int) -> Array:
    """Outputs of `count` independent networks, shape (count, n)."""
    X, m = setting.array(), setting.width
    functions = {"identity": lambda z: z, "relu": lambda z: np.maximum(z, 0), "gelu": _gelu}
    rng, out = np.random.default_rng(seed), np.empty((count, len(X)))
    for start in range(0, count, _CHUNK):
        size = min(_CHUNK, count - start)
        units = np.ones((size, len(X), m))
        for branch, variance in zip(setting.network.branches, setting.branches, strict=True):
            weights = rng.standard_normal((size, m, setting.d)) * float(variance) ** 0.5
            units *= functions[branch.name](X @ weights.transpose(0, 2, 1))
        readout = rng.standard_normal((size, m, 1)) * float(setting.readout) ** 0.5
        out[start : start + size] = (units @ readout)[:, :, 0]
    return out


def _gelu(z: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(z * ndtr(z))


def variances(setting: Setting) -> tuple[Array, Array]:
    """Var f_i, and Var[f_i f_j] for i ≤ j, exactly: the units are independent, and f is Gaussian given them.

    E f_i² f_j² = 3 m σ⁴ E[(h_i h_j)²] + m (m − 1) σ⁴ (S_ii S_jj + 2 S_ij²) with S = E[h h'], the product over branches.
    """
    m, sigma = setting.width, float(setting.readout)

    def moment(pair: tuple[int, int], order: int) -> float:
        points = zip(setting.network.branches, setting.points(*pair), strict=True)
        return prod(float(product_mean(act, order, 0, point).mid()) for act, point in points)

    S = {pair: moment(pair, 1) for pair in setting.pairs}
    second = []
    for i, j in setting.pairs:
        square = 3 * m * moment((i, j), 2) + m * (m - 1) * (S[i, i] * S[j, j] + 2 * S[i, j] ** 2)
        second.append(sigma**2 * square - (m * sigma * S[i, j]) ** 2)
    return np.array([m * sigma * S[i, i] for i in range(len(setting.X))]), np.array(second)


@lru_cache(maxsize=16)
def _samples(setting: Setting, seed: int, count: int) -> tuple[Array, Array]:
    """The outputs f and their products f_i f_j, i ≤ j, of each network; and their variances."""
    f = draw(setting, seed, count)
    rows, columns = map(list, zip(*setting.pairs, strict=True))
    return np.concatenate([f, f[:, rows] * f[:, columns]], axis=1), np.concatenate(variances(setting))


def second_moments(
    covariance: Formula, chosen: tuple[Setting, ...], settings: Settings, count: int, about: About
) -> Evidence:
    """E f = 0 and E f_i f_j = the formula's entries, one test of all; its false alarm and power known beforehand."""
    n, width = len(chosen[0].X), chosen[0].width
    test = MeanTest(count, (n + len(chosen[0].pairs)) * len(chosen), FALSE_ALARM)
    worst, power, relative = 0.0, 1.0, 0.0
    for setting in chosen:
        samples, variance = _samples(setting, settings.stream(f"expected-loss/{setting.network.name}"), count)
        claimed = roads.floats(roads.entries(covariance, setting, roads.symbolic))
        mean = np.concatenate([np.zeros(n), claimed])
        worst = max(worst, float(np.max(test.statistic(samples, mean, variance))))
        diagonal = [n + setting.pairs.index((i, i)) for i in range(n)]
        power = min(power, 1 - float(np.max(test.miss_bound(WRONG * variance[:n], variance[diagonal]))))
        found = samples[:, diagonal].mean(axis=0) / mean[diagonal]
        relative = max(relative, float(np.max(np.abs(found - 1))))
    figures: dict[str, Figure] = {
        "draws": count,
        "width": width,
        "entries": test.tests,
        "false_alarm": test.false_alarm,
        f"power against {WRONG:.0%} of a variance": power,
        "statistic over threshold": worst,
        "largest relative deviation of a variance": relative,
    }
    names = ", ".join(setting.network.name for setting in chosen)
    what = f"mean and covariance of the outputs of random networks against 0 and the covariance claimed ({names})"
    return Evidence(Grade.STATISTICAL, what, Finding.of(worst <= 1), about, figures=figures)
