"""The quadrature rule of the Kolmogorov mixture in double precision, for programs in other languages."""

from __future__ import annotations

from dataclasses import dataclass

from glutheory.symbolic.kolmogorov import rule

#: The rule's proved error is about 2^−bits of the integrand's bound: below the rounding errors of doubles.
BITS = 56


@dataclass(frozen=True)
class Node:
    """One node of the trapezoidal rule on log κ.

    Attributes:
        kappa: κ, correctly rounded.
        weight: its weight, density included, correctly rounded.
    """

    kappa: float
    weight: float


def nodes() -> tuple[Node, ...]:
    """The nodes in increasing order; those whose weight is below 1e-20 are left out."""
    found = (Node(float(kappa.mid()), float(weight.mid())) for kappa, weight in rule(BITS).nodes)
    return tuple(node for node in found if node.weight > 1e-20)
