"""Results of long computations kept in a folder, so that a run that was killed goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from glutheory.ground import store
from glutheory.ground.store import Arrays

#: Raised whenever what is computed under the same key changes.
FORMAT = 1


def remembered(folder: Path | None, key: Mapping[str, Any], compute: Callable[[], Arrays]) -> Arrays:
    """What `compute` returns, from the folder if it was computed before with the same key (JSON) and software.

    Without a folder nothing is kept.
    """
    software = {"format": FORMAT, "torch": version("torch"), "numpy": version("numpy")}
    return store.remembered(folder, {**software, **key}, compute)
