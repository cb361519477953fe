"""What a study is given in Python: networks, of which one may stand alone, and rows in any form that `gram` takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.activations import Activation
from glutheory.errors import DomainError
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.numeric.given import as_array


def networks_given(given: Any) -> tuple[Any, ...]:
    """The networks, or the one that is given without a list; text is a name, not letters.

    Raises:
        DomainError: not one network or several, or none.
    """
    if isinstance(given, str | Network | Stack | Activation):
        return (given,)
    if not isinstance(given, Iterable) or not (found := tuple(given)):
        raise DomainError(f"networks is {str(given)[:40]!r}: give networks or their names, e.g. ['silu', 'swiglu'].")
    return found


def rows_given(X: Any) -> npt.NDArray[np.float64]:
    """The rows as a numpy matrix; whether they are finite, `gram` asks.

    Raises:
        DomainError: no matrix of numbers, or fewer than two rows.
    """
    found = as_array("X", X)
    rows = np.asarray(found.detach().cpu().numpy() if hasattr(found, "detach") else found)
    if rows.ndim != 2 or len(rows) < 2:
        raise DomainError(f"X has shape {rows.shape}: give a matrix of shape (rows, features), of at least two rows.")
    return rows
