"""Numbers given as arguments, checked: a bad one is answered by one sentence with its name, value and remedy."""

from __future__ import annotations

import math
import operator
from typing import Any

from glutheory.errors import DomainError


def integer(name: str, value: Any, least: int) -> int:
    """An integer of at least `least`; numpy's integers are integers, booleans are not.

    Raises:
        DomainError: anything else.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < least:
        raise DomainError(f"{name} is {value!r}: give an integer >= {least}.")
    return number


def real(name: str, value: Any, *, above: float = -math.inf, below: float = math.inf) -> float:
    """A finite number between two bounds, which are not allowed themselves.

    Raises:
        DomainError: anything else.
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not above < number < below:
        ends = [f"> {above:g}"] * (above > -math.inf) + [f"< {below:g}"] * (below < math.inf)
        raise DomainError(f"{name} is {value!r}: give a finite number {' and '.join(ends)}".rstrip() + ".")
    return number
