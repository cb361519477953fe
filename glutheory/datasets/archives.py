"""Images and labels from a .npz file of numpy, without pickle.

The arrays are found by their names, `PARTS` and `SINGLE`; shapes (n, h, w), (n, h, w, c) and (n, c, h, w) with c = 1 or
3 are read. Where both the second and the last size could be the channels the file is refused: nothing is guessed.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from glutheory.datasets.files import LARGEST, fingerprint, read
from glutheory.datasets.formats import scaled
from glutheory.datasets.samples import Images, Labels, Pixels
from glutheory.errors import DomainError

#: Names of a set in parts, images and labels; the parts that are there are joined in this order.
PARTS = (
    (("x_train", "y_train"), ("x_val", "y_val"), ("x_test", "y_test")),
    (("X_train", "y_train"), ("X_val", "y_val"), ("X_test", "y_test")),
    (("train_images", "train_labels"), ("val_images", "val_labels"), ("test_images", "test_labels")),
)
#: Names of the only array of images, and of the only one of labels.
SINGLE = (("images", "x", "X", "data"), ("labels", "y", "Y", "targets"))

_CHANNELS = (1, 3)
#: What reading a damaged file raises, by zipfile, its decompressors and numpy's parser of headers.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, RuntimeError)


def archive(path: Path) -> Images:
    """The labelled images of a .npz file.

    Pixels are bytes (0 to 255) or floats in [0, 1]; labels are integers from 0, shape (n,) or (n, 1), and there are as
    many classes as the largest label says.

    Raises:
        DomainError: a file that cannot be read or is no complete .npz file, arrays that are missing, ambiguous, pickled
            or of other shapes, types or ranges.
    """
    content = read(path)
    if content[:2] != b"PK":
        raise DomainError(f"{path} is no .npz file: save images and labels together with numpy.savez.")
    try:
        # the members are looked at first: numpy would make room for whatever a header says
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            big = [item.filename for item in packed.infolist() if item.file_size > LARGEST]
        if big:
            raise DomainError(f"{path} holds {big[0]} of more than {LARGEST} bytes: give a part of it.")
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            pairs = _pairs(path, stored.files)
            arrays = [(image, _member(path, stored, image), _member(path, stored, label)) for image, label in pairs]
    except DomainError:
        raise
    except _DAMAGED as error:
        raise DomainError(f"{path} is no complete .npz file ({_sentence(error)}): save it again.") from None
    pixels = [_pixels(path, name, image) for name, image, _ in arrays]
    if len({part.shape[1:] for part in pixels}) > 1:
        raise DomainError(f"{path} has images of {len(pixels)} parts and several sizes: give images of one size.")
    labels = [_labels(path, name, label) for (_, name), (_, _, label) in zip(pairs, arrays, strict=True)]
    for (image, label), these, those in zip(pairs, pixels, labels, strict=True):
        if len(these) != len(those):
            raise DomainError(f"{path} has {len(these)} {image} but {len(those)} {label}: give one label per image.")
    joined = np.concatenate(labels)
    found = ", ".join(f"{image} ({len(part)})" for (image, _), part in zip(pairs, pixels, strict=True))
    return Images(
        pixels=np.concatenate(pixels),
        labels=joined,
        classes=int(joined.max()) + 1,
        name=path.stem,
        source=f"{path.name}: {found}; {fingerprint(content)}",
    )


def _pairs(path: Path, names: list[str]) -> list[tuple[str, str]]:
    """The names of images and labels to be read: exactly one way to read the file may fit."""
    singles, labels = ([name for name in spellings if name in names] for spellings in SINGLE)
    ways = [[(name, " or ".join(SINGLE[1]))] for name in singles]
    ways += [found for family in PARTS if (found := [pair for pair in family if pair[0] in names])]
    if len(ways) != 1:
        state = " and ".join(way[0][0] for way in ways) + ", which all could be meant" if ways else "no images"
        raise DomainError(
            f"{path} has {state} (its arrays: {', '.join(names) or 'none'}): "
            f"name exactly one of them {' or '.join(SINGLE[0])}, or its parts x_train and x_test."
        )
    pairs = [(singles[0], labels[0])] if singles and len(labels) == 1 else ways[0]
    for image, label in pairs:
        if label not in names:
            raise DomainError(f"{path} has {image} but not exactly one array {label}: add the labels of these images.")
    return pairs


def _member(path: Path, stored: Any, name: str) -> Any:
    try:
        array = stored[name]
    except ValueError as error:
        if "pickle" in str(error).lower():
            raise DomainError(
                f"{path} holds Python objects under {name!r}, which could run code when read: "
                "save arrays of numbers instead."
            ) from None
        raise
    except MemoryError:
        raise DomainError(f"{path} says that {name!r} is larger than the memory: save it again.") from None
    # numpy hands out the bytes of a member that is no array
    if not isinstance(array, np.ndarray):
        raise DomainError(f"{path} holds something else than an array under {name!r}: save it with numpy.savez.")
    return array


def _pixels(path: Path, name: str, array: Any) -> Pixels:
    """As float32 (n, c, h, w) in [0, 1]."""
    shape = array.shape
    if array.ndim not in (3, 4) or 0 in shape:
        raise DomainError(f"{path} has {name} of the shape {shape}: give (n, h, w), (n, h, w, c) or (n, c, h, w).")
    if array.ndim == 3:
        array = array[:, None]
    else:
        first, last = shape[1] in _CHANNELS, shape[3] in _CHANNELS
        if first == last:
            which = "either" if first else "neither"
            raise DomainError(
                f"{path} has {name} of the shape {shape}, where {which} the second or the last size can be the "
                "channels (1 or 3): give (n, c, h, w) with h and w other than that, or (n, h, w)."
            )
        array = array if first else np.moveaxis(array, 3, 1)
    if array.dtype == np.uint8:
        return scaled(array)
    if array.dtype.kind != "f":
        raise DomainError(
            f"{path} has {name} of the dtype {array.dtype}: save bytes (0 to 255, uint8) or floats in [0, 1]."
        )
    inside = np.isfinite(array) & (array >= 0) & (array <= 1)
    if not inside.all():
        index = tuple(int(i) for i in np.argwhere(~inside)[0])
        raise DomainError(
            f"{path} has {name} with the value {array[index]} at (n, c, h, w) = {index}: "
            "save bytes (uint8) or floats scaled to [0, 1]."
        )
    return np.ascontiguousarray(array, dtype=np.float32)


def _labels(path: Path, name: str, array: Any) -> Labels:
    """As int64 (n,)."""
    if array.dtype.kind not in "iu" or array.ndim not in (1, 2) or array.shape[1:] not in ((), (1,)):
        raise DomainError(
            f"{path} has {name} of the dtype {array.dtype} and the shape {array.shape}: "
            "give one integer per image, shape (n,)."
        )
    if array.size and not 0 <= int(array.min()) <= int(array.max()) < 2**31:
        raise DomainError(f"{path} has {name} from {array.min()} to {array.max()}: number the classes from 0.")
    return array.reshape(-1).astype(np.int64)  # type: ignore[no-any-return]


def _sentence(error: BaseException) -> str:
    """An error's first line, without its final stop."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
