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

from dataclasses import replace

import numpy as np

from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array
from glutheory.numeric.own.line import Integrand, Pairs, conditional, integrals
from glutheory.numeric.own.rule import density
from glutheory.numeric.own.truncated import rules

#: A sine below this one is replaced by it: kinks that do not meet are then as far apart as if it were 0.
_FLAT = 1e-60
#: How many coefficients are the last ones.
_LAST = 3
_DEPTH = 30
#: An interval that is so many times as wide as a panel of φ has nodes close enough to see a peak of that width.
_SEEN = 10.0
#: How exact the ends of such intervals need not be.
_MOVED = 2.0**-24
#: An interval that is narrower than this one, between crossings that differ by rounding, is left out.
_NOTHING = 1e-13
#: Intervals of a pair that may be left to split: those next to crossings are two each.
_MOST = 400
#: Where nearly all of the density is: an interval is split in the middle of its part in there.
_BULK = 4.0
#: Points of the plane at a time, for the memory.
_POINTS = 400_000


def expectations(integrand: Integrand, pairs: Pairs, scale: Array) -> Array:
    """E[f_i(u) g_j(v)] for each product, shape (products, N).

    Args:
        integrand: which functions, and how.
        pairs: the pairs.
        scale: of each result, what its error is relative to; shape (products, N).

    Raises:
        DomainError: the outer integral does not settle.
    """
    wide = replace(pairs, sine=np.maximum(pairs.sine, _FLAT))
    found, flat = np.empty((len(integrand.products), len(pairs.r))), pairs.sine == 0
    # of parallel rows the inner integral is the same for every y
    found[:, flat] = integrals(integrand, pairs.take(flat), np.zeros(np.count_nonzero(flat)))
    if not flat.all():
        found[:, ~flat] = _regular(integrand, wide.take(~flat), scale[:, ~flat])
    if integrand.left.masses.any() or integrand.right.masses.any():
        found = found + _singular(integrand, wide, flat)
    return found


def _meetings(integrand: Integrand, pairs: Pairs) -> Array:
    """Points between which the inner integral hides no peaks, where narrow features of u and v meet; shape (N, any).

    A peak is as wide as the wider one of the two features. All that are up to 4^k times as wide as the narrowest are
    looked for where panels of φ are as narrow as that.
    """
    left, right, reach = integrand.left, integrand.right, integrand.reach
    width = np.maximum(left.finest / pairs.r, right.finest / np.abs(pairs.q)) / pairs.sine
    cuts = [np.empty((len(width), 0))]
    while (_SEEN * width < 2 * reach).any():
        u, v = left.span(width * pairs.sine * pairs.r), right.span(width * pairs.sine * np.abs(pairs.q))
        places = np.sort(np.stack(v) / pairs.q, axis=0)
        low = np.clip((places[0] - pairs.rho * u[1] / pairs.r) / pairs.sine, -reach, reach)
        high = np.clip((places[1] - pairs.rho * u[0] / pairs.r) / pairs.sine, -reach, reach)
        count = np.where(_SEEN * width < 2 * reach, np.ceil((high - low) / (_SEEN * width)), 0.0)
        if count.max() > _MOST:
            raise _refusal(pairs, int(count.argmax()))
        steps = np.minimum(np.arange(count.max() + 1), count[:, None])
        cuts.append(low[:, None] + steps * ((high - low) / np.maximum(count, 1.0))[:, None])
        width = 4.0 * width
    return np.concatenate(cuts, axis=1)


def _apart(cuts: Array, crossings: Array) -> Array:
    """These points, moved a little so that they are equal to one another or a crossing, or not as near as that."""
    cuts = np.rint(cuts / _MOVED) * _MOVED
    for crossing in crossings.T[:, :, None]:
        cuts = np.where(np.abs(cuts - crossing) <= _MOVED, crossing, cuts)
    return cuts


def _refusal(pairs: Pairs, pair: int) -> DomainError:
    return DomainError(
        f"the kernel at radii {float(pairs.r[pair]):.4g} and {float(pairs.q[pair]):.4g} of nearly parallel rows cannot "
        "be computed to 12 digits: use `evaluate` pair by pair."
    )


