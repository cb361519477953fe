"""LaTeX of the very objects that are checked, in the subset that Markdown viewers render."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from derivations.tools import arcsine


def tex(expr: sp.Expr, names: Mapping[sp.Symbol, str] | None = None) -> str:
    r"""The expression in LaTeX; ``\operatorname`` is not rendered everywhere and becomes ``\mathrm``."""
    table = {arcsine.theta: r"\vartheta", **(names or {})}
    text = sp.latex(expr, symbol_names=table, inv_trig_style="full", mul_symbol=r" \, " if expr.is_Number else None)
    return str(text).replace(r"\operatorname", r"\mathrm")


def equation(left: str, *right: sp.Expr | str, names: Mapping[sp.Symbol, str] | None = None) -> str:
    """``left = right = …`` with SymPy expressions printed."""
    return " = ".join((left, *(part if isinstance(part, str) else tex(part, names) for part in right)))


def symbols(names: str) -> str:
    """Names of symbols, separated by spaces, as one formula between dollars."""
    return f"${', '.join(tex(sp.Symbol(name)) for name in names.split())}$"


def lines(*rows: str) -> str:
    """Several statements under one another."""
    return r"\begin{gathered}" + "\n" + " \\\\\n".join(rows) + "\n" + r"\end{gathered}"
