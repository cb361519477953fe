"""Hermite coefficients of φ(r x) as functions of log r, tabulated once per activation and octave.

    E[φ(r x) φ(r' x')] = Σ_k h_k(r) h_k(r') ρ^k,   h_k(r) = E[φ(r x) He_k(x)]/√k!

At the Chebyshev nodes of half an octave the integrals are sums over panels between the kinks; for rows between the
nodes the coefficients are interpolated, which costs one matrix product for all of them. Parseval's identity says what
the series leaves out: Σ h_k² = E[φ(r x)²] and Σ k h_k² = r² E[φ'(r x)²].
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array
from glutheory.numeric.own.curve import Curves
from glutheory.numeric.own.rule import REACHES, density, panels, reach
from glutheory.numeric.own.samples import transform

#: Coefficients at most: at |ρ| = 0.96 they leave 1e-14 of what follows, and each pair beyond costs as much as 100 here.
TERMS = 768
#: Numbers of a row before its coefficients: E[φ(u)²], r² E[φ'(u)²], E[φ(u)φ(−u)] and −r² E[φ'(u)φ'(−u)]; the integrals
#: with φ' leave its delta functions out.
HEAD = 4
#: Coefficients between two questions whether they suffice.
BLOCK = 8
#: Width of an interval of log r, and the nodes of its interpolation.
WIDTH = math.log(2.0) / 2
_NODES = (48, 96, 192)
#: Parts of such an interval at most.
_PARTS = 4
#: Width of a panel, in which He_768 turns by 10 radians, and its nodes.
_PANEL, _GAUSS = 0.5, 24
#: Radii at a time.
_RADII = 6
#: What interpolation may leave out, of the scale of a row.
_RESOLVED = 2e-14
#: And what of it is only rounding.
_ROUNDED = 4e-16
#: k² h_k² of the last coefficients, of Σ h_k²: what follows meets coefficients of other rows that do not fall.
_VANISHED = 1e-26
#: Logarithms below this one (1e-100) are those of 0: kinks 21 deviations out and farther, of which series tell nothing.
_NOTHING = -230.0
#: Parseval's differences below this fraction are rounding errors.
_ROUNDING = 1e-13


@dataclass(frozen=True, eq=False)
class Octave:
    """One interval of log r, and the reach of its Gaussian integrals: Chebyshev coefficients, shape (HEAD + K, nodes).

    The functions are log E[φ(u)²] and the rest over powers of E[φ(u)²]: exp(z) changes it by factors of millions. For
    log r below `low` all is 0.
    """

    low: float
    width: float
    reach: float
    coefficients: Array

    def at(self, logs: Array) -> Array:
        """The numbers at these log r, shape (n,), as (HEAD + K, n)."""
        t = np.clip(2.0 * (logs - self.low) / self.width - 1.0, -1.0, 1.0)
        found = self.coefficients @ chebyshev.chebvander(t, self.coefficients.shape[1] - 1).T
        total = np.exp(found[0])
        total[(found[0] < _NOTHING) | (logs < self.low)] = 0.0
        found[0] = total
        found[1:HEAD] *= total
        found[HEAD:] *= np.sqrt(total)
        return found


class Spectrum:
    """The coefficients of one activation."""

    def __init__(self, curves: Curves) -> None:
        self._curves = curves
        self._octaves: dict[int, tuple[Octave, ...]] = {}
        self.jumps = curves.slope.jumps

    def rows(self, r: Array) -> Array:
        """The head and the h_k of rows with these r ≥ 0, shape (n,), as (HEAD + K, n); K is a multiple of `BLOCK`."""
        found: list[tuple[Array, Array]] = []
        zero = r == 0
        logs = np.log(np.where(zero, 1.0, r))
        place = self.numbers(np.where(zero, 1.0, r))
        for number in np.unique(place[~zero]).tolist():
            mine = np.nonzero((place == number) & ~zero)[0]
            parts = self._part(number, logs[mine])
            for k in np.unique(parts).tolist():
                some = mine[parts == k]
                found.append((some, self.octave(number)[k].at(logs[some])))
        height = max((part.shape[0] for _, part in found), default=HEAD + 3 * BLOCK)
        result = np.zeros((height, len(r)))
        for some, part in found:
            result[: part.shape[0], some] = part
        at_zero = self._curves.at_zero
        result[[0, 2], zero.nonzero()[0][:, None]] = at_zero * at_zero
        result[HEAD, zero] = at_zero
        return result

    def at(self, r: Array, terms: int) -> Array:
        """The same of a few radii > 0 within a factor of 3 of one another, computed there; K is `terms` + 2 `BLOCK`.

        Raises:
            DomainError: they cannot be had.
        """
        found = _coefficients(self._curves, r, terms)[1]
        found[0] = np.exp(found[0])
        found[1:HEAD] *= found[0]
        found[HEAD:] *= np.sqrt(found[0])
        return found

    def numbers(self, r: Array) -> Array:
        """The octave of each radius > 0."""
        return np.floor(np.log(r) / WIDTH).astype(int)

    def reach(self, r: float) -> float:
        """How far out Gaussian integrals of φ(r x) go, r > 0."""
        number = math.floor(math.log(r) / WIDTH)
        return self.octave(number)[int(self._part(number, np.log(r)))].reach

    def octave(self, number: int) -> tuple[Octave, ...]:
        """The interval of this number, computed once; where kinks are far out in parts, which change more slowly.

        Raises:
            DomainError: its coefficients cannot be had.
        """
        if number not in self._octaves:
            top = (number + 1) * WIDTH
            found: list[Octave] = []
            waiting = [(_start(self._curves, number * WIDTH, top), top)]
            while waiting:
                low, high = waiting.pop()
                made = _interval(self._curves, low, high)
                if made is not None:
                    found.append(made)
                elif high - low > WIDTH / _PARTS:
                    waiting += [((low + high) / 2.0, high), (low, (low + high) / 2.0)]
                else:
                    raise DomainError(
                        f"the function {self._curves.value.expr} changes too fast at variances from "
                        f"{math.exp(2 * low):.4g} to {math.exp(2 * high):.4g}: scale the rows, or use `evaluate` pair "
                        "by pair."
                    )
            self._octaves[number] = tuple(found)
        return self._octaves[number]

    def _part(self, number: int, logs: Array) -> Array:
        """Which of the octave's parts each of these log r is in."""
        lows = [part.low for part in self.octave(number)]
        return np.maximum(np.searchsorted(lows, logs, side="right") - 1, 0)


