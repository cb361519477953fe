"""The evaluator of an activation that has none of its own: a series where it converges, else an integral per pair."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial

import array_api_compat
import numpy as np
import sympy as sp

from glutheory.errors import DomainError
from glutheory.numeric import horner
from glutheory.numeric.arrays import Array, Namespace, constant, host
from glutheory.numeric.duals.record import Dual, Partials, Values, check_radii
from glutheory.numeric.own.check import check
from glutheory.numeric.own.cover import Cover, Weights
from glutheory.numeric.own.curve import curves
from glutheory.numeric.own.features import FIRST, Layout, features, layout, reach_of, terms_needed
from glutheory.numeric.own.line import Pairs
from glutheory.numeric.own.near import PARTIALS, VALUES, Near
from glutheory.numeric.own.spectrum import BLOCK, Spectrum
from glutheory.numeric.pairs import NEAR, Geometry, Radii

#: What is promised of values, of the scale.
ERROR = 1e-12
#: What a series may leave out, of the scale.
_TOLERANCE = 2e-14
#: Beyond this radius not even the zoo's promises hold, which end at variances of 1e6.
_LARGEST = 1e4
#: Up to so many terms a series is as fast as a patch.
_FEW = 64
#: |ρ| up to which series are short.
_FAR = 0.5
#: The share of a tile from which all of it is computed for those pairs.
_SPARSE = 0.25
#: Pairs of a list at a time, for the memory: the features of both sides are copied.
_CHUNK = 1024

#: Results at pairs, from the features of both sides.
Way = Callable[[Geometry, Array, Array], tuple[Array, ...]]


class Evaluator:
    """The functions of a `Dual` for φ(z) = `expr`."""

    def __init__(self, expr: sp.Expr) -> None:
        self._curves = curves(expr)
        self._spectrum = Spectrum(self._curves)
        self._near = Near(self._curves, self._spectrum)
        self._cover = Cover(self._curves, self._spectrum, self._near)
        self._checked: set[int] = set()

    def dual(self) -> Dual:
        """The evaluator."""
        return Dual(
            0,
            self.features,
            self.values,
            self.partials,
            slope_features=self.slope_features,
            limit=self.limit,
            jumps=self._curves.slope.jumps,
            combination=self.combination,
            error=ERROR,
            values_only=self._curves.slope.jumps,
            largest=_LARGEST,
        )

    def features(self, side: Radii) -> Array:
        """See `glutheory.numeric.own.features`."""
        return self._features(side, False)

    def slope_features(self, side: Radii) -> Array:
        """The same with the derivatives of the coefficients along r.

        Raises:
            DomainError: φ jumps.
        """
        if self._curves.slope.jumps:
            raise DomainError(f"the kernel of {self._curves.value.expr} has no gradient here: the function jumps.")
        return self._features(side, True)

    def _features(self, side: Radii, slopes: bool) -> Array:
        check_radii(str(self._curves.value.expr), side, _LARGEST)
        r = host(side.r)
        with np.errstate(all="ignore"):
            found = features(self._spectrum, r, slopes)
            terms = layout(found.shape[0], slopes).terms
            self._check(r, found[: FIRST + terms])
        return constant(side.xp, side.r, found)

    def _check(self, r: Array, found: Array) -> None:
        """Hold rows in intervals of log r that no call has had before against `check`."""
        some = np.nonzero(r > 0)[0]
        places = self._spectrum.numbers(r[some])
        new = ~np.isin(places, list(self._checked))
        check(self._curves, self._spectrum, r[some[new]], found[:, some[new]])
        self._checked.update(places[new].tolist())

    def limit(self, left: Array, right: Array) -> float:
        """The |ρ| up to which the series suffices for all pairs of these rows."""
        terms = min(layout(side.shape[0], False).terms for side in (left, right))
        ends = (host(side[_last(side, terms), ...]) for side in (left, right))
        one, other = (float(end.max(initial=0.0)) for end in ends)
        return min(NEAR, reach_of(one, other, terms, _TOLERANCE))

    def values(self, pairs: Geometry, left: Array, right: Array) -> Values:
        """The numbers s and t (see `Dual`)."""

        def plain(pairs: Geometry, left: Array, right: Array) -> tuple[Array, ...]:
            return self._plain(pairs, left, right)

        return Values(*self._covered(pairs, left, right, ((1.0, 0.0), (0.0, 1.0)), plain))

    def combination(self, pairs: Geometry, left: Array, right: Array, first: float, second: float) -> Array:
        """The sum first·s + second·t of far pairs (see `Dual`)."""

        def plain(pairs: Geometry, left: Array, right: Array) -> tuple[Array, ...]:
            terms = self._terms(pairs.xp, pairs.reach, left, right, False, 0)
            own, other = left[FIRST:, ...], right[FIRST:, ...]
            return (horner.weighted(pairs.xp, pairs.rho, own, other, terms, first, second),)

        return self._covered(pairs, left, right, ((first, second),), plain)[0]

    def _covered(self, pairs: Geometry, left: Array, right: Array, weights: Weights, plain: Way) -> tuple[Array, ...]:
        """By the patches of `cover` where there are many pairs in one and the series is long; else the `plain` way."""
        if not array_api_compat.is_numpy_namespace(pairs.xp) or math.prod(pairs.rho.shape) < self._cover.least:
            return plain(pairs, left, right)
        if self._terms(pairs.xp, pairs.reach, left, right, False, 0) <= _FEW:
            return plain(pairs, left, right)
        table = pairs.rho.shape == (left.shape[1], right.shape[-1]) and left.shape[2:] == right.shape[1:-1] == (1,)
        if not table and not left.shape[1:] == right.shape[1:] == pairs.rho.shape:
            return plain(pairs, left, right)
        if not table and pairs.rho.ndim > 1:  # pairs with features of their own, in some shape: a list
            own, other = (side.reshape(len(side), -1) for side in (left, right))
            found = self._covered(pairs.listed(), own, other, weights, plain)
            return tuple(part.reshape(pairs.rho.shape) for part in found)
        results = tuple(np.zeros(pairs.rho.shape) for _ in weights)
        out = np.zeros(pairs.rho.shape, dtype=bool)
        if pairs.near:
            out[self._out_of_reach(pairs, left, right, False, 0)] = True
        patched = self._cover.find(pairs, self._cover.side(left), self._cover.side(right), out, weights, results)
        if patched is None:
            return plain(pairs, left, right)
        self._fill(pairs, left, right, ~patched, results, plain)
        return results

    def _fill(
        self, pairs: Geometry, left: Array, right: Array, rest: Array, results: tuple[Array, ...], plain: Way
    ) -> None:
        """The pairs that are in no patch: those of long series one by one, if they are few, the others together."""
        size = np.abs(pairs.rho)
        near = rest & (size > _FAR)
        for some in (near, rest & ~near) if np.count_nonzero(near) < _SPARSE * rest.size else (rest,):
            count = np.count_nonzero(some)
            if _SPARSE * rest.size <= count:
                rho = np.where(some, pairs.rho, 0.0)
                sine = None if pairs.sine is None else np.where(some, pairs.sine, 1.0)
                whole = replace(pairs, rho=rho, sine=sine, reach=float(size[some].max()))
                for result, part in zip(results, plain(whole, left, right), strict=True):
                    np.copyto(result, part, where=some)
            elif count:
                for place in np.array_split(np.argwhere(some), -(-count // _CHUNK)):
                    index = tuple(place.T)
                    few = replace(pairs.take(index), reach=float(size[index].max()))
                    one, other = left.reshape(len(left), -1), right.reshape(len(right), -1)
                    found = plain(few, one[:, index[0]], other[:, index[-1]])
                    for result, part in zip(results, found, strict=True):
                        result[index] = part

    def _plain(self, pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array]:
        """S and c T by the series where that suffices, else pair by pair."""
        xp, reach = pairs.xp, pairs.reach
        out = self._out_of_reach(pairs, left, right, False, 0) if pairs.near else None
        if out is not None and out[0].shape[0] == math.prod(pairs.rho.shape) > 0:
            s, t = 0.0 * pairs.rho, 0.0 * pairs.rho
        else:
            rho = pairs.rho
            if out is not None and out[0].shape[0]:
                rho = rho + 0.0
                rho[out] = 0.0
                reach = float(xp.max(xp.abs(rho)))
            terms = self._terms(xp, reach, left, right, False, 0)
            listed = rho.ndim == 1 and array_api_compat.is_numpy_namespace(xp)
            way = horner.listed if listed else partial(horner.both, xp)
            s, t = way(rho, left[FIRST:, ...], right[FIRST:, ...], terms)
        if out is not None and out[0].shape[0]:
            s[out], t[out] = self._direct_values(pairs, left, right, out)
        return s, t

    def partials(self, pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:
        """The derivatives (see `Dual`)."""
        terms = self._terms(pairs.xp, pairs.reach, left, right, True, 2)
        out = self._out_of_reach(pairs, left, right, True, 2)
        slopes = [FIRST + layout(side.shape[0], True).terms for side in (left, right)]
        own, other = ((side[FIRST:, ...], side[k:, ...]) for side, k in zip((left, right), slopes, strict=True))
        found = horner.slopes(pairs.rho, own, other, terms, second)
        if out[0].shape[0]:
            for part, value in zip(found, self._direct_partials(pairs, left, right, out), strict=True):
                part[out] = value
        return Partials(*found)

    def _terms(self, xp: Namespace, reach: float, left: Array, right: Array, slopes: bool, lost: int) -> int:
        """The number of terms that suffices up to this |ρ|, or all."""
        if 0 in left.shape or 0 in right.shape:
            return 1
        one, other = (_worst(xp, side, layout(side.shape[0], slopes)) for side in (left, right))
        return max(1, terms_needed(reach, one, other, _TOLERANCE, lost))

    def _out_of_reach(self, pairs: Geometry, left: Array, right: Array, slopes: bool, lost: int) -> tuple[Array, ...]:
        """The pairs for which all the terms do not suffice."""
        terms = min(layout(side.shape[0], slopes).terms for side in (left, right))
        ends = [side[_last(side, terms, slopes), ...] for side in (left, right)]
        left_out = ends[0] * ends[1]
        power = pairs.xp.abs(pairs.rho) ** max(0, terms - lost)
        found: tuple[Array, ...] = pairs.xp.nonzero(left_out * power > _TOLERANCE)
        return found

    def _direct_values(
        self, pairs: Geometry, left: Array, right: Array, some: tuple[Array, ...]
    ) -> tuple[Array, Array]:
        """S and c T of these pairs; where both rows are the same, from the head of their features."""
        geometry, heads = _taken(pairs, left, right, some)
        s, t = np.empty(len(geometry.r)), np.empty(len(geometry.r))
        same = (geometry.sine == 0) & (np.abs(geometry.q) == geometry.r) & (not self._curves.slope.jumps)
        ahead = geometry.q > 0
        head = heads[0]
        s[same] = np.where(ahead, head[0], head[2])[same]
        t[same] = np.where(ahead, head[1], head[3])[same]
        rest = ~same
        if rest.any():
            others = geometry.take(rest)
            scale = _scales(heads, others, rest)
            s[rest], t[rest] = self._near.expectations(VALUES, others, scale)
            t[rest] *= others.rho * others.r * others.q
        return constant(pairs.xp, pairs.rho, s), constant(pairs.xp, pairs.rho, t)

    def _direct_partials(self, pairs: Geometry, left: Array, right: Array, some: tuple[Array, ...]) -> list[Array]:
        geometry, heads = _taken(pairs, left, right, some)
        scale = _scales(heads, geometry, slice(None))
        product = geometry.r * np.abs(geometry.q)
        bend = scale[0] + scale[1] * product
        sizes = np.stack([scale[0], scale[1], bend / product**2, *([bend, bend / product] * 2)])
        found = self._near.expectations(PARTIALS, geometry, sizes)
        factors = [1.0, product, product**2, 1.0, product, 1.0, product]
        return [constant(pairs.xp, pairs.rho, part * factor) for part, factor in zip(found, factors, strict=True)]


def _last(side: Array, terms: int, slopes: bool = False) -> int:
    """The row of √missing after so many terms."""
    own = layout(side.shape[0], slopes)
    return own.missing + terms // BLOCK


def _worst(xp: Namespace, side: Array, own: Layout) -> list[float]:
    """The largest √missing of each block."""
    rows = side[own.missing : -2, ...]
    worst: list[float] = host(xp.max(xp.reshape(rows, (rows.shape[0], -1)), axis=1)).tolist()
    return worst


def _taken(pairs: Geometry, left: Array, right: Array, some: tuple[Array, ...]) -> tuple[Pairs, tuple[Array, Array]]:
    """These pairs on the host, and the heads of both sides."""
    rho, sine = host(pairs.rho[some]), host(pairs.sin()[some])
    heads = []
    for side in (left, right):
        wide = [host((row + 0.0 * pairs.rho)[some]) for row in (side[k, ...] for k in range(FIRST))]
        heads.append(np.stack(wide))
    r, q = heads[0][0], heads[1][0]
    sign = np.where(rho < 0, -1.0, 1.0)
    found = Pairs.of(r, sign * q, np.abs(rho), sine)
    if pairs.excess is not None:
        # beyond a factor of 2 nothing cancels, and far beyond it the geometry's is cut off
        excess = host((pairs.excess + 0.0 * pairs.rho)[some])
        found = replace(found, excess=np.where(np.abs(found.excess) < 1.0, excess, found.excess))
    return found, (heads[0][1:], heads[1][1:])


def _scales(heads: tuple[Array, Array], pairs: Pairs, some: Array | slice) -> Array:
    """What the errors of S and of T are relative to: √(K K') of the NNGP, and of the NTK over r r'."""
    first, second = (head[:, some] for head in heads)
    nngp = np.sqrt(first[0] * second[0])
    ntk = np.sqrt((first[0] + first[1]) * (second[0] + second[1]))
    return np.stack([nngp, ntk / (pairs.r * np.abs(pairs.q))]) + 1e-290


@lru_cache(maxsize=64)
def derived(expr: sp.Expr) -> Dual:
    """The evaluator of φ(z) = `expr`.

    Raises:
        DomainError: ball arithmetic does not know a function of it.
        ExpressionError: kinks that are not the roots of straight lines, symbols, no finite values at kinks.
    """
    return Evaluator(expr).dual()
