"""Arrays from .npy and .npz files, and what the columns of a table are; a file's errors name it and say what to do."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.datasets.files import LARGEST, read
from glutheory.errors import DomainError

Array = npt.NDArray[np.float64]
#: What reading a damaged file raises, by zipfile, its decompressors and numpy's parser of headers.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, RuntimeError, MemoryError)


class DataFile:
    """A file being read; its errors name it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def complaint(self, what: str, remedy: str) -> DomainError:
        """The error to raise."""
        return DomainError(f"--data is {str(self.path)[:200]!r}, {what}: {remedy}.")

    def content(self) -> bytes:
        """Its bytes."""
        try:
            return read(self.path)
        except DomainError as error:
            raise DomainError(f"--data: {error}") from None
        except ValueError:
            raise self.complaint("which is no name for a file", "give another one") from None

    def text(self) -> str:
        """Its text."""
        try:
            return self.content().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise self.complaint("which is no text in UTF-8", "save it as CSV in that encoding") from None

    def array(self, content: bytes, name: str) -> Any:
        """One array in numpy's format."""
        # numpy would take anything else for a pickle
        if content[:6] != b"\x93NUMPY":
            raise self.complaint(f"in which {name} is not in numpy's format", "write it with numpy.save or numpy.savez")
        try:
            return np.load(io.BytesIO(content), allow_pickle=False)
        except _DAMAGED as error:
            if "object" in str(error).lower():
                raise self.complaint(
                    f"in which {name} holds Python objects, which could run code when read", "save numbers instead"
                ) from None
            raise self.complaint(f"in which {name} is damaged ({_sentence(error)})", "save it again") from None

    def members(self, target: str | None) -> tuple[Array, Array | None]:
        """X and y of an archive."""
        content = self.content()
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                names = [item.filename.removesuffix(".npy") for item in packed.infolist()]
                big = [item.filename for item in packed.infolist() if item.file_size > LARGEST]
                if big:
                    raise self.complaint(f"which holds {big[0]} of more than {LARGEST} bytes", "give a part of it")
                label, inputs = self._choose(names, target)
                parts = {name: packed.read(f"{name}.npy") for name in (inputs, label) if name is not None}
        except KeyError as error:
            raise self.complaint(f"which is not of numpy's making ({_sentence(error)})", "use numpy.savez") from None
        except DomainError:
            raise
        except (*_DAMAGED, NotImplementedError) as error:
            raise self.complaint(
                f"which is no complete .npz file ({_sentence(error)})", "write it with numpy.savez"
            ) from None
        X = self.numbers(self.array(parts[inputs], f"the array {inputs}"), f"the array {inputs}")
        if label is None:
            return X, None
        y = self.numbers(self.array(parts[label], f"the array {label}"), f"the array {label}", target=True)
        if len(y) != len(X):
            raise self.complaint(f"which has {len(X)} rows but {len(y)} targets in {label}", "give one for each row")
        return X, y

    def _choose(self, names: list[str], target: str | None) -> tuple[str | None, str]:
        """The names of the target, if any, and of the inputs."""
        known = ", ".join(names) or "none"
        if target is not None and target not in names:
            raise self.complaint(f"whose arrays are {known}, none called {target[:60]!r}", "let --target name one")
        label = target if target is not None else ("y" if "y" in names else None)
        others = [name for name in names if name != label]
        if "X" in others:
            return label, "X"
        if len(others) != 1:
            raise self.complaint(f"whose arrays are {known}: which are the rows is not clear", "name the array X")
        return label, others[0]

    def numbers(self, array: Any, name: str, *, target: bool = False) -> Array:
        """As a float64 matrix, or a column for the target; finite."""
        wanted = "(n,)" if target else "(n, d)"
        if target and array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != (1 if target else 2):
            more = "" if target or array.ndim != 1 else ", e.g. x[:, None]"
            raise self.complaint(f"in which {name} has the shape {array.shape}", f"give {wanted}{more}")
        if array.dtype.kind not in "biuf":
            raise self.complaint(f"in which {name} has the dtype {array.dtype}", "give real numbers")
        with np.errstate(over="ignore"):
            found = np.ascontiguousarray(array, dtype=np.float64)
        bad = np.argwhere(~np.isfinite(found))
        if len(bad):
            index = tuple(int(i) for i in bad[0])
            where = f"row {index[0]}" if target else f"row {index[0]}, column {index[1]}"
            raise self.complaint(
                f"in which {name} has {array[index]} in {where} (counted from 0)", "remove or repair such rows"
            )
        return found

    def split(
        self, values: Array, names: tuple[str, ...], target: str | None, left_out: int | None = None
    ) -> tuple[Array, Array | None]:
        """The inputs and the target column of a matrix; `left_out` is the number of a column that is no input."""
        spare = [] if left_out is None else [left_out]
        if target is None:
            return np.ascontiguousarray(np.delete(values, spare, axis=1)) if spare else values, None
        count = values.shape[1]
        if target in names:
            if names.count(target) > 1:
                raise self.complaint(f"in which {names.count(target)} columns are called {target!r}", "rename one")
            column = names.index(target)
        else:
            column = int(target) if target.removeprefix("-").isdecimal() and len(target) < 9 else count
            if not -count <= column < count:
                known = f"columns {', '.join(names)[:200]}" if names else f"{count} columns, counted from 0"
                raise self.complaint(f"which has {known}, and none is {target[:60]!r}", "let --target name one")
        return np.ascontiguousarray(np.delete(values, [*spare, column], axis=1)), values[:, column].copy()


def _sentence(error: BaseException) -> str:
    """An error's first line, without its final stop."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:120]
