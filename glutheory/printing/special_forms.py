"""How functions, derivatives, sums and expectations are written; for the rest see `glutheory.printing.writer`."""

from __future__ import annotations

from typing import Protocol

import sympy as sp

from glutheory.ground.normal import Phi2Rho
from glutheory.printing.groups import MEAN, PHI
from glutheory.printing.styles import Style
from glutheory.symbolic.series_form import DualSeries

_SUM, _ATOM = 0, 3

_NAMES: dict[type, str] = {
    sp.asin: "arcsin",
    sp.acos: "arccos",
    sp.atan: "arctan",
    sp.Heaviside: "H",
    sp.sign: "sgn",
    sp.Max: "max",
    sp.Min: "min",
}
#: The Hermite coefficients of φ and φ', with their index first.
_COEFFICIENTS = {"h": "h", "h_deriv": "h'"}


class _Writer(Protocol):
    style: Style

    def __call__(self, expr: sp.Expr) -> str: ...

    def symbol(self, name: str) -> str: ...


def special_form(writer: _Writer, expr: sp.Expr) -> tuple[str, int]:
    """The text of a node that is no sum, product, power or symbol, and how strongly it binds."""
    style = writer.style
    if isinstance(expr, sp.Derivative):
        return _derivative(writer, expr), _ATOM
    if isinstance(expr, DualSeries):
        return _sum(writer, expr.as_sum()), _SUM
    if isinstance(expr, MEAN):
        return _mean(writer, expr), _ATOM
    if isinstance(expr, Phi2Rho):
        x, y, rho = map(writer, expr.args)
        inner = f"{x}, {y}; {rho}"
        return rf"\Phi_2\left({inner}\right)" if style.latex else style.call("Φ₂", inner), _ATOM
    if isinstance(expr, sp.Abs):
        bars = (r"\left|", r"\right|") if style.latex else ("|", "|")
        return f"{bars[0]}{writer(expr.args[0])}{bars[1]}", _ATOM
    if isinstance(expr, sp.DiracDelta):
        order = int(expr.args[1]) if len(expr.args) > 1 else 0
        return style.call("δ", writer(expr.args[0])) if order == 0 else _delta(writer, expr, order), _ATOM
    if isinstance(expr, sp.core.function.AppliedUndef) and expr.func.__name__ in _COEFFICIENTS:
        index = style.subscript(writer(expr.args[0]))
        return style.call(_COEFFICIENTS[expr.func.__name__] + index, writer(expr.args[1])), _ATOM
    if isinstance(expr, sp.Function | sp.Max | sp.Min | sp.exp):
        own = expr.args[:1] if isinstance(expr, sp.Heaviside) else expr.args  # H(0) is not an argument for readers
        arguments = [writer(arg) for arg in own]
        if isinstance(expr, sp.Max | sp.Min):
            arguments.sort(key=lambda text: (not text.isdigit(), text))
        comma = style.comma if expr.func.__name__ in ("S", "T") else ", "
        return style.call(_name(writer, expr), comma.join(arguments)), _ATOM
    return str(expr), _SUM


def _name(writer: _Writer, expr: sp.Expr) -> str:
    if isinstance(expr, PHI):
        return "Φ"
    known = _NAMES.get(expr.func)
    if known is not None:
        return known
    name = expr.func.__name__
    if name == "KolmogorovDensity":
        return "k"
    return writer.symbol(name) if isinstance(expr, sp.core.function.AppliedUndef) else name


def _delta(writer: _Writer, expr: sp.Expr, order: int) -> str:
    letter = writer.style.call("δ", writer(expr.args[0]))
    primes = "'" * order if order < 3 else f"^({order})"
    position = letter.index("(") if not writer.style.latex else letter.index(r"\left(")
    return letter[:position] + primes + letter[position:]


def _derivative(writer: _Writer, expr: sp.Expr) -> str:
    """φ''(z), and ∂²S/∂c² for a function of several variables."""
    function, (variable, order) = expr.expr, expr.variable_count[0]
    name, k = writer.symbol(function.func.__name__), int(order)
    if len(function.args) == 1:
        return f"{name}{chr(39) * k if k < 4 else f'^({k})'}({writer(variable)})"
    d = {"π": "∂", r"\pi": r"\partial "}.get(writer.style.pi, "d")
    top, bottom = f"{d}{name}", f"{d}{writer(variable)}"
    if k > 1:
        power = writer.style.power
        top, bottom = f"{power(d.strip(), str(k))}{name}", f"{d}{power(writer(variable), str(k))}"
    return writer.style.fraction(top, bottom)


def _sum(writer: _Writer, expr: sp.Sum) -> str:
    index, low, _ = expr.limits[0]
    body = writer(expr.function)
    if writer.style.latex:
        return rf"\sum_{{{index} \ge {low}}} {body}"
    sign = "Σ" if writer.style.pi == "π" else "sum"
    comparison = "≥" if sign == "Σ" else ">="
    return f"{sign}_{{{index}{comparison}{low}}} {body}"


def _mean(writer: _Writer, expr: sp.Expr) -> str:
    inner, variables = writer(expr.args[0]), ",".join(writer(v) for v in expr.args[1:])
    if writer.style.latex:
        return rf"\mathrm{{E}}_{{{variables}}}\left[{inner}\right]"
    return f"E_{{{variables}}}[{inner}]"
