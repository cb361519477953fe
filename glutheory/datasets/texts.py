"""Text as bytes: the documentation inside CPython, or any UTF-8 file; and random windows of it."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glutheory.datasets.files import fingerprint, located, read
from glutheory.datasets.samples import Text
from glutheory.errors import DomainError
from glutheory.ground.arguments import integer


def text(source: str | Path = "pydoc") -> Text:
    """A text in UTF-8, one token per byte.

    Args:
        source: "pydoc": the English documentation that ships inside CPython, the values of ``pydoc_data.topics`` in the
            order of their keys, one after another on new lines (about 460 kB; it differs between versions of Python,
            which `Text.source` records); or the path of a UTF-8 file, packed (.gz) or plain.

    Raises:
        DomainError: no such file, an empty one, or one that is not UTF-8.
    """
    if source == "pydoc":
        return _pydoc()
    path = located(source, "'pydoc' or the path of a UTF-8 file")
    content = read(path)
    if not content:
        raise DomainError(f"{path} is empty: give a file with text.")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DomainError(
            f"{path} is not UTF-8 at byte {error.start} ({error.reason}): convert it, or give another file."
        ) from None
    return _record(content, path.stem, path.name)


def windows(text: Text, length: int, count: int, seed: int) -> npt.NDArray[np.int64]:
    """Random windows of a text, each as likely as any other, with replacement.

    Args:
        text: where from.
        length: of the inputs.
        count: how many windows.
        seed: a non-negative integer.

    Returns:
        Shape (count, length + 1): inputs ``[:, :-1]``, and for each position the next byte ``[:, 1:]``.

    Raises:
        DomainError: a text of no more than `length` bytes, or a number that is no integer of its range.
    """
    length, count, seed = integer("length", length, 1), integer("count", count, 1), integer("seed", seed, 0)
    if len(text) <= length:
        raise DomainError(f"length is {length}, but {text.name} has {len(text)} bytes: give at most {len(text) - 1}.")
    starts = np.random.default_rng(seed).integers(0, len(text) - length, size=count)
    found: npt.NDArray[np.int64] = text.tokens[starts[:, None] + np.arange(length + 1)].astype(np.int64)
    return found


def _pydoc() -> Text:
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise DomainError(
            "text is asked from 'pydoc', but this Python comes without pydoc_data: give the path of a UTF-8 file."
        ) from None
    content = "\n".join(topics[key] for key in sorted(topics)).encode("utf-8")
    return _record(content, "pydoc", f"pydoc_data.topics of Python {platform.python_version()}")


def _record(content: bytes, name: str, origin: str) -> Text:
    tokens = np.frombuffer(content, np.uint8).copy()
    return Text(tokens, name, f"{origin} ({len(content)} bytes); {fingerprint(content)}")
