"""Cells of the check of real architectures, measured and invented."""

# ruff: noqa: E402  (the checks need torch)

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the checks need torch")
pytest.importorskip("einops", reason="the mixer needs einops")

from checks.claims.architectures.cells import Cell
from checks.claims.architectures.grid import Grid
from checks.claims.architectures.measures import Precision, conditions
from checks.claims.architectures.task import FULL, NAMES, PAIRS, Case

SMALL = Case(
    "mixer-released-digits", "Mixer", "small", seeds=2, doubles=1, checked=PAIRS[0], epochs=1, paper=True, reached=2.0
)


def gram(condition: float, seed: int, n: int = 6) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A matrix with this condition number."""
    Q = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]
    return np.asarray(Q * np.geomspace(1.0, condition, n) @ Q.T)


def invented(case: Case, ratio: float, spread: float = 0.05) -> dict[tuple[str, int], Cell]:
    """Cells in which the non-gated condition number is about `ratio` times that of its partner."""
    rng, cells = np.random.default_rng(0), {}
    for seed in case.draws:
        for index, name in enumerate(NAMES):
            grams = {}
            for time in case.times:
                for which in ("all", "ffn"):
                    K = gram(300 * math.exp(spread * rng.standard_normal()) * (1 if index % 2 else ratio), seed)
                    grams[time, which, False] = K.astype(np.float32).astype(np.float64)
                    if case.double(name, seed):
                        grams[time, which, True] = K
            cells[name, seed] = Cell(grams, (1000 - index % 2, 500), seed, 0.0, (2.3, 0.2), (2.3, 0.4))
    return cells


def grid(ratios: Mapping[Case, float]) -> Grid:
    cells = {case: invented(case, ratio) for case, ratio in ratios.items()}
    places = tuple(item for case in cells for item in conditions(case, cells[case]).values())
    found = {item.place: Precision.of(item.case, cells[item.case], item.time, item.which) for item in places}
    return Grid(cells, places, found)


@lru_cache(maxsize=8)
def everything(**ratios: float) -> Grid:
    """The cases of the full profile, with ratios by family; 10 by default. Not to be changed."""
    return grid({replace(case, doubles=min(case.doubles, 2)): ratios.get(case.family, 10.0) for case in FULL})


@lru_cache(maxsize=1)
def realistic() -> Grid:
    """The same with ratios near to those of the run: what is near to a clause is told from it."""
    full = {"ViT": 2.5, "Mixer": 30.0}
    return grid(
        {
            replace(case, doubles=min(case.doubles, 2)): 10.0
            if not case.paper
            else 1.2
            if case.size == "small"
            else full[case.family]
            for case in FULL
        }
    )
