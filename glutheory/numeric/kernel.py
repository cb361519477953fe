"""The kernels of a network at pairs: a state (Σ, Θ, geometry) and the layers that act on it.

A unit's covariance Σ and its NTK Θ pass through the layers of a wide network, whose units are independent given the
layer below:

    dense      Σ ← variance·Σ                  Θ ← variance·Θ + trained·Σ    (its own weights see the Σ they are fed)
    product    Σ ← ∏_i S_i(Σ_i)                Θ ← Σ_i Θ_i T_i(Σ_i) ∏_{j≠i} S_j

A product of units is the product of numbers Σ + ε Θ with ε² = 0; the rule is `times`, and a derivative of the whole
along anything is that of one factor times the rest. Two layers are dense → product → dense, with the constants of
`weights`:

    NNGP = front ∏_i S_i          NTK = readout ∏_i S_i + Σ_i share_i c_i T_i ∏_{j≠i} S_j

With S_i = (r r')^p_i s_i and c_i T_i = (r r')^p_i t_i the powers of r r' come out of the product rule, so that sums of
terms of opposite signs cannot overflow separately.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import NamedTuple

from glutheory.numeric.arrays import Array
from glutheory.numeric.duals import Dual, Values
from glutheory.numeric.duals.far import Real
from glutheory.numeric.duals.homogeneous import IDENTITY
from glutheory.numeric.pairs import Geometry


class State(NamedTuple):
    """A unit at pairs of rows.

    Attributes:
        nngp: its covariance Σ, over a power of r r' that whoever holds the state knows.
        ntk: its kernel Θ, over the same; None where it is not asked for.
        geometry: of the pairs in the layer below: of the pre-activations after `dense`, of their images' preimages
            after `product`. A further layer needs that of the images, which two layers never form.
    """

    nngp: Array
    ntk: Array | None
    geometry: Geometry


@dataclass(frozen=True, eq=False)
class Branch:
    """One branch: its evaluator, both sides' features, and its share of the NTK over the readout's.

    A dense layer that is fed by the data has Σ = variance·x·x' and Θ = trained·x·x', proportional to each other, so
    that Θ T = (trained/variance) c T: the share is that constant times what the readout makes of it.
    """

    dual: Dual
    left: Array
    right: Array
    share: float


def unit(value: Values, share: float, geometry: Geometry, ntk: bool) -> State:
    """The image under an activation of a pre-activation with Θ = share·Σ: (S, share·c T)."""
    if not ntk:
        return State(value.s, None, geometry)
    return State(value.s, value.t if share == 1 else value.t * share, geometry)


def times(x: State, y: State, *, poles: bool = False) -> State:
    """The product of two independent units: ΣΣ' and ΘΣ' + ΣΘ'.

    Where Θ may have `poles`, 0·∞ = 0: where one branch vanishes, the pole of another has no weight.
    """
    if x.ntk is None or y.ntk is None:
        return State(x.nngp * y.nngp, None, x.geometry)
    if poles:
        return State(x.nngp * y.nngp, _with_poles(x, y) + _with_poles(y, x), x.geometry)
    return State(*multiplied(x.nngp, x.ntk, y.nngp, y.ntk), x.geometry)


def multiplied(nngp: Real, ntk: Real, nngp2: Real, ntk2: Real) -> tuple[Real, Real]:
    """(Σ + ε Θ)(Σ' + ε Θ'), of arrays or of the numbers of a compiled loop."""
    first = ntk * nngp2
    first += nngp * ntk2
    return nngp * nngp2, first


def _with_poles(x: State, y: State) -> Array:
    xp = x.geometry.xp
    zero = (x.ntk == 0) | (y.nngp == 0)
    return xp.where(zero, xp.zeros_like(y.nngp), x.ntk * y.nngp)


def product(units: Sequence[State], *, poles: bool = False) -> State:
    """The product of one unit or more."""
    return reduce(partial(times, poles=poles), units)


def dense(unit: State, front: float, readout: float) -> State:
    """A dense layer above: Σ ← front·Σ and Θ ← readout·(Θ + Σ), Θ being over trained = readout."""
    nngp = unit.nngp if front == 1 else unit.nngp * front
    if unit.ntk is None:
        return State(nngp, None, unit.geometry)
    ntk = unit.nngp + unit.ntk
    return State(nngp, ntk if readout == 1 else ntk * readout, unit.geometry)


def combined(
    branches: Sequence[Branch], pairs: Geometry, left: list[Array], right: list[Array], ntk: bool
) -> Array | None:
    """∏ S + Θ, or ∏ S without `ntk`, of far pairs where a series makes half the work of it; None where it does not.

    With t_i = s_i = ρ for the identities, ∏ S is ρ^k s and ∏ S + Θ is ρ^k ((1 + Σ share_i) s + share t), and a series
    gives such a combination of s and t as cheaply as s alone.
    """
    others = [k for k, branch in enumerate(branches) if branch.dual is not IDENTITY]
    if pairs.near or len(others) != 1:
        return None
    (k,) = others
    combination = branches[k].dual.combination
    if combination is None:
        return None
    first = 1.0 + (sum(branch.share for i, branch in enumerate(branches) if i != k) if ntk else 0.0)
    result = combination(pairs, left[k], right[k], first, branches[k].share if ntk else 0.0)
    for _ in branches[1:]:
        result *= pairs.rho
    return result
