"""Tables in CSV, with or without a header; the first thing that is wrong is named by line and column.

A column that counts the rows and has no name is what pandas and R write before a table: it is an index, no input, and
numbers as large as those of the rows would outweigh everything else in a kernel.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError

Complaint = Callable[[str, str], DomainError]
_SEPARATORS = (";", "\t", ",")
#: What pandas calls a column without a name when it reads one, and writes with the next file.
_UNNAMED = re.compile(r"Unnamed: \d+(_level_\d+)?")


@dataclass(frozen=True)
class Table:
    """A table's cells as they are written.

    Attributes:
        names: of the columns; none where there is no header.
        rows: the cells of each row, all of one number.
        lines: where each row ends in the file, from 1.
        complaint: makes the error from what is wrong and the remedy.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    complaint: Complaint

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.rows[0])

    def numbers(self, columns: Sequence[int]) -> npt.NDArray[np.float64]:
        """These columns, shape (n, c), float64, finite.

        Raises:
            DomainError: from `complaint`: a cell that is no finite number.
        """
        return np.array(
            [[self._finite(row[i], line, i) for i in columns] for row, line in zip(self.rows, self.lines, strict=True)],
            dtype=np.float64,
        )

    def labels(self, column: int) -> list[str] | None:
        """The texts of a column in which something is written that is no number; None where all are numbers."""
        found = [row[column].strip() for row in self.rows]
        return found if any(cell and _number(cell) is None for cell in found) else None

    def _finite(self, cell: str, line: int, index: int) -> float:
        value = _number(cell)
        if value is not None and math.isfinite(value):
            return value
        where = f"line {line}, column {index + 1}" + (f" ({self.names[index][:40] or 'no name'})" if self.names else "")
        what = repr(cell.strip()[:40]) if cell.strip() else "nothing"
        remedy = "give a finite number there" + (
            ""
            if value is not None
            else ", written with a decimal point"
            if _number(cell.replace(",", ".", 1)) is not None
            else ", or name columns of numbers by --columns, one of classes by --target"
        )
        raise self.complaint(f"which has {what} in {where}", remedy)


def read_table(text: str, complaint: Complaint) -> Table:
    """The cells of a table, and the names of its columns.

    The first line is a header if something in it is no number. Blank lines are skipped.

    Args:
        text: separated by semicolons, tabs or commas, whichever of these comes first here and is in the first line.
        complaint: makes the error from what is wrong and the remedy.

    Raises:
        DomainError: from `complaint`: no rows, or rows of different lengths.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = next((mark for mark in _SEPARATORS if mark in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    names: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
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
            rows.append(tuple(cells))
            lines.append(reader.line_num)
    except csv.Error as error:
        raise complaint(f"whose line {reader.line_num} is no CSV ({error})", "save it again") from None
    if not rows:
        raise complaint("which has no rows of numbers", "give at least two")
    return Table(names, tuple(rows), tuple(lines), complaint)


def index_column(table: Table, target: str | None) -> int | None:
    """The number of the column without a name that counts the rows, from 0 or from 1; None where all have names.

    Args:
        table: without a header no column can be told from another, and there is none.
        target: what --target says: a column that it means by its number is the user's choice.

    Raises:
        DomainError: from the table's `complaint`: a column without a name that is no such count.
    """
    names = table.names
    nameless = [i for i, name in enumerate(names) if not name or _UNNAMED.fullmatch(name)]
    chosen = {target} - {None}
    unexplained = [i for i in nameless if not chosen & {str(i), str(i - table.width), names[i] or None}]
    for i in unexplained:
        values, rows = table.numbers([i])[:, 0], np.arange(len(table.rows))
        counts = any(np.array_equal(values, rows + start) for start in (0, 1))
        if not counts or len(unexplained) > 1:
            called = f"whose column {i + 1} has {'the name ' + repr(names[i]) if names[i] else 'no name'} in the header"
            raise table.complaint(
                f"{called}: whether it is an index or an input is not clear",
                "give it a name, or leave it out (in pandas: to_csv(..., index=False), here: --columns)",
            )
    return unexplained[0] if unexplained else None


def _number(cell: str) -> float | None:
    cell = cell.strip()
    # Python takes 1_0, and digits of every script, for numbers; no other reader of tables does
    if "_" in cell or not cell.isascii():
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def _is_header(cells: list[str]) -> bool:
    """Names, not a row of numbers with one that is missing."""
    return all(cell.strip() for cell in cells) or not any(_number(cell) is not None for cell in cells)
