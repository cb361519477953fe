"""A unit of a deep network at pairs of rows, and what the layers do to it, without cancellation.

    Σ = r r' ρ,   Θ = r r' τ,   minus = 1 − ρ,   plus = 1 + ρ

A layer changes the standard deviations r of each row, and ρ and τ of each pair. Of ρ both distances from ±1 are carried
along, each with its own digits, because ρ does not tell them: for rows 1e-8 apart 1 − ρ is 5e-17. All rules are sums of
positive terms:

    product of two    1 − ρ₁ρ₂ = (minus₁ plus₂ + plus₁ minus₂)/2        1 + ρ₁ρ₂ = (minus₁ minus₂ + plus₁ plus₂)/2
    sum of two        r₁ = r cos χ, r₂ = r sin χ:   1 − ρ = K + A minus₁ + B minus₂      1 + ρ = K + A plus₁ + B plus₂
    activation        see `profile`
    mean removed      1 − ρ grows by the ratio of the second moment and the variance

with A = cos χ cos χ', B = sin χ sin χ' and K = 1 − A − B = 2 sin²((χ − χ')/2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array, Namespace

#: By how much an angle can turn that is the difference of two made of rounded norms, a few roundings each.
TURN = 2.0**-50
#: 1 − |ρ| of different rows whose angle rounding has made 0.
_LEAST = 2.0**-107
#: Of numbers that are differences: two roundings.
_ROUNDED = 2.0**-52


@dataclass(frozen=True, eq=False)
class Pairs:
    """The state of a tile.

    Attributes:
        xp: the array namespace.
        left, right: r of the rows, shape (p, 1), and of the columns, (1, q).
        minus, plus: 1 − ρ and 1 + ρ.
        tau: the NTK over r r'; None where it is not asked for.
        lost: the relative error of 1 − |ρ| that the rounding of r and of means makes, 0 for a row and itself; None
            where it is not kept. Only jumps, which make 1 − |ρ| of an angle, and kinks, whose slope is one, bring it
            up to what counts.
    """

    xp: Namespace
    left: Array
    right: Array
    minus: Array
    plus: Array
    tau: Array | None
    lost: Array | None = None

    @property
    def rho(self) -> Array:
        """The correlation, a new array."""
        rho = self.plus - self.minus
        rho *= 0.5
        return rho

    def sides(self, left: Array, right: Array) -> Pairs:
        """The same pairs with other standard deviations; Σ and Θ are over their product."""
        return replace(self, left=left, right=right)

    def trained(self, factor: float) -> Pairs:
        """Weights that see this unit's Σ, times a factor, have been added to the NTK."""
        if self.tau is None or factor == 0:
            return self
        rho = self.rho
        if factor != 1:
            rho *= factor
        rho += self.tau
        return replace(self, tau=rho)


def start(
    xp: Namespace, left: Array, right: Array, rho: Array, gap: Array, ntk: bool, alike: Array | None = None
) -> Pairs:
    """The data: correlations, their gaps 1 − |ρ| with all digits, and no NTK yet.

    What is lost is kept where it is given which rows have one norm: those of them that are parallel or 0 are the same.
    """
    negative = rho < 0
    other = 2.0 - gap
    minus, plus = xp.where(negative, other, gap), xp.where(negative, gap, other)
    lost = None if alike is None else xp.where(alike & ((gap == 0) | (left == 0)), 0.0 * gap, 0.0 * gap + TURN)
    return Pairs(xp, left, right, minus, plus, 0.0 * rho if ntk else None, lost)


def added(one: Pairs, two: Pairs) -> Pairs:
    """The sum of two independent units."""
    xp = one.xp
    left, right = xp.hypot(one.left, two.left), xp.hypot(one.right, two.right)
    # where both are 0, as for a zero row, the first counts
    if _alike(xp, one.left, one.right) and _alike(xp, two.left, two.right):
        return _shared(one, two, left, right)
    cosines = [_over(xp, first, whole, 1.0) for first, whole in ((one.left, left), (one.right, right))]
    sines = [_over(xp, second, whole, 0.0) for second, whole in ((two.left, left), (two.right, right))]
    a, b = cosines[0] * cosines[1], sines[0] * sines[1]
    turned = cosines[0] * sines[1]
    turned -= sines[0] * cosines[1]
    # 1 − cos(χ − χ') = sin²(χ − χ')/(1 + cos(χ − χ'))
    turned *= turned
    turned /= 1.0 + a + b
    minus, plus = a * one.minus, a * one.plus
    for total, part in ((minus, two.minus), (plus, two.plus)):
        total += b * part
        total += turned
    tau = None
    if one.tau is not None and two.tau is not None:
        a *= one.tau
        b *= two.tau
        a += b
        tau = a
    return turned_by(Pairs(xp, left, right, minus, plus, tau, _most(one, two)))


def turned_by(pairs: Pairs) -> Pairs:
    """The same where angles have turned by `TURN` at most, but for a row and itself.

    An angle of different rows that rounding has made 0 is one of about its size.
    """
    xp, lost = pairs.xp, pairs.lost
    if lost is None:
        return pairs
    some = lost > 0
    minus, plus = (xp.where(some & (part < _LEAST), _LEAST + 0.0 * part, part) for part in (pairs.minus, pairs.plus))
    gap = xp.where(some, xp.minimum(minus, plus), xp.ones_like(minus))
    return replace(pairs, minus=minus, plus=plus, lost=xp.where(some, lost + TURN / xp.sqrt(0.5 * gap), lost))


