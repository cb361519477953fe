"""What people give as a definition (a SymPy expression, a text, a function), as an expression in `Z`."""

from __future__ import annotations

from typing import Any

import sympy as sp

from glutheory.activations.functions import known_functions
from glutheory.activations.numbers import without_floats
from glutheory.activations.parser import parse_expression
from glutheory.activations.piecewise import without_piecewise
from glutheory.activations.variable import Z
from glutheory.errors import ExpressionError

_FORMS = "give a formula such as 'z*erf(z)', a SymPy expression in z, or a function such as lambda z: z*sympy.erf(z)"

#: What is assumed most often, the strongest first.
_ASSUMPTIONS = ("positive", "negative", "nonnegative", "nonpositive", "integer", "rational", "imaginary")


def as_expression(name: str, given: Any) -> sp.Expr:
    """φ(z) in `Z`, with rational numbers for floats and switches for Piecewise.

    A symbol that is called z, or the only one, stands for `Z`, if nothing is assumed about it but that it is real.

    Raises:
        ExpressionError: something else, a function that SymPy's z cannot be given to, no z, an assumption about z,
            the imaginary unit, or a function or power that nothing here knows.
    """
    if isinstance(given, str):
        return parse_expression(given)
    if isinstance(given, sp.Lambda) or (callable(given) and not isinstance(given, sp.Basic)):
        given = _called(name, given)
    if isinstance(given, int | float):
        given = sp.sympify(given)
    if not isinstance(given, sp.Expr):
        raise ExpressionError(f"activation {name!r} is {_short(given)}: {_FORMS}.")
    expr = _in_z(name, given)
    if expr.has(sp.I) or expr.is_real is False:
        raise ExpressionError(
            f"activation {name!r} is {_short(expr)}, which is not real or is written with the imaginary unit: write a "
            "real function without it, such as cos(z) for exp(I*z)/2 + exp(-I*z)/2."
        )
    # conditions that hold nowhere or at one point only leave no z
    return _depending(name, given, known_functions(name, without_piecewise(without_floats(expr))))


def _called(name: str, function: Any) -> Any:
    try:
        return function(Z)
    except (TypeError, AttributeError, ValueError, ArithmeticError) as error:
        reason = " ".join(str(error).split())[:80].rstrip(".")
        raise ExpressionError(
            f"activation {name!r} cannot be called with SymPy's z ({reason}): write it with SymPy's functions, "
            "such as lambda z: z*sympy.erf(z), and its cases with sympy.Piecewise or sympy.Max."
        ) from None


def _in_z(name: str, expr: sp.Expr) -> sp.Expr:
    free = expr.free_symbols
    meant = {symbol for symbol in free if symbol.name == "z"} - {Z}
    if Z not in free and not meant and len(free) == 1:
        meant = set(free)
    for symbol in meant:
        extra = [key for key, value in symbol.assumptions0.items() if Z.assumptions0.get(key) != value]
        if extra:
            known = next((word for word in _ASSUMPTIONS if word in extra and symbol.assumptions0[word]), extra[0])
            raise ExpressionError(
                f"activation {name!r} is {_short(expr)}, where {symbol} is assumed to be {known}, so that SymPy may "
                "have simplified it: write it in glutheory.symbols.z, which is real."
            )
    return _depending(name, expr, expr.xreplace(dict.fromkeys(meant, Z)))


def _depending(name: str, given: sp.Expr, expr: sp.Expr) -> sp.Expr:
    if Z not in expr.free_symbols:
        raise ExpressionError(
            f"activation {name!r} is {_short(given)}, which does not depend on z: "
            "write a function of glutheory.symbols.z."
        )
    return expr


def _short(value: Any) -> str:
    text = str(value) if isinstance(value, sp.Basic) else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
