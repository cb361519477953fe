"""Integrals along lines of the plane of a pair (u, v): of products of functions, and of one given the other number.

With x along the left row and y at right angles to it, u = r x and v = q (ρ x + s y), s = sin θ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glutheory.numeric.arrays import Array
from glutheory.numeric.own.rule import density, legendre, panels

#: By how much wider than the breaks allow panels may be.
_SLACK = 2.2
#: Breaks that are nearer to each other than this surround a branch point that matters: they crowd towards one of |z|^p
#: until φ is 1e-20, and from p = 4 on what it leaves in E[φ'(u) φ'(v)] is below rounding.
_CROWDED = 1e-5

#: Panels whose width times the x farthest out where φ matters is this often the number of nodes are integrated to
#: 1e-14: half of that, κ, leaves I_2n(κ)/I_0(κ), with Bessel's functions.
_STEEP = 1.6
#: How much nearer than the reach of an integral φ matters: 13 standard deviations are those of what is within 4.
_PEAK = 3.4

#: Breaks nearer to each other than this one crowd towards a branch point, if there is one.
_BESIDE = 1e-2

#: Where |r'/r − 1| is above this the radii tell it.
_NEAR = 2.0**-4

#: Which function of u is multiplied with which one of v.
Products = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Rule:
    """How finely to integrate.

    Attributes:
        outer: nodes of an interval of the outer integral.
        inner: nodes of a panel of the inner integral.
        width: of these panels, at most.
        settled: what the last coefficients of the inner integral may be, of the scale, where functions are analytic up
            to their kinks: those from the 2 `outer`-th on, which the rule confuses with the integral, are to these at
            most as their power 3/2 (coefficients of functions with poles fall like exp(−c √k)).
        rough: the same where a kink is a branch point. The inner integral is then like |y|^α log|y| at crossings, its
            coefficients fall like k^(−2α−1), and what the rule loses is of the size of the last ones.
    """

    outer: int
    inner: int
    width: float
    settled: float
    rough: float


USUAL = Rule(16, 16, 4.2, 1e-9, 3e-12)
#: To hold `USUAL` against.
FINER = Rule(24, 22, 3.2, 1e-10, 1e-12)


@dataclass(frozen=True, eq=False)
class Side:
    """Some functions of one variable, all with the same kinks.

    Attributes:
        values: z ↦ the functions, a list of arrays; z has rows without a kink inside.
        kinks: ascending.
        masses: of the delta functions of each function at the kinks, shape (functions, kinks).
        breaks: points between which all are smooth, kinks among them.
    """

    values: Callable[[Array], list[Array]]
    kinks: Array
    masses: Array
    breaks: Array

    @cached_property
    def between(self) -> Array:
        """The breaks that are no kinks."""
        return np.setdiff1d(self.breaks, self.kinks)

    @cached_property
    def rough(self) -> bool:
        """Whether there is a branch point."""
        return bool(np.diff(self.breaks).min() < _CROWDED)

    @cached_property
    def _narrowest(self) -> tuple[Array, Array, Array]:
        """The widths between breaks, ascending, and the ends of the part of the line that all up to each span."""
        widths = np.diff(self.breaks)
        order = np.argsort(widths, kind="stable")
        order = order[widths[order] > (_BESIDE if self.rough else 0.0)]
        low, high = self.breaks[:-1][order], self.breaks[1:][order]
        return widths[order], np.minimum.accumulate(low), np.maximum.accumulate(high)

    @property
    def finest(self) -> float:
        """The least distance between breaks, but of those that only crowd towards a branch point."""
        return float(self._narrowest[0][0])

    def span(self, width: Array) -> tuple[Array, Array]:
        """The ends of the part of the line that contains all breaks as near to each other as this, ≥ `finest`."""
        widths, low, high = self._narrowest
        place = np.searchsorted(widths, 1.001 * width) - 1
        return low[place], high[place]

    def width(self, z: Array) -> Array:
        """How far the breaks on both sides of z are from each other."""
        place = np.clip(np.searchsorted(self.breaks, z), 1, len(self.breaks) - 1)
        return np.diff(self.breaks)[place - 1]


@dataclass(frozen=True, eq=False)
class Pairs:
    """N pairs of rows: r > 0 and q ≠ 0 the radii, of the sign of ρ in q; |ρ| and sin θ; shape (N,) each.

    `excess` is |ρ q|/r − 1 without cancellation: by it, over the sine, kinks of u and v cross, and the radii of rows
    1e-10 apart tell six digits of that. Of `Pairs.of` it is what r and q tell.
    """

    r: Array
    q: Array
    rho: Array
    sine: Array
    excess: Array

    @classmethod
    def of(cls, r: Array, q: Array, rho: Array, sine: Array) -> Pairs:
        """Of pairs whose radii are exact."""
        return cls(r, q, rho, sine, _excess(r, np.abs(q), rho, sine))

    def take(self, some: Array) -> Pairs:
        """These pairs."""
        return Pairs(self.r[some], self.q[some], self.rho[some], self.sine[some], self.excess[some])

    def turned(self) -> Pairs:
        """The pairs with their rows exchanged."""
        size = np.abs(self.q)
        near = np.abs(self.excess) < _NEAR
        kept = np.where(near, self.excess, 0.0)
        excess = -(self.sine * self.sine + kept) / (1.0 + kept)
        # farther away nothing cancels
        excess = np.where(near, excess, _excess(size, self.r, self.rho, self.sine))
        return Pairs(size, np.sign(self.q) * self.r, self.rho, self.sine, excess)

    def crossings(self, own: Array, other: Array) -> Array:
        """The y at which kinks of u, at these numbers, meet those of v, at these: shape (N, own, other)."""
        apart = np.sign(self.q)[:, None, None] * other - own[:, None]
        gaps = (apart - own[:, None] * self.excess[:, None, None]) / np.abs(self.q)[:, None, None]
        return np.asarray(gaps / self.sine[:, None, None])


def _excess(r: Array, size: Array, rho: Array, sine: Array) -> Array:
    """Size·|ρ|/r − 1, by 1 − |ρ| = s²/(1 + |ρ|)."""
    return np.asarray((size - r) / r - size / r * (sine * sine / (1.0 + rho)))


@dataclass(frozen=True, eq=False)
class Integrand:
    """E[f_i(u) g_j(v)] for each (i, j) of `products`, and how to integrate it.

    Attributes:
        left: the functions of u.
        right: the functions of v.
        products: which ones to multiply.
        reach: the x and y at which the integral is cut off.
        rule: how finely to integrate.
    """

    left: Side
    right: Side
    products: Products
    reach: float
    rule: Rule

    @property
    def settled(self) -> float:
        """What the last coefficients of the inner integral may be, of the scale."""
        return self.rule.rough if self.left.rough or self.right.rough else self.rule.settled

    def base(self) -> Array:
        """The ends of panels on a line without breaks.

        On a panel around x the density falls like exp(−x t): beyond a kink far out nothing else holds it down.
        """
        width = min(self.rule.width, _STEEP * self.rule.inner / (self.reach - _PEAK))
        return np.linspace(-self.reach, self.reach, round(2 * self.reach / width) + 1)


def integrals(integrand: Integrand, pairs: Pairs, y: Array) -> Array:
    """The integrals over x at these y, shape (products, M)."""
    left, right, products = integrand.left, integrand.right, integrand.products
    low, high, owner = _panels(integrand, pairs, y)
    nodes, weights = legendre(integrand.rule.inner)
    half = (high - low) / 2
    x = ((low + high) / 2)[:, None] + half[:, None] * nodes
    w = half[:, None] * weights * density(x)
    f = left.values(pairs.r[owner, None] * x)
    g = right.values(pairs.q[owner, None] * (pairs.rho[owner, None] * x + (pairs.sine * y)[owner, None]))
    weighted = {i: f[i] * w for i in {i for i, _ in products}}
    found = np.empty((len(products), len(y)))
    for k, (i, j) in enumerate(products):
        found[k] = np.bincount(owner, np.einsum("ij,ij->i", weighted[i], g[j]), len(y))
    return found


def _panels(integrand: Integrand, pairs: Pairs, y: Array) -> tuple[Array, Array, Array]:
    """The ends of the panels of these lines, and which line each is on; shape (M,) each.

    Kinks are ends of panels. The other breaks only say how wide panels may be: where those of u and of v alternate,
    some are left out.
    """
    left, right, reach, base = integrand.left, integrand.right, integrand.reach, integrand.base()
    shift, slope = pairs.sine * y, pairs.q * pairs.rho
    places = [(left.kinks, right.kinks), (left.between, right.between)]
    columns = [base[[0, -1]] + 0.0 * y[:, None]]
    for own, other in places:
        columns += [own / pairs.r[:, None], (other - (pairs.q * shift)[:, None]) / slope[:, None]]
    columns.append(base[1:-1] + 0.0 * y[:, None])
    # a kink comes before others at its place
    edges = np.clip(np.concatenate(columns, axis=1), -reach, reach)
    order = np.argsort(edges, axis=1, kind="stable")
    firm = order < 2 + len(left.kinks) + len(right.kinks)
    edges = np.take_along_axis(edges, order, axis=1)
    owner, place = np.nonzero(np.diff(edges, axis=1) > 0)
    low, high, firm = edges[owner, place], edges[owner, place + 1], firm[owner, place + 1]
    x = (low + high) / 2
    width = np.minimum(
        left.width(pairs.r[owner] * x) / pairs.r[owner],
        right.width(slope[owner] * x + (pairs.q * shift)[owner]) / np.abs(slope[owner]),
    )
    width = np.minimum(_SLACK * width, base[1] - base[0])
    for parity in (0, 1, 0):
        first = np.nonzero(~firm[:-1] & (np.arange(len(low) - 1) % 2 == parity))[0]
        joined = np.minimum(width[first], width[first + 1])
        some = high[first + 1] - low[first] <= joined
        first, joined = first[some], joined[some]
        low[first + 1], width[first + 1] = low[first], joined
        keep = np.ones(len(low), dtype=bool)
        keep[first] = False
        low, high, firm, width, owner = low[keep], high[keep], firm[keep], width[keep], owner[keep]
    return low, high, owner


def conditional(integrand: Integrand, side: Side, number: int, pairs: Pairs, place: Array, crossings: Array) -> Array:
    """E[g(q (ρ x + s y))] over y at x = `place`, g one of the functions of `side`; shape (N,).

    `crossings` are the y of its kinks, shape (N, kinks).
    """
    reach, inner = integrand.reach, integrand.rule.inner
    base = integrand.base() + 0.0 * place[:, None]
    cuts = (side.breaks / pairs.q[:, None] - (pairs.rho * place)[:, None]) / pairs.sine[:, None]
    edges = np.sort(np.clip(np.concatenate([base, cuts, crossings], axis=1), -reach, reach), axis=1)
    y, w = panels(edges, inner)
    v = pairs.q[:, None] * ((pairs.rho * place)[:, None] + pairs.sine[:, None] * y)
    # Of parallel rows the v of all y are one number in float64, which may be a kink. Which side of it they are on is
    # known from y: of a row with itself, half of them on each.
    for kink, cut in zip(side.kinks, crossings.T, strict=True):
        beyond = (y > cut[:, None]) == (pairs.q > 0)[:, None]
        v = np.where(beyond, np.maximum(v, np.nextafter(kink, np.inf)), np.minimum(v, kink))
    values = side.values(v.reshape(-1, inner))[number].reshape(v.shape)
    return np.sum(values * w * density(y), axis=1)
