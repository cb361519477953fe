"""Expectations of a pair by a direct integral over the plane, for angles at which the series is too slow.

With x along the left row and y at right angles to it, u = r x and v = q (ρ x + s y), s = sin θ. The integrand is smooth
but on the lines on which u or v is at a kink. For nearly parallel rows these are nearly parallel, so the inner integral
runs along x, between the lines, and the outer one along y, between the points at which two of them cross: both are then
smooth on scales that do not shrink with the angle, and the inner integral, as a function of y, changes slowly. So one
Gauss rule of the normal density serves all of an interval between crossings; intervals are split until the inner
integral's last coefficients by the orthogonal polynomials of that density have vanished.

φ' has delta functions where φ jumps, as φ'' has where φ' does. With masses m_i of f and n_j of g at their kinks,

    E[f(u) g(v)] = E[f g]_regular + Σ_i m_i p(u = κ_i) E[g(v) | u = κ_i] + (the same with f and g exchanged)
                 + Σ_ij m_i n_j p(u = κ_i, v = κ_j)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array
from glutheory.numeric.own.rule import density, legendre, panels
from glutheory.numeric.own.truncated import rules

#: Nodes of an interval of the outer and of a panel of the inner integral, and the width of the inner panels.
_OUTER, _INNER, _WIDTH = 16, 16, 4.2
#: By how much wider than the breaks allow panels may be.
_SLACK = 2.2
#: A sine below this one is replaced by it: kinks that do not meet are then as far apart as if it were 0.
_FLAT = 1e-60
#: What the last coefficients may be, of the scale: those from the 32nd on, which the rule confuses with the integral,
#: are to these at most as their power 3/2 (coefficients of functions with poles fall like exp(−c √k)).
_SETTLED = 3e-8
_LAST = 3
_DEPTH = 30
#: Where nearly all of the density is: an interval is split in the middle of its part in there.
_BULK = 4.0
#: Points of the plane at a time, for the memory.
_POINTS = 400_000


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

    def width(self, z: Array) -> Array:
        """How far the breaks on both sides of z are from each other."""
        place = np.clip(np.searchsorted(self.breaks, z), 1, len(self.breaks) - 1)
        return np.diff(self.breaks)[place - 1]


@dataclass(frozen=True, eq=False)
class Pairs:
    """N pairs of rows: r > 0 and q ≠ 0 the radii, of the sign of ρ in q; |ρ| and sin θ; shape (N,) each."""

    r: Array
    q: Array
    rho: Array
    sine: Array

    def take(self, some: Array) -> Pairs:
        """These pairs."""
        return Pairs(self.r[some], self.q[some], self.rho[some], self.sine[some])


Products = Sequence[tuple[int, int]]


def expectations(left: Side, right: Side, products: Products, pairs: Pairs, scale: Array, reach: float) -> Array:
    """E[f_i(u) g_j(v)] for each (i, j) of `products`, shape (products, N).

    Args:
        left: the functions of u.
        right: the functions of v.
        products: which ones to multiply.
        pairs: the pairs.
        scale: of each result, what its error is relative to; shape (products, N).
        reach: the x and y at which the integral is cut off.

    Raises:
        DomainError: the outer integral does not settle.
    """
    wide = Pairs(pairs.r, pairs.q, pairs.rho, np.maximum(pairs.sine, _FLAT))
    found, flat = np.empty((len(products), len(pairs.r))), pairs.sine == 0
    # of parallel rows the inner integral is the same for every y
    found[:, flat] = _line(left, right, products, pairs.take(flat), np.zeros(np.count_nonzero(flat)), reach)
    if not flat.all():
        found[:, ~flat] = _regular(left, right, products, wide.take(~flat), scale[:, ~flat], reach)
    if left.masses.any() or right.masses.any():
        found = found + _singular(left, right, products, wide, pairs.sine == 0, reach)
    return found


def _crossings(left: Side, right: Side, pairs: Pairs) -> Array:
    """The y at which a kink of u meets one of v, shape (N, kinks of u times kinks of v)."""
    places = left.kinks / pairs.r[:, None]
    others = right.kinks / pairs.q[:, None]
    gaps = others[:, None, :] - pairs.rho[:, None, None] * places[:, :, None]
    # 1 − ρ without cancellation: ρ = 1 − s²/(1 + ρ)
    same = others[:, None, :] - places[:, :, None]
    lost = (pairs.sine**2 / (1.0 + pairs.rho))[:, None, None] * places[:, :, None]
    gaps = np.where(np.abs(same) < 0.1 * np.abs(places[:, :, None]), same + lost, gaps)
    return (gaps / pairs.sine[:, None, None]).reshape(len(pairs.r), -1)


def _regular(left: Side, right: Side, products: Products, pairs: Pairs, scale: Array, reach: float) -> Array:
    """The part without delta functions, by halving outer panels."""
    ends = np.array([-reach, reach]) + 0.0 * pairs.r[:, None]
    edges = np.sort(np.clip(np.concatenate([ends, _crossings(left, right, pairs)], axis=1), -reach, reach), axis=1)
    owner, place = np.nonzero(np.diff(edges, axis=1) > 0)
    low, high = edges[owner, place], edges[owner, place + 1]
    total = np.zeros((len(products), len(pairs.r)))
    for _ in range(_DEPTH):
        sums, last = _intervals(left, right, products, pairs.take(owner), low, high, reach)
        good = (last <= _SETTLED * scale[:, owner]).all(axis=0)
        for k in range(len(products)):
            total[k] += np.bincount(owner[good], sums[k, good], len(pairs.r))
        if good.all():
            return total
        owner, low, high = owner[~good], low[~good], high[~good]
        middle = _middle(low, high)
        owner, low, high = np.tile(owner, 2), np.concatenate([low, middle]), np.concatenate([middle, high])
    raise DomainError(
        f"the kernel at radii {float(pairs.r[owner[0]]):.4g} and {float(pairs.q[owner[0]]):.4g} of nearly parallel "
        "rows cannot be computed to 12 digits: use `evaluate` pair by pair."
    )


def _middle(low: Array, high: Array) -> Array:
    """Where to split these intervals."""
    bulk = (np.clip(low, -_BULK, _BULK) + np.clip(high, -_BULK, _BULK)) / 2
    return np.where((bulk > low) & (bulk < high), bulk, (low + high) / 2)


def _intervals(
    left: Side, right: Side, products: Products, pairs: Pairs, low: Array, high: Array, reach: float
) -> tuple[Array, Array]:
    """The integrals over y from `low` to `high`, one pair for each, and their last coefficients: (products, M) each."""
    found, last = np.empty((len(products), len(low))), np.empty((len(products), len(low)))
    panels_of_line = 2.0 * reach / _WIDTH + len(left.breaks) + len(right.breaks)
    chunk = max(1, int(_POINTS / (_OUTER * _INNER * panels_of_line)))
    for start in range(0, len(low), chunk):
        some = slice(start, start + chunk)
        y, w, tails = rules(low[some], high[some], _OUTER, _LAST)
        owner = np.arange(len(low))[some].repeat(_OUTER)
        inner = _line(left, right, products, pairs.take(owner), y.ravel(), reach).reshape(len(products), -1, _OUTER)
        found[:, some] = np.sum(inner * w, axis=2)
        last[:, some] = np.abs(np.einsum("kij,ijl->kil", inner, tails)).max(axis=2)
    return found, last


def _line(left: Side, right: Side, products: Products, pairs: Pairs, y: Array, reach: float) -> Array:
    """The integrals over x at these y, shape (products, M)."""
    low, high, owner = _panels(left, right, pairs, y, reach)
    nodes, weights = legendre(_INNER)
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


def _panels(left: Side, right: Side, pairs: Pairs, y: Array, reach: float) -> tuple[Array, Array, Array]:
    """The ends of the panels of these lines, and which line each is on; shape (M,) each.

    Kinks are ends of panels. The other breaks only say how wide panels may be: where those of u and of v alternate,
    some are left out.
    """
    shift, slope = pairs.sine * y, pairs.q * pairs.rho
    base = np.linspace(-reach, reach, round(2 * reach / _WIDTH) + 1)
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


def _singular(left: Side, right: Side, products: Products, pairs: Pairs, parallel: Array, reach: float) -> Array:
    """What delta functions add."""
    found = np.zeros((len(products), len(pairs.r)))
    crossed = _crossings(left, right, pairs).reshape(len(pairs.r), len(left.kinks), len(right.kinks))
    # given x' = v/q, u = r (ρ x' + s y')
    mirrored = Pairs(np.abs(pairs.q), pairs.r, pairs.rho, pairs.sine)
    for k, (i, j) in enumerate(products):
        own, other = left.masses[i], right.masses[j]
        for m, mass in enumerate(own):
            if mass:
                at = density(left.kinks[m] / pairs.r) / pairs.r
                found[k] += mass * at * _conditional(right, j, pairs, left.kinks[m] / pairs.r, reach)
        for n, mass in enumerate(other):
            if mass:
                at = density(right.kinks[n] / pairs.q) / np.abs(pairs.q)
                found[k] += mass * at * _conditional(left, i, mirrored, right.kinks[n] / pairs.q, reach)
        for m, mass in enumerate(own):
            for n, weight in enumerate(other):
                if mass and weight:
                    y = crossed[:, m, n]
                    pole = np.where(parallel & (np.abs(y) < _FLAT**0.5), np.inf, 1.0 / pairs.sine)
                    both = density(left.kinks[m] / pairs.r) * density(y) / (pairs.r * np.abs(pairs.q))
                    found[k] += np.where(both > 0, mass * weight * both * pole, 0.0)
    return found


def _conditional(side: Side, number: int, pairs: Pairs, place: Array, reach: float) -> Array:
    """E[g(q (ρ x + s y))] over y at x = `place`, shape (N,)."""
    base = np.linspace(-reach, reach, round(2 * reach / _WIDTH) + 1) + 0.0 * place[:, None]
    cuts = (side.breaks / pairs.q[:, None] - (pairs.rho * place)[:, None]) / pairs.sine[:, None]
    edges = np.sort(np.clip(np.concatenate([base, cuts], axis=1), -reach, reach), axis=1)
    y, w = panels(edges, _INNER)
    v = pairs.q[:, None] * ((pairs.rho * place)[:, None] + pairs.sine[:, None] * y)
    # Of parallel rows the v of all y are one number in float64, which may be a kink. Which side of it they are on is
    # known from y: of a row with itself, half of them on each.
    for kink in side.kinks:
        cut = (kink / pairs.q - pairs.rho * place) / pairs.sine
        beyond = (y > cut[:, None]) == (pairs.q > 0)[:, None]
        v = np.where(beyond, np.maximum(v, np.nextafter(kink, np.inf)), np.minimum(v, kink))
    values = side.values(v.reshape(-1, _INNER))[number].reshape(v.shape)
    return np.sum(values * w * density(y), axis=1)
