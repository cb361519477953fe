"""The numbers behind a piece of evidence as tables: what is nested becomes a table of its own, under its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from glutheory.claims import Figure

#: Items of a list that are shown; the others are there when it is opened.
_ITEMS = 8
_DIGITS = 6
#: Lists that are no longer stand in brackets, several of them in one cell.
_TUPLE = 3

Record = Mapping[str, Figure]


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: what is shown; of a long list its first items and its last.
        rest: the whole of a long list, else empty.
        number: whether it is a number, to be set to the right.
    """

    text: str
    rest: str = ""
    number: bool = False


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows.

    Attributes:
        caption: the names that lead to it, or empty at the top.
        head: of the columns after the first; empty where there is only one, the value.
        rows: a name and a cell for each column.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def tables(figures: Record) -> tuple[Table, ...]:
    """Every number of `glutheory.claims.Evidence.figures`, in its order.

    Args:
        figures: nested mappings and sequences of numbers and words.
    """
    return tuple(_tables(figures, ()))


def count(value: Figure) -> int:
    """How many numbers and words there are in it."""
    if isinstance(value, Mapping):
        return sum(map(count, value.values()))
    return sum(map(count, value)) if _is_list(value) else 1


def shown(value: Figure) -> str:
    """A single value: a number with six digits, a word as it is."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)
    return text.replace("-", "−", 1) if isinstance(value, int | float) and text.startswith("-") else text


def cell(value: Figure) -> Cell:
    """A single value, or a list of such, or of pairs and triples of them."""
    if not _is_list(value):
        return Cell(shown(value), number=isinstance(value, int | float) and not isinstance(value, bool))
    items = [f"({', '.join(map(shown, item))})" if _is_list(item) else shown(item) for item in value]
    whole = ", ".join(items) or "none"
    if len(items) <= _ITEMS:
        return Cell(whole)
    return Cell(f"{', '.join(items[:3])}, …, {items[-1]} ({len(items)} values)", whole)


def _tables(values: Record, path: tuple[str, ...]) -> Iterator[Table]:
    caption = " › ".join(path)
    single = {name: value for name, value in values.items() if _fits(value)}
    if single:
        yield Table(caption, (), tuple((_label(name), (cell(value),)) for name, value in single.items()))
    kinds: dict[tuple[str, ...], dict[str, Record]] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and (leaves := _leaves(value)):
            kinds.setdefault(tuple(leaves), {})[name] = leaves
    done: set[str] = set()
    for name, value in values.items():
        if name in single or name in done:
            continue
        alike = next((records for records in kinds.values() if name in records), {})
        if len(alike) > 1:
            done.update(alike)
            yield _records(alike, caption)
        else:
            yield from _nested(value, (*path, _label(name)))


def _nested(value: Figure, path: tuple[str, ...]) -> Iterator[Table]:
    """A mapping, or a list whose items are no single values."""
    if _is_list(value):
        value = {str(index): item for index, item in enumerate(value, 1)}
    assert isinstance(value, Mapping)
    lists = [item for item in value.values() if _is_list(item) and _fits(item)]
    lengths = {len(item) for item in lists}
    if len(lists) == len(value) and len(lengths) == 1 and lengths <= set(range(2, _ITEMS + 1)):
        head = tuple(map(str, range(1, len(lists[0]) + 1)))
        rows = tuple((_label(name), tuple(map(cell, item))) for name, item in zip(value, lists, strict=True))
        yield Table(" › ".join(path), head, rows)
    else:
        yield from _tables(value, path)


def _records(records: Mapping[str, Record], caption: str) -> Table:
    """Mappings with the same names: one in each row, or in each column where there are few of them with many names."""
    names = tuple(next(iter(records.values())))
    cells = [[cell(record[key]) for key in names] for record in records.values()]
    rows, columns = tuple(records), names
    if len(names) > max(_ITEMS, len(records)):
        rows, columns, cells = columns, rows, [list(column) for column in zip(*cells, strict=True)]
    lines = tuple((_label(name), tuple(line)) for name, line in zip(rows, cells, strict=True))
    return Table(caption, tuple(map(_label, columns)), lines)


def _leaves(value: Record) -> dict[str, Figure]:
    """What fits into cells in nested mappings, by the names that lead to it; empty if something does not fit."""
    found: dict[str, Figure] = {}
    for name, item in value.items():
        if _fits(item):
            found[name] = item
        elif isinstance(item, Mapping) and (inner := _leaves(item)):
            found.update({f"{name}: {key}": leaf for key, leaf in inner.items()})
        else:
            return {}
    return found


def _label(name: str) -> str:
    """A name as words."""
    return name.replace("_", " ")


def _is_list(value: Figure) -> TypeGuard[Sequence[Figure]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _fits(value: Figure) -> bool:
    """Whether it goes into one cell: a single value, or a list of single values, pairs or triples."""
    if _is_list(value):
        return all(
            _is_single(item) or (_is_list(item) and len(item) <= _TUPLE and all(map(_is_single, item)))
            for item in value
        )
    return _is_single(value)


def _is_single(value: Figure) -> bool:
    return not _is_list(value) and not isinstance(value, Mapping)
