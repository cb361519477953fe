"""Branch and bound for the zeros of a difference of exponential sums: pieces without zeros, and monotone pieces."""

from __future__ import annotations

import math
from dataclasses import dataclass

from glutheory.dynamics.exponentials import Difference

#: Splits of intervals after which the search gives up, and the relative width below which none is split.
_WORK, _NARROW = 20_000, 2.0**-44
#: The search ends at this multiple of the time scale of the slowest mode's gap, were no bound to end it before.
_FAR = 1e6


@dataclass(frozen=True)
class Piece:
    """An interval on which D has no zero (slope 0), or is strictly monotone, or unknown (slope None)."""

    low: float
    high: float
    slope: int | None


def isolate(D: Difference, end: float) -> tuple[list[Piece], int, float]:
    """The pieces of [0, end], neighbours of the same slope joined; how many there were; where the last one began."""
    spread = D.rates - D.rates[0]
    scale = 1 / float(spread[-1]) if spread[-1] > 0 else 1.0
    far = _FAR / float(spread[1]) if len(spread) > 1 else scale
    stack, done = [(0.0, end)], list[Piece]()
    while stack:
        a, b = stack.pop()
        low, high = D.over(a, b)
        if low > 0 or high < 0:
            done.append(Piece(a, b, 0))
            continue
        low, high = D.over(a, b, 1) if not math.isinf(b) else (-math.inf, math.inf)
        if low > 0 or high < 0:
            done.append(Piece(a, b, 1 if low > 0 else -1))
        elif len(done) > _WORK or (a > far if math.isinf(b) else b - a <= _NARROW * b or b < _NARROW * scale):
            done.append(Piece(a, b, None))
        else:
            middle = _middle(a, b, scale)
            stack += [(middle, b), (a, middle)]
    joined: list[Piece] = []
    for piece in done:
        if joined and joined[-1].slope == piece.slope:
            piece = Piece(joined.pop().low, piece.high, piece.slope)
        joined.append(piece)
    return joined, len(done), done[-1].low


def _middle(a: float, b: float, scale: float) -> float:
    """Where to split: evenly on the logarithmic scale, which is the scale of the curves."""
    if math.isinf(b):
        return max(scale, 4 * a)
    if a == 0:
        return scale if b > 2 * scale else b / 2
    return math.sqrt(a) * math.sqrt(b) if b > 4 * a else (a + b) / 2
