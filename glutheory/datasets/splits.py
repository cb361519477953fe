"""A data set in two parts, for training and for testing."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import numpy as np

from glutheory.datasets.samples import Images, Text
from glutheory.errors import DomainError, MissingDependencyError
from glutheory.ground.arguments import integer

Data = TypeVar("Data", Images, Text)


def split(data: Data, test: float | int = 0.25, *, seed: int = 0) -> tuple[Data, Data]:
    """A training and a test part that share nothing.

    Images are drawn at random, every class in proportion (stratified, by scikit-learn). A text is cut once, its end
    being the test part, so that no window of one part overlaps a window of the other; the seed plays no part in that.

    Args:
        data: `Images` or `Text`.
        test: the size of the test part, a share in (0, 1) or an integer number of images or bytes.
        seed: of the images' choice, a non-negative integer.

    Returns:
        Both parts, training first; their `source` says which part they are.

    Raises:
        DomainError: a size that leaves one part empty, or, for images, without a member of some class.
        MissingDependencyError: images are to be split, and scikit-learn is not installed.
    """
    seed = integer("seed", seed, 0)
    held = _held(test, len(data))
    if isinstance(data, Text):
        cut = len(data) - held
        return _text(data, "first", slice(cut)), _text(data, "last", slice(cut, None))
    counts = np.bincount(data.labels, minlength=data.classes)
    present = int(np.count_nonzero(counts))
    if counts[counts > 0].min() < 2 or min(held, len(data) - held) < present:
        raise DomainError(
            f"test is {test!r}: {held} and {len(data) - held} images cannot both have every one of the {present} "
            f"classes of {data.name}, the smallest of which has {counts[counts > 0].min()}; give other sizes or more "
            "images."
        )
    try:
        from sklearn.model_selection import train_test_split
    except ImportError:
        raise MissingDependencyError.of("splitting images needs", "scikit-learn", "scikit-learn") from None
    # scikit-learn takes no Generator; this takes seeds of any size
    state = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))
    first, last = train_test_split(np.arange(len(data)), test_size=held, stratify=data.labels, random_state=state)
    return _images(data, "training", first), _images(data, "test", last)


def _held(test: float | int, total: int) -> int:
    """The size of the test part."""
    if isinstance(test, bool) or not isinstance(test, int | float | np.integer | np.floating):
        raise DomainError(f"test is {test!r}: give a share in (0, 1), or an integer.")
    share = isinstance(test, float | np.floating)
    if share and not 0 < test < 1:
        raise DomainError(f"test is {test!r}: give a share in (0, 1), or an integer.")
    held = round(test * total) if share else int(test)
    if not 0 < held < total:
        raise DomainError(f"test is {test!r}, {held} of {total}: leave something in both parts.")
    return held


def _images(data: Images, which: str, index: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Images:
    source = f"{data.source}; {which} part ({len(index)})"
    return dataclasses.replace(data, pixels=data.pixels[index], labels=data.labels[index], source=source)


def _text(data: Text, which: str, part: slice) -> Text:
    tokens = data.tokens[part]
    return dataclasses.replace(data, tokens=tokens, source=f"{data.source}; {which} {len(tokens)} bytes")
