"""The numbers behind a piece of evidence as aligned text: what is nested becomes a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from glutheory.claims import Figure
from glutheory.terminal import Terminal, shown

#: Longer tables and lists are cut: the file of results has everything.
_ROWS, _ITEMS, _COLUMNS = 24, 8, 6
#: Columns that headings, evidence numbers and nesting take from the width.
_MARGIN = 10
#: The first column of a table may be broken if it is wider.
_LABEL = 40
_Record = Mapping[str, Figure]


def layout(values: _Record, terminal: Terminal) -> list[RenderableType]:
    """The numbers: the single ones, then every nested one under its name; records of the same kind in one table."""
    values = _named_intervals(values)
    short = {name: value for name, value in values.items() if _fits(value)}
    parts: list[RenderableType] = (
        [grid([[name, cell(value)] for name, value in short.items()], terminal)] if short else []
    )
    kinds: dict[tuple[str, ...], dict[str, _Record]] = {}
    for name, value in values.items():
        if _is_record(value):
            kinds.setdefault(tuple(value), {})[name] = value
    for name, value in values.items():
        alike = kinds.get(tuple(value), {}) if _is_record(value) else {}
        table = _table(alike, terminal) if len(alike) > 1 else None
        if table is None and not _fits(value):
            parts += [_shown(f"{name}:", terminal), *(Padding(part, (0, 0, 0, 2)) for part in _nested(value, terminal))]
        elif table is not None and name == next(iter(alike)):
            parts.append(table)
    return parts


def cell(value: Figure) -> str:
    """A number with four digits, a word, or a list of them that is cut in the middle where it is long."""
    if isinstance(value, Mapping) and not value:
        return "none"
    if _is_list(value):
        items = [f"({cell(item)})" if _is_list(item) else cell(item) for item in value]
        if len(items) > _ITEMS:
            return f"{', '.join(items[:3])}, ..., {items[-1]} ({len(items)} values)"
        return ", ".join(items) or "none"
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def grid(rows: Sequence[Sequence[str]], terminal: Terminal, headings: Sequence[str] = (), style: str = "") -> Table:
    """Columns; those of numbers to the right. Only the first `_ROWS` rows are shown, and how many more there are."""
    table = Table(
        box=None, show_header=bool(headings), pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", style=style
    )
    for index in range(len(rows[0])):
        column = [row[index] for row in rows]
        right = (
            bool(headings)
            and index > 0
            and all(text[:1].isdigit() or text[:1] in ("-", "i", "n", "") for text in column)
        )
        table.add_column(
            _shown(headings[index] if headings else "", terminal), justify="right" if right else "left", overflow="fold"
        )
    for row in rows[:_ROWS]:
        table.add_row(*(_shown(text, terminal) for text in row))
    if len(rows) > _ROWS:
        table.add_row(Text(f"... {len(rows) - _ROWS} more"))
    return table


def _nested(value: Figure, terminal: Terminal) -> list[RenderableType]:
    """A mapping or a list that does not fit into a cell."""
    if _is_list(value):
        value = {str(index): item for index, item in enumerate(value, 1)}
    assert isinstance(value, Mapping)
    records = {name: item for name, item in value.items() if _is_record(item)}
    if len(records) == len(value):
        table = _table(records, terminal)
        return layout(value, terminal) if table is None else [table]
    lists = [item for item in value.values() if _is_list(item) and _fits(item)]
    if len(lists) == len(value) and len({len(item) for item in lists}) == 1 and 0 < len(lists[0]) <= _COLUMNS:
        return [grid([[name, *map(cell, item)] for name, item in zip(value, lists, strict=True)], terminal)]
    return layout(value, terminal)


def _table(records: Mapping[str, _Record], terminal: Terminal) -> Table | None:
    """Records as rows, or as columns where that is narrower; None if neither fits."""
    names = list(dict.fromkeys(name for record in records.values() for name in record))
    cells = [[cell(record[name]) if name in record else "" for name in names] for record in records.values()]
    turned = [list(column) for column in zip(*cells, strict=True)]
    for labels, heads, rows in ((list(records), names, cells), (names, list(records), turned)):
        # headings may be broken between words, long labels as well
        widths = [min(_LABEL, max(map(len, labels)))]
        widths += [max(map(len, [*head.split(), *column])) for head, *column in zip(heads, *rows, strict=True)]
        if sum(widths) + 2 * len(heads) <= terminal.width - _MARGIN:
            return grid([[label, *row] for label, row in zip(labels, rows, strict=True)], terminal, ["", *heads])
    return None


def _shown(text: str, terminal: Terminal) -> Text:
    return Text(shown(text, terminal))


def _is_record(value: Figure) -> TypeGuard[_Record]:
    """A mapping whose values each fit into a cell."""
    return isinstance(value, Mapping) and bool(value) and all(map(_fits, value.values()))


def _is_list(value: Figure) -> TypeGuard[Sequence[Figure]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _fits(value: Figure) -> bool:
    """Whether it goes into one cell: a single value, a list of single values, or a long one of pairs such as sizes.

    What is empty does: "none".
    """
    if not _is_list(value):
        return not (isinstance(value, Mapping) and value)
    if any(isinstance(item, Mapping) for item in value):
        return False
    lists = [item for item in value if _is_list(item)]
    pairs = len(lists) == len(value) > _ITEMS and all(len(item) == 2 and all(map(_fits, item)) for item in lists)
    return not lists or pairs


def _named_intervals(values: _Record) -> dict[str, Figure]:
    """The record with every list of intervals as a mapping from what each is about.

    The names are those in brackets in the name of a list of as many numbers, "exponents left (n, d)"; exponents are
    those of n and d.
    """
    found: dict[str, Figure] = {}
    for name, value in values.items():
        if (
            "interval" not in name
            or not _is_list(value)
            or not all(_is_list(item) and len(item) == 2 for item in value)
        ):
            found[name] = value
            continue
        of = [key for key, other in values.items() if _is_list(other) and len(other) == len(value) and key != name]
        names = next((names for names in map(_bracketed, of) if len(names) == len(value)), [])
        if not names and len(value) == 2 and any(key.startswith("exponents") for key in of):
            names = ["n", "d"]
        spans = [f"{cell(low)} to {cell(high)}" for low, high in value]  # type: ignore[misc, str-unpack]
        found[name] = (
            ", ".join(f"{label}: {span}" for label, span in zip(names, spans, strict=True)) if names else spans
        )
    return found


def _bracketed(name: str) -> list[str]:
    """What stands in brackets at the end, comma by comma: "left (n, d)" gives n and d."""
    inside = name.rpartition("(")[2].removesuffix(")") if name.endswith(")") else ""
    return [part.strip() for part in inside.split(",") if part.strip()]
