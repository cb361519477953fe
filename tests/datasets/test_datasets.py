"""Data sets: what is written is read back, whatever is cut off or wrong is refused, and parts share nothing."""

from __future__ import annotations

import gzip
import io
import os
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glutheory import datasets
from glutheory.datasets import files
from glutheory.datasets.samples import Images, Text
from glutheory.errors import DomainError

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sets")


def random_set(seed: int, count: int, *shape: int) -> tuple[Any, Any]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, *shape), dtype=np.uint8), generator.integers(0, 10, count, dtype=np.uint8)


def cifar_bytes(images: Any, labels: Any) -> bytes:
    return b"".join(bytes([label]) + image.tobytes() for image, label in zip(images, labels, strict=True))


def idx_bytes(array: Any) -> bytes:
    content: bytes = array.tobytes()
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + content


def npz_bytes(compressed: bool = False, **arrays: Any) -> bytes:
    file = io.BytesIO()
    save: Any = np.savez_compressed if compressed else np.savez
    save(file, **arrays)
    return file.getvalue()


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def write_mnist(folder: Path, images: Any, labels: Any, part: str = "train", dot: str = "-", end: str = "") -> Path:
    packed: Callable[[bytes], bytes] = gzip.compress if end else bytes
    write(folder / f"{part}-labels{dot}idx1-ubyte{end}", packed(idx_bytes(labels)))
    return write(folder / f"{part}-images{dot}idx3-ubyte{end}", packed(idx_bytes(images)))


def same(found: Images, pixels: Any, labels: Any) -> bool:
    """Byte for byte: value/255 in float32 is undone by rounding."""
    exact = found.pixels.dtype == np.float32 and found.labels.dtype == np.int64
    return exact and np.array_equal(np.rint(found.pixels * 255), pixels) and np.array_equal(found.labels, labels)


# reading back what was written


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


# cut off, too long, or wrong


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
        ("sklearn.datasets", datasets.images, "scikit-learn is missing: install"),
        ("sklearn.model_selection", lambda: datasets.split(tiny()), "scikit-learn is missing: install"),
        ("pydoc_data.topics", datasets.text, "comes without pydoc_data"),
    ],
    ids=["digits", "split", "pydoc"],
)
def test_what_is_missing_is_named(monkeypatch, module, call, message) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DomainError, match=message):
        call()


# records


def tiny(labels: Any = (0, 1, 0, 1, 0, 1, 0, 1), classes: int = 2) -> Images:
    pixels = np.linspace(0, 1, len(labels), dtype=np.float32)
    return Images(pixels.reshape(-1, 1, 1, 1), np.array(labels, dtype=np.int64), classes, "tiny", "here")


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


# text


def test_pydoc_is_the_documentation_of_this_python() -> None:
    from pydoc_data.topics import topics

    found = datasets.text()
    read = found.tokens.tobytes().decode("utf-8")
    assert all(value in read for value in topics.values())
    assert len(found) == sum(len(value.encode()) + 1 for value in topics.values()) - 1 > 300_000
    assert f"Python {'.'.join(map(str, sys.version_info[:3]))}" in found.source
    assert "sha256 " in found.source


@given(st.text(min_size=1, max_size=200))
def test_a_text_file_is_read_back(folder, content) -> None:
    found = datasets.text(write(folder / "some.txt", content.encode()))
    assert found.tokens.tobytes().decode() == content
    assert found.name == "some"
    assert f"some.txt ({len(content.encode())} bytes)" in found.source


@given(st.text(max_size=50), st.sampled_from([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80"]))
def test_what_is_not_utf8_is_refused_with_its_place(folder, before, wrong) -> None:
    with pytest.raises(DomainError, match=rf"bad\.txt is not UTF-8 at byte {len(before.encode())} "):
        datasets.text(write(folder / "bad.txt", before.encode() + wrong + b"!"))


def test_bad_texts_are_refused(tmp_path) -> None:
    with pytest.raises(DomainError, match=r"empty\.txt is empty"):
        datasets.text(write(tmp_path / "empty.txt", b""))
    with pytest.raises(DomainError, match="'nothing', which does not exist: give 'pydoc' or the path"):
        datasets.text("nothing")
    with pytest.raises(DomainError, match="is a folder"):
        datasets.text(tmp_path)


@given(st.integers(2, 300), st.data())
def test_windows_are_parts_of_the_text(size, data) -> None:
    length, seed = data.draw(st.integers(1, size - 1)), data.draw(SEEDS)
    tokens = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    text = Text(tokens, "x", "here")
    found = datasets.windows(text, length, 20, seed)
    assert found.shape == (20, length + 1)
    assert found.dtype == np.int64
    whole = tokens.tobytes()
    assert all(row.astype(np.uint8).tobytes() in whole for row in found)
    assert np.array_equal(found, datasets.windows(text, length, 20, seed))


def test_windows_begin_everywhere() -> None:
    text = Text(np.arange(10, dtype=np.uint8), "x", "here")
    starts = datasets.windows(text, 6, 1000, 3)[:, 0]
    # 10 bytes hold windows of 7 at 0, …, 3; each is seen 250 ± 14 times
    assert np.bincount(starts).min() > 180
    assert starts.max() == 3
    assert not np.array_equal(starts, datasets.windows(text, 6, 1000, 4)[:, 0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"length": 10}, "length is 10, but x has 10 bytes: give at most 9"),
        ({"length": 0}, "length is 0: give an integer >= 1"),
        ({"count": 1.5}, "count is 1.5"),
        ({"seed": -1}, "seed is -1: give an integer >= 0"),
        ({"seed": True}, "seed is True"),
    ],
)
def test_bad_windows_are_refused(change, message) -> None:
    text = Text(np.arange(10, dtype=np.uint8), "x", "here")
    with pytest.raises(DomainError, match=message):
        datasets.windows(text, **{"length": 3, "count": 2, "seed": 0, **change})


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
