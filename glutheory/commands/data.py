"""The rows that a command works on: drawn at random, or read from the user's file, every bad file one sentence."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glutheory.commands.data_files import DataFile, listed, quoted
from glutheory.commands.options import FEATURES, INPUTS, ROWS
from glutheory.commands.scaling import scaled
from glutheory.datasets.files import LARGEST
from glutheory.errors import DomainError

Array = npt.NDArray[np.float64]

#: The fewest rows of which a kernel matrix says anything.
FEWEST = 2
#: From so many rows on a column of 0, 1, 2, … is taken for a count and not for classes; characters of --columns shown.
_COUNTED, _NAMED = 4, 80
SUFFIXES = (".npy", ".npz", ".csv")


@dataclass(frozen=True, eq=False)
class DataRows:
    """Inputs and, where there are any, targets.

    Attributes:
        X: the inputs, shape (n, d), float64, finite.
        y: the targets, shape (n,), float64, finite; or None.
        description: where they are from, a phrase.
        name: what the file is called, what of it was left out, and which input counts the rows; empty for random rows.
        other: the rows of a file otherwise scaled, to compare with: as given where X is scaled, else to norm √d; None
            where that is the same or cannot be.
        other_description: what these are, a phrase.
    """

    X: Array
    y: Array | None
    description: str
    name: str = ""
    other: Array | None = None
    other_description: str = ""


def chosen_rows(
    n: int | None,
    d: int | None,
    inputs: str | None,
    data: Path | None,
    target: str | None,
    seed: int,
    *,
    columns: str | None = None,
    normalise: str | None = None,
) -> DataRows:
    """The rows that the options of `glutheory.commands.options.data_options` ask for.

    Raises:
        DomainError: options that exclude each other, or what `read_rows` raises.
    """
    if data is None:
        if target is not None:
            raise DomainError(f"--target is {target[:60]!r}, but random data have no columns: give --data as well.")
        if columns is not None:
            raise DomainError(f"--columns is {columns[:60]!r}, but random data have none: give --data as well.")
        if normalise is not None:
            raise DomainError(f"--normalise is {normalise}, but random data are scaled by --inputs: give that.")
        return draw_rows(inputs or INPUTS[0], ROWS if n is None else n, FEATURES if d is None else d, seed)
    for name, value in (("--n", n), ("--d", d), ("--inputs", None if inputs == INPUTS[1] else inputs)):
        if value is not None:
            raise DomainError(f"{name} is {value}, but --data gives the rows: leave out one of the two.")
    if inputs == INPUTS[1] and normalise not in (None, "rms"):
        raise DomainError(
            f"--inputs normalised is --normalise rms, and --normalise is {normalise}: give one of the two."
        )
    return _compared(read_rows(data, target=target, columns=columns), "rms" if inputs == INPUTS[1] else normalise)


def _compared(rows: DataRows, normalise: str | None) -> DataRows:
    """The rows as --normalise says, with those otherwise scaled to compare with."""
    if normalise in (None, "none"):
        try:
            other, said = scaled(rows.X, "rms")
        except DomainError:  # a row of zeros
            return rows
        same = np.allclose(other, rows.X, rtol=1e-6, atol=0)
        return rows if same else replace(rows, other=other, other_description=said)
    X, said = scaled(rows.X, normalise)
    found = replace(rows, X=X, description=f"{rows.description}; {said}")
    return replace(found, other=rows.X, other_description="the rows as given")


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


def read_rows(path: Path, *, target: str | None = None, columns: str | None = None) -> DataRows:
    """The rows of a file.

    * .npy: one array (n, d); `target` is the number of a column (from 0, or from the end: -1).
    * .npz: the array X, or the only one beside the target; the target is the array `target`, or y where there is one.
    * .csv: with or without a header; separated by commas, semicolons or tabs; `target` is a column's name or number. A
      column without a name that counts the rows is left out, and the description says so.

    A target of texts is one of classes, which are numbered (`glutheory.commands.labels`).

    An input that counts the rows as an index does is named, with the option that leaves it out, but for chosen columns.

    Args:
        path: the file.
        target: which part of it is the target, and no input.
        columns: the names or numbers of the inputs, with commas between, names with commas in double quotes; None: all
            but the target.

    Raises:
        DomainError: no such file or format, pickled objects, entries that are not finite numbers (the first is named),
            rows of different lengths, fewer than two rows, another shape, no such target, or a column without a
            name that may be an input.
    """
    file, left_out, classes = DataFile(path), "", ""
    names: tuple[str, ...] = ()
    suffix = path.suffix.lower()
    if suffix == ".csv":
        from glutheory.commands.labels import encoded
        from glutheory.commands.tables import index_column, read_table

        table = read_table(file.text(), file.complaint)
        names = table.names
        index = index_column(table, target) if columns is None else None
        chosen, label = file.roles(table.width, table.names, target, columns)
        if index is not None:
            left_out = f", without its column {index + 1}, which has no name and counts the rows like an index"
            chosen.remove(index)
        X, y = table.numbers(chosen), None
        if label is not None:
            texts = table.labels(label)
            y = table.numbers([label])[:, 0] if texts is None else None
            if texts is not None:
                y, classes = encoded(texts, str(target), file.complaint, table.lines)
    elif suffix == ".npy":
        values = file.numbers(file.array(file.content(), "the array"), "the array")
        chosen, label = file.roles(values.shape[1], (), target, columns)
        X, y = values[:, chosen], None if label is None else values[:, label].copy()
    elif suffix == ".npz":
        X, y, classes = file.members(target)
        chosen, _ = file.roles(X.shape[1], (), None, columns)
        X = X[:, chosen]
    else:
        raise file.complaint("which is of no known format", f"give a file that ends in {', '.join(SUFFIXES)}")
    n, d = X.shape
    if n < FEWEST:
        raise file.complaint(f"which has {n} row{'s' * (n != 1)}", f"give at least {FEWEST}")
    if d < 1:
        raise file.complaint("which has no column beside the target", "give at least one input")
    if columns is None:
        left_out += _counting(X, [names[i] if names else str(i) for i in chosen])
    named = "" if y is None else f", target {target or 'y'}{': ' * bool(classes)}{classes}"
    picked = "" if columns is None else f" ({', '.join(map(quoted, listed(columns, names)))[:80]})"
    return DataRows(
        np.ascontiguousarray(X), y, f"{path.name}: {n} rows of {_features(d)}{picked}{named}{left_out}",
        path.name + left_out,
    )  # fmt: skip


def _counting(X: Array, names: list[str]) -> str:
    """What is said of inputs that count the rows, from 0 or from 1, where there are others."""
    places = np.arange(len(X))
    counts = [any(np.array_equal(column, places + start) for start in (0, 1)) for column in X.T]
    found, rest = (
        [quoted(name) for name, own in zip(names, counts, strict=True) if own is is_one] for is_one in (True, False)
    )
    if len(X) < _COUNTED or not found or not rest:
        return ""
    subject, verb = ("its column", "counts") if len(found) == 1 else ("its columns", "count")
    remedy = ",".join(rest)
    remedy = remedy if len(remedy) <= _NAMED else f"{remedy[:_NAMED].rpartition(',')[0]},..."
    remedy = f"if it is an index, leave it out by --columns {shlex.quote(remedy)}"
    return f"; {subject} {', '.join(found)} {verb} the rows: {remedy}"


def _features(d: int) -> str:
    return f"{d} feature{'s' * (d != 1)}"