def _interval(curves: Curves, low: float, high: float) -> Octave | None:
    """From one log r to another; None where as many nodes as there are here do not tell the functions."""
    for count in _NODES:
        t, matrix = transform(count)
        end, values = _coefficients(curves, np.exp(low + (t + 1.0) / 2.0 * (high - low)))
        found = values @ matrix.T
        scale = np.ones(len(found))
        scale[:HEAD] = np.maximum(1.0, np.abs(values[:HEAD]).max(axis=1))
        scale[3] = scale[1]
        if (np.abs(found[:, -3:]).max(axis=1) <= _RESOLVED * scale).all():
            # what is only rounding is left out: at the ends of the interval it would add up
            used = np.nonzero((np.abs(found) > _ROUNDED * scale[:, None]).any(axis=0))[0]
            return Octave(low, high - low, end, found[:, : int(used.max(initial=0)) + 1])
    return None


def _start(curves: Curves, low: float, top: float) -> float:
    """The log r of an octave from which on E[φ(r x)²] is something; its low end where that holds of all of it, or none.

    A function that is 0 up to a kink far out has no logarithms below to interpolate.
    """
    x = np.linspace(-REACHES[-1], REACHES[-1], 64 * int(REACHES[-1]) + 1)

    def nothing(log: float) -> bool:
        r = math.exp(log)
        with np.errstate(all="ignore"):
            logs = 2.0 * np.log(np.abs(curves.value.at(REACHES[-1] * r)(r * x))) - x * x / 2.0
        return bool(logs.max() < _NOTHING)

    if not nothing(low) or nothing(top):
        return low
    start, something = low, top
    while something - start > 1e-3 * (top - low):
        middle = (start + something) / 2.0
        start, something = (middle, something) if nothing(middle) else (start, middle)
    return something


