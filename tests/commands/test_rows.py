"""Rows drawn at random and rows read from files: every good file is read, every bad one is one sentence."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glutheory.commands.data import chosen_rows, draw_rows, read_rows
from glutheory.errors import DomainError
from tests.strategies import named

X = np.arange(12.0).reshape(4, 3)
Y = np.array([1.0, -1.0, 2.0, 0.5])


def npy(array: object, *, pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.asarray(array), allow_pickle=pickle)
    return stream.getvalue()


def npz(**arrays: object) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def savetxt(header: str = "") -> bytes:
    stream = io.BytesIO()
    np.savetxt(stream, X, delimiter=",", header=header)
    return stream.getvalue()


#: name of the file, content, --target, the expected inputs and targets
GOOD: dict[str, tuple[str, bytes, str | None, np.ndarray, np.ndarray | None]] = {
    "npy": ("a.npy", npy(X), None, X, None),
    "npy, integers": ("a.NPY", npy(X.astype(np.int16)), None, X, None),
    "npy, booleans": ("a.npy", npy(X > 3), None, 1.0 * (X > 3), None),
    "npy, single precision, Fortran order": ("a.npy", npy(np.asfortranarray(X, np.float32)), None, X, None),
    "npy, last column": ("a.npy", npy(X), "-1", X[:, :2], X[:, 2]),
    "npy, first column": ("a.npy", npy(X), "0", X[:, 1:], X[:, 0]),
    "npz, X": ("a.npz", npz(X=X), None, X, None),
    "npz, X and y": ("a.npz", npz(X=X, y=Y), None, X, Y),
    "npz, y as a column": ("a.npz", npz(y=Y[:, None], X=X), None, X, Y),
    "npz, the only array": ("a.npz", npz(rows=X), None, X, None),
    "npz, the only one beside y": ("a.npz", npz(rows=X, y=Y), None, X, Y),
    "npz, a target by name": ("a.npz", npz(rows=X, labels=Y), "labels", X, Y),
    "npz, X among others": ("a.npz", npz(X=X, other=Y, names=np.array(["a"])), None, X, None),
    "csv": ("a.csv", b"0,1,2\n3,4,5\n6,7,8\n9,10,11\n", None, X, None),
    "csv, header": ("a.csv", b"a,b,c\n0,1,2\n3,4,5\n6,7,8\n9,10,11", None, X, None),
    "csv, target by name": ("a.csv", b"a,b,c\n0,1,2\n3,4,5\n6,7,8\n9,10,11", "b", X[:, [0, 2]], X[:, 1]),
    "csv, target by number": ("a.csv", b"a,b,c\n0,1,2\n3,4,5\n6,7,8\n9,10,11", "-3", X[:, 1:], X[:, 0]),
    "csv, a name that is a number": ("a.csv", b"a,0,c\n0,1,2\n3,4,5\n6,7,8\n9,10,11", "0", X[:, [0, 2]], X[:, 1]),
    "csv, semicolons, spaces, blank lines, CRLF": (
        "a.csv", b"a; b; c\r\n\r\n0; 1; 2\r\n3; 4; 5\r\n6;7;8\r\n9;10;11\r\n\r\n", None, X, None,
    ),
    "csv, tabs and a mark of the byte order": (
        "a.csv", b"\xef\xbb\xbfa\tb\tc\n0\t1\t2\n3\t4\t5\n6\t7\t8\n9\t10\t11\n", "a", X[:, 1:], X[:, 0],
    ),
    "csv, quotes": ("a.csv", b'"a","b, c","d"\n0,1,2\n3,4,5\n"6",7,8\n9,10,11\n', "b, c", X[:, [0, 2]], X[:, 1]),
    "csv, numpy.savetxt": ("a.csv", savetxt("a,b,c"), "a", X[:, 1:], X[:, 0]),
    "csv, an index of pandas": ("a.csv", b",a,b,c\n0,0,1,2\n1,3,4,5\n2,6,7,8\n3,9,10,11\n", "b", X[:, [0, 2]], X[:, 1]),
    "csv, an index from 1": ("a.csv", b'"","a","b"\n1,0,1\n2,3,4\n', None, np.array([[0.0, 1], [3, 4]]), None),
    "csv, an index read and written": ("a.csv", b"Unnamed: 0,a\n0,5\n1,7\n", None, np.array([[5.0], [7]]), None),
    "csv, an index at the end": ("a.csv", b"a,\n5,0\n7,1\n", None, np.array([[5.0], [7]]), None),
    "csv, a named index is an input": ("a.csv", b"id,a\n0,5\n1,7\n", None, np.array([[0.0, 5], [1, 7]]), None),
    "csv, a count without header is an input": ("a.csv", b"0,5\n1,7\n", None, np.array([[0.0, 5], [1, 7]]), None),
    "csv, target by number beside an index": (
        "a.csv", b",a,b\n0,5,6\n1,7,8\n", "1", np.array([[6.0], [8]]), np.array([5.0, 7]),
    ),
    "csv, the index as target": ("a.csv", b",a\n4,5\n9,7\n", "0", np.array([[5.0], [7]]), np.array([4.0, 9])),
    "csv, classes": ("a.csv", b"a,b\n0,x\n3,u\n6,x\n9,u\n", "b", X[:, :1], np.array([1.0, 0, 1, 0])),
    "npz, classes": ("a.npz", npz(X=X, y=np.array(["no", "yes"] * 2)), None, X, np.array([0.0, 1, 0, 1])),
    "csv, one column": ("a.csv", b"1\n2\n", None, np.array([[1.0], [2.0]]), None),
    "csv, exponents": ("a.csv", b"1e3,-.5\n+2,1E-3\n", None, np.array([[1e3, -0.5], [2, 1e-3]]), None),
}  # fmt: skip


@pytest.mark.parametrize("case", GOOD)
def test_good_files(case: str, tmp_path: Path) -> None:
    name, content, target, inputs, targets = GOOD[case]
    path = tmp_path / name
    path.write_bytes(content)
    found = read_rows(path, target=target)
    np.testing.assert_array_equal(found.X, inputs)
    assert found.X.dtype == np.float64
    assert found.X.flags.c_contiguous
    if targets is None:
        assert found.y is None
    else:
        assert found.y is not None
        np.testing.assert_array_equal(found.y, targets)
    assert found.description.startswith(f"{name}: {len(inputs)} rows of {inputs.shape[1]} feature")
    assert ("target" in found.description) is (targets is not None)


def bomb() -> bytes:
    """An array whose header promises more than any memory holds."""
    return npy(X).replace(b"(4, 3)", b"(4444444444444, 3)").replace(b"           \n", b"\n", 1)


def foreign() -> bytes:
    """An archive that numpy has not made."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("X", "1 2 3")
    return stream.getvalue()


