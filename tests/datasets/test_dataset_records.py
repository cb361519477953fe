"""The records of images and texts: what they refuse, and parts of them share nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glutheory import datasets
from glutheory.datasets.samples import Images, Text
from glutheory.errors import DomainError
from tests.datasets.made_files import SEEDS, tiny

# records


def scales(*values: float) -> Any:
    """One factor per image."""
    return np.array(values, dtype=np.float32).reshape(-1, 1, 1, 1)


GOOD = np.full((2, 1, 3, 3), 0.5, dtype=np.float32)
RECORDS = {
    "dtype": (GOOD.astype(np.float64), np.zeros(2, dtype=np.int64), "dtype float64 and the shape"),
    "shape": (GOOD[0], np.zeros(2, dtype=np.int64), r"shape \(1, 3, 3\)"),
    "labels": (GOOD, np.zeros(3, dtype=np.int64), r"labels of x .* shape \(3,\): give int64 of shape \(2,\)"),
    "pixel": (GOOD * scales(1, 3), np.zeros(2, dtype=np.int64), "image 1 of x has pixels outside"),
    "nan": (GOOD * scales(1, np.nan), np.zeros(2, dtype=np.int64), "image 1 of x has pixels outside"),
    "class": (GOOD, np.array([0, 5]), "record 1 of x has the label 5: labels are 0 to 4"),
}


@pytest.mark.parametrize("case", RECORDS)
def test_records_are_checked(case) -> None:
    pixels, labels, message = RECORDS[case]
    with pytest.raises(DomainError, match=message):
        Images(pixels, labels, 5, "x", "here")


@pytest.mark.parametrize("tokens", [np.zeros(0, np.uint8), np.zeros(3), np.zeros((2, 2), np.uint8)], ids=str)
def test_tokens_are_checked(tokens) -> None:
    with pytest.raises(DomainError, match="give uint8 of shape"):
        Text(tokens, "x", "here")


# splits


@given(st.lists(st.integers(0, 2), min_size=12, max_size=60), SEEDS, st.floats(0.3, 0.7))
@settings(max_examples=25)
def test_parts_of_images_share_nothing_and_keep_the_classes(labels, seed, share) -> None:
    data = tiny([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, *labels], 3)
    train, test = datasets.split(data, share, seed=seed)
    # every pixel is unique, so pixels are identities
    assert np.array_equal(np.sort(np.concatenate((train.pixels, test.pixels)).ravel()), data.pixels.ravel())
    assert len(test) == round(share * len(data))
    own = {float(pixel): label for pixel, label in zip(data.pixels.ravel(), data.labels, strict=True)}
    assert all(own[float(p)] == label for p, label in zip(test.pixels.ravel(), test.labels, strict=True))
    expected = np.bincount(data.labels) * len(test) / len(data)
    assert np.abs(np.bincount(test.labels, minlength=3) - expected).max() < 1 + 1e-9
    again = datasets.split(data, share, seed=seed)[1]
    assert np.array_equal(again.pixels, test.pixels)
    assert train.source == f"here; training part ({len(train)})"


def test_the_seed_chooses_the_images() -> None:
    data = datasets.images()
    one, other = (datasets.split(data, 400, seed=seed)[1] for seed in (1, 2**70))
    assert len(one) == len(other) == 400
    assert not np.array_equal(one.pixels, other.pixels)


@given(st.integers(2, 500), st.floats(0.01, 0.99))
def test_a_text_is_cut_once(size, share) -> None:
    text = Text(np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8), "x", "here")
    held = round(share * size)
    if not 0 < held < size:
        with pytest.raises(DomainError, match="leave something in both parts"):
            datasets.split(text, share)
        return
    train, test = datasets.split(text, share, seed=5)
    assert np.array_equal(np.concatenate((train.tokens, test.tokens)), text.tokens)
    assert len(test) == held
    assert test.source == f"here; last {held} bytes"


@pytest.mark.parametrize("test", [0, 8, 9, -1, 0.0, 1.0, float("nan"), True, "a third"], ids=str)
def test_bad_sizes_are_refused(test) -> None:
    with pytest.raises(DomainError, match="test is "):
        datasets.split(tiny(), test)


@pytest.mark.parametrize(("labels", "test"), [((0, 0, 0, 1), 2), ((0, 0, 1, 1, 2, 2), 2), ((0, 0, 1, 1, 2, 2), 4)])
def test_a_class_in_one_part_only_is_refused(labels, test) -> None:
    with pytest.raises(DomainError, match=r"cannot both have every one of the [23] classes of tiny"):
        datasets.split(tiny(labels, 3), test)
