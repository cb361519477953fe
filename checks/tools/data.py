"""What networks are trained on: the images and the text of the run's settings, and the sizes that fit them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from checks.settings import IMAGES, Settings
from glutheory import datasets
from glutheory.architectures.catalog import Architecture, architecture
from glutheory.datasets import Images, Text
from glutheory.errors import DomainError

#: At most so many patches along each side of an image: as many as the paper's ViT has.
_PATCHES = 8


@lru_cache(maxsize=2)
def images(source: str) -> Images:
    """The images that every image task draws from.

    Raises:
        DomainError: they cannot be read, or are not square.
    """
    found = datasets.images(source)
    if found.pixels.shape[2] != found.pixels.shape[3]:
        raise DomainError(f"the images of {found.name} have the shape {found.pixels.shape[1:]}: give square ones.")
    return found


@lru_cache(maxsize=2)
def text(source: str) -> Text:
    """The text that every text task draws from.

    Raises:
        DomainError: it cannot be read.
    """
    return datasets.text(source)


def sized(name: str, settings: Settings, **changes: Any) -> Architecture:
    """The architecture of this name, the small ones for images in the sizes of the images of the run."""
    if name.endswith("-digits") and settings.images != IMAGES:
        found = images(settings.images)
        side = found.pixels.shape[2]
        patches = (patch for patch in range(2, side + 1) if side % patch == 0 and side // patch <= _PATCHES)
        changes |= {"image": side, "channels": found.pixels.shape[1], "patch": next(patches, 1)}
        changes |= {"outputs": found.classes}
    return architecture(name, **changes)