def huge() -> bytes:
    """An archive whose directory says that a member has three gigabytes."""
    content = npz(X=X)
    size = len(npy(X)).to_bytes(4, "little")
    start = content.index(b"PK\x01\x02")
    return content[:start] + content[start:].replace(size, (3 * 2**30).to_bytes(4, "little"))


OBJECTS = np.array([{}, 1], dtype=object)
#: name of the file, content (None: none), --target, a part of the error
BAD: dict[str, tuple[str, bytes | None, str | None, str]] = {
    "missing": ("a.npy", None, None, "does not exist"),
    "missing csv": ("a.csv", None, None, "does not exist"),
    "no known format": ("a.txt", b"1,2", None, "of no known format: give a file that ends in .npy, .npz, .csv"),
    "no suffix": ("rows", b"1,2", None, "of no known format"),
    "empty npy": ("a.npy", b"", None, "in which the array is not in numpy's format"),
    "not npy": ("a.npy", b"1,2\n3,4\n", None, "not in numpy's format: write it with numpy.save"),
    "pickle": ("a.npy", b"\x80\x04]\x94.", None, "not in numpy's format"),
    "pickled npy": ("a.npy", npy(OBJECTS, pickle=True), None, "holds Python objects, which could run code when read"),
    "truncated npy": ("a.npy", npy(X)[:-9], None, "in which the array is damaged ("),
    "npy header": ("a.npy", npy(X).replace(b"'descr'", b"'dosor'"), None, "in which the array is damaged ("),
    "npy that promises too much": ("a.npy", bomb(), None, "in which the array is damaged ("),
    "one dimension": ("a.npy", npy(Y), None, "has the shape (4,): give (n, d), e.g. x[:, None]"),
    "no dimension": ("a.npy", npy(1.0), None, "has the shape (): give (n, d)"),
    "three dimensions": ("a.npy", npy(np.ones((2, 2, 2))), None, "has the shape (2, 2, 2): give (n, d)"),
    "complex": ("a.npy", npy(1j * X), None, "has the dtype complex128: give real numbers"),
    "words": ("a.npy", npy(np.array([["a", "b"]] * 2)), None, "has the dtype <U1: give real numbers"),
    "nan": ("a.npy", npy(np.where(X == 7, np.nan, X)), None, "has nan in row 2, column 1 (counted from 0)"),
    "inf": ("a.npy", npy(np.where(X == 7, -np.inf, X)), None, "has -inf in row 2, column 1"),
    "too large for float64": ("a.npy", npy(np.full((2, 2), np.longdouble("1e400"))), None, " in row 0, column 0"),
    "one row": ("a.npy", npy(X[:1]), None, "which has 1 row: give at least 2"),
    "no rows": ("a.npy", npy(X[:0]), None, "which has 0 rows: give at least 2"),
    "no columns": ("a.npy", npy(X[:, :0]), None, "no column beside the target"),
    "only the target": ("a.npy", npy(X[:, :1]), "0", "no column beside the target: give at least one input"),
    "column beyond": ("a.npy", npy(X), "3", "which has 3 columns, counted from 0, and none is '3'"),
    "column before": ("a.npy", npy(X), "-4", "and none is '-4'"),
    "column by name": ("a.npy", npy(X), "price", "and none is 'price': let --target name one"),
    "not npz": ("a.npz", npy(X), None, "no complete .npz file"),
    "truncated npz": ("a.npz", npz(X=X)[:-30], None, "no complete .npz file"),
    "damaged npz": ("a.npz", npz(X=X).replace(npy(X)[-24:], b"\x01" * 24), None, "no complete .npz file (Bad CRC-32"),
    "foreign npz": ("a.npz", foreign(), None, "which is not of numpy's making"),
    "huge member": ("a.npz", huge(), None, "holds X.npy of more than 2147483648 bytes"),
    "pickled npz": ("a.npz", npz(X=OBJECTS), None, "the array X holds Python objects"),
    "two arrays": ("a.npz", npz(a=X, b=X), None, "whose arrays are a, b: which are the rows is not clear: name the"),
    "no array": ("a.npz", npz(), None, "whose arrays are none"),
    "no such target": ("a.npz", npz(X=X, y=Y), "z", "whose arrays are X, y, none called 'z'"),
    "target of another length": ("a.npz", npz(X=X, y=Y[:3]), None, "has 4 rows but 3 targets in y: give one for each"),
    "target of two columns": ("a.npz", npz(X=X, y=X), None, "the array y has the shape (4, 3): give (n,)"),
    "target with nan": ("a.npz", npz(X=X, y=Y * np.nan), None, "the array y has nan in row 0 (counted from 0)"),
    "target of words": ("a.npz", npz(X=X, y=np.array(list("abcd"))), None, "y has 4 different texts in 4 rows"),
    "target of complex numbers": ("a.npz", npz(X=X, y=1j * Y), None, "the array y has the dtype complex128"),
    "one class": ("a.csv", b"a,b\n1,x\n3,x\n", "b", "whose target b is 'x' in every row: give at least two classes"),
    "no label": ("a.csv", b"a,b\n1,x\n3,\n4,y\n5,y\n6,x\n", "b", "has no label in line 3"),
    "empty csv": ("a.csv", b"", None, "which has no rows of numbers: give at least two"),
    "blank csv": ("a.csv", b"\n \n\n", None, "which has no rows of numbers"),
    "only a header": ("a.csv", b"a,b\n", None, "which has no rows of numbers"),
    "one csv row": ("a.csv", b"a,b\n1,2\n", None, "which has 1 row: give at least 2"),
    "ragged": ("a.csv", b"1,2\n\n3,4,5\n", None, "whose line 3 has 3 cells where the first has 2"),
    "ragged below the header": ("a.csv", b"a,b,c\n1,2\n", None, "whose line 2 has 2 cells where the first has 3"),
    "a word": ("a.csv", b"a,b\n1,2\n3,x\n", None, "which has 'x' in line 3, column 2 (b): give a finite number there"),
    "a decimal comma": ("a.csv", b"a;b\n1;2\n3;4,5\n", None, "number there, written with a decimal point."),
    "a word without header": ("a.csv", b"1,2\nred,3\n", None, "which has 'red' in line 2, column 1:"),
    "Python's underscore": ("a.csv", b"a,b\n1,2\n3,1_0\n", None, "which has '1_0' in line 3, column 2 (b): give"),
    "digits of another script": ("a.csv", "a,b\n1,2\n3,١\n".encode(), None, "which has '١' in line 3, column 2 (b)"),
    "a number of a column in them": ("a.csv", b"a,b\n1,2\n3,4\n", "١", "and none is '١': let --target name one"),
    "a gap": ("a.csv", b"a,b\n1,\n", None, "which has nothing in line 2, column 2 (b)"),
    "a gap in the first row": ("a.csv", b"1,,3\n4,5,6\n", None, "which has nothing in line 1, column 2:"),
    "csv nan": ("a.csv", b"1,2\n3,NaN\n", None, "which has 'NaN' in line 2, column 2"),
    "csv inf": ("a.csv", b"1,2\n3,1e999\n", None, "which has '1e999' in line 2, column 2"),
    "decimal commas": ("a.csv", b"1,5;2,5\n3,5;4,5\n", None, "'3,5' in line 2, column 1"),
    "no utf-8": ("a.csv", b"\xff\xfe1\x00", None, "which is no text in UTF-8: save it as CSV in that encoding"),
    "a NUL": ("a.csv", b"1,2\n\x00,4\n", None, "in line 2, column 1"),
    "an open quote": ("a.csv", b'1,2\n"' + b"3" * 200_000 + b",4\n", None, "is no CSV (field larger than field limit"),
    "csv, no such column": ("a.csv", b"a,b\n1,2\n3,4\n", "c", "which has columns a, b, and none is 'c'"),
    "csv, no such column beside an index": ("a.csv", b",b\n0,2\n1,4\n", "c", "has columns (no name), b, and none is"),
    "a column without a name": (
        "a.csv", b",a\n7,1\n3,2\n", None,
        "whose column 1 has no name in the header: whether it is an index or an input is not clear: give it a name, or",
    ),
    "a name of pandas": ("a.csv", b"a,Unnamed: 1\n1,7\n2,3\n", None, "column 2 has the name 'Unnamed: 1'"),
    "two columns without names": ("a.csv", b",,a\n0,0,1\n1,1,2\n", None, "whose column 1 has no name in the header"),
    "an index of words": ("a.csv", b",a\nx,1\ny,2\n", None, "which has 'x' in line 2, column 1 (no name): give a"),
    "csv, two of that name": ("a.csv", b"a,a\n1,2\n3,4\n", "a", "in which 2 columns are called 'a': rename one"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_files(case: str, tmp_path: Path) -> None:
    name, content, target, part = BAD[case]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DomainError) as caught:
        read_rows(path, target=target)
    message = str(caught.value)
    assert part in message
    assert message.startswith("--data")
    assert name in message
    assert "\n" not in message
    assert message.endswith(".")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv"])
def test_folders_and_names_that_are_none(suffix: str, tmp_path: Path) -> None:
    folder = tmp_path / f"a{suffix}"
    folder.mkdir()
    with pytest.raises(DomainError, match="is a folder"):
        read_rows(folder)
    with pytest.raises(DomainError, match="--data"):
        read_rows(Path("\0" + suffix))
    with pytest.raises(DomainError, match="--data"):
        read_rows(Path("a" * 5000 + suffix))


def test_normal_rows_are_the_generators() -> None:
    found = draw_rows("gaussian", 5, 3, 7)
    np.testing.assert_array_equal(found.X, np.random.default_rng(7).standard_normal((5, 3)))
    assert found.y is None
    assert found.description == "5 standard normal rows of 3 features, seed 7"


def test_normalised_rows_are_the_same_directions() -> None:
    found, normal = (draw_rows(kind, 50, 9, 7).X for kind in ("normalised", "gaussian"))
    # a few roundings of 1.1e-16 each
    np.testing.assert_allclose((found**2).sum(axis=1), 9, rtol=1e-15)
    np.testing.assert_allclose(found * np.linalg.norm(normal, axis=1, keepdims=True), 3 * normal, rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (lambda: draw_rows("uniform", 5, 3, 0), "inputs is 'uniform': use 'gaussian' or 'normalised'."),
        (lambda: draw_rows("gaussian", 10**6, 10**6, 0), "GiB of random numbers; give fewer"),
        (lambda: chosen_rows(None, None, None, None, "y", 0), "--target is 'y', but random data have no columns"),
        (lambda: chosen_rows(5, None, None, Path("a.npy"), None, 0), "--n is 5, but --data gives the rows"),
        (lambda: chosen_rows(None, 5, None, Path("a.npy"), None, 0), "--d is 5, but --data gives the rows"),
        (lambda: chosen_rows(None, None, "gaussian", Path("a.npy"), None, 0), "--inputs is gaussian, but --data"),
    ],
    ids=named,
)
def test_options_that_exclude_each_other(call: Callable[[], object], part: str) -> None:
    with pytest.raises(DomainError, match=re.escape(part)):
        call()


def test_the_rows_of_the_options(tmp_path: Path) -> None:
    assert chosen_rows(None, None, None, None, None, 0).X.shape == (400, 40)
    assert chosen_rows(3, 2, "normalised", None, None, 1).description == "3 random rows of 2 features, norm √2, seed 1"
    path = tmp_path / "a.npy"
    path.write_bytes(npy(X))
    found = chosen_rows(None, None, None, path, "1", 0)
    assert found.X.shape == (4, 2)
    assert found.description == "a.npy: 4 rows of 2 features, target 1"
