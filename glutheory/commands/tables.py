"""Tables in CSV, with or without a header; the first thing that is wrong is named by line and column.

A column that counts the rows and has no name is what pandas and R write before a table: it is an index, no input, and
numbers as large as those of the rows would outweigh everything else in a kernel.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError

Complaint = Callable[[str, str], DomainError]
_SEPARATORS = (";", "\t", ",")
#: What pandas calls a column without a name when it reads one, and writes with the next file.
_UNNAMED = re.compile(r"Unnamed: \d+(_level_\d+)?")


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


def index_column(
    values: npt.NDArray[np.float64], names: tuple[str, ...], target: str | None, complaint: Complaint
) -> int | None:
    """The number of the column without a name that counts the rows, from 0 or from 1; None where all have names.

    Args:
        values: as `read_table` returns them, shape (n, c).
        names: likewise; without a header no column can be told from another, and there is none.
        target: what --target says: a column that it means by its number is the user's choice.
        complaint: makes the error from what is wrong and the remedy.

    Raises:
        DomainError: from `complaint`: a column without a name that is no such count.
    """
    nameless = [i for i, name in enumerate(names) if not name or _UNNAMED.fullmatch(name)]
    count = values.shape[1]
    chosen = {target} - {None}
    unexplained = [i for i in nameless if not chosen & {str(i), str(i - count), names[i] or None}]
    for i in unexplained:
        rows = np.arange(len(values))
        counts = any(np.array_equal(values[:, i], rows + start) for start in (0, 1))
        if not counts or len(unexplained) > 1:
            called = f"whose column {i + 1} has {'the name ' + repr(names[i]) if names[i] else 'no name'} in the header"
            raise complaint(
                f"{called}: whether it is an index or an input is not clear",
                "give it a name, or leave it out (in pandas: to_csv(..., index=False))",
            )
    return unexplained[0] if unexplained else None


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
    where = f"line {line}, column {index + 1}" + (f" ({names[index][:40] or 'no name'})" if names else "")
    what = repr(cell.strip()[:40]) if cell.strip() else "nothing"
    raise complaint(f"which has {what} in {where}", "give a finite number there")
