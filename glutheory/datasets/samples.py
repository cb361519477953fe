"""Data sets as records: images with labels, and text as bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError

Pixels = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Tokens = npt.NDArray[np.uint8]


@final
@dataclass(frozen=True, eq=False)
class Images:
    """Labelled images, checked.

    Attributes:
        pixels: float32, shape (n, channels, height, width), in [0, 1].
        labels: int64, shape (n,), in 0, …, classes − 1.
        classes: how many there can be.
        name: short, for tables.
        source: what the pixels were read from, with the beginning of its SHA-256.

    Raises:
        DomainError: other shapes or types, no image, a pixel that is not in [0, 1], or a label that is no class.
    """

    pixels: Pixels
    labels: Labels
    classes: int
    name: str
    source: str

    def __post_init__(self) -> None:
        pixels, labels = self.pixels, self.labels
        if pixels.dtype != np.float32 or pixels.ndim != 4 or 0 in pixels.shape:
            raise DomainError(
                f"pixels of {self.name} have the dtype {pixels.dtype} and the shape {pixels.shape}: "
                "give float32 of shape (n, channels, height, width), nothing empty."
            )
        if labels.dtype != np.int64 or labels.shape != pixels.shape[:1]:
            raise DomainError(
                f"labels of {self.name} have the dtype {labels.dtype} and the shape {labels.shape}: "
                f"give int64 of shape ({len(pixels)},), one per image."
            )
        # NaN fails every comparison
        if not (pixels.min() >= 0 and pixels.max() <= 1):
            bad = int(np.argmin(((pixels >= 0) & (pixels <= 1)).reshape(len(pixels), -1).all(axis=1)))
            raise DomainError(f"image {bad} of {self.name} has pixels outside [0, 1]: scale or correct them.")
        wrong = (labels < 0) | (labels >= self.classes)
        if wrong.any():
            bad = int(np.argmax(wrong))
            raise DomainError(
                f"record {bad} of {self.name} has the label {labels[bad]}: labels are 0 to {self.classes - 1}; "
                "the file is damaged or of another format."
            )

    def __len__(self) -> int:
        return len(self.labels)


@final
@dataclass(frozen=True, eq=False)
class Text:
    """Text, byte by byte.

    Attributes:
        tokens: uint8, shape (n,), the text in UTF-8.
        name: short, for tables.
        source: what it was read from, with the beginning of its SHA-256.

    Raises:
        DomainError: another shape or type, or no token.
    """

    tokens: Tokens
    name: str
    source: str

    def __post_init__(self) -> None:
        if self.tokens.dtype != np.uint8 or self.tokens.ndim != 1 or not self.tokens.size:
            raise DomainError(
                f"tokens of {self.name} have the dtype {self.tokens.dtype} and the shape {self.tokens.shape}: "
                "give uint8 of shape (n,), at least one."
            )

    def __len__(self) -> int:
        return len(self.tokens)
