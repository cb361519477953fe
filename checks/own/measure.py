"""What a claim measures on rows that are given, as a table, and on what the recorded run did."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.layout import cell
from glutheory.claims import Figure
from glutheory.commands.data import DataRows, draw_rows
from glutheory.errors import DomainError
from glutheory.studies.given import DYNAMICS, check_held, check_targets
from glutheory.terminal import Terminal, aligned, shown

Array = npt.NDArray[np.float64]
#: A name, and as many entries as the head has.
Row = tuple[str, *tuple[Figure, ...]]
#: Rows at least, and at most where all eigenvalues are computed, or several kernels.
_LEAST, MOST, FEWER = 3, 4000, 1500


@dataclass(frozen=True)
class Measure:
    """One claim on any rows.

    Attributes:
        what: networks and setting, a phrase.
        head: of the columns after the first.
        rows: the table of (X, y): of inputs, shape (n, d), and of targets, shape (n,), or None.
        recorded: how the recorded run differs, sentences.
        beside: rows as in that run, for as many rows and features.
        most: rows that can be taken.
        taken: what is done to the rows first.
    """

    what: str
    head: tuple[str, ...]
    rows: Callable[[Array, Array | None], Sequence[Row]]
    recorded: str
    beside: Callable[[int, int], DataRows]
    most: int = FEWER
    taken: Callable[[Array], Array] = lambda X: X

    def table(self, data: DataRows, terminal: Terminal) -> list[str]:
        """The lines.

        Raises:
            DomainError: too few or too many rows, one of zeros, or rows so long or short that float64 fails.
        """
        n = len(data.X)
        if not _LEAST <= n <= self.most:
            raise DomainError(f"n is {n}: give {_LEAST} to {self.most:,} rows, since whole kernels are computed.")
        zero = np.flatnonzero(~data.X.any(axis=1))
        if len(zero):
            raise DomainError(
                f"row {zero[0]} (counted from 0) is zero, of which no kernel tells anything: leave it out."
            )
        with np.errstate(under="ignore", over="ignore"):
            # of the networks here the gated ones have the kernels that are furthest from 1: about (‖x‖²/d)²
            furthest = np.mean(data.X * data.X, axis=1) ** 2
        check_held("a kernel of gated networks", furthest, data.X, DYNAMICS)
        if data.y is not None:
            check_targets(data.y, least=True)
        # quotients of what is 0 or nowhere defined are not numbers, and shown as "-"
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            body = [[name, *map(number, row)] for name, *row in self.rows(self.taken(data.X), data.y)]
        table = [[shown(text, terminal) for text in row] for row in (["", *self.head], *body)]
        return aligned(table, numbers=True, gap=2)


def number(value: Figure) -> str:
    """With four digits; a dash for what is not known."""
    return "-" if isinstance(value, float) and math.isnan(value) else cell(value)


def sized(inputs: str, n: int, d: int) -> Callable[[int, int], DataRows]:
    """Rows of this size, whatever is asked for."""
    return lambda *_: draw_rows(inputs, n, d, 0)


def normed(X: Array) -> Array:
    """Every row scaled to norm √d."""
    return np.asarray(X * (math.sqrt(X.shape[1]) / np.linalg.norm(X, axis=1, keepdims=True)))


def over(first: float, second: float) -> float:
    """The quotient; not a number where there is none."""
    return first / second if second else math.nan


def sure(value: float, error: float) -> float:
    """What is known within a tenth; not a number otherwise."""
    return value if value > 10 * error else math.nan


def pairs(n: int) -> npt.NDArray[np.bool_]:
    """The entries above the diagonal, each pair of rows once."""
    return np.triu(np.ones((n, n), dtype=bool), 1)
