"""Pairs out of the series' reach: their expectations by `plane`, shared between pairs whose radii are the same.

Data of one norm, or of a few, has many nearly parallel pairs that differ in their angle alone. There a Chebyshev
interpolant on [θ₀/2, θ₀] costs as much as `_NODES` pairs, whatever their number.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.polynomial import chebyshev

from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array
from glutheory.numeric.own.curve import Curves
from glutheory.numeric.own.line import FINER, USUAL, Integrand, Pairs, Products, Side
from glutheory.numeric.own.plane import expectations
from glutheory.numeric.own.rule import REACHES
from glutheory.numeric.own.samples import transform
from glutheory.numeric.own.spectrum import Spectrum

#: S and T; and the derivatives along ρ, r and r' beside them: which function of u with which of v.
VALUES: Products = ((0, 0), (1, 1))
PARTIALS: Products = (*VALUES, (2, 2), (3, 0), (4, 1), (0, 3), (1, 4))
#: Nodes in an interval of angles, and the number of pairs from which they pay.
_NODES, _SHARED = 24, 40
#: What an interpolant may leave out, of the scale.
_RESOLVED = 1e-13
#: Radii that differ by less are the same: in units of log r.
_SAME = 2.0**-46
#: The sine over which that is below 1e-12.
_WIDE = 2.0**-6
_CACHED = 1 << 12
#: By how much shorter integrals of φ reach than those of φ², where the largest part of these is near 0. Where it is
#: far out, as of kinks at 14 standard deviations, it may be nearer than this to the cut.
_NEARER = 3.5
#: By how much two orders of integration may differ, of the scale.
_AGREED = 2e-13

#: Panels of intervals that are integrated in 10 μs; and how often a branch point has intervals halved, measured.
_AT_ONCE, _CROWDED = 4.0, 8.0


class Near:
    """The direct integrals of one activation."""

    def __init__(self, curves: Curves, spectrum: Spectrum) -> None:
        self._curves, self._spectrum = curves, spectrum
        self._sides: dict[tuple[float, bool], Side] = {}
        self._arcs: dict[tuple[int, ...], Array | None] = {}
        self._checked: set[tuple[int, ...]] = set()

    def cost(self, r: float, q: float) -> int:
        """What an integral at these radii costs, roughly, in units of 10 μs."""
        sides = [self._side(1.5 * (REACHES[0] - _NEARER) * size, False) for size in (r, q)]
        intervals = 3 + len(sides[0].kinks) ** 2
        panels = sum(len(side.breaks) for side in sides)
        return 1 + int(panels * intervals * (_CROWDED if sides[0].rough else 1.0) / _AT_ONCE)

    def expectations(self, products: Products, pairs: Pairs, scale: Array) -> Array:
        """E[f_i(u) f_j(v)] for `products`, `VALUES` or `PARTIALS`; shape (products, N).

        Args:
            products: which.
            pairs: the pairs.
            scale: what errors are relative to, shape (products, N).
        """
        # a pair and the same pair with its rows exchanged have one integral; of the smaller radius is what moves with y
        turned = np.abs(pairs.q) > pairs.r
        mirror = [list(products).index((j, i)) for i, j in products]
        exchanged = pairs.turned()
        keys = np.stack(
            [
                np.where(turned, getattr(exchanged, name), getattr(pairs, name))
                for name in ("r", "q", "rho", "sine", "excess")
            ]
        )
        kept, first, place = np.unique(keys, axis=1, return_index=True, return_inverse=True)
        sizes = np.where(turned, scale[mirror], scale)[:, first]
        found = self._distinct(products, Pairs(*kept), sizes)[:, place.ravel()]
        return np.where(turned, found[mirror], found)

    def _distinct(self, products: Products, pairs: Pairs, scale: Array) -> Array:
        """The same for pairs of which no two are alike, the larger radius first."""
        found = np.empty((len(products), len(pairs.r)))
        rest = np.ones(len(pairs.r), dtype=bool)
        # one radius stands for all of a group, but not where ∂T/∂ρ asks for their differences over the angle
        fine = len(products) > len(VALUES) and bool(self._curves.value.kinks.any())
        for some, key in self._groups(pairs, _WIDE if fine else 0.0):
            values = self._interpolated(products, pairs.take(some), scale[:, some], key)
            if values is not None:
                found[:, some] = values
                rest[some] = False
        if rest.any():
            found[:, rest] = self._direct(products, pairs.take(rest), scale[:, rest])
        return found

    def _groups(self, pairs: Pairs, least: float) -> Iterator[tuple[Array, tuple[int, ...]]]:
        """Pairs of the same radii in the same interval of angles, from this sine on, where there are many."""
        if len(pairs.r) < _SHARED:
            return
        sizes = np.abs(pairs.q)
        good = pairs.sine > least
        keys = np.stack(
            [
                np.rint(np.log(pairs.r) / _SAME),
                np.rint(np.log(sizes) / _SAME),
                np.sign(pairs.q),
                np.floor(np.log2(np.where(good, _angle(pairs), 1.0))),
            ]
        ).astype(np.int64)
        unique, place, counts = np.unique(keys[:, good], axis=1, return_inverse=True, return_counts=True)
        index = np.nonzero(good)[0]
        for number in np.nonzero(counts >= _SHARED)[0]:
            yield index[place.ravel() == number], tuple(unique[:, number].tolist())

    def _interpolated(self, products: Products, pairs: Pairs, scale: Array, key: tuple[int, ...]) -> Array | None:
        """By the interpolant of these radii and angles; None where it is not accurate."""
        full = (*key, len(products))
        if full in self._arcs:
            coefficients = self._arcs[full]
        else:
            if len(self._arcs) > _CACHED:
                self._arcs.clear()
            low = 2.0 ** key[3]
            t, matrix = transform(_NODES)
            theta = low * (1.5 + 0.5 * t)
            one = np.ones(_NODES)
            nodes = Pairs.of(one * pairs.r[0], one * pairs.q[0], np.cos(theta), np.sin(theta))
            size = scale[:, :1]
            values = self._direct(products, nodes, size + 0.0 * theta)
            found = values @ matrix.T
            fine = bool(
                (np.abs(found[:, -2:]) <= _RESOLVED * np.maximum(size, np.abs(values).min(axis=1)[:, None])).all()
            )
            coefficients = self._arcs[full] = found if fine else None
        if coefficients is None:
            return None
        return chebyshev.chebval(2.0 * _angle(pairs) / 2.0 ** key[3] - 3.0, coefficients.T)

    def _direct(self, products: Products, pairs: Pairs, scale: Array) -> Array:
        """Each pair by its own integral; one of them, of each kind for the first time, in two ways."""
        reach = self._reach(pairs)
        left = self._side(1.5 * reach * float(pairs.r.max()), len(products) > len(VALUES))
        right = self._side(1.5 * reach * float(np.abs(pairs.q).max()), len(products) > len(VALUES))
        integrand = Integrand(left, right, products, reach, USUAL)
        found = expectations(integrand, pairs, scale)
        self._check(integrand, pairs, scale, found)
        return found

    def _reach(self, pairs: Pairs) -> float:
        """Where the density at two numbers has faded as far as its square has at one."""
        sizes = np.unique(np.floor(2.0 * np.log2(np.concatenate([pairs.r, np.abs(pairs.q)]))))
        end = max(self._spectrum.reach(float(2.0 ** ((size + 0.5) / 2.0))) for size in sizes)
        return end - _NEARER if end == REACHES[0] else end

    def _check(self, integrand: Integrand, pairs: Pairs, scale: Array, found: Array) -> None:
        """One of these pairs with the roles of x and y, and of u and v, exchanged, and by a finer rule.

        Of two rows of one norm the exchange alone would be the same integral once more.
        """
        some = np.array([len(pairs.r) // 2])
        key = tuple(int(v) for v in (*np.floor(np.log2([pairs.r[some], np.abs(pairs.q[some])])).ravel(), len(found)))
        if key in self._checked:
            return
        one = pairs.take(some)
        products = [(j, i) for i, j in integrand.products]
        exchanged = Integrand(integrand.right, integrand.left, products, integrand.reach, FINER)
        again = expectations(exchanged, one.turned(), scale[:, some])
        with np.errstate(all="ignore"):
            # of T where φ jumps, which grows like 1/θ, relative to itself
            error = np.abs(again - found[:, some]) / np.maximum(scale[:, some], np.abs(found[:, some]))
        if not bool(np.all((error <= _AGREED) | np.isinf(again) & (again == found[:, some]))):
            raise DomainError(
                f"the kernel of {self._curves.value.expr} at nearly parallel rows with the standard deviations "
                f"{float(one.r[0]):.4g} and {float(abs(one.q[0])):.4g} cannot be had to 12 digits (two ways of "
                f"computing it differ by {float(np.nanmax(error)):.1e} of the scale): use `evaluate` pair by pair."
            )
        self._checked.add(key)

    def _side(self, reach: float, slopes: bool) -> Side:
        level = float(np.ceil(np.log2(reach)))
        if (level, slopes) not in self._sides:
            self._sides[level, slopes] = self._make_side(2.0**level, slopes)
        return self._sides[level, slopes]

    def _make_side(self, reach: float, slopes: bool) -> Side:
        curves = self._curves
        value, slope = curves.value.at(reach), curves.slope.at(reach)
        kinks, jumps = curves.value.kinks, curves.slope.masses
        cuts = [curves.value.breaks(reach), curves.slope.breaks(reach)]
        if not slopes:
            masses = np.array([0.0 * jumps, jumps])

            def both(z: Array) -> list[Array]:
                parts = curves.value.parts(z)
                return [value(z, parts), slope(z, parts)]

            return Side(both, kinks, masses, np.unique(np.concatenate(cuts)))
        bend, bends = curves.bend.at(reach), curves.bend.masses
        cuts.append(curves.bend.breaks(reach))

        def functions(z: Array) -> list[Array]:
            parts = curves.value.parts(z)
            first, second = slope(z, parts), bend(z, parts)
            return [value(z, parts), first, second, z * first, first + z * second]

        masses = np.array([0.0 * bends, 0.0 * bends, bends, 0.0 * bends, kinks * bends])
        return Side(functions, kinks, masses, np.unique(np.concatenate(cuts)))


def _angle(pairs: Pairs) -> Array:
    """θ of |ρ|, accurate for small ones."""
    return np.arctan2(pairs.sine, pairs.rho)
