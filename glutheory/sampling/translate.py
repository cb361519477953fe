"""SymPy expressions translated to programs of torch calls.

No code is generated or evaluated: the expression tree is walked once, and common subexpressions are shared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
import torch

from glutheory.errors import ExpressionError
from glutheory.sampling.buffers import Call, Operand, RowVector, TorchProgram, allocate
from glutheory.sampling.stable import logistic, normal_cdf, softplus

#: Functions that torch has as they are.
ELEMENTARY: dict[Any, Callable[..., torch.Tensor]] = {
    sp.exp: torch.exp,
    sp.log: torch.log,
    sp.sin: torch.sin,
    sp.cos: torch.cos,
    sp.tan: torch.tan,
    sp.sinh: torch.sinh,
    sp.cosh: torch.cosh,
    sp.tanh: torch.tanh,
    sp.atan: torch.atan,
    sp.erf: torch.erf,
    sp.erfc: torch.erfc,
    sp.Abs: torch.abs,
    sp.sign: torch.sign,
    logistic: torch.sigmoid,
}


def translate(outputs: tuple[sp.Expr, ...], inputs: tuple[sp.Symbol, ...], row: sp.Symbol) -> TorchProgram:
    """The program that computes the `outputs` from the `inputs` (arrays) and the `row` (a vector).

    Raises:
        ExpressionError: an expression contains a function that has no counterpart in torch.
    """
    builder = _Builder(inputs, row)
    shared, reduced = sp.cse(outputs, symbols=sp.numbered_symbols("shared", real=True))
    for symbol, expr in shared:
        builder.known[symbol] = builder.value(expr)
    return allocate(builder.steps, [builder.array(expr) for expr in reduced], len(inputs))


def _copy(source: torch.Tensor, *, out: torch.Tensor) -> torch.Tensor:
    """The row, or a number, in every row of an array."""
    return out.copy_(source)


def _heaviside(z: torch.Tensor, *, out: torch.Tensor) -> torch.Tensor:
    """H(z) with H(0) = 1/2; torch.heaviside is not vectorised (30 times slower, measured)."""
    return torch.sign(z, out=out).add_(1).mul_(0.5)


def _normal_cdf(z: torch.Tensor, *, out: torch.Tensor) -> torch.Tensor:
    """Φ(z), in fewer passes than torch.special.ndtr."""
    torch.erf(torch.mul(z, 0.5**0.5, out=out), out=out)
    return out.mul_(0.5).add_(0.5)


def _softplus(z: torch.Tensor, *, out: torch.Tensor) -> torch.Tensor:
    """log(1 + exp(z)); torch's own softplus switches to z at 20, where float64 still sees the difference."""
    return torch.logaddexp(z, z.new_zeros(()), out=out)


_FUNCTIONS: dict[Any, Callable[..., torch.Tensor]] = {
    **ELEMENTARY,
    sp.Heaviside: _heaviside,
    normal_cdf: _normal_cdf,
    softplus: _softplus,
}


