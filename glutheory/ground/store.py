"""What a long computation has reached, in files: under what it comes from, written in one step, read with suspicion.

A file holds its key, the settings that the content was computed with, in JSON types. Who named the file is told of
another key or of damage (`load`); where files are looked for unasked, such a one counts as none (`found`).
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError
from glutheory.ground.files import replacing

Key = Mapping[str, Any]
Arrays = dict[str, npt.NDArray[Any]]

#: What reading a file that is cut off, damaged or not one of ours raises.
_DAMAGED = (
    *(OSError, EOFError, RuntimeError, ValueError, KeyError, TypeError, AttributeError),
    *(zipfile.BadZipFile, pickle.UnpicklingError),
)


@dataclass(frozen=True)
class Form:
    """How a file is written and read.

    Attributes:
        dump: writes (file, key, content).
        load: reads (file, the key that is looked for) as the key and the content that are there.
    """

    dump: Callable[[BinaryIO, Key, Any], None]
    load: Callable[[BinaryIO, Key], tuple[Key, dict[str, Any]]]


def text(key: Key) -> str:
    """The key as one line, the same for equal ones."""
    return json.dumps(key, sort_keys=True)


def name(key: Key) -> str:
    """A file name, without ending, that no other key has."""
    return hashlib.sha256(text(key).encode()).hexdigest()[:32]


def save(path: Path, key: Key, content: Mapping[str, Any], form: Form | None = None) -> None:
    """Write key and content; the file at `path` is the old one or the new one, never a part, even if power fails."""
    with replacing(path) as beside, beside.open("wb") as file:
        (form or ARRAYS).dump(file, key, content)
        file.flush()
        os.fsync(file.fileno())


def found(path: Path, key: Key, form: Form | None = None) -> dict[str, Any] | None:
    """What `save` wrote under this key; None where there is no such file, or it cannot be read or has another key."""
    try:
        old, content = _read(path, key, form)
    except _DAMAGED:
        return None
    return content if old == _plain(key) else None


def load(path: Path, key: Key, form: Form | None = None) -> dict[str, Any] | None:
    """What `save` wrote under this key, or None where there is no file.

    Raises:
        DomainError: the file is not a checkpoint, or is one of another key (the message names the settings).
    """
    try:
        old, content = _read(path, key, form)
    except FileNotFoundError:
        return None
    except _DAMAGED:
        raise DomainError(f"checkpoint {str(path)!r} is not readable as one: delete it or give another.") from None
    wanted = _plain(key)
    if old != wanted:
        names = [item for item in {**old, **wanted} if old.get(item) != wanted.get(item)]
        raise DomainError(
            f"checkpoint {str(path)!r} was written with another {', '.join(names)}: "
            "delete it, give another file, or repeat the run with its settings."
        )
    return content


def remove(path: Path) -> None:
    """Remove the file, and what a kill in the middle of writing it left."""
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink(missing_ok=True)


def remembered(folder: Path | None, key: Key, compute: Callable[[], Arrays]) -> Arrays:
    """What `compute` returns, from the folder if it was computed before under the same key; nothing is kept if None."""
    if folder is None:
        return compute()
    path = folder / f"{name(key)}.npz"
    known = found(path, key)
    if known is None:
        known = compute()
        folder.mkdir(parents=True, exist_ok=True)
        save(path, key, known)
    return known


def check_path(checkpoint: str | os.PathLike[str] | None) -> Path | None:
    """The path, whose folder must exist: better to hear of it before the first draw than after the last."""
    if checkpoint is None:
        return None
    path = Path(checkpoint)
    if path.is_dir() or not path.parent.is_dir():
        raise DomainError(f"checkpoint is {str(path)!r}, no file in an existing folder: give one such as run.npz.")
    return path


def _read(path: Path, key: Key, form: Form | None) -> tuple[Key, dict[str, Any]]:
    with path.open("rb") as file:
        old, content = (form or ARRAYS).load(file, key)
    return _plain(old), content


def _plain(key: Key) -> dict[str, Any]:
    """The key as it comes back from a file."""
    return dict(json.loads(text(key)))


def _dump_arrays(file: BinaryIO, key: Key, content: Mapping[str, Any]) -> None:
    np.savez(file, key=np.array(text(key)), **content)


def _load_arrays(file: BinaryIO, _: Key) -> tuple[Key, dict[str, Any]]:
    with np.load(file, allow_pickle=False) as data:
        # checkpoints of the sampler once had their key under another name
        label = "key" if "key" in data.files else "settings"
        return json.loads(str(data[label])), {item: data[item] for item in data.files if item != label}


def _dump_record(file: BinaryIO, key: Key, content: Mapping[str, Any]) -> None:
    lines = json.dumps({**key, **content}, indent=1, ensure_ascii=False, allow_nan=False)
    file.write(f"{lines}\n".encode())


def _load_record(file: BinaryIO, key: Key) -> tuple[Key, dict[str, Any]]:
    content = json.loads(file.read().decode())
    return {item: content.pop(item) for item in key}, content


#: Arrays by name, .npz.
ARRAYS = Form(_dump_arrays, _load_arrays)
#: JSON that people may read, the parts of the key beside those of the content.
RECORD = Form(_dump_record, _load_record)
