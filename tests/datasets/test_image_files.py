"""Image sets as files: what is written is read back byte for byte, whatever holds it."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glutheory import datasets
from tests.datasets.made_files import SEEDS, cifar_bytes, idx_bytes, npz_bytes, random_set, same, write, write_mnist


@given(SEEDS, st.integers(1, 4))
def test_cifar_is_read_back(folder, seed, count) -> None:
    pixels, labels = random_set(seed, count, 3, 32, 32)
    found = datasets.images(write(folder / "any.bin", cifar_bytes(pixels, labels)))
    assert same(found, pixels, labels)
    assert (found.classes, found.name) == (10, "cifar10")
    assert f"any.bin ({count})" in found.source


def test_the_files_of_cifar_are_joined_in_order(tmp_path) -> None:
    parts = {
        name: random_set(i, i + 1, 3, 32, 32) for i, name in enumerate(("data_batch_2", "data_batch_5", "test_batch"))
    }
    for name in reversed(parts):
        write(tmp_path / f"{name}.bin", cifar_bytes(*parts[name]))
    found = datasets.images(str(tmp_path))
    assert same(found, *(np.concatenate(arrays) for arrays in zip(*parts.values(), strict=True)))
    assert "data_batch_2.bin (1), data_batch_5.bin (2), test_batch.bin (3); sha256 " in found.source
    assert str(tmp_path) not in found.source


@given(SEEDS, st.integers(1, 5), st.integers(1, 9), st.sampled_from([("-", ""), (".", ""), ("-", ".gz"), (".", ".gz")]))
def test_mnist_is_read_back(folder, seed, count, side, spelling) -> None:
    pixels, labels = random_set(seed, count, side, side + 1)
    found = datasets.images(write_mnist(folder / "mnist", pixels, labels, "train", *spelling))
    assert same(found, pixels[:, None], labels)
    assert (found.classes, found.name) == (10, "mnist")


@pytest.mark.parametrize(("dot", "end"), [("-", ""), (".", ".gz")])
def test_the_files_of_mnist_are_joined_in_order(tmp_path, dot, end) -> None:
    train, test = random_set(0, 3, 5, 5), random_set(1, 2, 5, 5)
    write_mnist(tmp_path, *test, "t10k", dot, end)
    write_mnist(tmp_path, *train, "train", dot, end)
    found = datasets.images(tmp_path)
    assert same(found, np.concatenate((train[0], test[0]))[:, None], np.concatenate((train[1], test[1])))


def test_the_labels_of_a_plain_file_may_be_packed(tmp_path) -> None:
    pixels, labels = random_set(0, 3, 5, 5)
    path = write(tmp_path / "train-images-idx3-ubyte", idx_bytes(pixels))
    write(tmp_path / "train-labels-idx1-ubyte.gz", gzip.compress(idx_bytes(labels)))
    assert same(datasets.images(path), pixels[:, None], labels)


@given(SEEDS, st.sampled_from(["nhw", "nhw1", "nhw3", "n1hw", "n3hw"]), st.booleans(), st.booleans())
def test_archives_are_read_back(folder, seed, layout, compressed, scaled) -> None:
    channels = 3 if "3" in layout else 1
    pixels, labels = random_set(seed, 4, channels, 5, 6)
    given_as = {"nhw": pixels[:, 0], "nhw1": np.moveaxis(pixels, 1, 3), "nhw3": np.moveaxis(pixels, 1, 3)}
    stored = given_as.get(layout, pixels)
    stored = stored / 255 if scaled else stored
    names = np.random.default_rng(seed)
    arrays = {str(names.choice(["images", "x", "X", "data"])): stored, str(names.choice(["labels", "y", "Y"])): labels}
    found = datasets.images(write(folder / "some.npz", npz_bytes(compressed, **arrays)))
    assert same(found, pixels, labels)
    assert found.classes == labels.max() + 1
    assert found.name == "some"


@pytest.mark.parametrize(
    "names", [("x_train", "y_train", "x_test", "y_test"), ("X_train", "y_train", "X_test", "y_test")]
)
def test_parts_of_an_archive_are_joined(tmp_path, names) -> None:
    (a, b), (c, d) = random_set(0, 3, 5, 5), random_set(1, 2, 5, 5)
    content = npz_bytes(**dict(zip(names, (a, b[:, None], c, d.astype(np.int32)), strict=True)))
    found = datasets.images(write(tmp_path / "a.npz", content))
    assert same(found, np.concatenate((a, c))[:, None], np.concatenate((b, d)))
    assert f"{names[0]} (3), {names[2]} (2)" in found.source


def test_the_digits_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    raw = load_digits()
    found = datasets.images()
    assert np.array_equal(found.pixels[:, 0] * 16, raw.images)
    assert np.array_equal(found.labels, raw.target)
    assert found.pixels.shape == (1797, 1, 8, 8)
    assert (found.classes, found.name, len(found)) == (10, "digits", 1797)
    assert datasets.images().source == found.source


def test_sources_tell_contents_apart(tmp_path) -> None:
    one, other = (write(tmp_path / f"{i}" / "a.bin", cifar_bytes(*random_set(i, 1, 3, 32, 32))) for i in (0, 1))
    assert datasets.images(one).source != datasets.images(other).source