def _coefficients(curves: Curves, radii: Array, terms: int = TERMS) -> tuple[float, Array]:
    """The reach and the numbers of `Octave`, computed at each of a few radii of one octave: shape (HEAD + K, n)."""
    largest = float(radii.max())
    # the wider one has the faster tails, the narrower one the farther kinks
    ends = (float(radii.min()), largest)
    end = max(reach(curve, r) for curve in (curves.value, curves.slope) for r in ends)
    x, weights = _nodes(curves, radii, end, terms)
    with np.errstate(all="ignore"):
        f, slope = curves.value.at(end * largest), curves.slope.at(end * largest)
        u = radii[:, None] * x
        weights = weights * density(x)
        phi, own = f(u), slope(u)
        total = np.sum(phi * phi * weights, axis=1)
        square = radii * radii
        slope_total = square * np.sum(own * own * weights, axis=1)
        opposite = np.sum(phi * f(-u) * weights, axis=1)
        slope_opposite = -square * np.sum(own * slope(-u) * weights, axis=1)
        logs = np.log(total)
    if logs.max() < _NOTHING:
        return end, np.concatenate([np.full((1, len(radii)), -1e3), np.zeros((HEAD + 4 * BLOCK - 1, len(radii)))])
    h = _project(x, phi * weights, total, math.inf if curves.slope.jumps else slope_total, terms)
    head = np.stack([logs, slope_total / total, opposite / total, slope_opposite / total])
    return end, np.concatenate([head, h / np.sqrt(total)])


def _nodes(curves: Curves, radii: Array, end: float, terms: int) -> tuple[Array, Array]:
    """Nodes and weights on [−X, X] of each radius for so many terms, as many for all; shape (n, Q)."""
    breaks = curves.value.breaks(end * float(radii.max()))
    more = curves.slope.breaks(end * float(radii.max()))
    cuts = np.unique(np.concatenate([breaks, more]))
    scaled = cuts / radii[:, None]
    # of more terms than `TERMS` the functions turn faster
    width = _PANEL * min(1.0, math.sqrt(TERMS / terms))
    base = np.linspace(-end, end, round(2 * end / width) + 1)
    all_edges = [base + 0.0 * radii[:, None], scaled, -scaled]
    edges = np.sort(np.clip(np.concatenate(all_edges, axis=1), -end, end), axis=1)
    # columns of panels that are empty for every radius
    keep = np.concatenate([[True], (np.diff(edges, axis=1) > 0).any(axis=0)])
    return panels(edges[:, keep], _GAUSS)


def _project(x: Array, weighted: Array, total: Array, slope_total: Array | float, terms: int) -> Array:
    """The h_k, k < K, where K is the first multiple of 2 `BLOCK` that suffices, or `terms` + 2 `BLOCK`."""
    found: list[Array] = []
    before, now = np.zeros_like(x), np.ones_like(x)
    k = 0
    while k < terms + 2 * BLOCK:  # two blocks more than are summed, for derivatives along r
        block = np.empty((2 * BLOCK, len(x)))
        # a few radii at a time, for the cache; an even number of steps leaves `before` and `now` in their places
        for first in range(0, len(x), _RADII):
            some = slice(first, first + _RADII)
            one, two, places, weights = before[some], now[some], x[some], weighted[some]
            for j in range(2 * BLOCK):
                block[j, some] = np.einsum("ij,ij->i", weights, two)
                one *= -math.sqrt((k + j) / (k + j + 1))
                one += places * two * (1 / math.sqrt(k + j + 1))
                one, two = two, one
        found.extend(block)
        k += 2 * BLOCK
        h = np.array(found)
        tail = k * np.max(h[-2 * BLOCK :] ** 2, axis=0) * k
        left, slope_left = total - np.sum(h * h, axis=0), slope_total - np.arange(k) @ (h * h)
        small = (
            (tail <= _VANISHED * total)
            & (left <= _ROUNDING * total)
            & (slope_left <= _ROUNDING * (total + slope_total))
        )
        if small.all() and k > 2 * BLOCK:
            break
    return np.array(found)
