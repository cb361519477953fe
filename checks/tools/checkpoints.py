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
    return store.remembered(folder, _whole(key), compute)


def known(folder: Path | None, key: Mapping[str, Any]) -> Arrays | None:
    """What was kept in the folder under the same key and software, or None."""
    if folder is None:
        return None
    whole = _whole(key)
    return store.found(folder / f"{store.name(whole)}.npz", whole)


def keep(folder: Path | None, key: Mapping[str, Any], content: Arrays) -> None:
    """Keep in the folder what another process has computed."""
    store.remembered(folder, _whole(key), lambda: content)


def _whole(key: Mapping[str, Any]) -> dict[str, Any]:
    software = {"format": FORMAT, "torch": version("torch"), "numpy": version("numpy")}
    return {**software, **key}
