"""Values in JSON types: the one form of everything that this package writes as JSON."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from glutheory.errors import DomainError


def plain(value: Any) -> Any:
    """The value in JSON types: records and arrays taken apart, infinities and NaN as strings ("inf", "-inf", "nan").

    Raises:
        DomainError: a type that has no such form.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if hasattr(value, "tolist"):  # numpy's arrays and numbers, torch's tensors
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, bool | int | str | None):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    raise DomainError(f"a value is of type {type(value).__name__}: records hold numbers, words, lists and mappings.")
