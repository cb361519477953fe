"""The kernel of row i with row i, for all i at once: values and gradients in a time proportional to the rows."""

from __future__ import annotations

import numpy as np

from glutheory.numeric.angles import decompose
from glutheory.numeric.arrays import Array
from glutheory.numeric.backward import PARALLEL, Gradient, Slopes, Wanted, finish, parts
from glutheory.numeric.field import Field
from glutheory.numeric.pairs import NEAR, Geometry
from glutheory.numeric.plan import Plan


def _pairs(field: Slopes | Plan) -> tuple[Geometry, Array]:
    """The pairs, and the part of ŷ at right angles to x̂; the same row on both sides is at the angle 0 exactly."""
    left, right, xp = field.left, field.right, field.left.xp
    one = xp.ones_like(left.norm)
    if right is left:
        rho = xp.where(left.length > 0, one, 0.0 * one)
        return Geometry(xp, rho, True, 1.0, 1.0 - rho, rho - 1.0), xp.zeros_like(left.unit)
    index = xp.nonzero(one)[0]
    refined, rest = decompose(left, right, index, index)
    rough = xp.sum(left.unit * right.unit, axis=1)
    near = xp.abs(rough) > NEAR
    sine = xp.where(near, refined.sin(), xp.sqrt((1.0 - rough) * (1.0 + rough)))
    # at right angles, as a zero row is to all
    excess = xp.where((left.length > 0) & (right.length > 0), refined.excess, -one)
    rho = xp.where(near, refined.rho, rough)
    across = xp.where(near[:, None], rest / right.length[:, None], right.unit - rough[:, None] * left.unit)
    return Geometry(xp, rho, True, 1.0, sine, excess), across


def _every(features: Array) -> Array:
    return features


def paired(field: Field, kind: str) -> Array:
    """K(x_i, y_i), shape (n,)."""
    xp = field.left.xp
    with np.errstate(all="ignore"):
        pairs, _ = _pairs(field)
        terms = field.terms(pairs, _every, _every, kind)
        value = terms.kernel
        vanishes = value == 0
        if field.power:
            vanishes = vanishes | (field.left.length == 0) | (field.right.length == 0)
        return xp.where(vanishes, xp.zeros_like(value), terms.scale * value)


def paired_values(plan: Plan, kind: str) -> Array:
    """The same of a plan: for activations that have no derivatives."""
    with np.errstate(all="ignore"):
        pairs, _ = _pairs(plan)
        (found,) = plan.kernels(pairs, _every, _every, (kind,))
        return found


def paired_gradient(field: Slopes, weights: dict[str, Array], wanted: Wanted) -> Gradient:
    """The gradient of Σ_kinds Σ_i G_i K(x_i, y_i); see `contract`, of which this is the diagonal."""
    left, right, xp = field.left, field.right, field.left.xp
    own, other = xp.zeros_like(left.unit), xp.zeros_like(right.unit)
    sums = {}
    with np.errstate(all="ignore"):
        pairs, across = _pairs(field)
        sine = pairs.sin()
        parallel = sine <= PARALLEL
        back = (sine * sine)[:, None] * left.unit - pairs.rho[:, None] * across
        for kind, G in weights.items():
            G = xp.astype(G, left.unit.dtype) * (2.0 if right is left else 1.0)
            keep = ~parallel if field.jumps and kind == "ntk" else None
            found = parts(
                field, G, field.terms(pairs, _every, _every, kind), wanted.scales, once=right is left, keep=keep
            )
            sums[kind] = found.sums
            along = xp.where(parallel, 0.0 * sine, found.along)[:, None]
            own = own + found.radial[:, None] * left.unit + along * across
            other = other + found.radial2[:, None] * right.unit + along * back
    return Gradient(finish(field, left, own), finish(field, right, other), sums)
