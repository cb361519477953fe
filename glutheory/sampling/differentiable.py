"""Activations as functions that autograd and ``torch.func`` differentiate, torch's own ones where it has them.

`translate` makes programs that work in place, which no gradient passes. Here the expression is walked at every call:
slower for a user's function, and as fast as torch for the usual ones.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import sympy as sp
import torch
from torch.nn import functional

from glutheory.activations import Activation, Z, activation
from glutheory.errors import DomainError, ExpressionError
from glutheory.ground.pieces import pieces
from glutheory.sampling.stable import normal_cdf, softplus, stable
from glutheory.sampling.translate import ELEMENTARY

#: A function of tensors, entry by entry.
Elementwise = Callable[[torch.Tensor], torch.Tensor]


def _identity(z: torch.Tensor) -> torch.Tensor:
    return z


def _softplus(z: torch.Tensor) -> torch.Tensor:
    """log(1 + exp(z)); torch's own softplus switches to z at 20, where float64 still sees the difference."""
    return torch.logaddexp(z, z.new_zeros(()))


def _heaviside(z: torch.Tensor) -> torch.Tensor:
    return torch.sign(z).add(1).mul(0.5)


#: Activations of the zoo, with their default parameters, that torch computes in one call.
_WHOLE: dict[str, Elementwise] = {
    "identity": _identity,
    "relu": functional.relu,
    "gelu": functional.gelu,
    "silu": functional.silu,
}
_FUNCTIONS: dict[Any, Elementwise] = {
    **ELEMENTARY,
    sp.Heaviside: _heaviside,
    normal_cdf: torch.special.ndtr,
    softplus: _softplus,
}


@lru_cache(maxsize=64)
def differentiable(branch: Activation) -> Elementwise:
    """The activation as a function of tensors of any shape; it can be pickled.

    Its derivative at a kink is the one that torch gives: 0 for max(0, z) at 0.

    Raises:
        DomainError: it has symbolic constants, or jumps, which no gradient sees.
        ExpressionError: it contains a function that has no counterpart in torch.
    """
    if branch.name in _WHOLE and branch.expr == activation(branch.name).expr:
        return _WHOLE[branch.name]
    if branch.symbols:
        names = ", ".join(str(symbol) for symbol in branch.symbols)
        raise DomainError(f"activation {branch.label} contains the symbol {names}: give it a numeric value.")
    if branch.expr.has(sp.Heaviside, sp.sign):
        found = pieces(branch.expr)
        for kink, jump in zip(found.kinks, found.jumps, strict=True):
            if jump != 0:
                raise DomainError(
                    f"activation {branch.label} jumps at z = {kink}, which no gradient sees: give one without jumps."
                )
    expr = stable(branch.expr)
    for node in sp.preorder_traversal(expr):
        if node.has(Z) and not _known(node):
            raise ExpressionError(f"{node} cannot be computed: torch has no {node.func.__name__} with these arguments.")
    return partial(_evaluate, expr)


def _known(node: sp.Expr) -> bool:
    """Whether `_compute` knows this function of z."""
    if isinstance(node, sp.Pow):
        return not node.exp.has(Z)
    if isinstance(node, sp.Heaviside):
        return node.args[1:] in {(), (sp.S.Half,)}
    return isinstance(node, sp.Symbol | sp.Add | sp.Mul | sp.Max | sp.Min) or node.func in _FUNCTIONS


def _evaluate(expr: sp.Expr, z: torch.Tensor) -> torch.Tensor:
    return _walk(expr, {Z: z})


def _walk(expr: sp.Expr, known: dict[sp.Expr, torch.Tensor]) -> torch.Tensor:
    """The value of an expression in Z; each subexpression is computed once."""
    if expr not in known:
        known[expr] = _compute(expr, known)
    return known[expr]


def _compute(expr: sp.Expr, known: dict[sp.Expr, torch.Tensor]) -> torch.Tensor:
    numbers = [float(part) for part in expr.args if not part.has(Z)]
    result, *others = [_walk(part, known) for part in expr.args if part.has(Z)]
    if isinstance(expr, sp.Add | sp.Mul):
        join: Callable[..., torch.Tensor] = torch.add if isinstance(expr, sp.Add) else torch.mul
        for part in others:
            result = join(result, part)
        # there may be several: √2 and 1/√π
        constant = expr.func(*(part for part in expr.args if not part.has(Z)))
        return join(result, float(constant)) if numbers else result
    if isinstance(expr, sp.Pow):
        # a whole number is differentiated at 0 and below, too
        return torch.pow(result, int(expr.exp) if expr.exp.is_Integer else numbers[0])
    if isinstance(expr, sp.Max | sp.Min):
        # the smaller of two is the negative of the larger of their negatives
        sign = 1 if isinstance(expr, sp.Max) else -1
        result = sign * result
        for part in others:
            result = torch.maximum(result, sign * part)
        for number in numbers:
            # relu's derivative at the kink is 0 and clamp's is 1
            result = torch.clamp(result, min=sign * number) if number else functional.relu(result)
        return sign * result
    return _FUNCTIONS[expr.func](result)
