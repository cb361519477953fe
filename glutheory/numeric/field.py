"""The kernel of a network and its derivatives at pairs of rows: the rule of `kernel` for one factor and the rest.

The product of the units is (∏_i S_i, Σ_i share_i c_i T_i ∏_{j≠i} S_j). Along anything that moves one branch alone it
changes by (dS_i, share_i d(c_i T_i)) times the product (R, M) of the others; c T = ρ ∂S/∂ρ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from glutheory.networks import Network
from glutheory.numeric.arrays import Array
from glutheory.numeric.kernel import Branch, State, product
from glutheory.numeric.pairs import Geometry
from glutheory.numeric.plan import Pick, common_factor, fed, homogeneity
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
        numbers: of a stack, along the logarithms of its numbers.
    """

    scale: Array
    product: Array
    tangents: tuple[Array, ...]
    rho: Array
    left: tuple[Array, ...]
    right: tuple[Array, ...]
    numbers: tuple[Array, ...] = ()

    @property
    def kernel(self) -> Array:
        """The kernel itself, over `scale`."""
        return sum(self.tangents, start=self.product)


@dataclass(frozen=True, eq=False)
class Field:
    """All that is computed once per row.

    Attributes:
        left, right: the rows; for gradients along rows, zero ones of a norm that is tiny but not 0 (`backward.lifted`).
        branches: see `Branch`; the features are those of the derivatives.
        power: the degree of homogeneity that is taken out.
        radius: of a row of norm 1, the mean of the branches'; its power is the product of theirs.
        constants: of NNGP and NTK.
        jumps: whether an activation jumps at 0, so that its cT is infinite at ρ = ±1.
        numbers: none: those of a network are the variances of its branches.
    """

    left: Rows
    right: Rows
    branches: tuple[Branch, ...]
    power: int
    radius: float
    constants: dict[str, float]
    jumps: bool
    numbers: tuple[()] = ()

    def terms(self, pairs: Geometry, left: Pick, right: Pick, kind: str, *, angle: bool = True) -> Terms:
        """The terms of one kernel at these pairs; `left` and `right` pick their rows' features.

        Without `angle` the derivative along ρ is left out (0.0): variances do not move it.
        """
        ntk = kind == "ntk"
        parts = [br.dual.partials(pairs, left(br.left), right(br.right), ntk) for br in self.branches]
        shares = [br.share for br in self.branches]
        units = [
            State(part.s, share * (pairs.rho * part.s_rho) if ntk else None, pairs)
            for share, part in zip(shares, parts, strict=True)
        ]
        rho: Array = 0.0
        tangents, lefts, rights = [], [], []
        for i, (share, part) in enumerate(zip(shares, parts, strict=True)):
            others = [*units[:i], *units[i + 1 :]]
            rest = product(others) if others else State(1.0, 0.0, pairs)
            if not ntk:
                rho = rho + part.s_rho * rest.nngp if angle else rho
                lefts.append(part.left * rest.nngp)
                rights.append(lefts[-1] if part.left is part.right else part.right * rest.nngp)
                continue
            tangents.append(units[i].ntk * rest.nngp)
            # of (dΣ + ε dΘ)(R + ε M), both parts: dΣ (R + M) + dΘ R
            whole, turn = rest.nngp + rest.ntk, (share * pairs.rho) * rest.nngp
            if angle:
                rho = rho + part.s_rho * whole + (share * (part.s_rho + pairs.rho * part.s_rho2)) * rest.nngp
            lefts.append(part.left * whole + part.left_rho * turn)
            same = part.left is part.right and part.left_rho is part.right_rho
            rights.append(lefts[-1] if same else part.right * whole + part.right_rho * turn)
        # radii before powers: norms and variances balance each other
        lengths = (left(self.left.norm) * self.radius) * (right(self.right.norm) * self.radius)
        scale = self.constants[kind] * lengths**self.power
        factor = common_factor([part.factor for part in parts])
        scale = scale if factor is None else scale * factor
        return Terms(scale, product(units).nngp, tuple(tangents), rho, tuple(lefts), tuple(rights))


def make_field(network: Network, left: Rows, right: Rows, found: Scales) -> Field:
    """Compute what is needed of each row; `right` is `left` for a symmetric matrix."""
    branches = fed(network, left, right, found, slopes=True)
    power, radius = homogeneity(branches, found)
    constants = {"nngp": float(found.front), "ntk": float(found.readout)}
    return Field(left, right, branches, power, radius, constants, any(branch.dual.jumps for branch in branches))
