"""Which SymPy functions a definition may be written with, and what stands for some that it may not.

Everything that computes with an activation (balls, bounds, torch, the printers) knows these functions; any other one is
refused here, when the activation is made, so that no later step ends in an error of SymPy's own.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp
from sympy.core.function import AppliedUndef

from glutheory.activations.variable import Z
from glutheory.errors import ExpressionError

_KNOWN = (
    sp.exp,
    sp.log,
    sp.sin,
    sp.cos,
    sp.asin,
    sp.acos,
    sp.atan,
    sp.sinh,
    sp.cosh,
    sp.tanh,
    sp.erf,
    sp.erfc,
    sp.erfi,
    sp.Abs,
    sp.Max,
    sp.Min,
    sp.sign,
    sp.Heaviside,
    sp.DiracDelta,  # refused later, where kinks are read, with what to write
)
_TOLD = "exp, log, sin, cos, atan, sinh, cosh, tanh, erf, erfc, Abs, Max, Min, sign, Heaviside, Piecewise"

#: The same in functions that are known.
_REWRITTEN: dict[type[sp.Function], Callable[[sp.Expr], sp.Expr]] = {
    sp.tan: lambda x: sp.sin(x) / sp.cos(x),
    sp.cot: lambda x: sp.cos(x) / sp.sin(x),
    sp.sec: lambda x: 1 / sp.cos(x),
    sp.csc: lambda x: 1 / sp.sin(x),
    sp.sech: lambda x: 1 / sp.cosh(x),
    sp.csch: lambda x: 1 / sp.sinh(x),
    sp.coth: lambda x: sp.cosh(x) / sp.sinh(x),
}


def known_functions(name: str, expr: sp.Expr) -> sp.Expr:
    """The expression in known functions, a power b**x of a number b > 0 as an exponential.

    Args:
        name: of the activation, for messages.
        expr: φ(z), without Piecewise.

    Raises:
        ExpressionError: a function that is not known, or a power of z whose exponent is no multiple of 1/2.
    """
    for function, same in _REWRITTEN.items():
        expr = expr.replace(function, same)
    expr = expr.replace(
        lambda node: node.is_Pow and node.exp.has(Z) and node.base != sp.E and node.base.is_number,
        lambda node: sp.exp(node.exp * sp.log(node.base)) if node.base.is_positive else node,
    )
    for node in sp.preorder_traversal(expr):
        if not node.has(Z) or isinstance(node, _KNOWN):
            continue
        if isinstance(node, sp.Pow):
            if not _power_known(node):
                raise ExpressionError(
                    f"activation {name!r} has the power {node}: exponents are integers or halves of integers, and a "
                    "number b > 0 has powers of any exponent."
                )
        elif not isinstance(node, sp.Symbol | sp.Add | sp.Mul):
            kind = node.func.__name__
            what = kind if isinstance(node, AppliedUndef) else f"SymPy's {kind}"
            raise ExpressionError(
                f"activation {name!r} has {what}, a function of which no bounds are known here: write it with {_TOLD}."
            )
    return expr


def _power_known(node: sp.Pow) -> bool:
    if node.base == sp.E:
        return True
    return not node.exp.has(Z) and bool(node.exp.free_symbols or (node.exp.is_Rational and node.exp.q <= 2))


__all__ = ["known_functions"]
