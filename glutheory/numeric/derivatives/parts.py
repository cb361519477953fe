"""The derivatives of pairs weighted and summed: the records and the arithmetic that all contractions share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from glutheory.numeric.arrays import Array
from glutheory.numeric.derivatives.field import Field, Terms
from glutheory.numeric.rows import Rows

#: Up to this sine the angle of two rows is rounding, and they count as parallel.
PARALLEL = 2.0**-52
#: The norm that stands for that of a zero row: the limits of the derivatives, each a quotient, are then found as such.
TINY = 1e-100


@dataclass(frozen=True)
class Wanted:
    """Which gradients are asked for.

    Attributes:
        left, right: with respect to the two sets of rows.
        scales: with respect to the variances.
    """

    left: bool
    right: bool
    scales: bool


@dataclass(frozen=True, eq=False)
class Gradient:
    """The gradients; zero where they were not asked for.

    Attributes:
        left, right: with respect to the rows, shapes (n, d) and (m, d).
        sums: of each kind, Σ G times: the product of the duals; per branch, its term of the NTK; per branch,
            ½ (r ∂/∂r + r' ∂/∂r') of the kernel. Shape (1 + 2 branches,).
    """

    left: Array
    right: Array
    sums: dict[str, np.ndarray]


class Parts(NamedTuple):
    """G ∂K/∂ρ, G r ∂K/∂r and G r' ∂K/∂r' of pairs, and their part of `Gradient.sums`."""

    along: Array
    radial: Array
    radial2: Array
    sums: np.ndarray


def lifted(rows: Rows) -> Rows:
    """The rows with the norm `TINY` in place of 0; a zero row stays at right angles to all."""
    return replace(rows, norm=rows.xp.where(rows.norm > 0, rows.norm, TINY * rows.xp.ones_like(rows.norm)))


def finish(field: Field, rows: Rows, gradient: Array) -> Array:
    """The gradient divided by ‖x‖; 0 at the zero rows of a kernel that jumps there."""
    with np.errstate(all="ignore"):
        gradient = gradient / rows.norm[:, None]
    if field.jumps and field.power == 0:
        gradient = rows.xp.where(rows.length[:, None] > 0, gradient, rows.xp.zeros_like(gradient))
    return gradient


def parts(
    field: Field, G: Array, terms: Terms, scales: bool, *, once: bool = False, keep: Array | None = None
) -> Parts:
    """The derivatives times G, of the pairs to `keep`.

    Where every pair comes twice, in both orders, the left side may stand for both (`once`), with G + Gᵀ for G.
    """
    xp = field.left.xp
    weight = G * terms.scale

    def weighted(part: Array) -> Array:
        # what vanishes does so for rows of any norm, and an entry without weight whatever its derivative
        good = (part != 0) & (weight != 0)
        return xp.where(good if keep is None else good & keep, weight * part, 0.0 * G)

    along, radial = weighted(terms.rho), weighted(sum(terms.left))
    radial2 = radial if once else weighted(sum(terms.right))
    sums = np.zeros(1 + 2 * len(field.branches))
    if scales:
        ends = terms.left if once else [a + b for a, b in zip(terms.left, terms.right, strict=True)]
        tangents = terms.tangents or [0.0 * G for _ in ends]
        sums[:] = [float(xp.sum(weighted(part))) for part in (terms.product, *tangents, *ends)]
        sums[: 1 + len(ends)] *= 0.5 if once else 1.0
        sums[1 + len(ends) :] *= 0.5
    return Parts(along, radial, radial2, sums)
