"""Images altered at random before every epoch, as the released code does it: crop, flip, erasing.

The sizes are those that are usual for CIFAR-10, in proportion to the side of an image: a crop of the image padded by an
eighth of its side (4 pixels of 32, 1 of 8), and with probability 1/2 a rectangle of 2 to 33 % of the area and an aspect
ratio between 0.3 and 3.3 set to 0. Only images with colours are flipped, with probability 1/2: a mirrored digit is no
digit. Text is left as it is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Integers = npt.NDArray[np.int64]
#: Padding over the side of an image; the chance of a flip, and of a rectangle; its share of the area and aspect ratio.
PADDING, FLIP, ERASE, AREA, ASPECT = 1 / 8, 0.5, 0.5, (0.02, 0.33), (0.3, 3.3)
#: Draws of a rectangle until one is smaller than the image on both sides; without one nothing is erased.
_DRAWS = 10
#: Of a pixel: what lies beyond the edge, and what is erased. Pixels are in [-1, 1].
_BLACK, _ERASED = -1.0, 0.0


def augmented(images: torch.Tensor, seed: Any) -> torch.Tensor:
    """The images, each altered in its own way; the same for the same seed.

    Args:
        images: shape (n, channels, side, side), in [-1, 1].
        seed: as numpy takes it.
    """
    import torch

    count, channels, side, _ = images.shape
    rng = np.random.default_rng(seed)
    pad = int(side * PADDING)
    rows, columns = (rng.integers(0, 2 * pad + 1, (count, 1)) + np.arange(side) for _ in range(2))
    if channels > 1:
        columns = np.where(rng.random((count, 1)) < FLIP, columns[:, ::-1], columns)
    erased = torch.from_numpy(_rectangles(count, side, rng)).to(images.device)
    padded = torch.nn.functional.pad(images, [pad] * 4, value=_BLACK)
    first = torch.arange(count)[:, None, None]
    cropped = padded[first, :, torch.from_numpy(rows)[:, :, None], torch.from_numpy(columns)[:, None, :]]
    return cropped.permute(0, 3, 1, 2).masked_fill(erased[:, None], _ERASED).contiguous()


def _rectangles(count: int, side: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Which pixels are erased, shape (count, side, side)."""
    area = side**2 * rng.uniform(*AREA, (count, _DRAWS))
    aspect = np.exp(rng.uniform(math.log(ASPECT[0]), math.log(ASPECT[1]), (count, _DRAWS)))
    sizes: Integers = np.rint(np.sqrt(np.stack((area * aspect, area / aspect)))).astype(np.int64)
    fits = np.all(sizes < side, axis=0)
    # the first that fits
    heights, widths = np.take_along_axis(sizes, fits.argmax(axis=1)[None, :, None], axis=2)[..., 0]
    wanted = fits.any(axis=1) & (rng.random(count) < ERASE)
    down, across = (_span(lengths, side, rng) for lengths in (heights, widths))
    return np.asarray(wanted[:, None, None] & down[:, :, None] & across[:, None, :])


def _span(lengths: Integers, side: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Which of the places along a side are in a span of this length anywhere, shape (count, side)."""
    starts = rng.integers(0, np.maximum(side - lengths, 0) + 1)[:, None]
    places = np.arange(side)
    return np.asarray((places >= starts) & (places < starts + lengths[:, None]))
