"""The kernels of a stack and their derivatives at pairs of rows: what `numeric.backward` contracts with a gradient."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from glutheory.errors import DomainError
from glutheory.layers import run
from glutheory.layers.records import Dense, Norm, Positions, Product, Scale
from glutheory.numeric.arrays import Array
from glutheory.numeric.backward import lifted
from glutheory.numeric.deep.constant import Constant
from glutheory.numeric.deep.images import check_derivatives, image
from glutheory.numeric.deep.moving import NOTHING, Moving, added, combined, constant, product
from glutheory.numeric.deep.pairs import centred, start
from glutheory.numeric.deep.plan import DeepPlan, Factor, gap_of
from glutheory.numeric.deep.tabulated import Seen
from glutheory.numeric.duals import evaluator
from glutheory.numeric.field import Terms
from glutheory.numeric.pairs import Geometry
from glutheory.numeric.plan import Pick
from glutheory.numeric.rows import Rows

#: |ρ| from which the geometry's excess tells r'/r, and |r'/r − 1| up to which that is of use.
_NEAR, _FAR = 0.5, 0.1


@dataclass(frozen=True, eq=False)
class DeepField:
    """A plan whose rows are those of gradients (see `glutheory.numeric.backward.lifted`).

    Attributes:
        plan: the stack and its rows.
        branches: none, whose variances could be differentiated; the layers say theirs.
        power: the degree of homogeneity that is taken out: none.
    """

    plan: DeepPlan
    branches: tuple[()] = ()
    power: int = 0

    @property
    def left(self) -> Rows:
        """The rows of X."""
        return self.plan.left

    @property
    def right(self) -> Rows:
        """Those of Y; the same object for a symmetric matrix."""
        return self.plan.right

    @property
    def jumps(self) -> bool:
        """Whether an activation jumps, so that the NTK of parallel rows is infinite."""
        return any(evaluator(act).jumps for act in self.plan.stack.activations)

    def terms(self, pairs: Geometry, left: Pick, right: Pick, kind: str) -> Terms:
        """One kernel and its derivatives at these pairs; `left` and `right` pick what belongs to their rows."""
        plan, xp = self.plan, pairs.xp
        scale = 1.0 / math.sqrt(plan.own.inputs)
        one, other = left(plan.left.norm), right(plan.right.norm)
        ntk = kind == "ntk"
        first = start(xp, one * scale, other * scale, pairs.rho, gap_of(pairs), ntk)
        ones = xp.ones_like(first.minus)
        growth = xp.ones_like(one), xp.ones_like(other)
        unit = Moving(first, _excess(pairs, one, other), (ones, None, None), NOTHING, growth)
        end = run(plan.stack.layers, _State(unit, True), _Derivatives(plan, left, right)).unit
        value, moved = (end.pairs.tau, end.ntk) if ntk else (end.pairs.rho, end.angle)
        assert value is not None
        along, *ends = (0.0 * ones if part is None else part for part in moved)
        sides = [part + grown * value for part, grown in zip(ends, end.growth, strict=True)]
        return Terms(end.pairs.left * end.pairs.right, value, (), along, (sides[0],), (sides[1],))


def make_deep_field(plan: DeepPlan) -> DeepField:
    """The field of a plan.

    Raises:
        DomainError: a mean over positions, or an activation without derivatives.
    """
    if plan.stack.sequences:
        raise DomainError(f"{plan.stack.name!r} has a mean over positions, of whose kernel there is no gradient here.")
    for factor in {id(factor): factor for some in plan.factors for factor in some}.values():
        if isinstance(factor, Constant):
            raise DomainError(
                f"all rows are zero, where {plan.stack.name!r} has no gradient here: give others as well."
            )
        check_derivatives(factor)
    with np.errstate(all="ignore"):
        left = lifted(plan.left)
        right = left if plan.right is plan.left else lifted(plan.right)
    return DeepField(replace(plan, left=left, right=right))


def _excess(pairs: Geometry, left: Array, right: Array) -> Array:
    """|x'|/|x| − 1, with all its digits for nearly parallel rows."""
    xp = pairs.xp
    rough = right / left - 1.0 + 0.0 * pairs.rho
    if pairs.excess is None:
        return rough
    size = xp.abs(pairs.rho)
    near = (size > _NEAR) & (xp.abs(rough) < _FAR)
    # |x'| |ρ| = |x| (1 + excess)
    fine = (pairs.excess + gap_of(pairs)) / xp.where(near, size, xp.ones_like(size))
    return xp.where(near, fine, rough)


@dataclass(frozen=True, eq=False)
class _State:
    """A unit on a tile.

    Attributes:
        unit: the values and their derivatives.
        raw: whether it is a coordinate of the data.
        ratios: its means over r, of both sides; None where it has none.
        tilts: their d log/d log |x|.
    """

    unit: Moving
    raw: bool = False
    ratios: tuple[Array, Array] | None = None
    tilts: tuple[Array, Array] | None = None


