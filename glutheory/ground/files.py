"""Files that are written whole or not at all."""

from __future__ import annotations

import dataclasses
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from glutheory.errors import DomainError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, which takes its place when the block ends: no reader ever sees a half.

    After an error it is removed, and what was at `path` stays. A process that is killed may leave it behind, under the
    name of `path` with something added.

    Raises:
        OSError: the folder does not exist, or nothing can be written there.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".part")
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        # mkstemp makes a private file; this one is to be read by others as any file is
        mask = os.umask(0)
        os.umask(mask)
        beside.chmod(0o666 & ~mask)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write the text in UTF-8 under a temporary name beside `path`, then rename it: no reader sees half a file.

    Raises:
        DomainError: the file cannot be written there.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        with replacing(path) as beside:
            beside.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DomainError(
            f"--out is {str(path)[:200]!r}, which cannot be written ({reason}): give another file."
        ) from None


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
