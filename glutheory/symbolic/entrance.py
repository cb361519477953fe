"""The road's public functions, for two layers and for stacks of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, overload

import mpmath

from glutheory.activations import Activation
from glutheory.ground.middle import rounded
from glutheory.layers import Stack
from glutheory.networks import Network, gate_named
from glutheory.symbolic import derived, evaluation
from glutheory.symbolic.derived import Derivation

if TYPE_CHECKING:
    from glutheory.symbolic.stacks import StackDerivation


@overload
def derivation(network: Network | Activation | str, *, parametrization: str = "ntk") -> Derivation: ...
@overload
def derivation(network: Stack, *, parametrization: str = "ntk") -> StackDerivation: ...


def derivation(
    network: Network | Activation | str | Stack, *, parametrization: str = "ntk"
) -> Derivation | StackDerivation:
    """Derive the NNGP and NTK kernels of a network.

    Args:
        network: a `Network`, an `Activation`, or a name of the zoo ("swiglu"; an activation's name is the non-gated
            network); or a deep network, a `Stack`, whose kernels in the limit of wide layers are derived by layers.
        parametrization: "ntk" (unit-variance weights, scales outside) or "standard" (variances σ_v², σ_w², σ_p²; for
            a stack σ²/fan-in).

    Returns:
        A `Derivation`; of a stack a `StackDerivation`, whose ``at`` evaluates it, with the block of each group of
        weights if asked for.

    Raises:
        UnknownNameError: no such network.
        DomainError: no such parametrisation, or a mean over positions within a block.
    """
    if isinstance(network, Stack):
        from glutheory.symbolic.stacks import stack_derivation  # two layers do without

        return stack_derivation(network, parametrization=parametrization)
    return derived.derivation(network, parametrization=parametrization)


def evaluate(
    act: Activation | str | Stack,
    a: Any,
    b: Any,
    c: Any,
    *,
    digits: int = 50,
    trained: str | Iterable[str] | None = None,
    parametrization: str = "ntk",
    width: int | None = None,
    d: int | None = None,
) -> tuple[mpmath.mpf, mpmath.mpf]:
    """S and T of an activation, or NNGP and NTK of a stack, from the derived formulas (road 1).

    S(a,b,c) = E[φ(u)φ(v)] and T(a,b,c) = E[φ'(u)φ'(v)] at variances a, b and covariance c. A stack's kernels are those
    of wide layers at two inputs, with x·x/d = a, x'·x'/d = b and x·x'/d = c.

    Args:
        act: an activation, or its name in the zoo, or that of the network gated by it; or a `Stack`.
        a: the variance of u, ≥ 0; int, float, str, Fraction, mpf or SymPy number (a string keeps all its
            digits). For a stack with a mean over positions a, b and c are matrices, one row for each position.
        b: the variance of v, likewise.
        c: their covariance, |c| ≤ √(ab).
        digits: correct decimal digits of both results. Of a value that vanishes against its scale
            √(S(a,a,a) S(b,b,b)), as S of an odd function does at c = 0: that many digits after the scale, twice, and 0
            where these do not tell it from 0; of a stack that many after the scale √(K(x,x) K(x',x')).
        trained: of a stack, names or patterns of the groups of weights that count for the NTK; all if left out.
        parametrization: of a stack, "ntk" or "standard", which needs `width` and `d`.
        width: the number of units of every layer.
        d: the dimension of x.

    Returns:
        (S, T) or (NNGP, NTK) as mpmath numbers that carry `digits` digits whatever ``mpmath.mp.dps`` is; T is ±inf
        where jumps of φ(u) and φ(v) coincide at ρ = ±1 (the derivative of a step is a delta function), or where a or b
        is 0 and φ jumps at 0.

    Raises:
        DomainError: an argument outside its domain; the message names it, its value and the remedy.
        UnknownNameError: no such activation or group of weights.
        PrecisionError: the digits could not be reached; the exception carries the balls that were.
    """
    if not isinstance(act, Stack):
        return evaluation.evaluate(gate_named(act), a, b, c, digits=digits)
    from glutheory.symbolic.stacks import stack_derivation  # as above

    found = stack_derivation(act, parametrization=parametrization).at(
        a, b, c, digits=digits, trained=trained, width=width, d=d
    )
    return rounded(found.nngp, digits), rounded(found.ntk, digits)
