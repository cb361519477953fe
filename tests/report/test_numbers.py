"""The report's tables of numbers: every number in exactly one, what is alike side by side."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from glutheory.report.numbers import Cell, Table, count, tables

LEAVES: Any = st.integers(1, 10**6)
NESTED: Any = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.sampled_from("abcdef"), inner),
    max_leaves=40,
)


class TestNumbers:
    """The numbers behind the evidence as tables."""

    @given(st.dictionaries(st.sampled_from("uvwxyz"), NESTED, max_size=6))
    def test_every_number_is_in_exactly_one_table(self, figures: Any) -> None:
        def leaves(value: Any) -> list[int]:
            if isinstance(value, dict | list):
                return [
                    leaf for item in (value.values() if isinstance(value, dict) else value) for leaf in leaves(item)
                ]
            return [value]

        found = [
            int(number)
            for table in tables(figures)
            for _, cells in table.rows
            for item in cells
            for number in re.findall(r"\d+", item.rest or item.text)
        ]
        assert Counter(found) == Counter(leaves(figures))
        assert count(figures) == len(leaves(figures))
        for table in tables(figures):
            assert {len(cells) for _, cells in table.rows} == {len(table.head) or 1}

    def test_what_is_alike_stands_side_by_side(self) -> None:
        found = tables({"one_x": {"a": 1, "t": {"p": 0.5}}, "number": -1.5, "two": {"a": 2, "t": {"p": True}}})
        assert found == (
            Table("", (), (("number", (Cell("−1.5", number=True),)),)),
            Table(
                "",
                ("a", "t: p"),
                (
                    ("one x", (Cell("1", number=True), Cell("0.5", number=True))),
                    ("two", (Cell("2", number=True), Cell("yes"))),
                ),
            ),
        )

    def test_few_records_with_many_names_are_turned(self) -> None:
        wide = {"first": dict.fromkeys("abcdefghij", 1), "second": dict.fromkeys("abcdefghij", 2)}
        (table,) = tables(wide)
        assert table.head == ("first", "second")
        assert [name for name, _ in table.rows] == list("abcdefghij")

    def test_lists(self) -> None:
        found = tables(
            {"long": [1 / 3] * 9, "pairs": [[1, 2], [3, 4]], "none": [], "matrix": [[1, 2, 3, 4], [5, 6, 7, 8]]}
        )
        (long, pairs, none), matrix = found[0].rows, found[1]
        assert long[1][0] == Cell("0.333333, 0.333333, 0.333333, …, 0.333333 (9 values)", ", ".join(["0.333333"] * 9))
        assert pairs[1][0] == Cell("(1, 2), (3, 4)")
        assert none[1][0] == Cell("none")
        assert (matrix.caption, matrix.head) == ("matrix", ("1", "2", "3", "4"))
