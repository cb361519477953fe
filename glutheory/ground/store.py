"""Checkpoints of a Monte Carlo run: written atomically, read with suspicion."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError
from glutheory.ground.files import replacing

#: Raised whenever the weights of a given seed change, so that old checkpoints are refused.
FORMAT = 1

Saved = tuple[int, npt.NDArray[np.float64], npt.NDArray[np.float64]]


def save(path: Path, settings: dict[str, Any], saved: Saved) -> None:
    """Write (count, mean, m2) and the settings; the file at `path` is the old one or the new one, never a part."""
    count, mean, m2 = saved
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez(file, settings=np.array(_text(settings)), count=np.array(count), mean=mean, m2=m2)
        file.flush()
        os.fsync(file.fileno())


def load(path: Path, settings: dict[str, Any]) -> Saved | None:
    """What `save` wrote with the same settings, or None where there is no file.

    Raises:
        DomainError: the file is not a checkpoint, or is one of other settings (the message names them).
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            found = json.loads(str(data["settings"]))
            saved = (int(data["count"]), data["mean"], data["m2"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        raise DomainError(f"checkpoint {str(path)!r} is not readable as one: delete it or give another.") from None
    wanted = json.loads(_text(settings))
    if not isinstance(found, dict) or found != wanted:
        old = found if isinstance(found, dict) else {}
        names = [name for name in {**old, **wanted} if old.get(name) != wanted.get(name)]
        raise DomainError(
            f"checkpoint {str(path)!r} was written with another {', '.join(names)}: "
            "delete it, give another file, or repeat the run with its settings."
        )
    return saved


def check_path(checkpoint: str | os.PathLike[str] | None) -> Path | None:
    """The path, whose folder must exist: better to hear of it before the first draw than after the last."""
    if checkpoint is None:
        return None
    path = Path(checkpoint)
    if path.is_dir() or not path.parent.is_dir():
        raise DomainError(f"checkpoint is {str(path)!r}, no file in an existing folder: give one such as run.npz.")
    return path


def _text(settings: dict[str, Any]) -> str:
    return json.dumps({"format": FORMAT, **settings}, sort_keys=True)
