"""--columns, --normalise, and labels as target: what is computed is on these rows, and what is printed says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glutheory import gram
from glutheory.commands.data import chosen_rows, read_rows
from glutheory.commands.scaling import scaled
from glutheory.errors import DomainError
from tests.commands.command_line import bad, good

ROWS = np.random.default_rng(5).standard_normal((12, 3)) * [1.0, 4.0, 0.5] + [2.0, 0.0, 1.0]
LABELS = ["red", "blue", "green"] * 4


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three features, a text, a class."""
    lines = ["a,b,c,note,kind"]
    lines += [
        ",".join([*map(repr, row), f"n{i}", label])
        for i, (row, label) in enumerate(zip(ROWS.tolist(), LABELS, strict=True))
    ]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def chosen(path: Path, **options: Any) -> Any:
    return chosen_rows(None, None, options.pop("inputs", None), path, options.pop("target", None), 0, **options)


def test_columns_by_name_and_number(file: Path) -> None:
    assert np.array_equal(read_rows(file, columns="c,a").X, ROWS[:, [2, 0]])
    assert np.array_equal(read_rows(file, columns=" 1 , -5").X, ROWS[:, [1, 0]])
    found = read_rows(file, columns="a,b", target="kind")
    assert found.y is not None
    assert found.y.tolist() == [2.0, 0.0, 1.0] * 4
    assert found.description.endswith("2 features (a, b), target kind: classes blue = 0, green = 1, red = 2")
    np.save(file.with_suffix(".npy"), ROWS)
    assert np.array_equal(read_rows(file.with_suffix(".npy"), columns="2").X, ROWS[:, 2:])
    np.savez(file.with_suffix(".npz"), X=ROWS, y=np.arange(12.0))
    assert np.array_equal(read_rows(file.with_suffix(".npz"), columns="0,1").X, ROWS[:, :2])


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"columns": "a,aa"}, r"none is 'aa' \(a\?\): let --columns name some of them"),
        ({"columns": "a,0"}, "has the column 'a' twice"),
        ({"columns": "a,kind", "target": "kind"}, "is in --columns and is the --target"),
        ({"columns": "a,note"}, "'n0' in line 2, column 4"),
        ({}, "or name columns of numbers by --columns, one of classes by --target"),
        ({"columns": "a", "target": "note"}, "12 different texts in 12 rows, too many to be classes"),
        ({"columns": "a,b", "inputs": "normalised", "normalise": "none"}, "give one of the two"),
        ({"columns": "a,b", "inputs": "gaussian"}, "--data gives the rows"),
    ],
)
def test_mistakes(file: Path, options: dict[str, Any], part: str) -> None:
    with pytest.raises(DomainError, match=part):
        chosen(file, **options)


def test_options_of_files_without_a_file() -> None:
    assert "random data have none" in bad("spectrum", "--columns", "a")
    assert "random data are scaled by --inputs" in bad("dynamics", "--normalise", "rms")
    assert "random data have none" in bad("phase", "--columns", "a")


def test_scaling() -> None:
    X, said = scaled(ROWS, "rms")
    np.testing.assert_allclose((X**2).sum(axis=1), 3, rtol=1e-14)  # a few roundings
    np.testing.assert_allclose(X / np.abs(X).max(axis=1, keepdims=True), ROWS / np.abs(ROWS).max(axis=1, keepdims=True))
    lengths = np.linalg.norm(ROWS, axis=1) / np.sqrt(3)
    assert f"{lengths.min():.3g} to {lengths.max():.3g} times √d" in said
    X, said = scaled(np.column_stack([ROWS, np.ones(12)]), "standard")
    assert X.shape == (12, 3)
    assert "1 constant one left out" in said
    np.testing.assert_allclose([X.mean(axis=0), X.std(axis=0)], [[0] * 3, [1] * 3], atol=1e-14)
    assert scaled(ROWS, "none") == (ROWS, "")
    with pytest.raises(DomainError, match="row 1 "):
        scaled(np.array([[1.0, 2], [0, 0]]), "rms")
    with pytest.raises(DomainError, match="no feature varies"):
        scaled(np.ones((3, 2)), "standard")


@pytest.mark.parametrize("how", ["rms", "standard"])
@pytest.mark.parametrize("exponent", [-1000, -530, 530, 1000])
def test_scaling_does_not_know_the_scale_of_the_rows(how: str, exponent: int) -> None:
    """The squares of 2^±530 are not held, and powers of two are exact."""
    X = np.random.default_rng(0).standard_normal((6, 4)) + 2
    assert np.array_equal(scaled(np.ldexp(X, exponent), how)[0], scaled(X, how)[0])
    apart = X * np.ldexp(1.0, [[exponent], [0], [0], [-exponent], [0], [1]])
    assert np.array_equal(scaled(apart, "rms")[0], scaled(X, "rms")[0])


