"""A unit of a deep network at pairs of rows, and how it moves along some directions.

A direction is the correlation of the data, log |x| of one side, or the logarithm of a number of the stack. The kernel
of a stack is a function of these, so its gradient is had by carrying a derivative along each through the layers next to
the values, and no layer's state has to be kept. Two cancellations are avoided:

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

#: One derivative for each direction; None for 0.
Along: TypeAlias = tuple["Array | None", ...]
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
        growth: those of log r of both sides, shapes (p, 1) and (1, q).
    """

    pairs: Pairs
    excess: Array
    angle: Along
    ntk: Along
    growth: tuple[Along, Along]

    @property
    def nothing(self) -> Along:
        """The derivatives of what does not move."""
        return (None,) * len(self.angle)

    def scaled(self, factor: float, direction: int | None = None, rate: float = 1.0) -> Moving:
        """The unit times a number, of which only the size counts; log r moves by `rate` along its direction."""
        made = replace(self, pairs=self.pairs.sides(self.pairs.left * factor, self.pairs.right * factor))
        if direction is None:
            return made
        xp = self.pairs.xp
        step = rate * xp.ones_like(self.pairs.left), rate * xp.ones_like(self.pairs.right)
        one, other = (
            combined((1.0, own), (1.0, only(direction, part, len(own))))
            for own, part in zip(self.growth, step, strict=True)
        )
        return replace(made, growth=(one, other))

    def trained(self, factor: float, falls: int | None = None) -> Moving:
        """Weights that see this unit's Σ, times a factor, have been added to the NTK.

        Along the direction `falls` the factor is like 1 over the number.
        """
        if factor == 0 or self.pairs.tau is None:
            return self
        ntk = combined((1.0, self.ntk), (factor, self.angle))
        if falls is not None:
            ntk = combined((1.0, ntk), (-factor, only(falls, self.pairs.rho, len(ntk))))
        return replace(self, pairs=self.pairs.trained(factor), ntk=ntk)

    def normalised(self) -> Moving:
        """All standard deviations are 1."""
        ones = self.pairs.xp.ones_like(self.pairs.left), self.pairs.xp.ones_like(self.pairs.right)
        return replace(
            self, pairs=self.pairs.sides(*ones), excess=0.0 * self.excess, growth=(self.nothing, self.nothing)
        )


def combined(*terms: tuple[Array | float, Along]) -> Along:
    """The sum of derivatives times factors."""
    return tuple(
        _sum([factor * part[k] for factor, part in terms if part[k] is not None])  # type: ignore[operator]
        for k in range(len(terms[0][1]))
    )


def _sum(parts: Sequence[Array]) -> Array | None:
    return sum(parts[1:], start=parts[0]) if parts else None


def only(direction: int, value: Array, count: int) -> Along:
    """Derivatives of which one is not 0."""
    return tuple(value if k == direction else None for k in range(count))


def constant(like: Moving, root: float, tau: float) -> Moving:
    """A unit that is the same for all rows: a bias of this standard deviation."""
    pairs = like.pairs
    one = pairs.xp.ones_like(pairs.minus)
    left, right = 0.0 * pairs.left + root, 0.0 * pairs.right + root
    found = Pairs(pairs.xp, left, right, 0.0 * one, 2.0 * one, None if pairs.tau is None else tau * one)
    nothing = like.nothing
    return Moving(found, 0.0 * one, nothing, nothing, (nothing, nothing))


def added(one: Moving, two: Moving) -> Moving:
    """The sum of two independent units."""
    p, q = one.pairs, two.pairs
    xp, count = p.xp, len(one.angle)
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
    for cosine, sine, first, second, sign in sides:
        growth.append(combined((cosine * cosine, first), (sine * sine, second)))
        for k, e in enumerate(combined((1.0, first), (-1.0, second))):
            if e is None or bool(xp.all(e == 0)):
                continue
            da, db, whole = a * sine * sine * e, -b * cosine * cosine * e, sign * cosine * sine * turned * e
            near = whole - da * p.minus - db * q.minus
            far = da * p.plus + db * q.plus - whole
            angle.append(only(k, xp.where(plus < minus, far, near), count))
            if p.tau is not None and q.tau is not None:
                ntk.append(only(k, da * p.tau + db * q.tau, count))
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
    ntk = one.nothing
    if p.tau is not None and q.tau is not None:
        ntk = combined((other, one.ntk), (p.tau, two.angle), (rho, two.ntk), (q.tau, one.angle))
    excess = one.excess + two.excess + one.excess * two.excess
    growth = combined((1.0, one.growth[0]), (1.0, two.growth[0])), combined((1.0, one.growth[1]), (1.0, two.growth[1]))
    return Moving(product_of_pairs([p, q], poles=poles), excess, angle, ntk, growth)
