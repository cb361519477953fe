"""SymPy expressions as straight-line programs over python-flint balls.

`Tape` flattens expressions once, sharing common subexpressions; `Tape.bind` fixes the constants at the current
precision and returns a fast callable. Used by both certified roads, like the rest of `glutheory.ground`: they share
the reading of a definition and the arithmetic, and no kernel.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from typing import Any

import sympy as sp
from flint import acb, arb, ctx, fmpq

from glutheory.errors import DerivationError
from glutheory.ground.bivariate import phi, phi2
from glutheory.ground.normal import Phi, Phi2

Ball = Any  # flint.arb or flint.acb: python-flint ships no types for mixed arithmetic
Step = tuple[Callable[..., Ball], int, tuple[int, ...]]

_UNARY: dict[type, str] = {
    sp.exp: "exp",
    sp.sin: "sin",
    sp.cos: "cos",
    sp.sinh: "sinh",
    sp.cosh: "cosh",
    sp.tanh: "tanh",
    sp.asin: "asin",
    sp.acos: "acos",
    sp.atan: "atan",
    sp.erf: "erf",
    sp.erfc: "erfc",
    sp.erfi: "erfi",
    sp.log: "log",
    sp.Abs: "__abs__",
}
#: Functions with branch cuts that take python-flint's `analytic` flag, and those that do not: by how far iz, or z, is
#: from the cuts, which lie beyond ±1 on the real axis.
_CUT = {"log", "sqrt"}
_CUT_BEYOND_ONE: dict[str, Callable[[acb], acb]] = {
    "atan": lambda z: acb(-z.imag, z.real),
    "asin": lambda z: z,
    "acos": lambda z: z,
}


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Work at this many bits inside the block; the caller's precision comes back whatever happens."""
    before = ctx.prec
    try:
        ctx.prec = bits
        yield
    finally:
        ctx.prec = before


def bits_of(digits: int) -> int:
    """The bits that hold this many decimal digits, with a guard of 16 bits."""
    return int(digits * 3.3219281) + 16


class Tape:
    """A straight-line program for `expressions` as functions of `symbols`.

    Args:
        expressions: SymPy expressions in the symbols, built from + · rational powers and the usual functions.
        symbols: the inputs, in the order in which the bound program takes them.

    Raises:
        DerivationError: an expression contains a function that balls cannot evaluate.
    """

    def __init__(self, expressions: Sequence[sp.Expr], symbols: Sequence[sp.Symbol]) -> None:
        self._inputs = len(symbols)
        self._slots: dict[sp.Expr, int] = {symbol: i for i, symbol in enumerate(symbols)}
        self._constants: list[tuple[int, sp.Expr]] = []
        self._code: list[tuple[str, int, tuple[int, ...], Any]] = []
        self._size = len(symbols)
        self._outputs = [self._slot(sp.sympify(expression)) for expression in expressions]

    def _new(self, key: sp.Expr | None) -> int:
        slot = self._size
        if key is not None:
            self._slots[key] = slot
        self._size += 1
        return slot

    def _emit(self, key: sp.Expr | None, operation: str, operands: tuple[int, ...], extra: Any = None) -> int:
        slot = self._new(key)
        self._code.append((operation, slot, operands, extra))
        return slot

    def _fold(self, key: sp.Expr | None, operation: str, slots: Sequence[int]) -> int:
        """The sum or product of these slots, from the left; only the whole can be shared, under its key."""
        result = slots[0]
        for index, other in enumerate(slots[1:], start=2):
            result = self._emit(key if index == len(slots) else None, operation, (result, other))
        return result

    def _slot(self, node: sp.Expr) -> int:
        found = self._slots.get(node)
        if found is not None:
            return found
        if node.is_Rational or node in (sp.pi, sp.E, sp.I) or hasattr(node, "ball"):
            slot = self._new(node)
            self._constants.append((slot, node))
            return slot
        if isinstance(node, sp.Add | sp.Mul):
            operation = "add" if isinstance(node, sp.Add) else "mul"
            return self._fold(node, operation, [self._slot(arg) for arg in node.args])
        if isinstance(node, sp.Pow) and node.exp.is_Rational and node.exp.q in (1, 2):
            if node.exp.q == 1:
                # z^−2 beside z^−1, as in a slope: one division for both
                base, power = (1 / node.base, -node.exp) if node.exp < -1 else (node.base, node.exp)
                return self._emit(node, "pow", (self._slot(base),), int(power))
            root = sp.Function("_sqrt")(node.base)
            known = self._slots.get(root)
            slot = known if known is not None else self._emit(root, "call", (self._slot(node.base),), "sqrt")
            return slot if node.exp.p == 1 else self._emit(node, "pow", (slot,), int(node.exp.p))
        if isinstance(node, sp.Pow) and node.exp.is_Rational and node.base.is_positive and not node.free_symbols:
            known = self._slots.get(root := sp.Function("_root")(node.base, node.exp.q))
            slot = known if known is not None else self._emit(root, "root", (self._slot(node.base),), int(node.exp.q))
            return slot if node.exp.p == 1 else self._emit(node, "pow", (slot,), int(node.exp.p))
        if isinstance(node, sp.Pow) and node.base == sp.E:
            return self._emit(node, "call", (self._slot(node.exp),), "exp")
        if isinstance(node, Phi):
            return self._emit(node, "phi", (self._slot(node.args[0]),))
        if isinstance(node, sp.atan2 | Phi2):
            name = "atan2" if isinstance(node, sp.atan2) else "phi2"
            return self._emit(node, name, tuple(self._slot(arg) for arg in node.args))
        method = _UNARY.get(node.func)
        if method is None or len(node.args) != 1:
            raise DerivationError(f"cannot evaluate {node} in ball arithmetic: {node.func} is not in the table.")
        return self._emit(node, "call", (self._slot(node.args[0]),), method)

    def steps(self) -> Iterator[Step]:
        """The operations in their order, each (function, slot of the result, slots of the operands)."""
        for operation, slot, operands, extra in self._code:
            if operation == "call":
                yield _method(extra), slot, operands
            elif operation == "pow":
                yield _power(extra), slot, operands
            elif operation == "root":
                yield _root(extra), slot, operands
            elif operation == "phi":
                yield _normal_cdf, slot, operands
            else:
                yield _BINARY[operation], slot, operands

    def bind(self) -> Callable[..., list[Ball]]:
        """The program with its constants rounded at the current precision: a function of the list of inputs.

        The result takes arb or acb inputs; ``analytic=True`` is forwarded to the functions with branch cuts, which then
        return a non-finite ball where they are not analytic (what ``acb.integral`` demands).
        """
        start: list[Ball] = [None] * self._size
        for slot, value in self._constants:
            start[slot] = constant(value)
        steps = list(self.steps())
        outputs, inputs = self._outputs, self._inputs

        def run(arguments: Sequence[Ball], analytic: bool = False) -> list[Ball]:
            memory = start.copy()
            memory[:inputs] = arguments
            execute(steps, memory, analytic)
            return [memory[slot] for slot in outputs]

        return run

    def bind_column(self) -> Callable[[Sequence[Ball]], list[list[Ball]]]:
        """As `bind`, for a program of one input and many values of it: one column of results per output."""
        start: list[Any] = [None] * self._size
        for slot, value in self._constants:
            start[slot] = constant(value)
        varies = {0}
        steps: list[Step] = []
        for step in self.steps():
            _, slot, operands = step
            if varies.isdisjoint(operands):
                execute([step], start)
            else:
                varies.add(slot)
                steps.append(step)

        def run(column: Sequence[Ball]) -> list[list[Ball]]:
            memory = start.copy()
            memory[0] = column
            for function, slot, operands in steps:
                columns = [memory[o] if o in varies else repeat(memory[o]) for o in operands]
                if len(columns) == 1:
                    columns.append(repeat(False))  # `analytic`
                memory[slot] = list(map(function, *columns))
            return [memory[o] if o in varies else [memory[o]] * len(column) for o in self._outputs]

        return run


