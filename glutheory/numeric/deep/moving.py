"""A unit of a deep network at pairs of rows, and how it moves with the data: along ρ, log |x| and log |x'|.

The kernel of a stack is a function of three numbers of a pair, so its gradient is had by carrying three derivatives
through the layers next to the values, and no layer's state has to be kept. Two cancellations are avoided:

* 1 − ρ of two parallel rows that differ in norm comes from that difference, and where a kink follows, so does the
  derivative along the norms, divided by √(1 − ρ). So r'/r − 1 is carried along with its own digits (`excess`).
* ∂ρ/∂log |x| of a sum is that of A ρ₁ + B ρ₂, with A + B = 1 − K: ∂(A + B) has its own formula, and the rest are the
  small 1 − ρ, or 1 + ρ for rows that are nearly opposite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from glutheory.numeric.arrays import Array, Namespace
from glutheory.numeric.deep.pairs import Pairs
from glutheory.numeric.deep.pairs import product as product_of_pairs

#: Derivatives along ρ, log |x| and log |x'| of the data; None for 0.
Along: TypeAlias = tuple["Array | None", "Array | None", "Array | None"]
NOTHING: Along = (None, None, None)
#: |r'/r − 1| beyond which it is not needed: r and r' themselves tell.
_FAR = 0.5


@dataclass(frozen=True, eq=False)
class Moving:
    """The state of a tile and its derivatives.

    Attributes:
        pairs: the values.
        excess: r'/r − 1, with all its digits where it is small.
        angle: the derivatives of ρ.
        ntk: those of τ; nothing where that is not asked for.
        growth: of each side r ∂/∂|x| log r: d log r/d log |x|, shapes (p, 1) and (1, q).
    """

    pairs: Pairs
    excess: Array
    angle: Along
    ntk: Along
    growth: tuple[Array, Array]

    def scaled(self, factor: float) -> Moving:
        """The unit times a number, of which only the size counts."""
        return replace(self, pairs=self.pairs.sides(self.pairs.left * factor, self.pairs.right * factor))

    def trained(self, factor: float) -> Moving:
        """Weights that see this unit's Σ, times a factor, have been added to the NTK."""
        if factor == 0 or self.pairs.tau is None:
            return self
        return replace(self, pairs=self.pairs.trained(factor), ntk=combined((1.0, self.ntk), (factor, self.angle)))

    def normalised(self) -> Moving:
        """All standard deviations are 1."""
        ones = self.pairs.xp.ones_like(self.pairs.left), self.pairs.xp.ones_like(self.pairs.right)
        nothing = 0.0 * ones[0], 0.0 * ones[1]
        return replace(self, pairs=self.pairs.sides(*ones), excess=0.0 * self.excess, growth=nothing)


def combined(*terms: tuple[Array | float, Along]) -> Along:
    """The sum of derivatives times factors."""
    first, second, third = (
        [factor * part[k] for factor, part in terms if part[k] is not None]  # type: ignore[operator]
        for k in range(3)
    )
    return _sum(first), _sum(second), _sum(third)


def _sum(parts: Sequence[Array]) -> Array | None:
    return sum(parts[1:], start=parts[0]) if parts else None


def constant(like: Moving, root: float, tau: float) -> Moving:
    """A unit that is the same for all rows: a bias of this standard deviation."""
    pairs = like.pairs
    one = pairs.xp.ones_like(pairs.minus)
    left, right = 0.0 * pairs.left + root, 0.0 * pairs.right + root
    found = Pairs(pairs.xp, left, right, 0.0 * one, 2.0 * one, None if pairs.tau is None else tau * one)
    return Moving(found, 0.0 * one, NOTHING, NOTHING, (0.0 * left, 0.0 * right))


