"""Patches from what is known of an activation: by long series at the nodes of the radii, by integrals at small angles.

With the Hermite coefficients of some radii all pairs of them are one matrix product for each angle; so series of
thousands of terms cost less than a few integrals. These are what patches are held against.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.polynomial import chebyshev

from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array
from glutheory.numeric.own.curve import Curves
from glutheory.numeric.own.features import FIRST, arranged, layout
from glutheory.numeric.own.line import Pairs
from glutheory.numeric.own.near import VALUES, Near
from glutheory.numeric.own.patch import interval
from glutheory.numeric.own.samples import transform
from glutheory.numeric.own.spectrum import BLOCK, Spectrum

#: Nodes of a radius: as many as are needed of these; and of the chord.
_RADII, _CHORD = (14, 21, 30), 28
#: Radii of either side beside the nodes, and chords, at which a patch is held against the series; as coordinates.
_BESIDE = np.array([-0.83, 0.07, 0.91])
_CHORDS = np.array([-0.97, -0.6, 0.2, 0.9])
#: Those of them that are integrated: of log r, of log r' and of the chord.
_TRIALS = ((0, 0, 0), (0, 2, 0), (1, 1, 1))
#: What the last coefficients may be, of the scale.
_RESOLVED = 2e-14
#: What a series may leave out, of the scale, and the terms at most: they are enough for chords from 1/8 on.
_LEFT_OUT, _MOST = 2e-14, 5120
#: Intervals of which they are kept, up to 3 MB each.
_KEPT = 16
#: −log of what ρ^K is for K terms.
_DIGITS = 36.0
#: What a patch may differ by from the series and from integrals.
_AGREED = 2e-13


class Rows(NamedTuple):
    """Radii, and what is known of them.

    Attributes:
        r: shape (n,).
        factors: f and g, shape (2, n).
        h: the coefficients of S, over f, and those of c T, over g, shape (2, K, n).
        missing: √ of what the series leave out after 0, `BLOCK`, … terms, of the scale, shape (K/BLOCK + 1, n).
    """

    r: Array
    factors: Array
    h: Array
    missing: Array

    def one(self, k: int) -> Rows:
        """One of these radii."""
        return Rows(self.r[k : k + 1], self.factors[:, k : k + 1], self.h[..., k : k + 1], self.missing[:, k : k + 1])


class Nodes:
    """What makes the patches of one activation."""

    def __init__(self, curves: Curves, spectrum: Spectrum, near: Near) -> None:
        self._curves, self._spectrum, self._near = curves, spectrum, near
        self._rows: dict[tuple[int, int, int], Rows] = {}

    def tensor(self, left: int, right: int, chord: tuple[float, float], sign: float) -> Array | None:
        """The coefficients of T_i(log r) T_j(log r') T_m(chord), shape (2, I, J, M); None where they cannot be had.

        Args:
            left: the number of the interval of log r; see `patch`.
            right: that of log r'.
            chord: the middle and the half width of the chord.
            sign: that of ρ.
        """
        try:
            with np.errstate(all="ignore"):
                if self._curves.homogeneous:
                    return self._of_angles(chord, sign)
                for count in _RADII:
                    found, more = self._by_series(left, right, count, chord, sign)
                    if not more:
                        return found
        except DomainError:
            pass
        return None

    def _of_angles(self, chord: tuple[float, float], sign: float) -> Array | None:
        """Of a homogeneous function, for which one radius stands for all."""
        nodes, matrix = transform(_CHORD)
        terms, t = _terms(chord), np.concatenate([nodes, _CHORDS])
        long = terms > _MOST
        one = self._at(np.ones(1), BLOCK if long else terms)
        rho = _rho(chord, t, sign)
        if long:
            values = self._integrals(one, one, t, chord, sign)
        elif np.abs(rho).max() ** one.h.shape[1] * one.missing[-1, 0] ** 2 <= _LEFT_OUT:
            values = _series(one, one, rho)[:, 0, 0, :]
        else:
            return None
        found, scale = values[:, :_CHORD] @ matrix.T, _scale(values)
        good = bool((np.abs(found[:, -2:]) <= _RESOLVED * scale).all())
        good &= bool((np.abs(chebyshev.chebval(_CHORDS, found.T) - values[:, _CHORD:]) <= _AGREED * scale).all())
        if good and not long:
            direct = self._integrals(one, one, _CHORDS[:2], chord, sign)
            good = bool((np.abs(chebyshev.chebval(_CHORDS[:2], found.T) - direct) <= _AGREED * scale).all())
        return found[:, None, None, :] if good else None

    def _by_series(
        self, left: int, right: int, count: int, chord: tuple[float, float], sign: float
    ) -> tuple[Array | None, bool]:
        """With so many nodes of either radius; and whether more may help."""
        terms = _terms(chord)
        if terms > _MOST:
            return None, False
        radii, nodes, matrix = transform(count), *transform(_CHORD)
        own, other = (self._of_cell(number, count, terms) for number in (left, right))
        rho = _rho(chord, np.concatenate([nodes, _CHORDS]), sign)
        terms = min(own.h.shape[1], other.h.shape[1])
        left_out = own.missing[terms // BLOCK].max() * other.missing[terms // BLOCK].max()
        if not np.abs(rho).max() ** terms * left_out <= _LEFT_OUT:
            return None, False
        values = _series(own, other, rho)
        inner = values[:, :count, :count, :_CHORD]
        scale = _scale(inner)
        tensor: Array = np.einsum("kijm,ai,bj,cm->kabc", inner, radii[1], radii[1], matrix, optimize=True)
        last = [float(np.abs(end / scale).max()) for end in (tensor[:, -2:], tensor[:, :, -2:], tensor[..., -2:])]
        if not (math.isfinite(sum(last)) and last[2] <= _RESOLVED):
            return None, False
        if max(last) > _RESOLVED:
            return None, True
        beside = chebyshev.chebvander(_BESIDE, count - 1)
        again = np.einsum("kabc,ia,jb,mc->kijm", tensor, beside, beside, chebyshev.chebvander(_CHORDS, _CHORD - 1))
        good = bool((np.abs(again - values[:, count:, count:, _CHORD:]) <= _AGREED * scale).all())
        for i, j, m in _TRIALS if good else ():
            direct = self._integrals(own.one(count + i), other.one(count + j), _CHORDS[m : m + 1], chord, sign)
            good &= bool((np.abs(direct - again[:, i, j, m, None]) <= _AGREED * scale[:, 0, 0]).all())
        return (tensor if good else None), False

    def _of_cell(self, number: int, count: int, terms: int) -> Rows:
        """So many nodes of an interval, and the radii beside them."""
        key = number, count, terms
        if key not in self._rows:
            middle, half = interval(number)
            if len(self._rows) > _KEPT:
                self._rows.clear()
            self._rows[key] = self._at(np.exp(middle + half * np.concatenate([transform(count)[0], _BESIDE])), terms)
        return self._rows[key]

    def _at(self, r: Array, terms: int) -> Rows:
        found = arranged(r, self._spectrum.at(r, terms), self._spectrum.jumps, False)
        many = layout(found.shape[0], False)
        h = found[FIRST : FIRST + many.terms]
        factors = np.sqrt(np.stack([found[1], found[1] + found[2]]))
        slopes = np.sqrt(np.arange(many.terms))[:, None] * h
        return Rows(r, factors, np.stack([h, slopes]) / factors[:, None, :], found[many.missing : -2])

    def _integrals(self, left: Rows, right: Rows, t: Array, chord: tuple[float, float], sign: float) -> Array:
        """The functions by `near`, at radii of which there is one or as many as there are coordinates of the chord."""
        c = chord[0] + chord[1] * t
        one = np.ones(len(t))
        sine = c * np.sqrt((1.0 - c / 2.0) * (1.0 + c / 2.0))
        pairs = Pairs.of(one * left.r, sign * one * right.r, one - c * c / 2.0, sine)
        size = left.factors * right.factors * one
        product = left.r * right.r
        found = self._near.expectations(VALUES, pairs, np.stack([size[0], size[1] / product]))
        found[1] *= sign * pairs.rho * product
        return found / size


def _terms(chord: tuple[float, float]) -> int:
    """How many terms the smallest angle asks for."""
    least = chord[0] - chord[1]
    return BLOCK * math.ceil(_DIGITS / -math.log1p(-least * least / 2.0) / BLOCK)


def _rho(chord: tuple[float, float], t: Array, sign: float) -> Array:
    c = chord[0] + chord[1] * t
    return np.asarray(sign * (1.0 - c * c / 2.0))


def _series(left: Rows, right: Rows, rho: Array) -> Array:
    """The functions at all pairs of these radii and all ρ: shape (2, n, m, len(rho))."""
    found = np.empty((2, len(left.r), len(right.r), len(rho)))
    terms = min(left.h.shape[1], right.h.shape[1])
    k = np.arange(terms)[:, None]
    for place, value in enumerate(rho.tolist()):
        for one, other, part in zip(left.h, right.h, found, strict=True):
            part[..., place] = (one[:terms] * value**k).T @ other[:terms]
    return found


def _scale(values: Array) -> Array:
    """Of both functions: 1, and more only where all values are larger (poles of T); shape (2, 1, …)."""
    return np.maximum(1.0, np.abs(values).min(axis=tuple(range(1, values.ndim)), keepdims=True))
