"""The map of cond(K)/cond(K̃) over rows n and features d: where gating improves the condition number of a kernel.

The cells and their certainty are those of `glutheory.studies.phase`; several draws of the rows share a cell of the map.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.datasets.tabular import Standardised, standardised
from glutheory.errors import DomainError
from glutheory.figures.chart import Chart
from glutheory.ground.arguments import integer
from glutheory.layers import Stack
from glutheory.networks import GATES, Network, network, partner
from glutheory.shown import Shown
from glutheory.studies.defaults import gram_options
from glutheory.studies.json_head import record
from glutheory.studies.pairs import stack_pair
from glutheory.studies.phase.boundary import certified_dimension, crossings
from glutheory.studies.phase.cells import NORMALISED, Cell, State, Task, gain, own, own_gate
from glutheory.studies.phase.maps import compute

#: Rows and features of the map, unless given; where the data have fewer, those that they have.
SIZES = (16, 32, 64, 128, 256, 512, 1024)
DIMENSIONS = (2, 4, 6, 8, 12, 16, 24, 32, 48, 64)
DRAWS = 3
#: The setting of `studies.phase` for a kernel: the NNGP kernel is the NTK over m of wide networks at LeCun's scale.
SETTINGS = {"nngp": "wide", "ntk": "ntk"}
#: A dense matrix of more rows, or so many random numbers in a row, would not fit into memory.
MOST_ROWS, MOST_FEATURES = 20_000, 20_000
#: Rows of the user's data that are used; the principal components of so many take seconds.
LARGEST = 5000


@dataclass(frozen=True)
class Spot:
    """One place (n, d) of the map.

    Attributes:
        n, d: rows and features.
        draws: the cells of the draws of the rows.
    """

    n: int
    d: int
    draws: tuple[Cell, ...]

    @property
    def state(self) -> State | None:
        """What gating does in every draw; None where the draws differ."""
        states = {cell.state for cell in self.draws}
        return states.pop() if len(states) == 1 else None

    @property
    def ratio(self) -> float:
        """The median of cond(K)/cond(K̃); nan where it is not resolved in every draw."""
        return float(10 ** gain(self.draws))

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest that the ratio can be in the draws; nan where both kernels are singular."""
        lows, highs = zip(*(cell.interval for cell in self.draws), strict=True)
        return min(lows), max(highs)


@dataclass(frozen=True, repr=False)
class Phase(Shown):
    """The map and what is predicted for it.

    Attributes:
        gate, plain: the gated network, and that of its gate alone.
        kind: "nngp" or "ntk".
        inputs: "gaussian", "normalised", or for other data "rows" or "normalised rows".
        data: what the rows are, a phrase.
        seed: of all draws.
        sizes, dimensions: the n and the d, ascending.
        spots: one for every n and d, by d, then n.
        crossings: (d, n) at which the limiting spectra predict that gating turns from helping to hurting; for ReGLU's
            NNGP kernel on Gaussian rows only.
        certified: (n, d): from that d on gating helps for certain in every second draw; NNGP on Gaussian rows and
            the gates of `GATES` only: it takes the largest eigenvalues from the sphere, which fails where φ grows fast.
        deep: whether the two are stacks, of which nothing is predicted here.
    """

    gate: str
    plain: str
    kind: str
    inputs: str
    data: str
    seed: int
    sizes: tuple[int, ...]
    dimensions: tuple[int, ...]
    spots: tuple[Spot, ...]
    crossings: tuple[tuple[int, float], ...]
    certified: tuple[tuple[int, float], ...]
    deep: bool = False

    def __repr__(self) -> str:
        return f"<Phase of {self.gate}: {self.kind}, {len(self.sizes)} n by {len(self.dimensions)} d, {self.data}>"

    @property
    def draws(self) -> int:
        """How many draws of the rows share a spot."""
        return len(self.spots[0].draws)

    def count(self, state: State | None) -> int:
        """Of the spots in this state."""
        return sum(spot.state is state for spot in self.spots)

    def as_json(self, charts: Sequence[Chart] = ()) -> dict[str, Any]:
        """Everything, with the two condition numbers of every draw, and the charts given."""
        return record(
            "phase",
            gram=gram_options(self.kind, "ntk"),
            gated=self.gate,
            plain=self.plain,
            kind=self.kind,
            inputs=self.inputs,
            data=self.data,
            draws=self.draws,
            seed=self.seed,
            n=self.sizes,
            d=self.dimensions,
            cells=[_spot(spot) for spot in self.spots],
            crossings=[{"d": d, "n": n} for d, n in self.crossings],
            certified=[{"n": n, "d": d} for n, d in self.certified],
            charts=charts,
        )


def _spot(spot: Spot) -> dict[str, Any]:
    return {
        "n": spot.n,
        "d": spot.d,
        "state": "draws differ" if spot.state is None else str(spot.state),
        "ratio": spot.ratio,
        "draws": [
            {"plain": cell.plain, "gated": cell.gated, "state": str(cell.state), "certificate": cell.certificate}
            for cell in spot.draws
        ],
    }


@dataclass(frozen=True, eq=False)
class Own:
    """The user's rows, made ready for the map.

    Attributes:
        table: standardised, in principal components.
        description: a phrase, which says what was left out.
    """

    table: Standardised
    description: str