def added(one: Moving, two: Moving) -> Moving:
    """The sum of two independent units."""
    p, q = one.pairs, two.pairs
    xp = p.xp
    left, right = xp.hypot(p.left, q.left), xp.hypot(p.right, q.right)
    # where both are 0 the first counts
    c, c2 = _over(xp, p.left, left, 1.0), _over(xp, p.right, right, 1.0)
    s, s2 = _over(xp, q.left, left, 0.0), _over(xp, q.right, right, 0.0)
    a, b = c * c2, s * s2
    excess, turned = _turned(xp, (one.excess, two.excess), (left, right), (c, s), c * s2 - s * c2)
    apart = turned * turned / (1.0 + a + b)
    minus, plus = apart + a * p.minus + b * q.minus, apart + a * p.plus + b * q.plus
    tau = None if p.tau is None or q.tau is None else a * p.tau + b * q.tau
    pairs = Pairs(xp, left, right, minus, plus, tau)
    # of each side: d log cos χ = s² e and d log sin χ = −c² e with e the difference of the growths
    growth, angle, ntk = [], [combined((a, one.angle), (b, two.angle))], [combined((a, one.ntk), (b, two.ntk))]
    sides = zip((c, c2), (s, s2), one.growth, two.growth, (-1.0, 1.0), strict=True)
    for k, (cosine, sine, first, second, sign) in enumerate(sides):
        growth.append(cosine * cosine * first + sine * sine * second)
        e = first - second
        if bool(xp.all(e == 0)):
            continue
        da, db, whole = a * sine * sine * e, -b * cosine * cosine * e, sign * cosine * sine * turned * e
        near = whole - da * p.minus - db * q.minus
        far = da * p.plus + db * q.plus - whole
        angle.append(_only(k, xp.where(plus < minus, far, near)))
        if p.tau is not None and q.tau is not None:
            ntk.append(_only(k, da * p.tau + db * q.tau))
    whole_angle, whole_ntk = (combined(*((1.0, part) for part in parts)) for parts in (angle, ntk))
    return Moving(pairs, excess, whole_angle, whole_ntk, (growth[0], growth[1]))


def _turned(
    xp: Namespace, excess: tuple[Array, Array], ends: tuple[Array, Array], first: tuple[Array, Array], rough: Array
) -> tuple[Array, Array]:
    """The excess of a sum, and sin(χ' − χ) = c s (excess₂ − excess₁)/(1 + excess); `first` are c and s of the left."""
    one, two = excess
    c, s = first
    close = (xp.abs(one) < _FAR) & (xp.abs(two) < _FAR)
    change = c * c * (2.0 * one + one * one) + s * s * (2.0 * two + two * two)
    fine = change / (1.0 + xp.sqrt(1.0 + change))
    found = xp.where(close, fine, ends[1] / ends[0] - 1.0)
    return found, xp.where(close, c * s * (two - one) / (1.0 + fine), rough)


def _only(side: int, value: Array) -> Along:
    return (None, value, None) if side == 0 else (None, None, value)


def _over(xp: Namespace, part: Array, whole: Array, nothing: float) -> Array:
    """Part over whole, and `nothing` where the whole is 0."""
    empty = whole == 0
    return xp.where(empty, nothing + 0.0 * whole, part / xp.where(empty, xp.ones_like(whole), whole))


def product(images: Sequence[Moving], *, poles: bool) -> Moving:
    """The product of independent units."""
    first, *others = images
    for other in others:
        first = _times(first, other, poles)
    return first


def _times(one: Moving, two: Moving, poles: bool) -> Moving:
    p, q = one.pairs, two.pairs
    rho, other = p.rho, q.rho
    angle = combined((other, one.angle), (rho, two.angle))
    ntk = NOTHING
    if p.tau is not None and q.tau is not None:
        ntk = combined((other, one.ntk), (p.tau, two.angle), (rho, two.ntk), (q.tau, one.angle))
    excess = one.excess + two.excess + one.excess * two.excess
    growth = one.growth[0] + two.growth[0], one.growth[1] + two.growth[1]
    return Moving(product_of_pairs([p, q], poles=poles), excess, angle, ntk, growth)
