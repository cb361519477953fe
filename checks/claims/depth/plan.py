"""Which stacks are looked at on which data, quick and full."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checks.settings import Settings
from checks.tools.deep_kernels import Block
from checks.tools.deep_spectra import Cell
from glutheory.datasets import tabular

#: The gates with a regular plain kernel. The bilinear one has none.
GATES_SHOWN = ("reglu", "geglu", "swiglu", "glu", "gtu")


@dataclass(frozen=True)
class Sizes:
    """What a profile computes.

    Attributes:
        sphere: sizes (n, d), ascending.
        gates: on the sphere at all sizes.
        with_residual, without: numbers of blocks.
        real: rows and features of Gaussian and real sets.
        bare: the same without norms.
        deepest: blocks of the last stacks, with residuals, at the second size.
        single: blocks for the recursion of single pairs.
    """

    sphere: tuple[tuple[int, int], ...]
    gates: tuple[str, ...]
    with_residual: tuple[int, ...]
    without: tuple[int, ...]
    real: tuple[int, int]
    bare: tuple[int, int]
    deepest: tuple[int, ...]
    single: int


QUICK = Sizes(
    ((64, 16), (181, 32)),
    ("reglu", "swiglu", "glu"),
    (1, 4, 16, 64),
    (1, 2, 4, 8, 32),
    (80, 20),
    (40, 16),
    (16, 64, 256),
    1000,
)
FULL = Sizes(
    ((64, 16), (181, 32), (332, 48), (512, 64)), GATES_SHOWN, (1, 2, 4, 8, 16, 32, 64), (1, 2, 4, 8, 16, 32, 64),
    (300, 30), (100, 30), (16, 64, 256, 1024), 4000,
)  # fmt: skip
#: Without norms variances leave the range of numbers soon.
UNNORMED = (1, 2, 3)


def sizes(settings: Settings) -> Sizes:
    return FULL if settings.profile.thorough else QUICK


def seed(settings: Settings) -> int:
    # margins were fixed on pilots, whose streams were others
    return settings.stream("depth/confirmed")


def sphere(settings: Settings) -> tuple[Cell, ...]:
    """Plain and gated stacks on the sphere, with residuals and without, with norms and without."""
    chosen, found = sizes(settings), []
    for n, d in chosen.sphere:
        for gate in chosen.gates:
            for gated in (False, True):
                base = ("sphere", Block(gate, gated), n, d, seed(settings))
                found += [Cell(*base, chosen.with_residual, True), Cell(*base, chosen.without, False)]
                found += [Cell(*base, UNNORMED, residual, None) for residual in (True, False)]
    return tuple(found)


def deep(settings: Settings) -> tuple[Cell, ...]:
    """Stacks of many blocks with residuals on the sphere."""
    chosen = sizes(settings)
    n, d = chosen.sphere[1]
    blocks = [Block(gate, gated) for gate in chosen.gates for gated in (False, True)]
    return tuple(Cell("sphere", block, n, d, seed(settings), chosen.deepest) for block in blocks)


def _sets(most: tuple[int, int]) -> Iterator[tuple[str, int, int]]:
    """The Gaussian set and the real ones with so many rows and features, or with all where they have fewer."""
    for data in ("gaussian", *tabular.SETS):
        rows, features = tabular.load(data).limits if data in tabular.SETS else most
        yield data, min(most[0], rows), min(most[1], features)


def other(settings: Settings) -> tuple[Cell, ...]:
    """Gaussian rows and real ones, of different norms."""
    chosen, found = sizes(settings), []
    for data, n, d in _sets(chosen.real):
        for gate in chosen.gates:
            for gated in (False, True):
                base = (data, Block(gate, gated), n, d, seed(settings))
                found += [Cell(*base, chosen.with_residual, True), Cell(*base, chosen.without, False)]
    return tuple(found)


def unnormed(settings: Settings) -> tuple[Cell, ...]:
    """Every gate without norms on Gaussian rows and real ones, of different norms."""
    chosen = sizes(settings)
    return tuple(
        Cell(data, Block(gate, gated), n, d, seed(settings), UNNORMED, residual, None)
        for data, n, d in _sets(chosen.bare)
        for gate in chosen.gates
        for residual in (True, False)
        for gated in (False, True)
    )
