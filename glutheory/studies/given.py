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

#: Products from here to its inverse, and sums of a million of them, are held to all digits.
_LEAST = 2.0**-960
#: The highest power of a kernel that curves of losses take, with room: a loss and the bounds of its derivatives take 4.
DYNAMICS = 5
#: Sizes of targets whose squares, times such products of kernels near 1, are held.
_TARGETS = (2.0**-100, 2.0**100)


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


def check_held(what: str, diagonal: npt.NDArray[np.float64], X: npt.NDArray[np.float64], power: int = 1) -> None:
    """Refuses rows on which float64 does not hold a kernel to its last digits, as far as the diagonal tells.

    An entry is known within e·√(K_ii K_jj), e of `glutheory.entry_error`, only where no K_ii is below 2⁻¹⁰²².

    Args:
        what: the kernel, for the message, e.g. "the NTK of 'relu'".
        diagonal: of the kernel, shape (n,).
        X: the rows, shape (n, d); of one of zeros the kernel may be 0.
        power: up to which power of the kernel is computed: its norm takes 2, losses `DYNAMICS`.

    Raises:
        DomainError: an entry that is too large or too small.
    """
    limits = np.finfo(np.float64)
    low, high = float(limits.tiny), float(limits.max)
    if power > 1:
        low, high = _LEAST ** (1 / power), _LEAST ** (-1 / power)
    words = f", with powers of it up to {power}," if power > 1 else ""
    if not np.all(np.abs(diagonal) <= high):
        raise DomainError(f"{what}{words} is beyond float64 on these rows: scale them down.")
    # of powers the largest entry decides
    if X.any() and (np.max(diagonal) < low or np.any((diagonal < limits.tiny) & X.any(axis=1))):
        raise DomainError(f"{what}{words} is below what float64 can hold on these rows: scale them up.")


def check_targets(y: npt.NDArray[np.float64], *, least: bool = False) -> None:
    """Refuses targets whose squares float64 does not hold beside the kernels; all 0 are none of its business.

    Args:
        y: finite, of any shape.
        least: whether targets that are too small for that are refused as well, since something rests on them alone.

    Raises:
        DomainError: the largest is too large or too small.
    """
    top = float(np.max(np.abs(y), initial=0.0))
    if top > _TARGETS[1]:
        raise DomainError(f"the targets reach {top:.3g}: scale them to at most {_TARGETS[1]:.3g}.")
    if least and 0 < top < _TARGETS[0]:
        raise DomainError(f"the targets reach {top:.3g} only: scale them to at least {_TARGETS[0]:.3g}.")