def own_rows(X: npt.NDArray[np.float64], name: str, seed: int) -> Own:
    """Rows of the user's for a map: repeated ones left out, at most `LARGEST` of the rest, standardised.

    Args:
        X: finite numbers, shape (n, features).
        name: what they are called.
        seed: of the choice.

    Raises:
        DomainError: no feature varies.
    """
    _, first = np.unique(X, axis=0, return_index=True)
    kept = X[np.sort(first)]
    words = [f"{len(X)} rows"]
    if len(kept) < len(X):
        words.append(f"{len(X) - len(kept)} repeated ones left out")
    if len(kept) > LARGEST:
        kept = kept[np.random.default_rng(seed).permutation(len(kept))[:LARGEST]]
        words.append(f"{LARGEST} of them drawn")
    table = standardised(name, kept)
    if table.constant:
        words.append(f"{table.constant} constant feature{'s' * (table.constant > 1)} left out")
    return Own(table, f"{name} ({', '.join(words)}), standardised, first d principal components")


def phase_study(
    gate: str | Network | Stack = "reglu",
    *,
    sizes: Sequence[int] | None = None,
    dimensions: Sequence[int] | None = None,
    inputs: str = "gaussian",
    kind: str = "nngp",
    draws: int = DRAWS,
    seed: int = 0,
    rows: Own | None = None,
    folder: Path | None = None,
    processes: int | Executor = 1,
    done: Callable[[int, int], None] | None = None,
) -> Phase:
    """Compute the map.

    Args:
        gate: a gated network, or its name; it is compared with the network of its gate alone. Or a stack with gates; it
            is compared with the one that has none and all else alike.
        sizes: the n of the map, at least 4; None: `SIZES`, as far as there are so many rows.
        dimensions: the d of the map; None: `DIMENSIONS`, as far as there are so many features.
        inputs: "gaussian", or "normalised": every row scaled to norm √d, as RMSNorm does; with `rows` "gaussian" stands
            for these as they are.
        kind: "nngp", the NTK over m of wide networks at LeCun's variances; or "ntk", of the ntk parametrisation.
        draws: how many draws of the rows share a spot of the map.
        seed: of the draws.
        rows: the user's own, from which n are drawn; None: standard normal ones.
        folder: where finished cells are kept, so that a run that was broken off goes on; None: nowhere.
        processes: how many compute at a time; or any `concurrent.futures.Executor`, such as that of a cluster.
        done: called with the numbers of finished and of all cells after each.

    Raises:
        DomainError: an argument that does not fit, or more rows or features than there are.
        UnknownNameError: no such network.
    """
    net: Network | Stack
    plain: Network | Stack
    if isinstance(gate, Stack):
        plain, net = stack_pair([gate])
        if net is not gate:
            raise DomainError(f"gate is {gate.name!r}, which has no gates: use {net.name!r}.")
    else:
        net = network(gate)
        if not net.gated:
            raise DomainError(f"gate is {net.name!r}, which is not gated: use {partner(net).name!r}.")
        plain = partner(net)
    name = own_gate(net)
    if kind not in SETTINGS:
        raise DomainError(f"kind is {kind!r}: use one of {', '.join(SETTINGS)}.")
    if inputs not in ("gaussian", "normalised"):
        raise DomainError(f"inputs is {inputs!r}: use gaussian or normalised.")
    integer("draws", draws, 1)
    every_n, every_d = axes(sizes, dimensions, rows)
    normal = inputs == "normalised"
    if rows is None:
        data, label = ("sphere" if normal else "gaussian"), inputs
        described = "random rows of norm √d" if normal else "standard normal rows"
    else:
        data, label = own(rows.table) + NORMALISED * normal, "normalised rows" if normal else "rows"
        described = rows.description + ", scaled to norm √d" * normal
    tasks = [
        Task(data, name, SETTINGS[kind], n, d, integer("seed", seed, 0), draw)
        for d in every_d
        for n in every_n
        for draw in range(draws)
    ]
    cells = compute(tasks, folder, processes, done, data=None if rows is None else rows.table, gate=net)
    groups = [cells[i : i + draws] for i in range(0, len(cells), draws)]
    spots = tuple(Spot(group[0].task.n, group[0].task.d, group) for group in groups)
    lines = label == "gaussian" and kind == "nngp"
    found = tuple(crossings(every_n[-1], every_d[-1])) if lines and name == "reglu" else ()
    certified = tuple((n, certified_dimension(n, name)) for n in every_n) if lines and name in GATES else ()
    return Phase(
        net.name,
        plain.name,
        kind,
        label,
        described,
        seed,
        every_n,
        every_d,
        spots,
        found,
        certified,
        isinstance(net, Stack),
    )


def axes(
    sizes: Sequence[int] | None, dimensions: Sequence[int] | None, rows: Own | None = None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The n and the d of a map, ascending, each once; arguments and errors as of `study`."""
    limits = (MOST_ROWS, MOST_FEATURES) if rows is None else rows.table.limits
    return _axis("n", sizes, SIZES, limits[0], 4), _axis("d", dimensions, DIMENSIONS, limits[1], 1)


def _axis(name: str, given: Sequence[int] | None, usual: Sequence[int], limit: int, least: int) -> tuple[int, ...]:
    values = sorted({integer(name, value, least) for value in given or usual if given or value <= limit})
    if not values or values[-1] > limit:
        raise DomainError(f"{name} is {values[-1] if values else least} at least: give no more than {limit} here.")
    return tuple(values)
