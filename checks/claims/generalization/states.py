"""The state of a training, kept in a file after every epoch: a kill at any moment loses at most one."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

from glutheory.ground.files import replacing

#: What reading a file that is cut off, damaged or not one of ours raises.
_DAMAGED = (OSError, EOFError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile)


class States:
    """The file of one training.

    Args:
        path: of the file; None: nothing is kept.
        key: everything that determines the training; a file with another key inside is not read.
    """

    def __init__(self, path: Path | None, key: str) -> None:
        self.path, self.key = path, key

    def load(self, device: str) -> dict[str, Any] | None:
        """The last state kept, its tensors on this device; None where there is none, or it cannot be read."""
        import torch

        if self.path is None:
            return None
        try:
            found = torch.load(self.path, map_location=device, weights_only=True)
            return found if found["key"] == self.key else None
        except (*_DAMAGED, pickle.UnpicklingError):
            return None

    def save(self, state: dict[str, Any]) -> None:
        """Replace the file in one step: a killed run leaves the old one or the new one, never a half."""
        import torch

        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as beside:
            torch.save({"key": self.key, **state}, beside)

    def remove(self) -> None:
        """Remove the file, and what a kill in the middle of writing it left."""
        if self.path is not None:
            for path in self.path.parent.glob(f"{self.path.name}*"):
                path.unlink(missing_ok=True)
