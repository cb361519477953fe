"""Where two loss curves cross: every crossing isolated, by bounds and not on a grid.

Branch and bound for the zeros of a difference of exponential sums: pieces without zeros, and monotone pieces.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from glutheory.dynamics.exponentials import Difference, Interval
from glutheory.dynamics.loss import LossCurve
from glutheory.errors import DomainError
from glutheory.ground.arguments import real
from glutheory.ground.matrices import Array

#: Splits of intervals after which the search gives up, and the relative width below which none is split.
_WORK, _NARROW = 20_000, 2.0**-44
#: Splits after which it stays open whether errors hide a crossing: it is reported then.
_HIDDEN = 2_000
#: The search ends at this multiple of the time scale of the slowest mode's gap, were no bound to end it before; and
#: here, where products of times still fit into a double.
_FAR, _LAST = 1e6, 2.0**1015
_Rate = float | None


@dataclass(frozen=True)
class Crossing:
    """One sign change of D = first − second.

    Attributes:
        step: where, a real number of steps, or a time.
        low, high: a bracket that certainly holds it, and no other.
        sign: of D afterwards: −1 if the first curve is lower from here on, 1 if the second is.
    """

    step: float
    low: float
    high: float
    sign: int

    @property
    def lower(self) -> str:
        """Which curve is lower afterwards: "first" or "second"."""
        return "first" if self.sign < 0 else "second"


@dataclass(frozen=True)
class Crossings:
    """Every sign change of D = first − second at k > 0.

    Attributes:
        found: the crossings in order, but for a first one before which errors certainly hide who leads at every
            whole step, or time: the curves start together then.
        start: the sign of D at first, −1 if the first curve is lower; the sign of its slope, if the curves start
            together up to rounding, which is not counted as a crossing.
        end: the sign of D at last: at `until` if that was given, else for k → ∞. There the slowest mode decides, and
            what it is of a kernel that may be singular rounding alone may say: `certain` does not speak of it.
        bound: no more zeros than this can be at k > 0, counted with multiplicity (Laguerre's rule of signs).
        undecided: intervals where rounding hides the sign of D and of its slope.
        complete: `found` are certainly all, for the exponents (`LossCurve.decays`) and weights as float64 has them.
        certain: the sign between any two crossings is also that of the kernels meant, which differ from what is given
            by `LossCurve.error` and `LossCurve.weight_error` at most; their curves have at least these crossings then.
        argument: in words, why these are all.
    """

    found: tuple[Crossing, ...]
    start: int
    end: int
    bound: int
    undecided: tuple[Interval, ...]
    complete: bool
    certain: bool
    argument: str

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Crossing]:
        return iter(self.found)


def crossings(
    first: LossCurve,
    second: LossCurve,
    *,
    rate: _Rate | tuple[_Rate, _Rate] = None,
    until: float | None = None,
) -> Crossings:
    """All crossings of two loss curves.

    Both are sums of exponentials in k (each mode is |1 − ηλ|^{2k}), also where 1 − ηλ is negative or the descent
    diverges. Branch and bound: an interval is dropped where the values exclude a zero, and kept as one crossing where
    the slope has one sign; the last interval reaches to infinity, where the slowest mode outweighs the other curve.

    Args:
        first: one curve.
        second: the other.
        rate: the learning rate, a pair (a tuple) if they differ, or None for the gradient flow.
        until: look only at 0 < k ≤ until.

    Raises:
        DomainError: a rate or `until` that is not positive, or one flow compared with one descent.
    """
    rates = _rates(rate)
    until = None if until is None else real("until", until, above=0)
    first, second = _scaled(first, second)
    sides = [(curve.decays(eta), curve.weights) for curve, eta in zip((first, second), rates, strict=True)]
    difference = Difference.of(sides[0], sides[1])
    if not len(difference.rates):
        return Crossings((), 0, 0, 0, (), True, False, "the two curves are the same")
    end = math.inf if until is None else float(until)
    pieces, count, tail = _isolate(difference, end)
    found, undecided, start = _read(difference, pieces)
    parts, isolated = [], len(found)
    if found and _hidden(difference, first, second, rates, found[0].high):
        # the curves start together, and until this crossing rounding alone parts them
        parts.append(f"rounding or errors make the one at {found[0].step:.4g}, which is left out")
        start, found = found[0].sign, found[1:]
    last = difference.end if until is None else difference.sign(end)
    complete = not undecided and start != 0 and last == start * (-1) ** len(found)
    certain = complete and _certain(first, second, rates, found, end)
    parts = [f"branch and bound on {count} intervals isolates {isolated} sign change{'s' * (isolated != 1)}", *parts]
    argument = "; ".join([*parts, *_argument(difference, undecided, pieces, tail)])
    return Crossings(found, start, last, difference.laguerre, undecided, complete, certain, argument)


def _rates(rate: object) -> tuple[_Rate, _Rate]:
    """Two learning rates, or None twice."""
    pair = rate if isinstance(rate, tuple) else (rate, rate)
    if len(pair) == 2 and all(one is None for one in pair):
        return None, None
    try:
        own, other = (real("rate", one, above=0) for one in pair)
    except ValueError:  # not two of them, or no numbers
        raise DomainError(
            f"rate is {rate!r}: give a positive learning rate, a tuple of two of them, or None for gradient flow."
        ) from None
    return own, other


def _scaled(first: LossCurve, second: LossCurve) -> tuple[LossCurve, LossCurve]:
    """The curves in units of a power of two such that the largest weight is about 1: no sign changes."""
    power = -int(np.frexp(max(first.weights.max(), second.weights.max()))[1])
    return first.scaled(power), second.scaled(power)


@dataclass(frozen=True)
class _Piece:
    """An interval on which D has no zero (slope 0), or is strictly monotone, or unknown (slope None)."""

    low: float
    high: float
    slope: int | None


def _isolate(D: Difference, end: float) -> tuple[list[_Piece], int, float]:
    """The pieces of [0, end], neighbours of the same slope joined; how many there were; where the last one began."""
    scale = _scale(D)
    far = min(_FAR / float(D.rates[1] - D.rates[0]), _LAST) if len(D.rates) > 1 else scale
    stack, done = [(0.0, end)], list[_Piece]()
    while stack:
        a, b = stack.pop()
        low, high = D.over(a, b)
        if low > 0 or high < 0:
            done.append(_Piece(a, b, 0))
            continue
        low, high = D.over(a, b, 1) if not math.isinf(b) else (-math.inf, math.inf)
        if low > 0 or high < 0:
            done.append(_Piece(a, b, 1 if low > 0 else -1))
        elif len(done) > _WORK or (a > far if math.isinf(b) else b - a <= _NARROW * b or b < _NARROW * scale):
            done.append(_Piece(a, b, None))
        elif a < (middle := _middle(a, b, scale)) < b:
            stack += [(middle, b), (a, middle)]
        else:
            done.append(_Piece(a, b, None))
    joined: list[_Piece] = []
    for piece in done:
        if joined and joined[-1].slope == piece.slope:
            piece = _Piece(joined.pop().low, piece.high, piece.slope)
        joined.append(piece)
    return joined, len(done), done[-1].low


def _scale(D: Difference) -> float:
    """The time of the fastest mode beside the slowest."""
    spread = float(D.rates[-1] - D.rates[0])
    return min(1 / spread, _LAST) if spread > 0 else 1.0


def _middle(a: float, b: float, scale: float) -> float:
    """Where to split: evenly on the logarithmic scale, which is the scale of the curves."""
    if math.isinf(b):
        return max(scale, 4 * a)
    if a == 0:
        return scale if b > 2 * scale else b / 2
    return math.sqrt(a) * math.sqrt(b) if b > 4 * a else a + (b - a) / 2


def _read(D: Difference, pieces: list[_Piece]) -> tuple[tuple[Crossing, ...], tuple[Interval, ...], int]:
    """The crossings, the undecided intervals, and the sign of D at first."""
    found, undecided, start = list[Crossing](), list[Interval](), D.sign(0.0)
    for piece in pieces:
        if piece.slope == 0:
            continue
        before, after = D.sign(piece.low), D.sign(piece.high)
        if piece.slope is not None and piece.low == 0 and before == 0:
            before = start = piece.slope
        if piece.slope is None or before == 0 or after == 0:
            # neighbours are one interval: an extremum next to 0 hides between two monotone pieces
            joined = undecided.pop()[0] if undecided and undecided[-1][1] == piece.low else piece.low
            undecided.append((joined, piece.high))
        elif before != after:
            found.append(_refine(D, piece, after))
    return tuple(found), tuple(undecided), start


def _refine(D: Difference, piece: _Piece, after: int) -> Crossing:
    """The crossing of a monotone piece: bisection as far as signs are certain."""
    low, high = piece.low, piece.high
    step = low + (high - low) / 2
    while high - low > 2 * math.ulp(high):
        step = low + (high - low) / 2
        sign = D.sign(step)
        if sign == 0:
            break
        low, high = (low, step) if sign == after else (step, high)
    # the sign at `step` is hidden by rounding: approach it from both sides as far as it is not
    while D.sign(inner := low + (step - low) / 2) == -after and inner > low:
        low = inner
    while D.sign(inner := step + (high - step) / 2) == after and inner < high:
        high = inner
    return Crossing(step, low, high, after)


def _hidden(D: Difference, first: LossCurve, second: LossCurve, rates: tuple[_Rate, _Rate], step: float) -> bool:
    """Whether it is proved that errors exceed |D| at every whole step, or time, before this one.

    Branch and bound: each thing that errors do rises and then falls, so that on an interval it is least at an end.
    """
    slowest, scale = float(D.rates[0]), _scale(D)

    def errors(t: float) -> Array:
        sides = zip((first, second), rates, strict=True)
        return np.concatenate([curve.errors(np.array([t]), eta)[0] for curve, eta in sides])

    def unit(t: float) -> float:
        """The slowest exponential, in units of which D is."""
        return math.exp(min(-slowest * t, 700.0))

    last = step if rates[0] is None else float(math.ceil(step) - 1)  # the whole steps before it
    stack, splits = [(0.0, last)], 0
    while stack:
        a, b = stack.pop()
        low, high = D.over(a, b)
        ends = errors(a), errors(b)
        least = float(np.minimum(*ends).sum())
        if 0 < least >= max(-low, high) * max(unit(a), unit(b)):
            continue
        splits += 1
        certainly = [max(low, -high) * unit(t) for t, (low, high) in ((a, D.at(a)), (b, D.at(b)))]
        seen = any(value > off.sum() for value, off in zip(certainly, ends, strict=True))
        if seen or splits > _HIDDEN or b - a <= _NARROW * b:
            return False
        middle = _middle(a, b, scale)
        stack += [(middle, b), (a, middle)]
    return True


def _certain(
    first: LossCurve,
    second: LossCurve,
    rates: tuple[_Rate, _Rate],
    found: tuple[Crossing, ...],
    end: float,
) -> bool:
    """Whether before, between and after the crossings are whole steps (or times) at which D exceeds its errors."""
    marks = [0.0, *(item.step for item in found), end]
    decays = np.abs(np.concatenate([curve.decays(eta) for curve, eta in zip((first, second), rates, strict=True)]))
    fastest = float(decays.max())
    for low, high in pairwise(marks):
        last = high if not math.isinf(high) else min(100 * (low if rates[0] is None else max(low, 1.0)), 2.0**1023)
        probes = [np.array([low] * (low == 0)), _spread(max(low, last * 1e-3), last, 33)[1:-1]]
        if fastest and last > low:
            # geometrically from the fastest mode on: what it does is over soon after
            probes.append(low + _spread(min(1 / fastest, last - low) / 8, last - low, 65)[:-1])
        steps = np.concatenate(probes)
        if rates[0] is not None:
            steps = np.round(steps)
            steps = steps[(steps >= low) & (steps <= high)]
        if not visible(first, second, rates, steps).any():
            return False
    return True


def _spread(low: float, high: float, count: int) -> Array:
    """So many times, geometrically from one to the other; from 0, which has no logarithm, evenly."""
    return np.geomspace(low, high, count) if low > 0 else np.linspace(low, high, count)


def visible(first: LossCurve, second: LossCurve, rates: tuple[_Rate, _Rate], steps: Array) -> npt.NDArray[np.bool_]:
    """At which of these steps or times the curves differ by more than errors can make."""
    values, errors = list[Array](), list[Array]()
    for curve, eta in zip((first, second), rates, strict=True):
        values.append(curve.flow(steps) if eta is None else curve.descent(steps, eta))
        errors.append(curve.uncertainty(steps, eta))
    with np.errstate(invalid="ignore"):  # two losses that are both infinite say nothing
        return np.asarray(np.abs(values[0] - values[1]) > errors[0] + errors[1])


def _argument(D: Difference, undecided: tuple[Interval, ...], pieces: list[_Piece], tail: float) -> Iterator[str]:
    """Why there are no others, clause by clause."""
    if math.isinf(pieces[-1].high) and pieces[-1].slope == 0:
        yield f"beyond {tail:.4g} the slower curve's slowest mode outweighs the other curve"
    yield f"Laguerre's rule of signs allows at most {D.laguerre}"
    if undecided:
        yield f"rounding leaves {len(undecided)} interval{'s' * (len(undecided) != 1)} undecided"
