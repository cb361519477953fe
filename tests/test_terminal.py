"""The one table of columns that all texts are laid out by."""

from __future__ import annotations

import pytest

from glutheory.terminal import Terminal, aligned, columns, table


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    rows = [("a", "bb", "c"), ("aaa", "b", "")]
    assert aligned(rows) == ["a     bb   c", "aaa   b"]
    assert aligned(rows, gap=2) == ["a    bb  c", "aaa  b"]
    assert aligned(rows, numbers=True) == ["a     bb   c", "aaa    b"]
    assert aligned([rows[0], (), rows[1]])[1] == ""


@pytest.mark.parametrize(("word", "width"), [("K\u0303", 1), ("核", 2), ("é", 1)])
def test_width_is_that_on_a_terminal(word: str, width: int) -> None:
    assert aligned([(word, "x"), ("abc", "y")])[0] == word + " " * (3 - width + 3) + "x"


def test_what_does_not_fit_goes_below() -> None:
    rows = [("name", "value"), ("n", "v")]
    assert table(rows, 14) == ["  name   value", "  n      v"]
    assert table(rows, 13) == ["  name", "    value", "  n", "    v"]


def test_characters_are_those_of_the_terminal() -> None:
    assert columns([("λ", "1"), ("K\u0303", "10")], Terminal(unicode=False)) == ["lambda    1", "K~       10"]
