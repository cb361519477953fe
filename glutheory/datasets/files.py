"""Files read whole, within a stated size, every failure one sentence."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

from glutheory.errors import DomainError

#: The most bytes that are read from one file, or unpacked from it.
LARGEST = 2**31


def read(path: Path) -> bytes:
    """The bytes of a file; one whose name ends in .gz is unpacked.

    Raises:
        DomainError: no such file, a folder, no permission, more than `LARGEST` bytes, or a damaged .gz file.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DomainError(f"{path} is no complete gzip file ({error}): download it again.") from None
    except FileNotFoundError:
        raise DomainError(f"{path} does not exist: give the path of a file.") from None
    except IsADirectoryError:
        raise DomainError(f"{path} is a folder: give the path of a file.") from None
    except PermissionError:
        raise DomainError(f"{path} may not be read: change its permissions.") from None
    except OSError as error:
        raise DomainError(f"{path} cannot be read ({error.strerror}): give the path of a file.") from None
    if len(data) > LARGEST:
        raise DomainError(f"{path} has more than {LARGEST} bytes: give a part of it.")
    return data


def fingerprint(*parts: bytes | memoryview) -> str:
    """The beginning of the SHA-256 of these bytes in a row, for `source`."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return f"sha256 {digest.hexdigest()[:16]}"


def located(source: str | Path, choices: str) -> Path:
    """The path of an existing file or folder, with ~ expanded.

    Args:
        source: as the user gave it.
        choices: what could be given instead, for the error.

    Raises:
        DomainError: there is none.
    """
    if not isinstance(source, str | Path) or not str(source):
        raise DomainError(f"the source is {source!r}: give {choices}.")
    try:
        path = Path(source).expanduser()
        path.stat()
    except FileNotFoundError:
        raise DomainError(f"the source is {str(source)!r}, which does not exist: give {choices}.") from None
    except (OSError, RuntimeError, ValueError) as error:
        # a folder that may not be entered, a name too long, a home that does not exist, a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise DomainError(f"the source is {str(source)!r}, which cannot be read ({reason}): give {choices}.") from None
    return path