class _Builder:
    """Walks expressions and lists the calls; a value is numbered by its order of creation, the inputs first."""

    def __init__(self, inputs: tuple[sp.Symbol, ...], row: sp.Symbol) -> None:
        self.known: dict[sp.Expr, Operand] = {symbol: i for i, symbol in enumerate(inputs)}
        self.known[row] = RowVector()
        self.steps: list[Call] = []
        self.count = len(inputs)

    def emit(self, function: Callable[..., torch.Tensor], *operands: Operand, **options: float) -> int:
        self.steps.append(Call(function, operands, self.count, tuple(options.items())))
        self.count += 1
        return self.count - 1

    def value(self, expr: sp.Expr) -> Operand:
        """The operand that holds the expression's value."""
        if expr not in self.known:
            self.known[expr] = self._compute(expr) if expr.free_symbols else _number(expr)
        return self.known[expr]

    def array(self, expr: sp.Expr) -> int:
        """The same, always as an array of the inputs' shape."""
        operand = self.value(expr)
        if isinstance(operand, int):
            return operand
        self.known[expr] = copied = self.emit(_copy, operand)
        return copied

    def _compute(self, expr: sp.Expr) -> int:
        if isinstance(expr, sp.Mul):
            return self._product(expr)
        if isinstance(expr, sp.Add):
            return self._sum(expr)
        if isinstance(expr, sp.Pow):
            return self._power(expr)
        if isinstance(expr, sp.Max | sp.Min):
            return self._extremum(expr)
        function = _FUNCTIONS.get(expr.func)
        if function is None or (isinstance(expr, sp.Heaviside) and expr.args[1:] not in {(), (sp.S.Half,)}):
            raise ExpressionError(f"{expr} cannot be sampled: torch has no {expr.func.__name__} with these arguments.")
        return self.emit(function, self.array(expr.args[0]))

    def _product(self, expr: sp.Expr) -> int:
        coefficient, factors = expr.as_independent(*expr.free_symbols, as_Add=False)
        operands = [self.value(factor) for factor in sp.Mul.make_args(factors)]
        # arrays first: a call on the row alone would have the wrong shape
        operands.sort(key=lambda operand: not isinstance(operand, int))
        result = operands[0] if isinstance(operands[0], int) else self.array(sp.Mul.make_args(factors)[0])
        for operand in operands[1:]:
            result = self.emit(torch.mul, result, operand)
        return result if coefficient == 1 else self.emit(torch.mul, result, _number(coefficient))

    def _sum(self, expr: sp.Expr) -> int:
        constant, rest = expr.as_independent(*expr.free_symbols, as_Add=True)
        terms = [term.as_independent(*term.free_symbols, as_Add=False) for term in sp.Add.make_args(rest)]
        # start with a term of coefficient one: it needs no call of its own
        terms.sort(key=lambda term: term[0] != 1)
        (coefficient, first), *others = terms
        result = self.array(first)
        if coefficient != 1 and constant != 0:
            result = self.emit(torch.add, _number(constant), result, alpha=float(coefficient))
            constant = sp.S.Zero
        elif coefficient != 1:
            result = self.emit(torch.mul, result, _number(coefficient))
        for coefficient, term in others:
            factors = sp.Mul.make_args(term)
            if len(factors) == 2 and term not in self.known:
                pair = [self.array(factor) for factor in factors]
                result = self.emit(torch.addcmul, result, *pair, value=float(coefficient))
            else:
                result = self.emit(torch.add, result, self.array(term), alpha=float(coefficient))
        return result if constant == 0 else self.emit(torch.add, result, _number(constant))

    def _power(self, expr: sp.Expr) -> int:
        base, exponent = expr.base, expr.exp
        if exponent.has(sp.Symbol):
            raise ExpressionError(f"{expr} cannot be sampled: its exponent must be a number; write exp(...) instead.")
        if exponent.is_Integer and abs(exponent) > 3:
            # torch.pow is fast up to the third power, and squaring keeps the sign of a negative base
            half = self.value(base ** (exponent // 2))
            square = self.emit(torch.mul, half, half)
            return square if exponent % 2 == 0 else self.emit(torch.mul, square, self.array(base))
        # torch.pow knows small powers only where it sees a number
        return self.emit(torch.pow, self.array(base), float(exponent))

    def _extremum(self, expr: sp.Expr) -> int:
        bound, call = ("min", torch.maximum) if isinstance(expr, sp.Max) else ("max", torch.minimum)
        arrays = [argument for argument in expr.args if argument.free_symbols]
        result = self.array(arrays[0])
        for argument in arrays[1:]:
            result = self.emit(call, result, self.array(argument))
        for argument in expr.args:
            if not argument.free_symbols:
                result = self.emit(torch.clamp, result, **{bound: float(argument)})
        return result


def _number(expr: sp.Expr) -> torch.Tensor:
    return torch.tensor(float(expr), dtype=torch.float64)
