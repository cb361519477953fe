"""Files that are written whole or not at all."""

from __future__ import annotations

import dataclasses
import math
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from glutheory.errors import DomainError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, which takes its place when the block ends: no reader ever sees a half.

    After an error it is removed, and what was at `path` stays. A process that is killed may leave it behind, under the
    name of `path` with something added. A symbolic link stays, and the file that it leads to is replaced; the
    permissions of a file that is there stay as well. A device, a FIFO or what this process has open is never replaced:
    the block gets a temporary file, whose content is written there when it ends.

    Raises:
        OSError: the folder does not exist, or nothing can be written there.
    """
    there = _status(path)
    if there is not None and _stays(there):
        with tempfile.TemporaryDirectory() as folder:
            elsewhere = Path(folder, path.name)
            yield elsewhere
            _pass_on(elsewhere.read_bytes(), path, _printed(there))
        return
    path = path.resolve()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".part")
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        # mkstemp makes a private file; this one is to be read by others as any file is
        mask = os.umask(0)
        os.umask(mask)
        beside.chmod(0o666 & ~mask if there is None else stat.S_IMODE(there.st_mode) & 0o777)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def writable(path: Path) -> bool:
    """Whether `replacing` may write there: into the folder of a file, or to what is no file.

    Raises:
        OSError: that cannot be told, as of a link that leads to itself.
    """
    there = _status(path)
    if there is not None and _stays(there):
        return _printed(there) is not None or os.access(path, os.W_OK)
    return os.access(path.resolve().parent, os.W_OK)


def _status(path: Path) -> os.stat_result | None:
    """Of what is there, links followed; None where nothing is."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _stays(there: os.stat_result) -> bool:
    """Whether it is not to be replaced."""
    return not stat.S_ISREG(there.st_mode) or _printed(there) is not None


def _open_to_write() -> Iterator[int]:
    """The descriptors that this process may write to: of those that the shell opened too, where they are listed."""
    try:
        import fcntl

        every = [int(entry.name) for entry in Path("/dev/fd").iterdir()]
    except (ImportError, OSError):  # not on Windows
        yield from (1, 2)
        return
    for descriptor in every:
        with suppress(OSError):  # closed since, as that of the listing
            if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
                yield descriptor


def _printed(there: os.stat_result) -> int | None:
    """The descriptor by which this process writes to it, if there is one: /dev/stdout may be a regular file."""
    for descriptor in _open_to_write():
        with suppress(OSError):  # closed
            if os.path.samestat(os.fstat(descriptor), there):
                return descriptor
    return None


def _pass_on(content: bytes, path: Path, descriptor: int | None) -> None:
    """Write the bytes to what stays; after what was printed there, if it is printed to."""
    for stream in (sys.stdout, sys.stderr):
        if descriptor is not None and stream is not None:
            stream.flush()
    with path.open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)


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
