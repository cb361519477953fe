"""A family of expressions in z as a fast program over balls, complex balls and truncated power series."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

import sympy as sp
from flint import acb, arb, arb_series, ctx

from glutheory.activations import Z
from glutheory.balls import Tape

Value = arb | acb | arb_series


def _for_series(expr: sp.Expr) -> sp.Expr:
    """The same function written with what power series know: no tanh, sinh, cosh, asinh."""
    return expr.replace(sp.tanh, lambda x: 1 - 2 / (sp.exp(2 * x) + 1)).replace(
        lambda node: isinstance(node, sp.sinh | sp.cosh | sp.asinh), lambda node: node.rewrite(sp.log).rewrite(sp.exp)
    )


class Program:
    """The expressions of `functions` (numeric, in `Z`), evaluated together; common parts are computed once."""

    def __init__(self, functions: tuple[sp.Expr, ...]) -> None:
        self.functions = functions
        self._tape = Tape(functions, [Z])
        self._series: Tape | None = None

    def values(self) -> Callable[..., list[Value]]:
        """Bound at the current precision: a list of one ball in, one ball per function out."""
        return self._tape.bind()

    @contextmanager
    def at(self, length: int) -> Iterator[Callable[[arb, arb], list[Value]]]:
        """(x, step) ↦ the functions of x + step·y as power series in y of this length; plain balls for length 1."""
        if length == 1:
            run = self.values()
            yield lambda x, step: run([x])
            return
        if self._series is None:
            self._series = Tape([_for_series(function) for function in self.functions], [Z])
        bound = self._series.bind()
        before = ctx.cap
        ctx.cap = length
        try:
            yield lambda x, step: bound([arb_series([x, step], length)])
        finally:
            ctx.cap = before


@lru_cache(maxsize=256)
def program(functions: tuple[sp.Expr, ...]) -> Program:
    """The program of these functions, built once."""
    return Program(functions)
