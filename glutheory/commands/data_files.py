"""Arrays from .npy and .npz files, and what the columns of a table are; a file's errors name it and say what to do."""

from __future__ import annotations

import csv
import difflib
import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.commands.labels import encoded
from glutheory.datasets.files import LARGEST, read
from glutheory.errors import DomainError

Array = npt.NDArray[np.float64]
#: What reading a damaged file raises, by zipfile, its decompressors and numpy's parser of headers.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, RuntimeError, MemoryError)

#: What the options name.
_WANTED = {"target": "one", "columns": "some of them"}


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

    def members(self, target: str | None) -> tuple[Array, Array | None, str]:
        """X and y of an archive, and what is to be said of y."""
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
            return X, None, ""
        given, said = self.array(parts[label], f"the array {label}"), ""
        if given.dtype.kind == "U" and given.ndim == 1:
            given, said = encoded([str(text).strip() for text in given], label, self.complaint)
        y = self.numbers(given, f"the array {label}", target=True)
        if len(y) != len(X):
            raise self.complaint(f"which has {len(X)} rows but {len(y)} targets in {label}", "give one for each row")
        return X, y, said

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

    def roles(
        self, count: int, names: tuple[str, ...], target: str | None, columns: str | None
    ) -> tuple[list[int], int | None]:
        """The numbers of the input columns and of the target's, if any.

        Args:
            count: how many columns there are.
            names: what they are called; none where they have no names.
            target: what --target says.
            columns: what --columns says: names or numbers, with commas between, names with commas in double quotes;
                None: all but the target.
        """
        label = None if target is None else self._place(target, "target", count, names)
        if columns is None:
            return [i for i in range(count) if i != label], label
        parts = listed(columns, names)
        chosen = [self._place(part, "columns", count, names) for part in parts]
        if label in chosen:
            raise self.complaint(f"whose column {target!r} is in --columns and is the --target", "leave it out of one")
        if len(set(chosen)) < len(chosen):
            twice = next(part for part, i in zip(parts, chosen, strict=True) if chosen.count(i) > 1)
            raise self.complaint(f"of which --columns has the column {twice[:60]!r} twice", "name it once")
        return chosen, label

    def _place(self, name: str, option: str, count: int, names: tuple[str, ...]) -> int:
        """The number of the column that is called so, or has this number."""
        if name in names:
            if names.count(name) > 1:
                raise self.complaint(f"in which {names.count(name)} columns are called {name!r}", "rename one")
            return names.index(name)
        column = int(name) if name.isascii() and name.removeprefix("-").isdecimal() and len(name) < 9 else count
        if not -count <= column < count:
            known = (
                f"columns {', '.join(quoted(name) or '(no name)' for name in names)[:200]}"
                if names
                else f"{count} columns, counted from 0"
            )
            near = difflib.get_close_matches(name, names, n=1)
            more = f" ({near[0]}?)" if near else ""
            raise self.complaint(
                f"which has {known}, and none is {name[:60]!r}{more}", f"let --{option} name {_WANTED[option]}"
            )
        return column % count


def listed(text: str, names: tuple[str, ...]) -> list[str]:
    """The parts between commas; in double quotes a comma, and a quote twice, is of a name, as in the file itself."""
    try:
        (parts,) = csv.reader([text], skipinitialspace=True)
    except (csv.Error, ValueError):  # line ends
        parts = text.split(",")
    parts = [part.strip() for part in parts]
    # one name, as the file has it
    return [text] if text in names and not set(parts) <= {*names} else parts


def quoted(name: str) -> str:
    """As --columns takes it."""
    return '"{}"'.format(name.replace('"', '""')) if "," in name or '"' in name else name


def _sentence(error: BaseException) -> str:
    """An error's first line, without its final stop."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:120]
