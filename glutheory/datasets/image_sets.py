"""Labelled images by name or path; nothing is ever downloaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glutheory.datasets.archives import archive
from glutheory.datasets.files import fingerprint, located
from glutheory.datasets.formats import CIFAR_FILES, IDX_FILES, cifar10, idx_files, mnist
from glutheory.datasets.samples import Images
from glutheory.errors import DomainError, MissingDependencyError


def images(source: str | Path = "digits") -> Images:
    """Labelled images.

    Args:
        source: "digits": the 1797 handwritten digits of 8×8 pixels that come with scikit-learn; or a path:

            * a folder with `CIFAR_FILES`, or any one file .bin of CIFAR-10's binary version;
            * a folder with `IDX_FILES`, or one such image file, packed (.gz) or plain, its labels beside it;
            * a .npz file with images and labels, see `glutheory.datasets.archives`.

    Returns:
        All images that are there, training and test files joined; `source` lists the files.

    Raises:
        DomainError: no such data set or file, or one that is damaged or of another format.
        MissingDependencyError: digits are asked for, and scikit-learn is not installed.
    """
    if source == "digits":
        return _digits()
    path = located(source, "'digits' or the path of a file or folder")
    if path.is_dir():
        return _folder(path)
    if path.suffix == ".npz":
        return archive(path)
    if path.suffix == ".bin":
        return cifar10([path])
    if "idx" in path.name:
        return mnist([path])
    raise DomainError(
        f"{path} is of no format known by its name: give a .npz file, a .bin file of CIFAR-10, "
        f"or an idx file such as {IDX_FILES[0]}."
    )


def _folder(folder: Path) -> Images:
    """CIFAR-10 or MNIST, whichever a folder has."""
    cifar, idx = [folder / name for name in CIFAR_FILES if (folder / name).is_file()], idx_files(folder)
    if cifar and idx:
        raise DomainError(f"{folder} has {cifar[0].name} and {idx[0].name}: give the path of one of them.")
    if not cifar and not idx:
        raise DomainError(
            f"{folder} has neither {CIFAR_FILES[0]}, …, {CIFAR_FILES[-1]} nor {' or '.join(IDX_FILES)} (.gz): "
            "give the folder that has, or the path of a file."
        )
    return cifar10(cifar) if cifar else mnist(idx)


def _digits() -> Images:
    """scikit-learn's digits, 0 to 16 scaled to [0, 1]."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise MissingDependencyError.of(
            "images 'digits', unlike those of a path, come with", "scikit-learn", "scikit-learn"
        ) from None
    raw = load_digits()
    pixels = np.ascontiguousarray(raw.images[:, None] / 16, dtype=np.float32)
    return Images(
        pixels=pixels,
        labels=raw.target.astype(np.int64),
        classes=10,
        name="digits",
        source=f"scikit-learn's digits ({len(pixels)}); {fingerprint(pixels.data.cast('B'))}",
    )
