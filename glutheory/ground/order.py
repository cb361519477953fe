"""The order of places that are known as balls.

As floats, near places would be mixed up. As balls, some are not told apart: an integral leaves these out together, with
a bound of what lies between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cmp_to_key
from itertools import pairwise
from typing import TypeVar

from flint import arb

Item = TypeVar("Item")


@dataclass(frozen=True)
class Interval:
    """Between two neighbouring places; `after` of them, and no others, lie to its left."""

    low: arb
    high: arb
    after: tuple[int, ...]


def ascending(items: Iterable[Item], place: Callable[[Item], arb]) -> list[Item]:
    """By the midpoints of their balls, compared exactly."""
    return [item for item, _ in sorted(((item, place(item).mid()) for item in items), key=cmp_to_key(_compare))]


def _compare(one: tuple[object, arb], two: tuple[object, arb]) -> int:
    return -1 if one[1] < two[1] else int(one[1] > two[1])


def in_order(items: Iterable[Item], place: Callable[[Item], arb]) -> list[Item] | None:
    """Ascending; None where the balls do not decide it."""
    made = ascending(items, place)
    return made if all(place(one) < place(two) for one, two in pairwise(made)) else None


def apart(places: Iterable[arb]) -> tuple[list[Interval], arb]:
    """The intervals between the places, ascending, and the length of what lies between those not told apart.

    All places lie outside of all intervals, whatever numbers the balls stand for.
    """
    groups: list[tuple[arb, arb, list[tuple[int, arb]]]] = []
    for index, own in ascending(enumerate(places), lambda item: item[1]):
        low, high, members = own.lower(), own.upper(), [(index, own)]
        while groups and not groups[-1][1] < low:
            before = groups.pop()
            low, high, members = arb.min(before[0], low), arb.max(before[1], high), before[2] + members
        groups.append((low, high, members))
    left_out = sum((high - low for low, high, members in groups if len(members) > 1), arb(0))
    intervals, after = [], []
    for one, two in pairwise(groups):
        after += [index for index, _ in one[2]]
        # a place that stands alone is an end itself: the integrals on both sides of it meet
        low = one[2][0][1] if len(one[2]) == 1 else one[1]
        high = two[2][0][1] if len(two[2]) == 1 else two[0]
        intervals.append(Interval(low, high, tuple(after)))
    return intervals, left_out
