"""Files that are cut off, damaged, wrong, too large or missing are refused in one sentence."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glutheory import datasets
from glutheory.datasets import files
from glutheory.errors import DomainError, MissingDependencyError
from tests.datasets.made_files import cifar_bytes, idx_bytes, npz_bytes, random_set, same, tiny, write, write_mnist


@given(st.data())
def test_a_cut_cifar_file_is_refused(folder, data) -> None:
    content = cifar_bytes(*random_set(0, 2, 3, 32, 32))
    cut = data.draw(st.integers(0, len(content) - 1).filter(lambda n: n != 3073))
    with pytest.raises(DomainError, match=rf"cut\.bin has {cut} bytes, {cut % 3073} more than whole records of 3073"):
        datasets.images(write(folder / "cut.bin", content[:cut]))


@given(st.data(), st.sampled_from(["images", "labels"]), st.sampled_from(["", ".gz"]))
def test_a_cut_idx_file_is_refused(folder, data, which, end) -> None:
    path = write_mnist(folder / "cut", *random_set(0, 3, 4, 4), "train", "-", end)
    target = path if which == "images" else path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    content = target.read_bytes()
    target.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(DomainError, match="ubyte"):
        datasets.images(path)


@given(st.data(), st.booleans())
def test_a_cut_archive_is_refused(folder, data, compressed) -> None:
    pixels, labels = random_set(0, 3, 4, 4)
    content = npz_bytes(compressed, images=pixels, labels=labels)
    cut = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(DomainError, match=r"cut\.npz is no (complete )?\.npz file"):
        datasets.images(write(folder / "cut.npz", content[:cut]))


@given(st.data(), st.booleans())
def test_a_damaged_archive_is_read_right_or_refused(folder, data, compressed) -> None:
    pixels, labels = random_set(0, 3, 4, 4)
    content = bytearray(npz_bytes(compressed, images=pixels, labels=labels))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = datasets.images(write(folder / "damaged.npz", bytes(content)))
    except DomainError:
        return
    assert same(found, pixels[:, None], labels)


@given(st.integers(0, 2), st.integers(10, 255))
def test_a_wrong_label_is_named(folder, record, label) -> None:
    pixels, labels = random_set(0, 3, 3, 32, 32)
    labels[record] = label
    with pytest.raises(DomainError, match=rf"label {label} in record {record}: labels are 0 to 9"):
        datasets.images(write(folder / "wrong.bin", cifar_bytes(pixels, labels)))
    with pytest.raises(DomainError, match=rf"labels-idx1-ubyte has the label {label} in record {record}"):
        datasets.images(write_mnist(folder / "wrong", pixels[:, 0], labels))


PIXELS, LABELS = random_set(7, 4, 6, 6)
HALVES = PIXELS / 255
NAN = np.where(np.arange(144).reshape(4, 6, 6) == 75, np.nan, HALVES)
CODE = np.array([os.getcwd], dtype=object)  # a pickle would import os
ARCHIVES: dict[str, tuple[dict[str, Any], str]] = {
    "no images": ({"labels": LABELS}, "has no images .its arrays: labels."),
    "nothing": ({}, "no images .its arrays: none."),
    "two images": ({"x": PIXELS, "data": PIXELS, "y": LABELS}, "x and data, which all could be meant"),
    "image and part": ({"x": PIXELS, "x_train": PIXELS, "y": LABELS}, "x and x_train, which all"),
    "no labels": ({"x": PIXELS}, "has x but not exactly one array labels or y"),
    "two labels": ({"x": PIXELS, "y": LABELS, "targets": LABELS}, "not exactly one array labels or y"),
    "no labels of a part": ({"x_train": PIXELS, "y_test": LABELS}, "not exactly one array y_train"),
    "objects": ({"x": PIXELS, "y": CODE}, "Python objects under 'y', which could run code"),
    "flat": ({"x": PIXELS.reshape(4, -1), "y": LABELS}, r"x of the shape \(4, 36\): give"),
    "empty": ({"x": PIXELS[:0], "y": LABELS[:0]}, r"x of the shape \(0, 6, 6\)"),
    "either layout": ({"x": np.zeros((4, 3, 6, 3)), "y": LABELS}, "either the second or the last"),
    "no channels": ({"x": np.zeros((4, 6, 6, 4)), "y": LABELS}, "neither the second or the last"),
    "integers": ({"x": PIXELS.astype(int), "y": LABELS}, "dtype int64: save bytes"),
    "booleans": ({"x": PIXELS > 9, "y": LABELS}, "dtype bool: save bytes"),
    "to 255": ({"x": PIXELS * 1.0, "y": LABELS}, r"with the value \d+\.0 at .* floats scaled to"),
    "below 0": ({"x": HALVES - 0.5, "y": LABELS}, "with the value -0"),
    "not finite": ({"x": NAN, "y": LABELS}, r"value nan at \(n, c, h, w\) = \(2, 0, 0, 3\)"),
    "fewer labels": ({"x": PIXELS, "y": LABELS[:3]}, "has 4 x but 3 y"),
    "one-hot": ({"x": PIXELS, "y": np.eye(4, dtype=int)}, r"y of the dtype int64 and the shape \(4, 4\)"),
    "real labels": ({"x": PIXELS, "y": LABELS / 2}, "y of the dtype float64"),
    "from -1": ({"x": PIXELS, "y": LABELS.astype(int) - 10}, "number the classes from 0"),
    "two sizes": ({"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS[:, 1:], "y_test": LABELS}, "several sizes"),
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_bad_archives_are_refused(tmp_path, case) -> None:
    arrays, message = ARCHIVES[case]
    with pytest.raises(DomainError, match=message) as caught:
        datasets.images(write(tmp_path / "a.npz", npz_bytes(**arrays)))
    assert "a.npz" in str(caught.value)


def header(shape: tuple[int, ...]) -> bytes:
    """The header of an array in numpy's format, without its data."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return file.getvalue()