@pytest.mark.parametrize("how", ["none", "rms", "standard"])
def test_spectrum_shows_both(file: Path, how: str) -> None:
    """On the rows as the option says, and beside them as given or of norm √d."""
    arguments = ("relu", "reglu", "--data", str(file), "--columns", "a,b,c", "--normalise", how)
    found = json.loads(good("spectrum", *arguments, "--parametrization", "ntk", "--json"))
    here, there = (scaled(ROWS, how)[0], ROWS if how != "none" else scaled(ROWS, "rms")[0])
    conditions = [np.linalg.cond(gram(name, X)) for X in (here, there) for name in ("relu", "reglu")]
    told = [item["condition"]["value"] for item in found["networks"]]
    told += [found["otherwise"]["conditions"][name]["value"] for name in ("relu", "reglu")]
    np.testing.assert_allclose(told, conditions, rtol=1e-9)
    assert found["otherwise"]["ratios"][0][2] == pytest.approx(conditions[2] / conditions[3], rel=1e-9)
    page = " ".join(good("spectrum", *arguments).split())
    assert ("With the rows as given" if how != "none" else "With every row scaled to norm √d") in page
    assert "speaks of rows of norm √d" in page


@pytest.mark.parametrize("how", ["none", "rms", "standard"])
def test_dynamics_shows_both(how: str, tmp_path: Path) -> None:
    """Beside the race that was asked for the one on the rows as given or of norm √d, as a run on these has it."""
    arguments = ("dynamics", "relu", "reglu", "--parametrization", "ntk", "--target", "-1")
    here, there = (scaled(ROWS, how)[0], ROWS if how != "none" else scaled(ROWS, "rms")[0])
    y = np.cos(np.arange(12.0))
    np.save(tmp_path / "rows.npy", np.column_stack([ROWS, y]))
    np.save(tmp_path / "other.npy", np.column_stack([there, y]))
    scaling = ("--data", str(tmp_path / "rows.npy"), "--columns", "0,1,2", "--normalise", how)
    found = json.loads(good(*arguments, *scaling, "--rate", "1e-3", "--json"))
    conditions = [np.linalg.cond(gram(name, X)) for X in (here, there) for name in ("relu", "reglu")]
    told = [item["condition"]["value"] for item in found["networks"]]
    told += [found["otherwise"]["conditions"][name]["value"] for name in ("relu", "reglu")]
    np.testing.assert_allclose(told, conditions, rtol=1e-9)
    alone = json.loads(good(*arguments, "--data", str(tmp_path / "other.npy"), "--json"))
    assert found["otherwise"]["rate"] == pytest.approx(alone["rate"], rel=1e-12)
    assert found["otherwise"]["leads"] == alone["leads"]
    assert found["otherwise"]["first_lower"] == alone["crossings"]["first_lower"]
    page = " ".join(good(*arguments, *scaling).split())
    assert ("With the rows as given" if how != "none" else "With every row scaled to norm √d") in page
    assert "speaks of rows of norm √d" in page
    for lead in alone["leads"]:
        assert f"from step {lead['from_step']}" in page[page.index("With ") :]


def test_dynamics_of_rows_of_that_norm_shows_one(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", scaled(ROWS, "rms")[0])
    for rows in (("--data", str(tmp_path / "rows.npy")), ("--n", "12", "--d", "3")):
        page = good("dynamics", "relu", "reglu", *rows, "--json")
        assert json.loads(page)["otherwise"] is None
        assert "speaks of rows" not in good("dynamics", "relu", "reglu", *rows)


def test_another_scaling_without_a_finite_kernel_is_left_out(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", ROWS * 1e120)
    arguments = ("dynamics", "monomial3", "monomial3_glu", "--data", str(tmp_path / "rows.npy"), "--normalise", "rms")
    assert json.loads(good(*arguments, "--json"))["otherwise"] is None


def test_inputs_normalised_is_normalise_rms(file: Path) -> None:
    one, two = chosen(file, columns="a,b", inputs="normalised"), chosen(file, columns="a,b", normalise="rms")
    assert np.array_equal(one.X, two.X)
    assert one.description == two.description
    np.save(file.with_suffix(".npy"), one.X)
    assert chosen(file.with_suffix(".npy")).other is None  # they have that norm


@pytest.mark.parametrize("command", ["dynamics", "depth"])
def test_other_commands_say_what_was_done(file: Path, command: str) -> None:
    more = ("--layers", "1") if command == "depth" else ()
    page = good(command, "--data", str(file), "--columns", "a,b", "--target", "kind", "--normalise", "standard", *more)
    words = " ".join(page.split())
    assert "target kind: classes blue = 0" in words
    assert "scaled to mean 0 and variance 1" in words


def test_names_with_commas(tmp_path: Path) -> None:
    """In double quotes, as in the file; one alone also as it is."""
    path = tmp_path / "named.csv"
    rows = ROWS.tolist()
    path.write_text('"price, EUR","a,b","say ""so"""\n' + "\n".join(",".join(map(repr, row)) for row in rows) + "\n")
    for columns, wanted in (
        ('"a,b"', [1]),
        ("a,b", [1]),
        ('"say ""so""" , "price, EUR"', [2, 0]),
        ('0,"a,b"', [0, 1]),
    ):
        assert np.array_equal(read_rows(path, columns=columns).X, ROWS[:, wanted]), columns
    assert np.array_equal(read_rows(path, target="price, EUR").X, ROWS[:, 1:])
    assert read_rows(path, columns="a,b").description.endswith('1 feature ("a,b")')
    with pytest.raises(
        DomainError, match=r'which has columns "price, EUR", "a,b", "say ""so""", and none is \'price\''
    ):
        read_rows(path, columns="price,c")
    with pytest.raises(DomainError, match="none is"):
        read_rows(path, columns='"price')
