"""Results of long computations kept in a folder, so that a run that was killed goes on where it was."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.ground.files import replacing

#: Raised whenever what is computed under the same key changes.
FORMAT = 1

Arrays = dict[str, npt.NDArray[np.float64]]


def remembered(folder: Path | None, key: Mapping[str, Any], compute: Callable[[], Arrays]) -> Arrays:
    """What `compute` returns, from the folder if it was computed before with the same key (JSON) and software.

    Without a folder nothing is kept.
    """
    if folder is None:
        return compute()
    text = json.dumps({"format": FORMAT, "torch": version("torch"), "numpy": version("numpy"), **key}, sort_keys=True)
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"
    found = _load(path, text)
    if found is None:
        found = compute()
        folder.mkdir(parents=True, exist_ok=True)
        _save(path, text, found)
    return found


def _load(path: Path, text: str) -> Arrays | None:
    """The arrays, or None where there is no such file or it is not one of ours: then they are computed anew."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            if str(data["key"]) != text:
                return None
            return {name: data[name] for name in data.files if name != "key"}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _save(path: Path, text: str, arrays: Arrays) -> None:
    """Write in one step: a killed run leaves the whole file or none."""
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez(file, key=np.array(text), **arrays)  # type: ignore[arg-type]