def zipped(content: bytes) -> bytes:
    """A sound .zip file whose members images and labels are these bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("x.npy", content)
        packed.writestr("y.npy", content)
    return file.getvalue()


def mnist_case(change: Callable[[Path], object]) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        path = write_mnist(folder, *random_set(0, 3, 4, 4))
        change(folder)
        return path

    return build


TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
IDX3 = bytes([0, 0, 8, 3])
FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no such name": (lambda _: "digit", "'digit', which does not exist: give 'digits' or the path"),
    "no name": (lambda _: "", "the source is '': give 'digits' or"),
    "a number": (lambda _: 3, "the source is 3: give"),
    "a NUL": (lambda _: "a\0b", "cannot be read .embedded null byte"),
    "too long": (lambda _: "a" * 5000, "cannot be read .File name too long"),
    "no such home": (lambda _: "~nobody-of-this-name/x", "cannot be read|does not exist"),
    "empty folder": (lambda d: d, "has neither data_batch_1.bin, …, test_batch.bin nor train-images"),
    "two sets": (
        lambda d: (write_mnist(d, *random_set(0, 1, 4, 4)), write(d / "test_batch.bin", b""))[0].parent,
        "has test_batch.bin and train-images-idx3-ubyte: give the path of one",
    ),
    "unknown ending": (lambda d: write(d / "a.png", b"x"), "is of no format known by its name"),
    "text as npz": (lambda d: write(d / "a.npz", b"hello"), "is no .npz file: save images and labels together"),
    "10^15 numbers": (lambda d: write(d / "a.npz", zipped(header((10**15,)))), "'x' is larger than the memory"),
    "no numbers": (lambda d: write(d / "a.npz", zipped(header((9,)))), "no complete .npz file .* save it again"),
    "no array": (lambda d: write(d / "a.npz", zipped(b"hello")), "something else than an array under 'x'"),
    "broken gzip": (
        lambda d: (write(d / "labels-idx1.gz", b"x"), write(d / "images-idx3.gz", b"x"))[1],
        "no complete gzip file",
    ),
    "no labels": (mnist_case(lambda d: (d / TRAIN[1]).unlink()), "no labels beside it: put train-labels-idx1-ubyte or"),
    "wrong magic": (
        mnist_case(lambda d: write(d / TRAIN[0], b"\0\0\x0d\3")),
        "begins with 00000d03, not with 00000803",
    ),
    "no header": (mnist_case(lambda d: write(d / TRAIN[0], IDX3 + b"\0")), "has 5 bytes, less than its header of 16"),
    "empty shape": (mnist_case(lambda d: write(d / TRAIN[0], IDX3 + bytes(12))), r"its shape is \(0, 0, 0\)"),
    "huge shape": (mnist_case(lambda d: write(d / TRAIN[0], IDX3 + b"\xff" * 12)), "truncated: download"),
    "longer": (mnist_case(lambda d: write(d / TRAIN[1], idx_bytes(LABELS) + b"\0")), "followed by something else"),
    "other labels": (mnist_case(lambda d: write(d / TRAIN[1], idx_bytes(LABELS))), "has 3 images, but .* has 4 labels"),
}


@pytest.mark.parametrize("case", FILES)
def test_bad_files_are_refused(tmp_path, case) -> None:
    build, message = FILES[case]
    with pytest.raises(DomainError, match=message):
        datasets.images(build(tmp_path))


def test_a_labels_file_is_no_image_file(tmp_path) -> None:
    path = write_mnist(tmp_path, *random_set(0, 3, 4, 4))
    with pytest.raises(DomainError, match="has no 'images' in its name"):
        datasets.images(path.with_name(TRAIN[1]))


def test_parts_of_mnist_have_one_size(tmp_path) -> None:
    write_mnist(tmp_path, *random_set(0, 3, 4, 4))
    write_mnist(tmp_path, *random_set(0, 3, 5, 5), "t10k")
    with pytest.raises(DomainError, match=r"images of \(5, 5\) pixels, but .* of \(4, 4\)"):
        datasets.images(tmp_path)


def test_files_above_the_limit_are_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 100)
    monkeypatch.setattr("glutheory.datasets.archives.LARGEST", 100)
    with pytest.raises(DomainError, match="more than 100 bytes"):
        datasets.text(write(tmp_path / "a.txt", b"a" * 101))
    # a small file that unpacks to a large one
    with pytest.raises(DomainError, match="more than 100 bytes"):
        datasets.text(write(tmp_path / "a.gz", gzip.compress(b"a" * 10_000)))
    monkeypatch.setattr(files, "LARGEST", 10_000)
    content = npz_bytes(True, x=np.zeros((9, 9, 9), dtype=np.uint8), y=np.zeros(9, dtype=int))
    with pytest.raises(DomainError, match=r"holds x\.npy of more than 100 bytes"):
        datasets.images(write(tmp_path / "a.npz", content))


ERRORS = {
    FileNotFoundError(): "does not exist",
    IsADirectoryError(): "is a folder",
    PermissionError(): "may not be read: change its permissions",
    OSError(5, "Input/output error"): "cannot be read .Input/output error",
}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, monkeypatch, error) -> None:
    def fail(*_: object) -> None:
        raise error

    path = write(tmp_path / "a.txt", b"a")
    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(DomainError, match=ERRORS[error]):
        datasets.text(path)


@pytest.mark.parametrize(
    ("module", "call", "message"),
    [
        ("sklearn.datasets", datasets.images, r"scikit-learn: \S+ -m pip install"),
        ("sklearn.model_selection", lambda: datasets.split(tiny()), r"scikit-learn: \S+ -m pip install"),
        ("pydoc_data.topics", datasets.text, "comes without pydoc_data"),
    ],
    ids=["digits", "split", "pydoc"],
)
def test_what_is_missing_is_named(monkeypatch, module, call, message) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises((DomainError, MissingDependencyError), match=message):
        call()
