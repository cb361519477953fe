"""The table of needs holds: each value is right, each refusal one sentence, each law has its test."""

from __future__ import annotations

import ast
import re

import pytest

from glutheory.errors import GlutheoryError
from tests.documents import ROOT
from tests.needs import NEEDS, Law, Need, Refused

ROWS = [
    pytest.param(need, id=name, marks=[getattr(pytest.mark, need.cost)] if need.cost else ())
    for name, need in NEEDS.items()
]


@pytest.mark.filterwarnings("ignore:neither layers nor torch.func")
@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("need", ROWS)
def test_need(need: Need) -> None:
    if need.wants:
        pytest.importorskip(need.wants)
    if need.ask is None:
        assert isinstance(need.right, Law)
        _tried(need.right)
    elif isinstance(need.right, Refused):
        with pytest.raises(GlutheoryError, match=need.right.words) as said:
            need.ask()
        assert re.fullmatch(r"[^\n]*\.", str(said.value))
    else:
        assert need.ask() == need.right


def _tried(law: Law) -> None:
    """The test is there under its name."""
    tree = ast.parse((ROOT / "tests" / law.file).read_text(encoding="utf-8"))
    assert law.function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_a_wrong_row_is_seen() -> None:
    for right in (Refused("no such words"), Law("", "test_needs.py", "no_such_test"), 1.0):
        ask = None if isinstance(right, Law) else lambda: 2.0
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            test_need(Need("", "", right, ask))


def test_every_row_says_whose_it_is_and_what_is_given() -> None:
    for name, need in NEEDS.items():
        assert need.need, name
        assert need.given, name
        assert (need.ask is None) == isinstance(need.right, Law), name
