"""Symbolic identities as evidence: nothing is no identity, and what SymPy only believes has no part in them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import sympy as sp

import checks
from checks.tools.evidence import identity
from glutheory.claims import Finding

x = sp.Symbol("x")
#: Where a limit is asked for: the evidence has the grade of `spectral_orders`, an argument.
LIMITS = {"claims/decomposition/statement.py", "tools/far_orders.py"}
BELIEVED = {"simplify", "limit", "trigsimp", "gammasimp", "series", "integrate", "summation", "solve", "nsimplify"}


@pytest.mark.parametrize(
    ("differences", "finding"),
    [
        ((), Finding.UNDECIDED),  # supported, once
        (((x + 1) ** 2 - x**2 - 2 * x - 1,), Finding.SUPPORTS),
        (((x + 1) ** 2 - x**2 - 2 * x - 1, x), Finding.REFUTES),
    ],
)
def test_an_identity(differences: tuple[sp.Expr, ...], finding: Finding) -> None:
    assert identity("test", *differences).finding is finding


def test_no_check_believes_sympy_beside_an_argument() -> None:
    folder = Path(checks.__file__).parent
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.value.id == "sp" and node.attr in BELIEVED
    }
    assert found == LIMITS
