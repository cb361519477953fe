"""The JSON form of what a command has found: the same head, and numbers in the same way, everywhere."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import numpy as np

from glutheory.errors import DomainError


def record(command: str, version: int = 1, /, **fields: Any) -> dict[str, Any]:
    """A record: its schema ``glutheory.<command>``, the schema's version, the package's, and the fields by `plain`.

    Args:
        command: the name of the command.
        version: of the schema; raised when a field changes its meaning.
        **fields: the content, in this order.
    """
    from glutheory import __version__

    head = {"schema": f"glutheory.{command}", "schema_version": version, "package_version": __version__}
    return {**head, **{name: plain(value) for name, value in fields.items()}}


def plain(value: Any) -> Any:
    """The value in JSON types: records and arrays taken apart, infinities and NaN as strings ("inf", "-inf", "nan").

    Raises:
        DomainError: a type that has no such form.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, bool | int | str | None):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    raise DomainError(f"a value is of type {type(value).__name__}: records hold numbers, words, lists and mappings.")
