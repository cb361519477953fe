"""The road's public function, for an activation and for stacks of layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from glutheory.activations import Activation
from glutheory.layers import Stack
from glutheory.networks import gate_named
from glutheory.quadrature.enclose import enclose as enclose_activation
from glutheory.quadrature.rules import Pair


def enclose(
    act: Activation | str | Stack,
    a: Any,
    b: Any,
    c: Any,
    *,
    digits: int = 30,
    trained: str | Iterable[str] | None = None,
    parametrization: str = "ntk",
    width: int | None = None,
    d: int | None = None,
) -> Pair:
    """Balls that provably contain S and T of an activation, or NNGP and NTK of a stack.

    S = E[φ(u)φ(v)] and T = E[φ'(u)φ'(v)], (u, v) ~ N(0, [[a, c], [c, b]]), are computed from the defining integral and
    the definition of φ alone. φ' is the distributional derivative: a step has a delta function, so that T = +inf for it
    at |ρ| = 1. Where a variance is zero, φ(0) counts with H(0) = 1/2, and E[φ'(u)] is the limit a → 0+: the mean of the
    one-sided derivatives, ±inf at a jump. A stack's kernels are those of wide layers at two inputs, with x·x/d = a,
    x'·x'/d = b and x·x'/d = c, layer by layer (`glutheory.quadrature.stacks` says what that shares with road 1).

    Args:
        act: an activation without symbolic constants, or a name of the zoo, also of the network gated by one; or a
            `Stack`.
        a: variance of u, ≥ 0; int, float, str, Fraction, mpf or SymPy constant, taken exactly (rational for a stack).
            For a stack with a mean over positions a, b and c are matrices, one row for each position.
        b: variance of v, ≥ 0.
        c: covariance, |c| ≤ √(ab).
        digits: S has a radius below 10^−digits·√(S(a,a,a)S(b,b,b)), T likewise with T; where T(a,a,a) is infinite
            the radius of T is below 10^−digits·|T|, or 10^−digits for a ball that contains 0. NNGP and NTK of a
            stack likewise.
        trained: of a stack, names or patterns of the groups of weights that count for the NTK; all if left out.
        parametrization: of a stack, "ntk" or "standard", which needs `width` and `d`.
        width: the number of units of every layer.
        d: the dimension of x.

    Returns:
        (S, T) or (NNGP, NTK) as ``flint.arb``.

    Raises:
        DomainError: an argument outside its domain, or an activation with symbolic constants.
        UnknownNameError: no such activation or group of weights.
        ExpressionError: a function without a growth bound, or with kinks that are not found.
        PrecisionError: the digits cannot be had within the work limits; its ``reached`` holds the balls that were
            reached.
    """
    if not isinstance(act, Stack):
        return enclose_activation(gate_named(act), a, b, c, digits=digits)
    from glutheory.quadrature.stacks import enclose_stack  # one activation does without

    found = enclose_stack(
        act, a, b, c, digits=digits, trained=trained, parametrization=parametrization, width=width, d=d
    )
    return found.nngp, found.ntk
