"""An index that came with a table is no input of any command: it is left out, and what is shown says so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from glutheory.commands.data import read_rows
from tests.commands.command_line import bad, good

SAID = "without its column 1, which has no name and counts the rows like an index"
NAMES = ["rooms", "age", "area", "price"]
TABLE = np.random.default_rng(3).standard_normal((40, 4))
FILES = {"silent": None, "indexed": ""}
COMMANDS: dict[str, tuple[str, ...]] = {
    "spectrum": ("spectrum", "relu", "reglu", "--target", "price"),
    "dynamics": ("dynamics", "reglu", "--target", "price"),
    "phase": ("phase", "reglu", "--n", "8,16", "--d", "2", "--jobs", "1", "--target", "price"),
}


def write(file: Path, first: str | None = None, index: range | None = None) -> None:
    """The table as pandas writes it, with its index before it, under this name, if `first` is given."""
    numbers = [[*map(repr, row)] for row in TABLE.tolist()]
    if first is not None:
        numbers = [[str(i), *row] for i, row in zip(index or range(40), numbers, strict=True)]
    rows = [NAMES if first is None else [first, *NAMES], *numbers]
    file.write_text("\n".join(",".join(row) for row in rows) + "\n")


def files(folder: Path) -> dict[str, str]:
    for name, first in FILES.items():
        write(folder / f"{name}.csv", first)
    return {name: str(folder / f"{name}.csv") for name in FILES}


def figures(text: str) -> str:
    """All of a command's JSON but the names of the file."""
    return text.replace("indexed.csv", "silent.csv").replace(f", {SAID}", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_index_changes_no_figure_and_is_named(command: str, tmp_path: Path) -> None:
    paths = files(tmp_path)
    one, other = (good(*COMMANDS[command], "--data", paths[name], "--json") for name in FILES)
    assert SAID in json.dumps(json.loads(other), ensure_ascii=False)
    assert SAID not in one
    assert figures(one) == figures(other)
    # and a named column of the same numbers does change them
    write(Path(paths["silent"]), "row")
    assert figures(good(*COMMANDS[command], "--data", paths["silent"], "--json")) != figures(other)


SAYS = "its column {} counts the rows: if it is an index, leave it out by --columns rooms,age,area"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("first", ["id", "index", "no, of"])
def test_a_named_index_is_pointed_at(command: str, first: str, tmp_path: Path) -> None:
    """It goes in, as it may be an input, and the remedy that is printed is one: all figures are those without it."""
    file = tmp_path / "named.csv"
    write(file, f'"{first}"', range(1, 41))
    quoted = f'"{first}"' if "," in first else first
    said = " ".join(good(*COMMANDS[command], "--data", str(file)).split())
    assert SAYS.format(quoted) in said
    remedy = re.search(r"--columns (\S+?)[;.]? ", f"{said[said.index('by --columns') :]} ")
    assert remedy is not None
    cured = good(*COMMANDS[command], "--data", str(file), "--columns", remedy[1].rstrip(".;"), "--json")
    write(file)
    without = json.loads(good(*COMMANDS[command], "--data", str(file), "--json"))
    assert _numbers(json.loads(cured)) == _numbers(without)
    assert "counts the rows" not in cured


def _numbers(found: object) -> object:
    """All that is no text."""
    if isinstance(found, dict):
        return {key: _numbers(value) for key, value in found.items()}
    return (
        [_numbers(value) for value in found] if isinstance(found, list) else None if isinstance(found, str) else found
    )


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.column_stack([np.arange(40), TABLE]), "its column 0 counts the rows: if it is an index, leave it out by "),
        (np.column_stack([TABLE, np.arange(1, 41)]), "--columns 0,1,2,3"),
        (np.column_stack([np.arange(40), TABLE, np.arange(1, 41)]), "its columns 0, 5 count the rows"),
        (np.column_stack([np.arange(40), TABLE[:, np.zeros(60, int)]]), ",28,29,..."),  # the list is cut
        (np.arange(40.0)[:, None], ""),  # nothing is left without it
        (np.column_stack([np.arange(3), TABLE[:3]]), ""),  # three classes, say
        (np.column_stack([np.arange(2, 42), TABLE]), ""),
        (TABLE, ""),
    ],
)
@pytest.mark.parametrize("suffix", ["npy", "npz", "csv"])
def test_every_format_is_looked_at(rows: np.ndarray, words: str, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"rows.{suffix}"
    {"npy": np.save, "npz": lambda at, X: np.savez(at, X=X), "csv": lambda at, X: np.savetxt(at, X, delimiter=",")}[
        suffix
    ](file, rows)
    found = read_rows(file)
    assert np.array_equal(found.X, rows)
    assert words in found.description
    assert ("the rows" in found.description) == bool(words) == ("the rows" in found.name)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_shuffled_index_is_refused_with_the_remedy(command: str, tmp_path: Path) -> None:
    file = tmp_path / "shuffled.csv"
    write(file, "", range(39, -1, -1))
    said = bad(*COMMANDS[command], "--data", str(file))
    assert "whose column 1 has no name in the header" in said
    assert "to_csv(..., index=False)" in said


def test_the_audit_names_it_too(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    tiny = ("audit", "gpt2", "--set=n_embd=4", "--set=n_head=2", "--set=n_layer=1", "--draws", "1", "--weights-only")
    paths = files(tmp_path)
    one, other = (json.loads(good(*tiny, "--data", paths[name], "--json")) for name in FILES)
    assert other["inputs"] == f"40 given rows (indexed.csv, {SAID})"
    assert one["blocks"] == other["blocks"]
