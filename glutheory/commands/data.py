"""The rows that a command works on: drawn at random, or read from the user's file, every bad file one sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glutheory.commands.data_files import DataFile
from glutheory.commands.options import FEATURES, INPUTS, ROWS
from glutheory.datasets.files import LARGEST
from glutheory.errors import DomainError

Array = npt.NDArray[np.float64]

#: The fewest rows of which a kernel matrix says anything.
FEWEST = 2
SUFFIXES = (".npy", ".npz", ".csv")


@dataclass(frozen=True, eq=False)
class DataRows:
    """Inputs and, where there are any, targets.

    Attributes:
        X: the inputs, shape (n, d), float64, finite.
        y: the targets, shape (n,), float64, finite; or None.
        description: where they are from, a phrase.
        name: what the file is called, and what of it was left out; empty for random rows.
    """

    X: Array
    y: Array | None
    description: str
    name: str = ""


def chosen_rows(
    n: int | None, d: int | None, inputs: str | None, data: Path | None, target: str | None, seed: int
) -> DataRows:
    """The rows that the options of `glutheory.commands.options.data_options` ask for.

    Raises:
        DomainError: options that exclude each other, or what `read_rows` raises.
    """
    if data is None:
        if target is not None:
            raise DomainError(f"--target is {target[:60]!r}, but random data have no columns: give --data as well.")
        return draw_rows(inputs or INPUTS[0], ROWS if n is None else n, FEATURES if d is None else d, seed)
    for name, value in (("--n", n), ("--d", d), ("--inputs", inputs)):
        if value is not None:
            raise DomainError(f"{name} is {value}, but --data gives the rows: leave out one of the two.")
    return read_rows(data, target=target)


def draw_rows(inputs: str, n: int, d: int, seed: int) -> DataRows:
    """Random rows.

    Args:
        inputs: "gaussian", standard normal; or "normalised", the same rows scaled to norm √d, as RMSNorm does.
        n: rows.
        d: features.
        seed: the same seed gives the same rows.

    Raises:
        DomainError: another word, or more numbers than are drawn here.
    """
    if inputs not in INPUTS:
        raise DomainError(f"inputs is {inputs!r}: use {' or '.join(map(repr, INPUTS))}.")
    if n * d * 8 > LARGEST:
        raise DomainError(f"n is {n} and d is {d}: {n * d * 8 / 2**30:.3g} GiB of random numbers; give fewer.")
    X = np.random.default_rng(seed).standard_normal((n, d))
    if inputs == "gaussian":
        return DataRows(X, None, f"{n} standard normal rows of {_features(d)}, seed {seed}")
    # a row of zeros has probability 0
    X *= math.sqrt(d) / np.linalg.norm(X, axis=1, keepdims=True)
    return DataRows(X, None, f"{n} random rows of {_features(d)}, norm √{d}, seed {seed}")


def read_rows(path: Path, *, target: str | None = None) -> DataRows:
    """The rows of a file.

    * .npy: one array (n, d); `target` is the number of a column (from 0, or from the end: -1).
    * .npz: the array X, or the only one beside the target; the target is the array `target`, or y where there is one.
    * .csv: with or without a header; separated by commas, semicolons or tabs; `target` is a column's name or number. A
      column without a name that counts the rows is left out, and the description says so.

    Args:
        path: the file.
        target: which part of it is the target, and no input.

    Raises:
        DomainError: no such file or format, pickled objects, entries that are not finite numbers (the first is named),
            rows of different lengths, fewer than two rows, another shape, no such target, or a column without a
            name that may be an input.
    """
    file, left_out = DataFile(path), ""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        from glutheory.commands.tables import index_column, read_table

        values, names = read_table(file.text(), file.complaint)
        index = index_column(values, names, target, file.complaint)
        X, y = file.split(values, names, target, index)
        if index is not None:
            left_out = f", without its column {index + 1}, which has no name and counts the rows like an index"
    elif suffix == ".npy":
        X, y = file.split(file.numbers(file.array(file.content(), "the array"), "the array"), (), target)
    elif suffix == ".npz":
        X, y = file.members(target)
    else:
        raise file.complaint("which is of no known format", f"give a file that ends in {', '.join(SUFFIXES)}")
    n, d = X.shape
    if n < FEWEST:
        raise file.complaint(f"which has {n} row{'s' * (n != 1)}", f"give at least {FEWEST}")
    if d < 1:
        raise file.complaint("which has no column beside the target", "give at least one input")
    label = "" if y is None else f", target {target or 'y'}"
    return DataRows(X, y, f"{path.name}: {n} rows of {_features(d)}{label}{left_out}", path.name + left_out)


def _features(d: int) -> str:
    return f"{d} feature{'s' * (d != 1)}"
