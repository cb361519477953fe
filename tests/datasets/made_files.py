"""Files of data sets as their publishers write them, made up from a seed."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from glutheory.datasets.samples import Images

SEEDS = st.integers(0, 2**32 - 1)


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


def tiny(labels: Any = (0, 1, 0, 1, 0, 1, 0, 1), classes: int = 2) -> Images:
    pixels = np.linspace(0, 1, len(labels), dtype=np.float32)
    return Images(pixels.reshape(-1, 1, 1, 1), np.array(labels, dtype=np.int64), classes, "tiny", "here")
