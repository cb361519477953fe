"""Arrays of JAX: read where they are, on the CPU, and returned as such; numpy computes, since they cannot be filled."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import array_api_compat
import numpy as np

from glutheory.errors import DomainError


def returner(X: Any, Y: Any, out: Any) -> Callable[[np.ndarray], Any] | None:
    """What makes an array of JAX of a result, or None where X is none.

    Raises:
        DomainError: only one of X and Y is one, or there is an array to fill.
    """
    found = [array_api_compat.is_jax_array(part) for part in (X, Y) if part is not None]
    if not any(found):
        return None
    if not all(found):
        raise DomainError("one of X and Y is an array of JAX and one is not: give two of the same library.")
    if out is not None:
        raise DomainError("out is given, but arrays of JAX cannot be filled: leave it out, or give numpy.asarray(X).")
    back: Callable[[np.ndarray], Any] = array_api_compat.array_namespace(X).asarray
    return back


def from_jax(name: str, array: Any) -> np.ndarray:
    """The numbers of an array of JAX on the CPU, not copied.

    Raises:
        DomainError: it is on another device, or is being traced.
    """
    if isinstance(array, sys.modules["jax"].core.Tracer):
        raise DomainError(f"{name} is traced by JAX: use glutheory.integrations.jax.gram, which it can trace.")
    places = {device.platform for device in array.devices()}
    if places != {"cpu"}:
        raise DomainError(
            f"{name} is on {', '.join(sorted(places))}: give jax.device_put({name}, jax.devices('cpu')[0]), or use "
            "glutheory.integrations.jax.gram."
        )
    return np.asarray(array)