class _Derivatives:
    """The rules of the layers for pairs and their derivatives; those of the values are `plan`'s."""

    def __init__(self, plan: DeepPlan, left: Pick, right: Pick) -> None:
        self._own, self._left, self._right = plan.own, left, right
        self._factors: Iterator[Sequence[Factor]] = iter(plan.factors)

    def dense(self, state: _State, layer: Dense, group: str) -> _State:
        return _State(self._dense(state, layer, group))

    def _dense(self, state: _State, layer: Dense, group: str) -> Moving:
        made = state.unit.scaled(math.sqrt(layer.variance)).trained(self._own.factor(layer, group, state.raw))
        if not layer.bias:
            return made
        return added(made, constant(made, math.sqrt(layer.bias), self._own.of_bias(layer, group)))

    def product(self, state: _State, layer: Product, groups: tuple[str, ...]) -> _State:
        # `make_deep_field` lets no constant through
        factors = [factor for factor in next(self._factors) if not isinstance(factor, Constant)]
        seen: Seen = {}
        # tables are looked up by the arrays of pairs, which must live as long as `seen`
        fed = [self._dense(state, own, group) for own, group in zip(layer.branches, groups, strict=True)]
        images = [image(factor, unit, self._left, self._right, seen) for factor, unit in zip(factors, fed, strict=True)]
        made = product(images, poles=any(factor.poles for factor in factors))
        means = [factor.ratios(self._left, self._right) for factor in factors]
        if any(mean is None for mean in means):
            return _State(made)
        sides = zip(*(mean for mean in means if mean is not None), strict=True)
        one, other = (math.prod(side, start=1.0) for side in sides)
        tilts = [0.0 * made.pairs.left, 0.0 * made.pairs.right]
        for factor, unit in zip(factors, fed, strict=True):
            own = factor.tilts(self._left, self._right)
            if own is not None:
                tilts = [tilt + t * grown for tilt, t, grown in zip(tilts, own, unit.growth, strict=True)]
        ratios = one + 0.0 * made.pairs.left, other + 0.0 * made.pairs.right
        return _State(made, False, ratios, (tilts[0], tilts[1]))

    def norm(self, state: _State, layer: Norm, group: str) -> _State:
        unit, ratios, tilts = state.unit, state.ratios, state.tilts
        if layer.centred and ratios is not None:
            assert tilts is not None
            unit, ratios, tilts = _centred(unit, ratios, tilts), None, None
        unit = unit.normalised()
        if group in self._own.groups:
            unit = unit.trained(float(layer.gain))
            if layer.shift and unit.pairs.tau is not None:
                unit = replace(unit, pairs=replace(unit.pairs, tau=unit.pairs.tau + 1.0))
        return _State(unit, False, ratios, tilts)

    def scale(self, state: _State, layer: Scale) -> _State:
        return replace(state, unit=state.unit.scaled(abs(float(layer.factor))))

    def add(self, state: _State, other: _State) -> _State:
        made = added(state.unit, other.unit)
        if state.ratios is None or state.tilts is None:
            return _State(made)
        before, after = state.unit, made
        ratios = (
            state.ratios[0] * before.pairs.left / after.pairs.left,
            state.ratios[1] * before.pairs.right / after.pairs.right,
        )
        tilts = [
            tilt + grown - whole for tilt, grown, whole in zip(state.tilts, before.growth, after.growth, strict=True)
        ]
        return _State(made, False, ratios, (tilts[0], tilts[1]))

    def positions(self, state: _State, layer: Positions) -> _State:
        raise NotImplementedError(f"{layer} and {state}: refused by make_deep_field")


def _centred(unit: Moving, ratios: tuple[Array, Array], tilts: tuple[Array, Array]) -> Moving:
    """The unit less its mean m r: ρ ↦ (ρ − m m')/(k k') with k² = 1 − m²."""
    xp = unit.pairs.xp
    (m, m2), (f, f2) = ratios, tilts
    k, k2 = (xp.sqrt((1.0 - ratio) * (1.0 + ratio)) for ratio in ratios)
    made = centred(unit.pairs, ratios, unit.pairs.left * k, unit.pairs.right * k2)
    turned, both = k * m2 - m * k2, k * k2
    # d log k = −m² f/k²
    left = f * m / k * (-turned - made.minus * k2 * m) / both
    right = f2 * m2 / k2 * (turned - made.minus * k * m2) / both
    angle = combined((1.0 / both, unit.angle), (1.0, (None, left, right)))
    steep, steep2 = m * m * f / (k * k), m2 * m2 * f2 / (k2 * k2)
    ntk = combined((1.0 / both, unit.ntk))
    if made.tau is not None:
        ntk = combined((1.0, ntk), (made.tau, (None, steep + 0.0 * made.tau, steep2 + 0.0 * made.tau)))
    # what follows is a norm, so that r and its growth are not needed any more
    return Moving(made, 0.0 * unit.excess, angle, ntk, unit.growth)
