"""The kernel of a network and its derivatives at pairs of rows: the product rule over the branches.

    NNGP = front ∏_i S_i          NTK = readout ∏_i S_i + Σ_i share_i c_i T_i ∏_{j≠i} S_j

The product is the value at t = 0 of ∏_i (S_i + t share_i c_i T_i), and the sum its first derivative there. Every
derivative of either is therefore a sum over the branches: that of one factor times the rest of the product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from glutheory.networks import Network
from glutheory.numeric.arrays import Array
from glutheory.numeric.derivatives.partials import Slope
from glutheory.numeric.derivatives.zoo import slope
from glutheory.numeric.pairs import Geometry
from glutheory.numeric.plan import Pick
from glutheory.numeric.rows import Rows
from glutheory.numeric.weights import Scales


class Terms(NamedTuple):
    """The parts of one kernel and of its derivatives at pairs of rows, all over `scale`.

    Attributes:
        scale: the common factor: the constants and the powers of r r'.
        product: ∏_i S_i, with the readout's constant for NTK and front for NNGP taken out.
        tangents: for NTK, share_i c_i T_i ∏_{j≠i} S_j of each branch i; empty for NNGP.
        rho: ∂/∂ρ of the kernel.
        left, right: per branch i, r_i ∂/∂r_i and r'_i ∂/∂r'_i of the kernel.
    """

    scale: Array
    product: Array
    tangents: tuple[Array, ...]
    rho: Array
    left: tuple[Array, ...]
    right: tuple[Array, ...]


@dataclass(frozen=True, eq=False)
class _Branch:
    slope: Slope
    left: Array
    right: Array
    share: float


@dataclass(frozen=True, eq=False)
class Field:
    """All that is computed once per row.

    Attributes:
        left, right: the rows, zero ones of a norm that is tiny but not 0 (see `make_field`).
        branches: see `_Branch`.
        power: the degree of homogeneity that is taken out.
        constants: of NNGP and NTK, the variances' share of the power included.
        jumps: whether an activation jumps at 0, so that its cT is infinite at ρ = ±1.
    """

    left: Rows
    right: Rows
    branches: tuple[_Branch, ...]
    power: int
    constants: dict[str, float]
    jumps: bool

    def terms(self, pairs: Geometry, left: Pick, right: Pick, kind: str) -> Terms:
        """The terms of one kernel at these pairs; `left` and `right` pick their rows' features."""
        ntk = kind == "ntk"
        parts = [br.slope.partials(pairs, left(br.left), right(br.right), ntk) for br in self.branches]
        values = [part.s for part in parts]
        # each c_i T_i = ρ ∂S_i/∂ρ
        tangents = [br.share * (pairs.rho * part.s_rho) for br, part in zip(self.branches, parts, strict=True)]
        scale = self.constants[kind] * (left(self.left.norm) * right(self.right.norm)) ** self.power
        for part in parts:
            if part.factor is not None:
                scale = scale * part.factor
        rho: Array = 0.0
        lefts, rights, mixed = [], [], []
        for i, (branch, part) in enumerate(zip(self.branches, parts, strict=True)):
            rest = _product(values, (i,))
            mixed.append(tangents[i] * rest)
            if not ntk:
                rho = rho + part.s_rho * rest
                lefts.append(part.left * rest)
                rights.append(part.right * rest)
                continue
            total = rest
            for j in range(len(parts)):
                if j != i:
                    total = total + tangents[j] * _product(values, (i, j))
            rho = rho + part.s_rho * total + branch.share * (part.s_rho + pairs.rho * part.s_rho2) * rest
            along = (branch.share * pairs.rho) * rest
            lefts.append(part.left * total + part.left_rho * along)
            rights.append(part.right * total + part.right_rho * along)
        product = _product(values, ())
        return Terms(scale, product, tuple(mixed) if ntk else (), rho, tuple(lefts), tuple(rights))


def _product(values: list[Array], left_out: tuple[int, ...]) -> Array:
    """The product of all but these; 1 where none is left."""
    return math.prod(value for k, value in enumerate(values) if k not in left_out)


def make_field(network: Network, left: Rows, right: Rows, found: Scales) -> Field:
    """Compute what is needed of each row; `right` is `left` for a symmetric matrix. The rows come from `lifted`."""
    slopes = [slope(act) for act in network.branches]
    branches = []
    for own, variance, share in zip(slopes, found.variances, found.shares, strict=True):
        first = own.features(left, variance)
        second = first if right is left else own.features(right, variance)
        branches.append(_Branch(own, first, second, float(share / found.readout)))
    spread = math.prod(float(variance) ** own.degree for own, variance in zip(slopes, found.variances, strict=True))
    constants = {"nngp": float(found.front) * spread, "ntk": float(found.readout) * spread}
    power = sum(own.degree for own in slopes)
    return Field(left, right, tuple(branches), power, constants, any(own.jumps for own in slopes))
