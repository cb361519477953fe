"""Whether the means over positions of two sequences are multiples of each other, or zero: decided exactly.

No ball can tell. Two things can: units that are multiples of one another (`layers.rays`), so that both means are
combinations of the same few units, permuted as may be; and the units' second moments, which are rational as long as
all that is applied are polynomials, so that v = λu where E[uv]² = E[u²]E[v²].
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import sympy as sp

from glutheory.activations import Z
from glutheory.ground.symmetry import Ray
from glutheory.layers import rays
from glutheory.layers.pairs import Inputs
from glutheory.layers.records import Dense, Layer, Norm, Positions, Product, Scale
from glutheory.layers.walk import run
from glutheory.layers.zeros import ZERO, follow

Key = tuple[int, int]
#: Bits of a moment's numerator and denominator that are carried along.
_MOST = 4000


@dataclass(frozen=True)
class Means:
    """Of the units behind a mean over positions.

    Attributes:
        ray: the mean at x' as a multiple of that at x, where it is known to be one.
        zero: whether the means at x and x' are 0, whatever the weights are.
    """

    ray: Ray | None
    zero: tuple[bool, bool]


@dataclass(frozen=True)
class _Rows:
    """The units at every position of both sequences, i ≤ j.

    Attributes:
        rays: h_j as a multiple of h_i.
        moments: E[h_i h_j], None where they are not known to be rational.
        means: E[h_i], likewise.
    """

    rays: Mapping[Key, Ray | None]
    moments: Mapping[Key, Fraction] | None
    means: Sequence[Fraction]


def means(layers: Sequence[Layer], inputs: Inputs) -> Means:
    """What is known of the means.

    Args:
        layers: of the stack, whose rows of zeros have passed `check_zero_rows`; without a mean over positions nothing
            is applied to the rows.
        inputs: the rows, by their inner products.

    Raises:
        DomainError: a mean is zero where a norm divides by its length, or an activation jumps.
    """
    gram, count = inputs.gram, len(inputs.gram)
    keys = [(i, j) for j in range(count) for i in range(j + 1)]
    start = _Rows(
        {(i, j): rays.ray_of(gram[i][i], gram[j][j], gram[i][j]) for i, j in keys},
        {(i, j): gram[i][j] for i, j in keys},
        (Fraction(0),) * count,
    )
    place = next((k for k, layer in enumerate(layers) if isinstance(layer, Positions)), 0)
    found = run(layers[:place], start, _Exact())
    empty = [gram[i][i] == 0 for i in range(count)]
    if any(empty) and follow(layers[:place]) != ZERO:
        empty = [False] * count
    halves = range(count // 2), range(count // 2, count)
    one, two = (_combination(found, half, empty) for half in halves)
    zero = not one, not two
    ray = _multiple(one, two)
    if found.moments is not None and ray is None:
        sums = [
            sum((found.moments[min(i, j), max(i, j)] for i in p for j in q), Fraction(0))
            for p, q in ((halves[0], halves[0]), (halves[1], halves[1]), halves)
        ]
        zero, ray = (sums[0] == 0, sums[1] == 0), rays.ray_of(*sums)
    if any(zero) and not all(empty):
        follow(layers[place:], "the mean over positions of a sequence is zero", "sequence")
    return Means(ray, zero)


def _combination(found: _Rows, half: range, empty: Sequence[bool]) -> dict[int, Fraction]:
    """The sum over these positions in units that are no known multiples of earlier ones: their factors, by number."""
    factors: dict[int, Fraction] = {}
    for j in half:
        if empty[j]:
            continue
        known = ((i, found.rays[i, j]) for i in range(j + 1))
        base, ray = next((i, ray) for i, ray in known if ray is not None and ray.ratio is not None)
        assert ray is not None
        assert ray.ratio is not None
        factors[base] = factors.get(base, Fraction(0)) + ray.sign * ray.ratio
    return {base: factor for base, factor in factors.items() if factor}


def _multiple(one: Mapping[int, Fraction], two: Mapping[int, Fraction]) -> Ray | None:
    if one.keys() != two.keys():
        return None
    quotients = {two[base] / one[base] for base in one} or {Fraction(1)}
    if len(quotients) > 1:
        return None
    (quotient,) = quotients
    return Ray(1 if quotient > 0 else -1, abs(quotient))


class _Exact:
    """Rules for exact moments, and for multiples."""

    def dense(self, state: _Rows, layer: Dense, group: str) -> _Rows:  # noqa: ARG002
        kept = {key: rays.through_dense(ray, layer) for key, ray in state.rays.items()}
        moments = None
        if state.moments is not None:
            moments = {key: layer.variance * value + layer.bias for key, value in state.moments.items()}
        return _Rows(kept, _short(moments), (Fraction(0),) * len(state.means))

    def product(self, state: _Rows, layer: Product, groups: tuple[str, ...]) -> _Rows:
        kept = {key: rays.through_product(ray, layer) for key, ray in state.rays.items()}
        polynomials = [_polynomial(act.expr) for act in layer.activations]
        fed = [self.dense(state, own, group).moments for own, group in zip(layer.branches, groups, strict=True)]
        new: dict[Key, Fraction] = {}
        own = [Fraction(1)] * len(state.means)
        for polynomial, below in zip(polynomials, fed, strict=True):
            if polynomial is None or below is None:
                return _Rows(kept, None, ())
            for i, j in below:
                value = _moment(polynomial, polynomial, below[i, i], below[j, j], below[i, j])
                new[i, j] = new.get((i, j), Fraction(1)) * value
            one = (Fraction(1),)
            own = [old * _moment(polynomial, one, below[i, i], Fraction(0), Fraction(0)) for i, old in enumerate(own)]
        return _Rows(kept, _short(new), own)

    def norm(self, state: _Rows, layer: Norm, group: str) -> _Rows:  # noqa: ARG002
        kept = {key: rays.normed(ray) for key, ray in state.rays.items()}
        moments, own = state.moments, state.means
        if moments is None:
            return _Rows(kept, None, ())
        if layer.centred:
            moments = {(i, j): value - own[i] * own[j] for (i, j), value in moments.items()}
            own = (Fraction(0),) * len(own)
        new: dict[Key, Fraction] = {}
        for (i, j), value in moments.items():
            # of lengths of one size the product is rational, though none of them may be
            both = _root(moments[i, i] * moments[j, j])
            if both is None:
                return _Rows(kept, None, ())
            new[i, j] = value / both
        left: list[Fraction] = []
        for i, mean in enumerate(own):
            root = _root(moments[i, i]) if mean else Fraction(1)
            if root is None:
                return _Rows(kept, None, ())
            left.append(mean / root)
        return _Rows(kept, new, left)

    def scale(self, state: _Rows, layer: Scale) -> _Rows:
        moments = state.moments and {key: layer.factor**2 * value for key, value in state.moments.items()}
        return _Rows(state.rays, moments, [layer.factor * mean for mean in state.means])

    def add(self, state: _Rows, other: _Rows) -> _Rows:
        kept = {key: rays.added(ray, other.rays[key]) for key, ray in state.rays.items()}
        if state.moments is None or other.moments is None:
            return _Rows(kept, None, ())
        moments = {key: value + other.moments[key] for key, value in state.moments.items()}
        return _Rows(kept, _short(moments), [one + two for one, two in zip(state.means, other.means, strict=True)])

    def positions(self, state: _Rows, layer: Positions) -> _Rows:  # noqa: ARG002
        return state


def _short(moments: Mapping[Key, Fraction] | None) -> Mapping[Key, Fraction] | None:
    """The same, unless the numbers have become too long."""
    if moments is None or any(
        max(value.numerator.bit_length(), value.denominator.bit_length()) > _MOST for value in moments.values()
    ):
        return None
    return moments


def _root(value: Fraction) -> Fraction | None:
    """A rational square root, None for none, and for 0."""
    if value <= 0:
        return None
    root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    return root if root * root == value else None


@lru_cache(maxsize=256)
def _polynomial(expr: sp.Expr) -> tuple[Fraction, ...] | None:
    """The coefficients of a polynomial with rational ones, from the constant on."""
    found = sp.expand(expr).as_poly(Z) if expr.is_polynomial(Z) else None
    if found is None or not all(value.is_Rational for value in found.all_coeffs()):
        return None
    return tuple(Fraction(int(value.p), int(value.q)) for value in reversed(found.all_coeffs()))


def _moment(one: tuple[Fraction, ...], two: tuple[Fraction, ...], a: Fraction, b: Fraction, c: Fraction) -> Fraction:
    """E[f(u) g(v)] of two polynomials: E[u^m v^n] is a sum over the number j of pairs of a u with a v (Isserlis)."""
    total = Fraction(0)
    for m, f in enumerate(one):
        for n, g in enumerate(two):
            if (m + n) % 2 or not f or not g:
                continue
            for j in range(m % 2, min(m, n) + 1, 2):
                ways = math.comb(m, j) * math.comb(n, j) * math.factorial(j) * _pairings(m - j) * _pairings(n - j)
                total += f * g * ways * c**j * a ** ((m - j) // 2) * b ** ((n - j) // 2)
    return total


def _pairings(count: int) -> int:
    """How many ways there are to pair off so many, an even number."""
    return math.prod(range(1, count, 2))
