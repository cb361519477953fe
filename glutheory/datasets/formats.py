"""CIFAR-10 in its binary version, and MNIST in the idx format.

CIFAR-10: records of 1 + 3072 bytes, the label and the red, green and blue planes, row by row
(https://www.cs.toronto.edu/~kriz/cifar.html). idx: a magic number (two zero bytes, the type, the number of dimensions),
the sizes as big-endian 32-bit integers, the data (http://yann.lecun.com/exdb/mnist/). Pixels are bytes in both, read as
value/255.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glutheory.datasets.files import fingerprint, read
from glutheory.datasets.samples import Images, Pixels
from glutheory.errors import DomainError

Bytes = npt.NDArray[np.uint8]

#: The files of CIFAR-10, in the order in which they are joined.
CIFAR_FILES = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")
#: The image files of MNIST, in the order in which they are joined; a dot may stand for the second hyphen.
IDX_FILES = ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte")

_RECORD = 1 + 3 * 32 * 32
_UNSIGNED_BYTE = 8


def scaled(values: Bytes) -> Pixels:
    """Bytes as float32 in [0, 1]."""
    return np.divide(values, np.float32(255), dtype=np.float32)


def cifar10(paths: list[Path]) -> Images:
    """CIFAR-10 from its binary files, joined in this order.

    A file cut between two records cannot be told from a smaller file: `source` says how many records each one has.

    Raises:
        DomainError: a file that cannot be read, is empty or not a whole number of records, or a label above 9.
    """
    contents = [read(path) for path in paths]
    for path, content in zip(paths, contents, strict=True):
        remainder = len(content) % _RECORD
        if not content or remainder:
            raise DomainError(
                f"{path} has {len(content)} bytes, {remainder} more than whole records of {_RECORD}: "
                "it is no binary CIFAR-10 file or a truncated one; download it again."
            )
        labels = np.frombuffer(content, np.uint8)[::_RECORD]
        if labels.max() > 9:
            bad = int(np.argmax(labels > 9))
            raise DomainError(
                f"{path} has the label {labels[bad]} in record {bad}: labels are 0 to 9; "
                "the file is damaged or of another format."
            )
    records = np.frombuffer(b"".join(contents), np.uint8).reshape(-1, _RECORD)
    found = ", ".join(f"{path.name} ({len(content) // _RECORD})" for path, content in zip(paths, contents, strict=True))
    return Images(
        pixels=scaled(records[:, 1:]).reshape(-1, 3, 32, 32),
        labels=records[:, 0].astype(np.int64),
        classes=10,
        name="cifar10",
        source=f"CIFAR-10, binary version: {found}; {fingerprint(*contents)}",
    )


def mnist(paths: list[Path]) -> Images:
    """MNIST, or a set of its format with 10 classes, from image files whose label files lie beside them.

    Raises:
        DomainError: no label file, a file that cannot be read or is no complete idx file of bytes, numbers of images
            and labels or sizes of images that differ, or a label above 9.
    """
    images: list[Bytes] = []
    labels: list[Bytes] = []
    found, contents = [], []
    for path in paths:
        partner = _label_file(path)
        for file, dimensions, into in ((path, 3, images), (partner, 1, labels)):
            contents.append(read(file))
            into.append(_idx(file, contents[-1], dimensions))
        if len(images[-1]) != len(labels[-1]):
            raise DomainError(
                f"{path} has {len(images[-1])} images, but {partner} has {len(labels[-1])} labels: "
                "one of them is of another set; download both again."
            )
        if images[-1].shape[1:] != images[0].shape[1:]:
            raise DomainError(
                f"{path} has images of {images[-1].shape[1:]} pixels, but {paths[0]} of {images[0].shape[1:]}: "
                "give the files of one set."
            )
        if labels[-1].max() > 9:
            bad = int(np.argmax(labels[-1] > 9))
            raise DomainError(f"{partner} has the label {labels[-1][bad]} in record {bad}: labels are 0 to 9.")
        found.append(f"{path.name} ({len(images[-1])})")
    return Images(
        pixels=scaled(np.concatenate(images))[:, None],
        labels=np.concatenate(labels).astype(np.int64),
        classes=10,
        name="mnist",
        source=f"idx: {', '.join(found)}; {fingerprint(*contents)}",
    )


def _idx(path: Path, content: bytes, dimensions: int) -> Bytes:
    """The array of an idx file of bytes with so many dimensions."""
    magic, start = bytes((0, 0, _UNSIGNED_BYTE, dimensions)), 4 + 4 * dimensions
    if content[:4] != magic:
        raise DomainError(
            f"{path} begins with {content[:4].hex() or 'nothing'}, not with {magic.hex()}: "
            f"it is no idx file of bytes with {dimensions} dimension{'s' if dimensions > 1 else ''}."
        )
    if len(content) < start:
        raise DomainError(f"{path} has {len(content)} bytes, less than its header of {start}: download it again.")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    expected = start
    if 0 in shape:
        raise DomainError(f"{path} says that its shape is {shape}: give a file with data.")
    expected += int(np.prod(shape, dtype=object))
    if len(content) != expected:
        what = "truncated: download it again" if len(content) < expected else "followed by something else"
        raise DomainError(f"{path} has {len(content)} bytes, but its shape {shape} needs {expected}: it is {what}.")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def idx_files(folder: Path) -> list[Path]:
    """The image files of MNIST in a folder, in the order of `IDX_FILES`; a plain file goes before a packed one."""
    spellings = [[name, name.replace("-idx", ".idx")] for name in IDX_FILES]
    candidates = [[folder / (stem + end) for stem in stems for end in ("", ".gz")] for stems in spellings]
    return [found for paths in candidates for found in [path for path in paths if path.is_file()][:1]]


def _label_file(path: Path) -> Path:
    """The label file beside an image file, packed or plain as that one if there is a choice."""
    stem = path.name.removesuffix(".gz")
    if "images" not in stem:
        raise DomainError(f"{path} has no 'images' in its name: give the image file, such as {IDX_FILES[0]}.")
    name = stem.replace("images", "labels").replace("idx3", "idx1")
    same, other = ("", ".gz") if stem == path.name else (".gz", "")
    for end in (same, other):
        partner = path.with_name(name + end)
        if partner.is_file():
            return partner
    raise DomainError(f"{path} has no labels beside it: put {name} or {name}.gz into its folder.")
