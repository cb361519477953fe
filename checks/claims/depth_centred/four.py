"""The four kernels of a gate at several depths: plain and gated, as they are and centred; and the parts of the gain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from checks.claims.depth_centred.law import Law
from checks.settings import Settings
from checks.tools.centred_gains import Logs
from checks.tools.deep_kernels import Block
from checks.tools.deep_spectra import Cell, Ends, measured, predicted
from glutheory.datasets import tabular

#: (gated, centred) of the four.
KINDS = ((False, False), (False, True), (True, False), (True, True))
#: With a mean to remove, and a regular plain kernel.
GATES_SHOWN = ("reglu", "geglu", "swiglu", "glu")


@dataclass(frozen=True)
class Sizes:
    """What a profile computes.

    Attributes:
        sphere: sizes (n, d), ascending.
        gates: gates with a mean.
        with_residual, without: numbers of blocks.
        real: rows and features of Gaussian and real sets.
        single: blocks for the recursion of single pairs.
    """

    sphere: tuple[tuple[int, int], ...]
    gates: tuple[str, ...]
    with_residual: tuple[int, ...]
    without: tuple[int, ...]
    real: tuple[int, int]
    single: int


QUICK = Sizes(((64, 16), (332, 48)), ("reglu", "swiglu"), (1, 4, 16, 64), (1, 2, 4, 8, 32), (80, 20), 1000)
FULL = Sizes(
    ((64, 16), (181, 32), (332, 48), (512, 64)), GATES_SHOWN, (1, 2, 4, 8, 16, 32, 64), (1, 2, 4, 8, 16, 32),
    (300, 30), 4000,
)  # fmt: skip


def sizes(settings: Settings) -> Sizes:
    return FULL if settings.profile.thorough else QUICK


def cells_of(cell: Cell) -> tuple[Cell, ...]:
    """The four on the rows of one, in the order of `KINDS`."""
    return tuple(replace(cell, block=Block(cell.block.gate, *kind)) for kind in KINDS)


def seen(cell: Cell, law: Law) -> list[tuple[int, Logs]]:
    """The measured ones at the depths at which all four are known."""
    found = [measured(replace(one, block=law.taken(one.block))) for one in cells_of(cell)]
    return _logs(cell.depths, found)


def foreseen(cell: Cell, law: Law, depths: tuple[int, ...] = ()) -> dict[int, Logs]:
    """Those of the limiting spectra on the sphere."""
    chosen = depths or cell.depths
    found = [
        predicted(law.block(one.block), cell.n, cell.d, chosen, cell.residual, "rms", law.rule)
        for one in cells_of(cell)
    ]
    return dict(_logs(chosen, found))


def _logs(depths: tuple[int, ...], found: Sequence[tuple[Ends, ...]]) -> list[tuple[int, Logs]]:
    rows = zip(depths, zip(*found, strict=True), strict=True)
    return [
        (depth, Logs(*(math.log(one.condition) for one in four)))
        for depth, four in rows
        if all(one.known and 0 < one.condition < 1e10 for one in four)
    ]


def _seed(settings: Settings) -> int:
    # margins were fixed on pilots, whose streams were others
    return settings.stream("depth-centred/confirmed")


def _stacks(settings: Settings, data: str, n: int, d: int) -> list[Cell]:
    chosen = sizes(settings)
    return [
        Cell(data, Block(gate, False), n, d, _seed(settings), depths, residual)
        for gate in chosen.gates
        for residual, depths in ((True, chosen.with_residual), (False, chosen.without))
    ]


def sphere(settings: Settings) -> tuple[Cell, ...]:
    """On the sphere; each stands for the four."""
    return tuple(cell for n, d in sizes(settings).sphere for cell in _stacks(settings, "sphere", n, d))


def other(settings: Settings) -> tuple[Cell, ...]:
    """Gaussian and real rows, of different norms."""
    chosen, found = sizes(settings), []
    for data in ("gaussian", *tabular.SETS):
        rows, features = tabular.load(data).limits if data in tabular.SETS else chosen.real
        found += _stacks(settings, data, min(chosen.real[0], rows), min(chosen.real[1], features))
    return tuple(found)
