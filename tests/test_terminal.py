"""The one table of columns that all texts are laid out by."""

from __future__ import annotations

import pytest

from glutheory.terminal import Terminal, aligned, columns, formula, table


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


#: (the formula, the columns, its lines)
FOLDED = (
    ("aaaa + bbbb", 20, ["  S = aaaa + bbbb"]),
    ("aaaa + bbbb − cccc", 16, ["  S = aaaa", "      + bbbb", "      − cccc"]),
    # between summands rather than within the argument of exp
    ("x·exp(c + a/2 + b/2) + y·exp(c + a/2)", 28, ["  S = x·exp(c + a/2 + b/2)", "      + y·exp(c + a/2)"]),
    # where one summand is too long, only that one: before a factor first
    ("aa + (bb + cc)·(dd + ee) + (f + g)", 20, ["  S = aa + (bb + cc)", "      ·(dd + ee)", "      + (f + g)"]),
    ("exp(aaaaaa + bbbbbb + cccccc) + d", 22, ["  S = exp(aaaaaa", "      + bbbbbb", "      + cccccc) + d"]),
    # the first summand has the room that the left side leaves
    ("(a + b)·(cccccccccccc + d)", 18, ["  S = (a + b)", "      ·(cccccccccccc", "      + d)"]),
)


@pytest.mark.parametrize(("body", "width", "lines"), FOLDED)
def test_formulas_are_broken_outside_of_brackets_first(body: str, width: int, lines: list[str]) -> None:
    assert formula("S", body, width) == lines