def execute(steps: Sequence[Step], memory: list[Ball], analytic: bool = False) -> None:
    """Run the steps one after the other on their slots."""
    for function, slot, operands in steps:
        if len(operands) == 1:
            memory[slot] = function(memory[operands[0]], analytic)
        elif len(operands) == 2:
            memory[slot] = function(memory[operands[0]], memory[operands[1]])
        else:
            memory[slot] = function(*(memory[operand] for operand in operands))


def constant(value: sp.Expr) -> Ball:
    """π, e, i, a rational number, or one that knows its own `ball`, as roots do, at the current precision."""
    if value == sp.pi:
        return arb.pi()
    if value == sp.E:
        return arb.const_e()
    if value == sp.I:
        return acb(0, 1)
    if hasattr(value, "ball"):
        return value.ball()
    return arb(fmpq(int(value.p), int(value.q)))


def _method(name: str) -> Callable[..., Ball]:
    if name in _CUT:

        def cut(x: Ball, analytic: bool) -> Ball:
            return getattr(x, name)(analytic=True) if analytic and isinstance(x, acb) else getattr(x, name)()

        return cut
    if name in _CUT_BEYOND_ONE:
        turn = _CUT_BEYOND_ONE[name]

        def beyond_one(x: Ball, analytic: bool) -> Ball:
            if analytic and isinstance(x, acb):
                z = turn(x)
                if z.imag.contains(0) and not abs(z.real) < 1:
                    return acb("nan")
            return getattr(x, name)()

        return beyond_one

    def plain(x: Ball, analytic: bool) -> Ball:  # noqa: ARG001 (one signature for all)
        return getattr(x, name)()

    return plain


def _normal_cdf(x: Ball, analytic: bool) -> Ball:  # noqa: ARG001 (one signature for all)
    return phi(x)


def _power(exponent: int) -> Callable[..., Ball]:
    if exponent in _SHORT:
        return _SHORT[exponent]

    def power(x: Ball, analytic: bool) -> Ball:  # noqa: ARG001 (one signature for all)
        if exponent < 0:
            return 1 / _positive_power(x, -exponent)
        return _positive_power(x, exponent)

    return power


def _reciprocal(x: Ball, analytic: bool) -> Ball:  # noqa: ARG001 (one signature for all)
    return 1 / x


def _square(x: Ball, analytic: bool) -> Ball:  # noqa: ARG001 (one signature for all)
    return x * x


_SHORT: dict[int, Callable[..., Ball]] = {-1: _reciprocal, 2: _square}


def _positive_power(x: Ball, exponent: int) -> Ball:
    """x^exponent by squaring: python-flint's own power of a ball with midpoint 0 is not a number."""
    result = None
    while exponent:
        if exponent & 1:
            result = x if result is None else result * x
        exponent >>= 1
        x = x * x if exponent else x
    return 1 if result is None else result


def _root(order: int) -> Callable[..., Ball]:
    def root(x: Ball, analytic: bool) -> Ball:  # noqa: ARG001 (only constants have such roots)
        return x.root(order)

    return root


def _atan2(y: Ball, x: Ball) -> Ball:
    return arb.atan2(y, x)


_BINARY: dict[str, Callable[..., Ball]] = {
    "add": operator.add,
    "mul": operator.mul,
    "atan2": _atan2,
    "phi2": phi2,
}
