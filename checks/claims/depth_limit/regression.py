"""Kernel regression on real data over depth: as the condition number tends to 1 the predictions vanish."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from checks.claims.depth_limit.law import Law
from checks.claims.depth_limit.theory import Array
from checks.settings import Settings
from glutheory.claims import Evidence, Figure, Finding, Grade
from glutheory.datasets import tabular
from glutheory.layers import stack
from glutheory.numeric import grams_by_depth

DEPTHS = (1, 2, 4, 8, 16, 32, 64)
SETS = tuple(tabular.SETS)
GATED = ("reglu", "swiglu", "glu")
PLAIN = ("relu", "silu")
#: Networks whose fate at the last depth is claimed; SiLU's NTK is on the way there (1.067^−64 = 0.016).
JUDGED = (*GATED, "relu")
#: R² up to which all is lost; the share of the best R² that is kept otherwise; what is learned at some depth at least.
LOST, KEPT, LEARNED = 1e-3, 1 / 3, 0.05
#: The condition number at which nothing is said to be shared.
_ONE = 1.001


@dataclass(frozen=True)
class Size:
    """Rows to learn from and to predict, and how often they are drawn."""

    train: int
    test: int
    draws: int


QUICK, FULL = Size(150, 75, 1), Size(300, 150, 2)


@dataclass(frozen=True)
class Fit:
    """Regression without ridge by the NTK of one stack.

    Attributes:
        condition: λ_1/λ_n of the training kernel.
        shared: the largest correlation of two rows in the NTK.
        r2: 1 − error/variance on the test rows, the training mean taken away.
        size: ‖predictions‖/‖test targets‖.
        bound: of `size` by the theorem, inf where it does not speak.
        aligned: the cosine of predictions and targets, whatever their size; nan where predictions are rounding.
    """

    condition: float
    shared: float
    r2: float
    size: float
    bound: float
    aligned: float


def size(settings: Settings) -> Size:
    return FULL if settings.profile.thorough else QUICK


@lru_cache(maxsize=64)
def data(name: str, seed: int, count: int) -> tuple[Array, Array]:
    """Rows, standardised, and their targets, one column for each class of the digits."""
    from sklearn import datasets

    loaded = tabular.load(name)
    target = np.asarray(getattr(datasets, tabular.SETS[name])().target, dtype=float)
    columns = np.eye(10)[target.astype(int)] if name == "digits" else target[:, None]
    chosen = np.random.default_rng(seed).permutation(len(target))[:count]
    return loaded.first(min(30, loaded.limits[1]))[chosen], columns[chosen]


def closest(settings: Settings) -> float:
    """The largest |cos| of two rows of a set."""
    own, found = size(settings), 0.0
    for name in SETS:
        for draw in range(own.draws):
            X, _ = data(name, settings.stream(f"depth-limit/{name}/{draw}"), own.train + own.test)
            rows = X / np.linalg.norm(X, axis=1)[:, None]
            found = max(found, float(np.abs(np.triu(rows @ rows.T, 1)).max()))
    return found


@lru_cache(maxsize=256)
def fits(name: str, network: str, draw: int, settings: Settings) -> tuple[Fit, ...]:
    """One data set, one network, all depths."""
    own = size(settings)
    X, Y = data(name, settings.stream(f"depth-limit/{name}/{draw}"), own.train + own.test)
    grams = grams_by_depth(stack(network, 1, residual=False), X, list(DEPTHS))
    return tuple(_fit(grams[depth][1], Y, own.train) for depth in DEPTHS)


def _fit(K: Array, Y: Array, train: int) -> Fit:
    K = K / K[0, 0]  # behind norms all diagonal entries are the same
    Y = Y - Y[:train].mean(axis=0)
    known, asked = Y[:train], Y[train:]
    predicted = K[train:, :train] @ np.linalg.solve(K[:train, :train], known)
    values = np.linalg.eigvalsh(K[:train, :train])
    shared = float(np.abs(K - np.diag(np.diag(K))).max())
    whole = float(np.linalg.norm(asked))
    rest = 1 - (train - 1) * shared
    bound = math.sqrt(train * len(asked)) * shared * float(np.linalg.norm(known)) / rest if rest > 0 else math.inf
    size = float(np.linalg.norm(predicted))
    # entries of correlations are right to some 1e-15
    aligned = float(np.sum(predicted * asked)) / (size * whole) if shared > 1e-10 else math.nan
    error = float(np.sum((asked - predicted) ** 2))
    return Fit(float(values[-1] / values[0]), shared, 1 - error / whole**2, size / whole, bound / whole, aligned)


def lost(law: Law, settings: Settings, networks: Sequence[str] = JUDGED) -> Evidence:
    """Gated networks lose all that they predict, plain ReLU ones do not; predictions are within their bound."""
    wrong: list[str] = []
    rows: dict[str, Figure] = {}
    for name in SETS:
        for network in networks:
            for draw in range(size(settings).draws):
                found = fits(name, network, draw, settings)
                best, last = max(fit.r2 for fit in found), found[-1]
                gone = abs(last.r2) <= LOST and (network not in GATED or last.condition <= _ONE)
                kept = last.r2 >= KEPT * best
                good = gone if law.loses[network not in GATED] else kept
                good = good and best >= LEARNED and all(fit.size <= fit.bound * (1 + 1e-9) for fit in found)
                if not good:
                    wrong.append(f"{name}, {network}, {draw}")
                rows[f"{name}, {network}, {draw}"] = _row(found)
    figures: dict[str, Figure] = {"blocks": list(DEPTHS), "by set, network, draw": rows, "not as claimed": list(wrong)}
    what = (
        f"regression by the NTK without residuals on {', '.join(SETS)}: with {DEPTHS[-1]} blocks gated networks have "
        f"cond <= {_ONE} and |R²| <= {LOST:g} on new rows, plain ReLU keeps {KEPT:.2g} of its best; predictions are "
        "within the bound"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), part="generalisation", figures=figures)


def _row(found: Sequence[Fit]) -> Figure:
    return {
        "cond": [float(f"{fit.condition:.4g}") for fit in found],
        "R²": [round(fit.r2, 4) for fit in found],
        "cosine of predictions and targets": [
            None if math.isnan(fit.aligned) else round(fit.aligned, 3) for fit in found
        ],
    }
