"""An activation that is fed with rows of different variances: no table serves, so its own evaluator is asked.

For r and r' the standard deviations of a pair, N = S/√(S(a,a,a) S(b,b,b)) is the correlation of the images. Where N is
far from ±1 it is computed as it stands. Where it is close, 1 − |N| is put together from two parts, both of which are
small by themselves: with e = ±1 the end that ρ is near to, and σ the sign of N,

    1 − σN(ρ) = ½ E[(f(x) − σ g(e x))²] + σe ∫_0^t dN/dρ 2τ dτ,     ρ = e(1 − t²)

where f and g are φ(r x) and φ(r' x) over their own root mean squares. The first part is an integral over the line of a
difference; in the second nothing is subtracted if S does not turn back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from glutheory.activations import Activation
from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array, Namespace, piece, two_product
from glutheory.numeric.deep.pairs import Pairs, turned_by
from glutheory.numeric.deep.profile import parity
from glutheory.numeric.deep.tabulated import Seen
from glutheory.numeric.duals import Dual
from glutheory.numeric.own.curve import Curves, curves
from glutheory.numeric.own.rule import density, legendre, panels, reach
from glutheory.numeric.pairs import NEAR, Geometry, Radii
from glutheory.numeric.plan import Pick

#: 1 − |N| below which it is put together: above, a rounding moves an angle by 1e-15.
_CLOSE = 1e-2
#: Halvings of [0, t] towards 0, where kinks of rows of nearly one norm blur, and nodes of each part.
_HALVINGS, _NODES = 5, 12
#: Width of a panel of the line and its nodes; pairs at a time.
_PANEL, _GAUSS, _CHUNK = 0.5, 16, 256
#: Mean squares below this have roundings of 1e-18 in units of the smallest number, and r whose squares are below it.
_FAINT, _SMALL = 1e-290, 1e-145
#: Stands for the standard deviation 0 in a quotient.
_NOTHING = 1e-300
#: Indices of some pairs, one array per dimension.
Some: TypeAlias = tuple[Any, ...]
#: At right angles c·T says nothing of T; a hair off it does.
_HAIR = 1e-30


@dataclass(frozen=True, eq=False)
class Unequal:
    """One activation at one place of a stack.

    Attributes:
        act, dual: the activation and its evaluator.
        left, right: the features of all rows, shape (F, n).
        roots: the root mean squares of the images over r^degree, of both sides.
        means: E[φ(u)] over the root mean square, of both sides.
        sides: the standard deviations of both sides.
    """

    act: Activation
    dual: Dual
    left: Array
    right: Array
    roots: tuple[Array, Array]
    means: tuple[Array, Array]
    sides: tuple[Radii, Radii]
    poles = False

    def roots_of(self, r: Array) -> Array:
        """The root mean squares of the images of all rows, given their r, left ones before right ones."""
        left, right = self.roots
        own = left if r.shape == left.shape else np.concatenate([left, right])
        return own * r**self.dual.degree

    def ratios(self, left: Pick, right: Pick) -> tuple[Array, Array] | None:
        """E[φ(u)] over the root mean square, of both sides; None where all are 0."""
        return (left(self.means[0]), right(self.means[1])) if any(part.any() for part in self.means) else None

    @cached_property
    def derivatives(self) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Of both sides: the features of `Dual.partials`, and d log/d log r of the roots of the mean squares.

        Raises:
            DomainError: variances that the evaluator refuses.
        """
        found = [(self.dual.slope_features or self.dual.features)(side) for side in self.sides]
        growths = []
        for features in found:
            count = features.shape[1]
            ones, nothing = np.ones(count), np.zeros(count)
            own = self.dual.partials(Geometry(_numpy(), ones, True, 1.0, nothing, nothing), features, features, False)
            growths.append((own.left + own.right) / (2.0 * own.s))
        return (found[0], found[1]), (growths[0], growths[1])

    def tilts(self, left: Pick, right: Pick) -> tuple[Array, Array]:
        """D log/d log r of `ratios`, of both sides: those of the means, less those of the roots."""
        features, growths = self.derivatives
        found = []
        for own, growth in zip(features, growths, strict=True):
            count = own.shape[1]
            flat = self.dual.partials(Geometry(_numpy(), np.zeros(count), False, 0.0), own, own, False)
            found.append((flat.left + flat.right) / (2.0 * np.where(flat.s == 0, 1.0, flat.s)) - growth)
        return left(found[0]), right(found[1])

    def image(self, pairs: Pairs, left: Pick, right: Pick, seen: Seen) -> Pairs:  # noqa: ARG002 (no table)
        """The images of pairs."""
        xp = pairs.xp
        shape = pairs.minus.shape
        features = [np.broadcast_to(f, (f.shape[0], *shape)) for f in (left(self.left), right(self.right))]
        roots = np.broadcast_to(left(self.roots[0]), shape) * right(self.roots[1])
        sides = [np.broadcast_to(side, shape) for side in (pairs.left, pairs.right)]
        gap = xp.minimum(pairs.minus, pairs.plus)
        rho = pairs.rho
        value, slope = self._values(rho, np.clip(gap, 0.0, 1.0), sides, features)
        # a row of zeros whose images are 0 is at right angles to all
        filled, size = roots > 0, np.where(roots > 0, roots, 1.0)
        value, slope = np.where(filled, value / size, 0.0), np.where(filled, slope / size, 0.0)
        minus, plus = np.clip(1.0 - value, 0.0, 2.0), np.clip(1.0 + value, 0.0, 2.0)
        close = np.nonzero(np.minimum(minus, plus) < _CLOSE)
        for start in range(0, close[0].shape[0], _CHUNK):
            some: Some = tuple(piece(index, start, _CHUNK) for index in close)
            own = [f[(slice(None), *some)] for f in features]
            small = self._finely(
                rho[some], gap[some], [side[some] for side in sides], own, roots[some], np.sign(value[some])
            )
            ahead = value[some] > 0
            minus[some] = np.where(ahead, small, 2.0 - small)
            plus[some] = np.where(ahead, 2.0 - small, small)
        tau = None if pairs.tau is None else pairs.tau * slope
        power = self.dual.degree
        own, other = pairs.left**power * left(self.roots[0]), pairs.right**power * right(self.roots[1])
        # the shape of φ(r x) depends on r, which is rounded
        return turned_by(replace(pairs, left=own, right=other, minus=minus, plus=plus, tau=tau))

    def _values(self, rho: Array, gap: Array, sides: list[Array], features: list[Array]) -> tuple[Array, Array]:
        """S and ∂S/∂ρ over (r r')^degree; arrays of one shape, the features with an axis before it."""
        limit = min(NEAR, self.dual.limit(self.left, self.right))
        near = gap < 1.0 - limit
        # nearly parallel pairs are overwritten; at right angles they cost no additional terms
        far = np.where(near | (rho == 0), _HAIR, rho)
        pairs = Geometry(_numpy(), far, False, float(np.max(np.abs(far), initial=0.0)))
        s, t = _both(self.dual, pairs, features)
        t = t / far
        some = np.nonzero(near)
        if some[0].shape[0]:
            own = [f[(slice(None), *some)] for f in features]
            r, q = (side[some] for side in sides)
            square = gap[some]
            ratio = (q - r) / r
            excess = ratio - (1.0 + ratio) * square
            sign = np.where(rho[some] < 0, -1.0, 1.0)
            close = sign * (1.0 - square)
            pairs = Geometry(_numpy(), close, True, 1.0, np.sqrt(square * (2.0 - square)), excess)
            s[some], found = _both(self.dual, pairs, own)
            t[some] = found / close
        return s, t

    def _finely(
        self, rho: Array, gap: Array, sides: list[Array], features: list[Array], roots: Array, sign: Array
    ) -> Array:
        """1 − |N| of these pairs, arrays of shape (k,)."""
        end = np.where(rho < 0, -1.0, 1.0)
        points, weights = _graded()
        t = np.sqrt(gap)
        tau = t[:, None] * points
        square = tau * tau
        count = len(points)
        many = [np.repeat(f, count, axis=1).reshape(f.shape[0], len(t), count) for f in features]
        wide = [np.repeat(side[:, None], count, axis=1) for side in sides]
        _, slope = self._values(end[:, None] * (1.0 - square), square, wide, many)
        integral = t * np.sum(weights * slope * 2.0 * tau, axis=1) / roots
        return np.clip(self._apart(sides[0], sides[1], end, sign) + sign * end * integral, 0.0, 1.0)

    def _apart(self, r: Array, q: Array, end: Array, sign: Array) -> Array:
        """½ E[(f(x) − σ g(e x))²], by panels cut at the kinks of both."""
        found = curves(self.act.expr)
        result = np.zeros_like(r)
        some = np.nonzero((r != q) | (end < 0) | (sign < 0))[0]
        if not len(some):
            return result
        r, q, end, sign = r[some], q[some], end[some], sign[some]
        largest = float(max(r.max(), q.max()))
        far = reach(found.value, largest)
        x, weights = _line(found, r, q, end, far)
        phi = found.value.at(far * largest)
        # over the largest, lest squares of values below 1e-162 be nothing
        one, other = (_over_largest(phi(side[:, None] * x)) for side in (r, end * q))
        weights = weights * density(x)
        first, second = (np.sqrt(np.sum(part * part * weights, axis=1, keepdims=True)) for part in (one, other))
        difference = one / first - sign[:, None] * other / second
        result[some] = 0.5 * np.sum(difference * difference * weights, axis=1)
        return result