def _regular(integrand: Integrand, pairs: Pairs, scale: Array) -> Array:
    """The part without delta functions, by halving outer panels."""
    reach, count = integrand.reach, len(integrand.products)
    ends = np.array([-reach, reach]) + 0.0 * pairs.r[:, None]
    crossed = pairs.crossings(integrand.left.kinks, integrand.right.kinks).reshape(len(pairs.r), -1)
    crossings = np.clip(np.concatenate([ends, crossed], axis=1), -reach, reach)
    edges = np.sort(np.concatenate([crossings, _apart(_meetings(integrand, pairs), crossings)], axis=1), axis=1)
    owner, place = np.nonzero(np.diff(edges, axis=1) > _NOTHING)
    low, high = edges[owner, place], edges[owner, place + 1]
    total = np.zeros((count, len(pairs.r)))
    for _ in range(_DEPTH):
        sums, last = _intervals(integrand, pairs.take(owner), low, high)
        good = (last <= integrand.settled * scale[:, owner]).all(axis=0)
        for k in range(count):
            total[k] += np.bincount(owner[good], sums[k, good], len(pairs.r))
        if good.all():
            return total
        if np.isnan(last).any() or np.count_nonzero(~good) > _MOST * len(pairs.r):
            break
        owner, low, high = owner[~good], low[~good], high[~good]
        middle = _middle(low, high)
        owner, low, high = np.tile(owner, 2), np.concatenate([low, middle]), np.concatenate([middle, high])
    raise _refusal(pairs, owner[0])


def _middle(low: Array, high: Array) -> Array:
    """Where to split these intervals."""
    bulk = (np.clip(low, -_BULK, _BULK) + np.clip(high, -_BULK, _BULK)) / 2
    return np.where((bulk > low) & (bulk < high), bulk, (low + high) / 2)


def _intervals(integrand: Integrand, pairs: Pairs, low: Array, high: Array) -> tuple[Array, Array]:
    """The integrals over y from `low` to `high`, one pair for each, and their last coefficients: (products, M) each."""
    shape, outer = (len(integrand.products), len(low)), integrand.rule.outer
    found, last = np.empty(shape), np.empty(shape)
    panels_of_line = len(integrand.base()) + len(integrand.left.breaks) + len(integrand.right.breaks)
    chunk = max(1, int(_POINTS / (outer * integrand.rule.inner * panels_of_line)))
    for start in range(0, len(low), chunk):
        some = slice(start, start + chunk)
        y, w, tails = rules(low[some], high[some], outer, _LAST)
        owner = np.arange(len(low))[some].repeat(outer)
        inner = integrals(integrand, pairs.take(owner), y.ravel()).reshape(len(found), -1, outer)
        found[:, some] = np.sum(inner * w, axis=2)
        last[:, some] = np.abs(np.einsum("kij,ijl->kil", inner, tails)).max(axis=2)
    return found, last


def _singular(integrand: Integrand, pairs: Pairs, parallel: Array) -> Array:
    """What delta functions add."""
    left, right = integrand.left, integrand.right
    found = np.zeros((len(integrand.products), len(pairs.r)))
    crossed = pairs.crossings(left.kinks, right.kinks)
    # given x' = v/q, u = r (ρ x' + s y')
    turned = pairs.turned()
    mirrored = replace(turned, q=pairs.r)
    sign, back = np.sign(pairs.q)[:, None], turned.crossings(right.kinks, left.kinks)
    for k, (i, j) in enumerate(integrand.products):
        own, other = left.masses[i], right.masses[j]
        for m, mass in enumerate(own):
            if mass:
                at = density(left.kinks[m] / pairs.r) / pairs.r
                found[k] += (
                    mass * at * conditional(integrand, right, j, pairs, left.kinks[m] / pairs.r, crossed[:, m, :])
                )
        for n, mass in enumerate(other):
            if mass:
                at = density(right.kinks[n] / pairs.q) / np.abs(pairs.q)
                found[k] += (
                    mass
                    * at
                    * conditional(integrand, left, i, mirrored, right.kinks[n] / pairs.q, sign * back[:, n, :])
                )
        for m, mass in enumerate(own):
            for n, weight in enumerate(other):
                if mass and weight:
                    y = crossed[:, m, n]
                    pole = np.where(parallel & (np.abs(y) < _FLAT**0.5), np.inf, 1.0 / pairs.sine)
                    both = density(left.kinks[m] / pairs.r) * density(y) / (pairs.r * np.abs(pairs.q))
                    found[k] += np.where(both > 0, mass * weight * both * pole, 0.0)
    return found
