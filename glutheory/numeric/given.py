"""Arrays as they are given: those of a library, and whatever else `numpy.asarray` takes."""

from __future__ import annotations

from typing import Any

import array_api_compat
import numpy as np

from glutheory.errors import DomainError, with_article


def as_arrays(X: Any, Y: Any) -> tuple[Any, Any]:
    """X and Y by `as_array`; Y may be None."""
    return as_array("X", X), None if Y is None else as_array("Y", Y)


def as_array(name: str, value: Any) -> Any:
    """An array of a library as it is, and whatever else `numpy.asarray` takes, such as a list of rows, by that.

    Raises:
        DomainError: rows of different lengths, text, masked entries or a numpy.matrix.
    """
    if np.ma.isMA(value):
        raise DomainError(
            f"{name} is a masked array, whose masked entries have no value: give {name}.filled(0), or the rows "
            "that are complete."
        )
    if isinstance(value, np.matrix):
        raise DomainError(f"{name} is a numpy.matrix: give numpy.asarray({name}).")
    if array_api_compat.is_array_api_obj(value):
        return value
    kind = type(value).__name__
    try:
        found = np.asarray(value)
    except (TypeError, ValueError):  # rows of different lengths, and objects that refuse
        raise DomainError(
            f"{name} is {with_article(kind)} of rows of different lengths: give a matrix, one row per input."
        ) from None
    if found.dtype.kind not in "biuf":
        raise DomainError(
            f"{name} is of type {kind}, which numpy reads as {found.dtype}: give a matrix of real numbers, one row per "
            "input."
        )
    return found
