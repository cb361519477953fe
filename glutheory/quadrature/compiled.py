"""A family of expressions in z as a fast program over balls, complex balls and truncated power series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import sympy as sp
from flint import arb, arb_series, ctx

from glutheory.activations import Z
from glutheory.ground.balls import Tape

Value = Any  # arb, acb or arb_series: python-flint ships no types for mixed arithmetic


def _for_series(expr: sp.Expr) -> sp.Expr:
    """The same function written with what power series know: no tanh, sinh, cosh."""
    return expr.replace(sp.tanh, lambda x: 1 - 2 / (sp.exp(2 * x) + 1)).replace(
        lambda node: isinstance(node, sp.sinh | sp.cosh), lambda node: node.rewrite(sp.exp)
    )


def _products(expr: sp.Expr) -> sp.Expr:
    """The same with positive integer powers as products: python-flint's power of a ball around 0 is not a number."""
    if expr.is_Atom:
        return expr
    args = [_products(arg) for arg in expr.args]
    if isinstance(expr, sp.Pow) and expr.exp.is_Integer and expr.exp > 1:
        half = _products(sp.Pow(expr.base, expr.exp // 2))
        return sp.Mul(half, half, *([args[0]] if expr.exp % 2 else []), evaluate=False)
    if isinstance(expr, sp.Add | sp.Mul | sp.Pow):
        return expr.func(*args, evaluate=False)
    return expr.func(*args)


class Compiled:
    """The expressions of `functions` (numeric, in `Z`), evaluated together; common parts are computed once."""

    def __init__(self, functions: tuple[sp.Expr, ...]) -> None:
        self.functions = functions
        self._tape = Tape([_products(function) for function in functions], [Z])
        self._series: Tape | None = None

    def values(self) -> Callable[..., list[Any]]:
        """Bound at the current precision: a list of one ball in, one ball per function out."""
        return self._tape.bind()

    def columns(self) -> Callable[[Sequence[arb]], list[list[Any]]]:
        """Bound at the current precision: many real balls in, one column per function out."""
        return self._tape.bind_column()

    @contextmanager
    def at(self, length: int) -> Iterator[Callable[[arb, arb], list[Value]]]:
        """(x, step) ↦ the functions of x + step·y as power series in y of this length; plain balls for length 1."""
        if length == 1:
            run = self.values()
            yield lambda x, _: run([x])
            return
        if self._series is None:
            self._series = Tape([_products(_for_series(function)) for function in self.functions], [Z])
        bound = self._series.bind()
        before = ctx.cap
        ctx.cap = length
        try:
            yield lambda x, step: bound([arb_series([x, step], length)])
        finally:
            ctx.cap = before


@lru_cache(maxsize=256)
def compiled(functions: tuple[sp.Expr, ...]) -> Compiled:
    """These functions compiled, once."""
    return Compiled(functions)


def ball_functions(functions: tuple[sp.Expr, ...]) -> Callable[..., list[Any]]:
    """The functions bound at the current precision: ([ball], analytic) ↦ one ball per function."""
    return compiled(functions).values()
