"""The kernels of a stack and their derivatives at pairs of rows: what `numeric.backward` contracts with a gradient."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from glutheory.errors import DomainError
from glutheory.layers import run
from glutheory.layers.numbers import Places, places_of
from glutheory.layers.records import Dense, Norm, Positions, Product, Scale
from glutheory.numeric.arrays import Array
from glutheory.numeric.backward import lifted
from glutheory.numeric.deep.constant import Constant
from glutheory.numeric.deep.images import check_derivatives, image
from glutheory.numeric.deep.moving import Along, Moving, added, combined, constant, only, product
from glutheory.numeric.deep.pairs import centred, start
from glutheory.numeric.deep.plan import DeepPlan, Factor, Own, gap_of
from glutheory.numeric.deep.tabulated import Seen
from glutheory.numeric.duals import evaluator
from glutheory.numeric.field import Terms
from glutheory.numeric.pairs import Geometry
from glutheory.numeric.plan import Pick
from glutheory.numeric.rows import Rows

#: |ρ| from which the geometry's excess tells r'/r, and |r'/r − 1| up to which that is of use.
_NEAR, _FAR = 0.5, 0.1


#: The first directions of a field that is asked for rows: the correlation of the data, and log |x| of both sides.
_ROWS = 3


@dataclass(frozen=True, eq=False)
class DeepField:
    """A plan whose rows are those of gradients (see `glutheory.numeric.backward.lifted`).

    Attributes:
        plan: the stack, without a mean over positions, and its rows.
        places: the stack's layers, with the names of their numbers.
        numbers: those along which there are derivatives.
        rows: whether there are some along the rows.
        branches: none, whose variances could be differentiated; `numbers` are in their place.
        power: the degree of homogeneity that is taken out: none.
    """

    plan: DeepPlan
    places: Places
    numbers: tuple[str, ...] = ()
    rows: bool = True
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
        first = start(xp, one * scale, other * scale, pairs.rho, gap_of(pairs), kind == "ntk")
        ones = xp.ones_like(first.minus)
        nothing: Along = (None,) * (_ROWS * self.rows + len(self.numbers))
        angle, growth = nothing, (nothing, nothing)
        if self.rows:
            angle = only(0, ones, len(nothing))
            growth = only(1, xp.ones_like(one), len(nothing)), only(2, xp.ones_like(other), len(nothing))
        unit = Moving(first, _excess(pairs, one, other), angle, nothing, growth)
        end = run(self.places.layers, State(unit, True), self._rules(left, right)).unit
        value, along = ends(end, kind)
        moved = [0.0 * ones if part is None else part for part in along]
        rho, *sides = moved[:_ROWS] if self.rows else (0.0 * ones,) * _ROWS
        numbers = tuple(moved[_ROWS * self.rows :])
        return Terms(end.pairs.left * end.pairs.right, value, (), rho, (sides[0],), (sides[1],), numbers)

    def _rules(self, left: Pick, right: Pick) -> Derivatives:
        found = directions(self.places, self.numbers, _ROWS * self.rows)
        return Derivatives(self.plan.own, self.plan.factors, found, left, right)


def directions(places: Places, names: Sequence[str], start: int) -> dict[int, tuple[int | None, ...]]:
    """The directions of the numbers of each record, by its `id`; those of these names are counted from `start`."""
    known = {name: k for k, name in enumerate(names, start=start)}
    return {key: tuple(map(known.get, own)) for key, own in places.names.items()}


def ends(unit: Moving, kind: str) -> tuple[Array, Along]:
    """A kernel over the product of the standard deviations of both sides, and its derivatives over the same."""
    value, moved = (unit.pairs.tau, unit.ntk) if kind == "ntk" else (unit.pairs.rho, unit.angle)
    assert value is not None
    return value, combined((1.0, moved), *((value, side) for side in unit.growth))


def make_deep_field(plan: DeepPlan, numbers: Sequence[str] = (), *, rows: bool = True) -> DeepField:
    """The field of a plan, with derivatives along these numbers of the stack, and along the rows if asked for.

    Raises:
        DomainError: an activation without derivatives.
    """
    for factor in {id(factor): factor for some in plan.factors for factor in some}.values():
        if isinstance(factor, Constant):
            raise DomainError(
                f"all rows are zero, where {plan.stack.name!r} has no gradient here: give others as well."
            )
        check_derivatives(factor)
    if rows:
        with np.errstate(all="ignore"):
            left = lifted(plan.left)
            right = left if plan.right is plan.left else lifted(plan.right)
        plan = replace(plan, left=left, right=right)
    return DeepField(plan, places_of(plan.stack.layers), tuple(numbers), rows)


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
class State:
    """A unit on a tile.

    Attributes:
        unit: the values and their derivatives.
        raw: whether it is a coordinate of the data.
        ratios: its means over r, of both sides; None where it has none.
        tilts: the derivatives of their logarithms.
    """

    unit: Moving
    raw: bool = False
    ratios: tuple[Array, Array] | None = None
    tilts: tuple[Along, Along] | None = None


class Derivatives:
    """The rules of the layers for pairs and their derivatives; those of the values are `plan`'s."""

    def __init__(
        self,
        own: Own,
        factors: Sequence[Sequence[Factor]],
        directions: Mapping[int, tuple[int | None, ...]],
        left: Pick,
        right: Pick,
    ) -> None:
        """Args as of a plan; `directions` are those of the numbers of a record, by its `id`."""
        self._own, self._left, self._right, self._directions = own, left, right, directions
        self._factors: Iterator[Sequence[Factor]] = iter(factors)

    def skip(self) -> None:
        """The next product is of no concern."""
        next(self._factors)

    def dense(self, state: State, layer: Dense, group: str) -> State:
        """A dense layer."""
        return State(self._dense(state, layer, group))

    def _dense(self, state: State, layer: Dense, group: str) -> Moving:
        variance, *others = self._directions[id(layer)]
        own, standard = self._own, self._own.standard
        # the variance is the square of the factor
        made = state.unit.scaled(math.sqrt(layer.variance), variance, 0.5)
        made = made.trained(own.factor(layer, group, state.raw), variance if standard else None)
        if not layer.bias:
            return made
        (bias,) = others
        weight = own.of_bias(layer, group)
        shift = constant(made, 1.0, weight).scaled(math.sqrt(layer.bias), bias, 0.5)
        if standard and bias is not None and shift.pairs.tau is not None:
            shift = replace(shift, ntk=only(bias, -shift.pairs.tau, len(shift.ntk)))
        return added(made, shift)

    def product(self, state: State, layer: Product, groups: tuple[str, ...]) -> State:
        """A product of branches."""
        # `make_deep_field` lets no constant through
        factors = [factor for factor in next(self._factors) if not isinstance(factor, Constant)]
        seen: Seen = {}
        # tables are looked up by the arrays of pairs, which must live as long as `seen`
        fed = [self._dense(state, own, group) for own, group in zip(layer.branches, groups, strict=True)]
        images = [image(factor, unit, self._left, self._right, seen) for factor, unit in zip(factors, fed, strict=True)]
        made = product(images, poles=any(factor.poles for factor in factors))
        means = [factor.ratios(self._left, self._right) for factor in factors]
        if any(mean is None for mean in means):
            return State(made)
        sides = zip(*(mean for mean in means if mean is not None), strict=True)
        one, other = (math.prod(side, start=1.0) for side in sides)
        tilts = [made.nothing, made.nothing]
        for factor, unit in zip(factors, fed, strict=True):
            own = factor.tilts(self._left, self._right)
            if own is not None:
                sides = zip(tilts, own, unit.growth, strict=True)
                tilts = [combined((1.0, tilt), (t, grown)) for tilt, t, grown in sides]
        ratios = one + 0.0 * made.pairs.left, other + 0.0 * made.pairs.right
        return State(made, False, ratios, (tilts[0], tilts[1]))

    def norm(self, state: State, layer: Norm, group: str) -> State:
        """All rows of one norm, their means taken away first or not."""
        unit, ratios, tilts = state.unit, state.ratios, state.tilts
        if layer.centred and ratios is not None:
            assert tilts is not None
            unit, ratios, tilts = _centred(unit, ratios, tilts), None, None
        unit = unit.normalised()
        if group in self._own.groups:
            unit = unit.trained(float(layer.gain))
            if layer.shift and unit.pairs.tau is not None:
                unit = replace(unit, pairs=replace(unit.pairs, tau=unit.pairs.tau + 1.0))
        return State(unit, state.raw, ratios, tilts)

    def scale(self, state: State, layer: Scale) -> State:
        """A number."""
        (direction,) = self._directions[id(layer)]
        return replace(state, unit=state.unit.scaled(abs(float(layer.factor)), direction))

    def add(self, state: State, other: State) -> State:
        """The sum of two."""
        made = added(state.unit, other.unit)
        if state.ratios is None or state.tilts is None:
            return State(made)
        before, after = state.unit, made
        ratios = (
            state.ratios[0] * before.pairs.left / after.pairs.left,
            state.ratios[1] * before.pairs.right / after.pairs.right,
        )
        sides = zip(state.tilts, before.growth, after.growth, strict=True)
        tilts = [combined((1.0, tilt), (1.0, grown), (-1.0, whole)) for tilt, grown, whole in sides]
        return State(made, False, ratios, (tilts[0], tilts[1]))

    def positions(self, state: State, layer: Positions) -> State:
        """What `deep.sequences` has rules for."""
        raise NotImplementedError(f"{layer} and {state}: see `deep.sequences`")


def _centred(unit: Moving, ratios: tuple[Array, Array], tilts: tuple[Along, Along]) -> Moving:
    """The unit less its mean m r: ρ ↦ (ρ − m m')/(k k') with k² = 1 − m²."""
    xp = unit.pairs.xp
    m, m2 = ratios
    k, k2 = (xp.sqrt((1.0 - ratio) * (1.0 + ratio)) for ratio in ratios)
    made = centred(unit.pairs, ratios, unit.pairs.left * k, unit.pairs.right * k2)
    turned, both = k * m2 - m * k2, k * k2
    # d log k = −m² d log m/k²
    sides = m / k * (-turned - made.minus * k2 * m) / both, m2 / k2 * (turned - made.minus * k * m2) / both
    angle = combined((1.0 / both, unit.angle), *zip(sides, tilts, strict=True))
    ntk = combined((1.0 / both, unit.ntk))
    if made.tau is not None:
        steep = made.tau * m * m / (k * k), made.tau * m2 * m2 / (k2 * k2)
        ntk = combined((1.0, ntk), *zip(steep, tilts, strict=True))
    # what follows is a norm, so that r and its growth are not needed any more
    return Moving(made, 0.0 * unit.excess, angle, ntk, unit.growth)
