"""Signs on a continuum: a function that encloses its values on boxes in balls, and boxes cut until each is decided."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from flint import arb

from glutheory.ground.exact import ball

Interval = tuple[Fraction, Fraction]
Box = tuple[Interval, ...]
#: A ball that contains every value of a function (or of its derivative) on [low, high].
Enclosure = Callable[[Fraction, Fraction], arb]
#: Boxes after which a search gives up and says so, and the size, relative to the first ones, below which none is cut.
LIMIT, SMALLEST = 100_000, Fraction(1, 2**40)


def hull(low: Fraction, high: Fraction) -> arb:
    """The interval as one ball."""
    return ball(low) if low == high else ball(low).union(ball(high))


def sign(value: arb) -> int:
    """1 or −1 where the whole ball has that sign, 0 where it does not tell."""
    return (1 if value > 0 else -1 if value < 0 else 0) if value.is_finite() else 0


@dataclass(frozen=True)
class Cover:
    """What a search for positivity found.

    Attributes:
        boxes: how many were looked at.
        counterexample: a box on which the function is certainly negative.
        open: a box that was left undecided when the limit was reached.
    """

    boxes: int
    counterexample: Box | None = None
    open: Box | None = None

    @property
    def positive(self) -> bool:
        """Whether the function is positive on every box."""
        return self.counterexample is None and self.open is None


def positive(enclosure: Callable[[Box], arb], boxes: Sequence[Box], *, limit: int = LIMIT) -> Cover:
    """Whether the function is positive on all of these boxes; each is halved along its (relatively) longest side.

    Large boxes come first, so that a box on which the function is negative is found before a sign change is pursued.
    """
    queue = deque((box, tuple(high - low for low, high in box)) for box in boxes)
    count = 0
    while queue:
        box, sizes = queue.popleft()
        shares = [(high - low) / size for (low, high), size in zip(box, sizes, strict=True)]
        if count == limit or max(shares) < SMALLEST:
            return Cover(count, open=box)
        count += 1
        found = sign(enclosure(box))
        if found < 0:
            return Cover(count, counterexample=box)
        if found == 0:
            axis = shares.index(max(shares))
            low, high = box[axis]
            middle = (low + high) / 2
            queue += [((*box[:axis], half, *box[axis + 1 :]), sizes) for half in ((low, middle), (middle, high))]
    return Cover(count)


@dataclass(frozen=True)
class Zeros:
    """All zeros of a function on an interval.

    Attributes:
        brackets: each contains exactly one zero, which is simple; from left to right.
        signs: of the function before, between and after the zeros; one more than brackets.
        boxes: how many intervals were looked at.
        open: an interval left undecided; then the list is not complete.
    """

    brackets: tuple[Interval, ...]
    signs: tuple[int, ...]
    boxes: int
    open: Interval | None = None


def zeros(value: Enclosure, slope: Enclosure, points: Sequence[Fraction], *, limit: int = LIMIT) -> Zeros:
    """Isolate the zeros between the first and the last of these points, where the function must not vanish.

    An interval is done where the value has a sign, or where the derivative has one: then the function is monotone, and
    the signs at the two ends say whether there is a zero. The points in between only save bisections.
    """
    stack = list(pairwise(points))[::-1]
    brackets: list[Interval] = []
    signs: list[int] = []
    count = 0
    while stack:
        low, high = stack.pop()
        if count == limit or high - low < SMALLEST * (points[-1] - points[0]):
            return Zeros(tuple(brackets), tuple(signs), count, open=(low, high))
        count += 1
        ends = _ends(value, slope, low, high)
        if ends is None:
            middle = (low + high) / 2
            stack += [(middle, high), (low, middle)]
            continue
        if not signs:
            signs.append(ends[0])
        if ends[0] != ends[1]:
            brackets.append((low, high))
            signs.append(ends[1])
    return Zeros(tuple(brackets), tuple(signs), count)


def _ends(value: Enclosure, slope: Enclosure, low: Fraction, high: Fraction) -> tuple[int, int] | None:
    """The signs at the ends of an interval on which the function has no zero, or one with a change of sign."""
    everywhere = sign(value(low, high))
    if everywhere:
        return everywhere, everywhere
    if not sign(slope(low, high)):
        return None
    left, right = sign(value(low, low)), sign(value(high, high))
    return (left, right) if left and right else None


def refine(value: Enclosure, bracket: Interval, width: Fraction) -> Interval:
    """A bracket at most this wide around the one zero in `bracket`, its signs at the ends certified.

    Raises:
        ArithmeticError: the enclosures at points are too wide to tell the signs at this width.
    """
    from scipy.optimize import brentq

    left = sign(value(bracket[0], bracket[0]))
    guess = Fraction(
        brentq(lambda x: float(value(Fraction(x), Fraction(x)).mid()), *map(float, bracket), xtol=float(width) / 16)
    )
    low, high = max(bracket[0], guess - width / 2), min(bracket[1], guess + width / 2)
    if left == 0 or (sign(value(low, low)), sign(value(high, high))) != (left, -left):
        raise ArithmeticError(
            f"the zero in [{float(bracket[0])}, {float(bracket[1])}] could not be enclosed to {width}."
        )
    return low, high
