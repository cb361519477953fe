"""Networks of many sizes: their measured kernels beside the predicted ones, kept where a run keeps things."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from checks.claims.prediction.law import Theory
from checks.claims.prediction.theory import hidden_of, kernel
from checks.settings import Settings
from checks.tools.checkpoints import remembered
from glutheory.ground.store import Arrays
from glutheory.networks import GATES

Array = npt.NDArray[np.float64]
#: Dimension of the inputs.
INPUTS = 32
_RIGHT = Theory()


@dataclass(frozen=True)
class Cell:
    """Networks of one size.

    Attributes:
        gate: a gated network of the zoo; the plain one is that of its gate.
        n: inputs.
        depth: blocks.
        width: of the stream.
    """

    gate: str
    n: int
    depth: int
    width: int

    @property
    def ratio(self) -> float:
        """The number n L/w."""
        return self.n * self.depth / self.width

    @property
    def label(self) -> str:
        """For tables."""
        return f"{self.gate}, n={self.n}, L={self.depth}, w={self.width}"


@dataclass(frozen=True)
class Sizes:
    """What a profile computes; fixed on a pilot of other seeds.

    Attributes:
        cells: the networks.
        seeds: of each depth: data sets with one plain and one gated network each. The deepest cost most.
    """

    cells: tuple[Cell, ...]
    seeds: dict[int, int]


def _grid(gate: str, rows: tuple[int, ...], depths: tuple[int, ...], widths: tuple[int, ...]) -> tuple[Cell, ...]:
    return tuple(Cell(gate, n, depth, width) for n in rows for depth in depths for width in widths)


QUICK = Sizes(_grid("swiglu", (32, 80), (1, 8), (48, 192)), {1: 16, 8: 10})
FULL = Sizes(
    (
        *_grid("swiglu", (32, 96), (1, 4, 16), (64, 128)),
        *_grid("swiglu", (32, 96), (1, 4), (256,)),
        *_grid("swiglu", (32,), (16,), (256,)),
        *_grid("swiglu", (32,), (1,), (512,)),
        *_grid("reglu", (32,), (1, 4), (64, 256)),
    ),
    {1: 16, 4: 12, 16: 10},
)


def sizes(settings: Settings) -> Sizes:
    """Those of the profile."""
    return FULL if settings.profile.thorough else QUICK


@dataclass(frozen=True, eq=False)
class Seen:
    """What was measured of a cell, one row per seed and one column for the plain and the gated network.

    Attributes:
        measured: ln cond_w, shape (seeds, 2).
        predicted: ln cond_∞, likewise.
        apart: ‖K_w − K_∞‖/‖K_∞‖ (Frobenius), likewise.
        kernels: K_w, shape (seeds, 2, n, n).
    """

    measured: Array
    predicted: Array
    apart: Array
    kernels: Array

    @property
    def errors(self) -> Array:
        """Ln cond_w/cond_∞, shape (seeds, 2)."""
        return np.asarray(self.measured - self.predicted)

    @property
    def gains(self) -> Array:
        """Ln cond(plain)/cond(gated) as measured and as predicted, shape (seeds, 2)."""
        return np.stack([-np.diff(part, axis=1)[:, 0] for part in (self.measured, self.predicted)], axis=1)


def rows(cell: Cell, settings: Settings, seed: int) -> Array:
    """Inputs of norm √d, shape (n, d)."""
    rng = np.random.default_rng([settings.stream("prediction/confirmed/data"), cell.n, seed])
    X = rng.standard_normal((cell.n, INPUTS))
    return np.asarray(X * (math.sqrt(INPUTS) / np.linalg.norm(X, axis=1, keepdims=True)))


@lru_cache(maxsize=256)
def seen(cell: Cell, settings: Settings) -> Seen:
    """The networks of this cell."""
    count = sizes(settings).seeds[cell.depth]
    key = {"what": "prediction", "cell": asdict(cell), "seed": settings.seed, "count": count}
    found = remembered(settings.checkpoints, key, lambda: _measured(cell, settings, count))
    return Seen(found["measured"], found["predicted"], found["apart"], found["kernels"])


def _measured(cell: Cell, settings: Settings, count: int) -> Arrays:
    from checks.claims.prediction.modules import Stream, measured

    tables: dict[str, list[list[Any]]] = {"measured": [], "predicted": [], "apart": [], "kernels": []}
    stream = settings.stream("prediction/confirmed/networks")
    for seed in range(count):
        X = rows(cell, settings, seed)
        row: dict[str, list[Any]] = {name: [] for name in tables}
        for gated in (False, True):
            hidden = hidden_of(cell.width, gated=gated)
            model = Stream(INPUTS, cell.width, hidden, cell.depth, GATES[cell.gate], gated=gated)
            # torch takes 63 bits
            K = measured(model, X, int(np.random.default_rng([stream, seed, gated]).integers(2**62)))
            wide = kernel(X, cell.gate, cell.depth, cell.width, gated=gated, theory=_RIGHT)
            row["kernels"].append(K)
            row["measured"].append(log_condition(K))
            row["predicted"].append(log_condition(wide))
            row["apart"].append(float(np.linalg.norm(K - wide) / np.linalg.norm(wide)))
        for name, values in row.items():
            tables[name].append(values)
    return {name: np.array(values) for name, values in tables.items()}


@lru_cache(maxsize=256)
def wide(cell: Cell, settings: Settings, theory: Theory) -> Array:
    """K_∞ by this theory, shape (seeds, 2, n, n)."""
    found = [
        [kernel(X, cell.gate, cell.depth, cell.width, gated=gated, theory=theory) for gated in (False, True)]
        for X in (rows(cell, settings, seed) for seed in range(sizes(settings).seeds[cell.depth]))
    ]
    return np.array(found)


def log_condition(K: Array) -> float:
    """Ln λ_max/λ_min of a positive definite matrix."""
    values = np.linalg.eigvalsh(K)
    return math.log(values[-1]) - math.log(values[0])