def _most(one: Pairs, two: Pairs) -> Array | None:
    """What two units have lost at most; one that makes no difference between rows has lost nothing."""
    if one.lost is None or two.lost is None:
        return one.lost if two.lost is None else two.lost
    return one.xp.maximum(one.lost, two.lost)


def _alike(xp: Namespace, left: Array, right: Array) -> bool:
    """Whether all rows have one and the same r."""
    first = left[(0,) * left.ndim] if 0 not in left.shape else 0.0
    return bool(xp.all(left == first)) and bool(xp.all(right == first))


def _shared(one: Pairs, two: Pairs, left: Array, right: Array) -> Pairs:
    """The sum where χ is the same everywhere: K = 0, and A and B are numbers."""
    whole = float(left[(0,) * left.ndim]) if 0 not in left.shape else 0.0
    a = (float(one.left[(0,) * left.ndim]) / whole) ** 2 if whole else 1.0
    b = 1.0 - a
    tau = None if one.tau is None or two.tau is None else a * one.tau + b * two.tau
    minus, plus = a * one.minus, a * one.plus
    minus += b * two.minus
    plus += b * two.plus
    return Pairs(one.xp, left, right, minus, plus, tau, _most(one, two))


def _over(xp: Namespace, part: Array, whole: Array, nothing: float) -> Array:
    """Part over whole, and `nothing` where the whole is 0."""
    empty = whole == 0
    return xp.where(empty, nothing + 0.0 * whole, part / xp.where(empty, xp.ones_like(whole), whole))


def centred(pairs: Pairs, ratios: tuple[Array, Array], left: Array, right: Array) -> Pairs:
    """The unit less its mean; `ratios` are |mean|/r of both sides, `left` and `right` what r becomes."""
    xp = pairs.xp
    kept = [xp.sqrt((1.0 - ratio) * (1.0 + ratio)) for ratio in ratios]
    both, means = kept[0] * kept[1], ratios[0] * ratios[1]
    turned = kept[0] * ratios[1] - ratios[0] * kept[1]
    # 1 − (ρ − m m')/(k k') = (1 − ρ − (1 − k k' − m m'))/(k k')
    minus = xp.clip((pairs.minus - turned * turned / (1.0 + both + means)) / both, 0.0, 2.0)
    tau = None if pairs.tau is None else pairs.tau / both
    plus = 2.0 - minus
    if pairs.lost is None:
        return Pairs(xp, left, right, minus, plus, tau)
    # of 1 − ρ, of the rounding of ratios, which turns an angle whose sine is `kept`, and of what is divided by; where
    # the images are opposite but for their means, 1 + ρ is a difference too
    error = pairs.lost * xp.minimum(pairs.minus, pairs.plus)
    error += _ROUNDED * (pairs.minus + minus + 2.0 * xp.abs(turned) / xp.sqrt(both))
    least = _LEAST + 0.0 * minus
    plus = xp.maximum(plus, least)
    made = Pairs(xp, left, right, minus, plus, tau, error / both / xp.maximum(xp.minimum(minus, plus), least))
    return made if _alike(xp, *ratios) else turned_by(made)


def check_infinite(xp: Namespace, ntk: Array) -> None:
    """Refuse the NTK of a stack with a jump where it is ∞ − ∞.

    Raises:
        DomainError: an entry is.
    """
    if bool(xp.any(xp.isnan(ntk))):
        raise DomainError(
            "two rows are exactly opposite, or the same, where the NTK of this stack with a jump is a difference "
            "of infinite terms: leave one of them out, or use kind='nngp'."
        )


def product(images: Sequence[Pairs], *, poles: bool = False) -> Pairs:
    """The product of independent units; where τ may have `poles`, 0·∞ = 0, as in two layers.

    Raises:
        DomainError: ∞ − ∞.
    """
    first, *others = images
    for other in others:
        first = _times(first, other, poles)
    return first


def _times(one: Pairs, two: Pairs, poles: bool) -> Pairs:
    left, right = one.left * two.left, one.right * two.right
    minus = one.minus * two.plus
    minus += one.plus * two.minus
    plus = one.minus * two.minus
    plus += one.plus * two.plus
    minus *= 0.5
    plus *= 0.5
    lost = _most(one, two)
    if one.tau is None or two.tau is None:
        return Pairs(one.xp, left, right, minus, plus, None, lost)
    first, second = two.rho, one.rho
    if poles:
        nothing = one.xp.zeros_like(first)
        first = one.xp.where((first == 0) | (one.tau == 0), nothing, first * one.tau)
        second = one.xp.where((second == 0) | (two.tau == 0), nothing, second * two.tau)
        total = first + second
        check_infinite(one.xp, total)
        return Pairs(one.xp, left, right, minus, plus, total, lost)
    first *= one.tau
    second *= two.tau
    first += second
    return Pairs(one.xp, left, right, minus, plus, first, lost)
