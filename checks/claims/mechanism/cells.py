"""The condition numbers of the four kernels on data sets of many sizes, kept where a run keeps things."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from checks.claims.mechanism.kernels import SETTINGS, Centre, conditions, four, grams, logs
from checks.settings import Settings
from checks.tools.centred_gains import Logs
from checks.tools.checkpoints import remembered
from glutheory.datasets import tabular
from glutheory.studies.phase.cells import NORMALISED, Task, points

Array = npt.NDArray[np.float64]
#: The gates with a regular plain kernel at n > d. The bilinear gate has none, and no mean.
GATES_SHOWN = ("reglu", "geglu", "swiglu", "glu", "gtu")
#: With a mean to remove.
WITH_MEAN = GATES_SHOWN[:-1]
#: Data that the limits are not about: a component that all rows share; close pairs of rows.
OFFSET, PAIRS = "offset", "pairs"


@dataclass(frozen=True)
class Cell:
    """One data set and one gate.

    Attributes:
        data: as in `glutheory.studies.phase.cells.Task`, or `OFFSET` or `PAIRS`.
        gate: a gated network of the zoo.
        n, d: rows and features.
        seed: of the rows.
    """

    data: str
    gate: str
    n: int
    d: int
    seed: int

    @property
    def normalised(self) -> bool:
        """Whether all rows have the norm √d."""
        return self.data in ("sphere", OFFSET, PAIRS) or self.data.endswith(NORMALISED)

    @property
    def settings(self) -> tuple[str, ...]:
        """The block normalises its input: it is left out on other rows."""
        return SETTINGS if self.normalised else SETTINGS[:2]

    def rows(self) -> Array:
        """The data, shape (n, d)."""
        if self.data not in (OFFSET, PAIRS):
            return points(Task(self.data, self.gate, "wide", self.n, self.d, self.seed))
        base = points(Task("gaussian", self.gate, "wide", self.n, self.d, self.seed))
        if self.data == OFFSET:
            base = base + 1.0
        else:
            base[1::2] = base[: 2 * (self.n // 2) : 2] + 0.1 * base[1::2]
        return np.asarray(base * (math.sqrt(self.d) / np.linalg.norm(base, axis=1, keepdims=True)))


@dataclass(frozen=True, eq=False)
class Seen:
    """What was computed: condition numbers with their intervals, shape (settings, 4, 3), of `Cell.settings`."""

    cell: Cell
    values: Array

    def logs(self, setting: str) -> Logs:
        return logs(list(self.values[self.cell.settings.index(setting), :, 0]))

    def least(self, setting: str, over: int, under: int) -> float:
        """The least ln of the quotient of two of the four that the errors allow."""
        row = self.values[self.cell.settings.index(setting)]
        return math.log(row[over, 1] / row[under, 2])

    def most(self, setting: str, over: int, under: int) -> float:
        """The largest one."""
        row = self.values[self.cell.settings.index(setting)]
        return math.log(row[over, 2] / row[under, 1])


@lru_cache(maxsize=8192)
def seen(cell: Cell, centre: Centre, settings: Settings) -> Seen:
    """The condition numbers of this cell with this centre."""
    key = {"what": "mechanism", "cell": asdict(cell), "centre": asdict(centre)}
    return Seen(cell, remembered(settings.checkpoints, key, lambda: _computed(cell, centre))["values"])


def _computed(cell: Cell, centre: Centre) -> dict[str, Array]:
    found = grams(cell.gate, cell.rows())
    rows = [[(x.value, x.low, x.high) for x in conditions(four(found, name, centre))] for name in cell.settings]
    return {"values": np.array(rows)}


@dataclass(frozen=True)
class Sizes:
    """What a profile computes.

    Attributes:
        sphere, gaussian: sizes (n, d), the last one the largest; on Gaussian inputs with all gates.
        gates: at all sizes on the sphere; the others only at the smallest.
        draws: data sets per size.
        real: rows and components of the real sets.
    """

    sphere: tuple[tuple[int, int], ...]
    gaussian: tuple[tuple[int, int], ...]
    gates: tuple[str, ...]
    draws: int
    real: tuple[int, int]


QUICK = Sizes(((64, 16), (181, 32), (332, 48)), ((118, 24), (332, 48)), ("reglu", "swiglu", "glu"), 1, (80, 20))
FULL = Sizes(
    ((64, 16), (181, 32), (256, 64), (512, 64), (512, 128), (1448, 128)),
    ((118, 24), (192, 48), (332, 48), (512, 64), (1015, 101)),
    GATES_SHOWN,
    2,
    (400, 30),
)


def sizes(settings: Settings) -> Sizes:
    return FULL if settings.profile.thorough else QUICK


def _seed(settings: Settings, draw: int) -> int:
    # margins and sizes were fixed on pilots, whose streams were others: these data were not seen before
    return settings.stream(f"mechanism/confirmed/{draw}")


def random(settings: Settings, data: str) -> tuple[Cell, ...]:
    """The cells on the sphere or on Gaussian inputs."""
    chosen = sizes(settings)
    of = chosen.sphere if data == "sphere" else chosen.gaussian
    found = []
    for n, d in of:
        every = chosen.gates if data == "sphere" and (n, d) != of[0] else GATES_SHOWN
        found += [Cell(data, gate, n, d, _seed(settings, draw)) for gate in every for draw in range(chosen.draws)]
    return tuple(found)


def real(settings: Settings) -> tuple[Cell, ...]:
    """Every real set, as it is and with normalised rows, and every gate with a mean."""
    n, d = sizes(settings).real
    found = []
    for name in tabular.SETS:
        rows, features = tabular.load(name).limits
        for data in (name, name + NORMALISED):
            found += [Cell(data, gate, min(n, rows), min(d, features), _seed(settings, 0)) for gate in WITH_MEAN]
    return tuple(found)