def _both(dual: Dual, pairs: Geometry, features: list[Array]) -> tuple[Array, Array]:
    """The numbers s and t of a `Dual`, their factor included."""
    s, t, factor = dual.values(pairs, features[0], features[1])
    return (s, t) if factor is None else (s * factor, t * factor)


def _numpy() -> Namespace:
    import array_api_compat.numpy as xp

    return xp


def _over_largest(values: Array) -> Array:
    """Each row over its largest modulus."""
    largest = np.max(np.abs(values), axis=1, keepdims=True)
    return np.asarray(values / np.where(largest > 0, largest, 1.0))


def _graded() -> tuple[Array, Array]:
    """Nodes and weights on [0, 1], in panels that halve towards 0."""
    x, w = legendre(_NODES)
    edges = np.concatenate([[0.0], 2.0 ** np.arange(-_HALVINGS, 1)])
    half = (edges[1:] - edges[:-1]) / 2
    middle = (edges[1:] + edges[:-1]) / 2
    return (middle[:, None] + half[:, None] * x).ravel(), (half[:, None] * w).ravel()


def _line(found: Curves, r: Array, q: Array, end: Array, far: float) -> tuple[Array, Array]:
    """Nodes and weights on [−far, far] for each pair, shape (k, Q)."""
    breaks = found.value.breaks(far * float(max(r.max(), q.max())))
    base = np.linspace(-far, far, round(2 * far / _PANEL) + 1) + 0.0 * r[:, None]
    # the breaks of a zero row are beyond the window, and one at 0 stays there
    r, q = (np.maximum(side, _NOTHING) for side in (r, q))
    cuts = [base, breaks / r[:, None], breaks / (end * q)[:, None]]
    edges = np.sort(np.clip(np.concatenate(cuts, axis=1), -far, far), axis=1)
    return panels(edges, _GAUSS)


