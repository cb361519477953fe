"""Numbers from CSV text: with or without a header, the first thing that is wrong named by line and column."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError

Complaint = Callable[[str, str], DomainError]
_SEPARATORS = (";", "\t", ",")


def read_table(text: str, complaint: Complaint) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:
    """The numbers of a table, and the names of its columns.

    The first line is a header if something in it is no number. Blank lines are skipped.

    Args:
        text: separated by semicolons, tabs or commas, whichever of these comes first here and is in the first line.
        complaint: makes the error from what is wrong and the remedy.

    Returns:
        Shape (n, c) float64, finite; c names, or none where there is no header.

    Raises:
        DomainError: from `complaint`: no numbers, a cell that is no finite number, or rows of different lengths.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = next((mark for mark in _SEPARATORS if mark in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    names: tuple[str, ...] = ()
    rows: list[list[float]] = []
    width = 0
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells) and len(cells) <= 1:
                continue
            if not width:
                width = len(cells)
                if any(_number(cell) is None for cell in cells) and _is_header(cells):
                    # numpy.savetxt puts a mark before its header
                    names = tuple(cell.strip().removeprefix("#").strip() for cell in cells)
                    continue
            if len(cells) != width:
                raise complaint(
                    f"whose line {reader.line_num} has {len(cells)} cells where the first has {width}",
                    "give rows of equal length",
                )
            rows.append([_finite(cell, reader.line_num, i, names, complaint) for i, cell in enumerate(cells)])
    except csv.Error as error:
        raise complaint(f"whose line {reader.line_num} is no CSV ({error})", "save it again") from None
    if not rows:
        raise complaint("which has no rows of numbers", "give at least two")
    return np.array(rows, dtype=np.float64), names


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _is_header(cells: list[str]) -> bool:
    """Names, not a row of numbers with one that is missing."""
    return all(cell.strip() for cell in cells) or not any(_number(cell) is not None for cell in cells)


def _finite(cell: str, line: int, index: int, names: tuple[str, ...], complaint: Complaint) -> float:
    value = _number(cell)
    if value is not None and math.isfinite(value):
        return value
    where = f"line {line}, column {index + 1}" + (f" ({names[index][:40]})" if names else "")
    what = repr(cell.strip()[:40]) if cell.strip() else "nothing"
    raise complaint(f"which has {what} in {where}", "give a finite number there")
