"""Deep kernels in ball arithmetic: `enclose` for a stack, layer by layer, from the definition of each layer.

The rules for layers (`stack_rules`) are written from their definitions, not taken from the derivation of road 1. With
it the road shares what is below both: the composition and its order (`layers`), which rows and means are multiples of
each other (`layers.rays`, `layers.means`), and how far S and T reach beyond an exact point (`ground.boxes`). The values
of S and T themselves are this road's own, by integration of the definition.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from flint import arb

from glutheory.errors import PrecisionError
from glutheory.ground.arguments import as_digits
from glutheory.ground.balls import bits_of, precision
from glutheory.ground.exact import ball
from glutheory.layers import rays
from glutheory.layers.composition import Stack
from glutheory.layers.means import Means, means
from glutheory.layers.pairs import Chosen, Inputs, StackKernels, check_infinite, chosen, inputs_of
from glutheory.layers.walk import run
from glutheory.layers.zeros import check_zero_rows
from glutheory.quadrature.stack_rules import Key, StackRules, State

#: Digits beyond those asked for with which the first attempt is made, and how often more are tried.
_GUARD, _ATTEMPTS = 8, 6
MAX_DIGITS = 300


def enclose_stack(
    stack: Stack,
    a: Any,
    b: Any,
    c: Any,
    *,
    digits: int = 30,
    blocks: bool = False,
    trained: str | Iterable[str] | None = None,
    parametrization: str = "ntk",
    width: int | None = None,
    d: int | None = None,
) -> StackKernels:
    """NNGP and NTK of a stack in the limit of wide layers, enclosed.

    Args:
        stack: the composition.
        a: x·x/d, ≥ 0, exactly; for a stack with a mean over positions the matrix of the positions' inner products.
        b: x'·x'/d.
        c: x·x'/d, |c| ≤ √(ab).
        digits: the radii are below 10^−digits·√(K(x,x)K(x',x')), K the NNGP or the NTK; where that is infinite (an
            activation that jumps), below 10^−digits of the kernel itself.
        blocks: whether the NTK is given for each group of weights.
        trained: names or patterns of groups that count for the NTK; left out, all that are trained.
        parametrization: "ntk" or "standard".
        width: the number of units of every layer, for "standard".
        d: the dimension of x, for "standard".

    Raises:
        DomainError: an argument outside its domain, a zero row before a norm, or variances beyond 2^±40.
        UnknownNameError: no such group of weights.
        PrecisionError: the digits cannot be had within the work limit; it carries what was reached.
    """
    wanted = as_digits(digits, MAX_DIGITS)
    inputs, weights = inputs_of(stack, a, b, c), chosen(stack, trained, parametrization, width, d)
    check_zero_rows(stack.layers, inputs)
    pooled = means(stack.layers, inputs) if stack.sequences else None
    work = wanted + _GUARD + _closeness(inputs)
    for _ in range(_ATTEMPTS):
        with precision(bits_of(work) + 64):
            state = _final(stack, inputs, weights, pooled, work, blocks)
            found = _read(state, blocks)
            lost = max(_lost(state.cov, found.nngp, wanted), _lost(_totals(state), found.ntk, wanted))
        if lost <= 0:
            return found
        work += min(max(lost + 2, 6), work)
    check_infinite(found)
    raise PrecisionError(
        f"digits is {digits}: not reached for {stack.name!r} with {work} digits of working precision; ask for fewer.",
        (found.nngp, found.ntk),
    )


def _closeness(inputs: Inputs) -> int:
    """The digits of 1 − |ρ| of rows that are no multiples of each other: so many are lost in a derivative there."""
    gram, most = inputs.gram, 0
    for j in range(len(gram)):
        for i in range(j):
            product = gram[i][i] * gram[j][j]
            gap = product - gram[i][j] ** 2
            if gap != 0:
                most = max(most, len(str(product // gap)) - 1)
    return most


def _final(stack: Stack, inputs: Inputs, weights: Chosen, pooled: Means | None, digits: int, blocks: bool) -> State:
    count = len(inputs.gram)
    keys = [(i, j) for j in range(count) for i in range(j + 1)]
    gram = inputs.gram
    state = State(
        {(i, j): ball(gram[i][j]) for i, j in keys},
        {key: {} for key in keys},
        (arb(0),) * count,
        {(i, j): rays.ray_of(gram[i][i], gram[j][j], gram[i][j]) for i, j in keys},
        True,
    )
    return run(stack.layers, state, StackRules(weights, digits, blocks, stack.centred, pooled))


def _totals(state: State) -> dict[Key, arb]:
    return {key: sum(own.values(), arb(0)) for key, own in state.ntk.items()}


def _read(state: State, blocks: bool) -> StackKernels:
    own = state.ntk[0, 1]
    return StackKernels(state.cov[0, 1], sum(own.values(), arb(0)), dict(own) if blocks else {})


def _lost(kernel: Mapping[Key, arb], value: arb, digits: int) -> int:
    """How many decimal digits the ball lacks (0: enough)."""
    if value.is_nan() or not arb(value.rad()).is_finite():
        return 10 * digits
    if not value.is_finite():
        return 0
    scale = (abs(kernel[0, 0]) * abs(kernel[1, 1])).sqrt()
    size = scale.lower() if scale.is_finite() else abs(value).lower()
    if value.rad() <= size * arb(10) ** -digits or value.rad() == 0:
        return 0
    if not size > 0:
        return digits
    return math.ceil(float((arb(value.rad()) / size).log()) / math.log(10)) + digits