def _check_small(act: Activation, squares: Array, r: Array) -> None:
    """Refuse mean squares that have lost digits below the smallest numbers of float64, or all of them.

    Of a φ that is 0 around 0 they vanish for larger r already, faster than every power, and then count for nothing.
    """
    lost = np.nonzero((r > 0) & (squares < _FAINT) & ((squares > 0) | (r < _SMALL)))[0]
    if len(lost):
        raise DomainError(
            f"the images of {act.label} have means of squares below the smallest numbers of float64 at the standard "
            f"deviation {float(r[lost[0]]):.4g}: scale the rows up, or use a norm before."
        )


def unequal(act: Activation, dual: Dual, sides: tuple[Radii, Radii]) -> Unequal:
    """Compute what is needed of each row.

    Args:
        act: the activation.
        dual: its evaluator.
        sides: the standard deviations of left and right rows; the same object for a symmetric matrix.

    Raises:
        DomainError: variances that the evaluator refuses, or whose images are too small.
    """
    same, split = sides[0] is sides[1], sides[0].r.shape[0]
    r = sides[0].r if same else np.concatenate([side.r for side in sides])
    # of both sides at once: an evaluator has as many features as the largest row needs
    everything = dual.features(Radii(_numpy(), r, lambda: two_product(_numpy(), r, r)))
    count = everything.shape[1]
    ones, nothing = np.ones(count), np.zeros(count)
    squares, _ = _both(dual, Geometry(_numpy(), ones, True, 1.0, nothing, nothing), [everything, everything])
    empty = r == 0
    if dual.degree == 0 and empty.any():
        # what a zero row has beyond φ(0) is rounding
        squares = np.where(empty, curves(act.expr).at_zero ** 2, squares)
    if dual.degree == 0:
        _check_small(act, squares, r)
    roots = np.sqrt(squares)
    # E[φ(u)] E[φ(v)] is S at right angles; the row with the largest mean is v
    flat = Geometry(_numpy(), nothing, False, 0.0)
    own, _ = _both(dual, flat, [everything, everything])
    largest = int(np.argmax(own))
    other = np.repeat(everything[:, largest : largest + 1], count, axis=1)
    products, _ = _both(dual, flat, [everything, other])
    mean = np.sqrt(max(0.0, float(own[largest])))
    # of an odd function they are 0, not what rounding leaves
    centred = mean == 0 or parity(act)[0]
    means = nothing if centred else products / mean / np.where(roots > 0, roots, 1.0)
    start = 0 if same else split
    features, spreads, centres = ((part[..., :split], part[..., start:]) for part in (everything, roots, means))
    return Unequal(act, dual, features[0], features[1], spreads, centres, sides)
