"""The state of a training, kept in a file after every epoch: a kill at any moment loses at most one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from glutheory.ground import store


class States:
    """The file of one training.

    Args:
        path: of the file; None: nothing is kept.
        key: everything that determines the training, in JSON types; a file with another key inside is not read.
    """

    def __init__(self, path: Path | None, key: Mapping[str, Any]) -> None:
        self.path, self.key = path, key

    def load(self, device: str) -> dict[str, Any] | None:
        """The last state kept, its tensors on this device; None where there is none, or it cannot be read."""
        return None if self.path is None else store.found(self.path, self.key, _tensors(device))

    def save(self, state: dict[str, Any]) -> None:
        """Replace the file in one step: a killed run leaves the old one or the new one, never a half."""
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            store.save(self.path, self.key, state, _tensors())

    def remove(self) -> None:
        """Remove the file, and what a kill in the middle of writing it left."""
        if self.path is not None:
            store.remove(self.path)


def _tensors(device: str = "cpu") -> store.Form:
    """Torch's files; tensors are read onto this device."""
    import torch

    def dump(file: BinaryIO, key: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        torch.save({"key": store.text(key), **content}, file)

    def load(file: BinaryIO, _: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, Any]]:
        found = torch.load(file, map_location=device, weights_only=True)
        return json.loads(found.pop("key")), found

    return store.Form(dump, load)
