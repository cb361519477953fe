"""The everyday commands: what they print and write, and what they refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from glutheory import gram
from glutheory.commands.data import draw_rows
from glutheory.commands.kernel import parse_variances
from glutheory.figures.chart import Chart
from tests.commands.command_line import KERNEL, SPECTRUM, bad, good


@pytest.mark.parametrize("command", [SPECTRUM, KERNEL], ids=["spectrum", "kernel"])
def test_text_and_json_to_terminal_and_file(command: tuple[str, ...], tmp_path: Path) -> None:
    text = good(*command)
    assert max(map(len, text.splitlines())) <= 100
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    ascii_only = good(*command, "--ascii")
    assert ascii_only.isascii()
    assert "K~" in ascii_only
    file = tmp_path / "found.txt"
    assert good(*command, "--out", str(file)) == ""
    assert file.read_text(encoding="utf-8") == text
    content = json.loads(good(*command, "--json"))
    assert content["schema"] == f"glutheory.{command[0]}"
    assert [Chart.from_json(row).title for row in content["charts"]]
    assert good(*command, "--json", "--out", str(file)) == ""
    assert json.loads(file.read_text()) == content
    assert [path.name for path in tmp_path.iterdir()] == ["found.txt"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("command", "suffix", "start"),
    [(SPECTRUM, ".svg", b"<?xml"), (SPECTRUM, ".PDF", b"%PDF"), (KERNEL, ".png", b"\x89PNG")],
    ids=["svg", "pdf", "png"],
)
def test_a_figure_beside_the_table(command: tuple[str, ...], suffix: str, start: bytes, tmp_path: Path) -> None:
    file = tmp_path / f"figure{suffix}"
    form = ("--json",) if suffix == ".PDF" else ()
    assert good(*command, *form, "--out", str(file)) == good(*command, *form)
    assert file.read_bytes().startswith(start)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_the_rows_of_a_file(tmp_path: Path) -> None:
    X = np.random.default_rng(0).standard_normal((20, 5))
    np.savetxt(tmp_path / "rows.csv", X, delimiter=",", header="a,b,c,d,price")
    np.save(tmp_path / "rows.npy", X[:, :4])
    pages = [
        good("spectrum", "swiglu", *options).splitlines()
        for options in (
            ("--data", str(tmp_path / "rows.csv"), "--target", "price"),
            ("--data", str(tmp_path / "rows.npy")),
        )
    ]
    # savetxt writes 19 digits
    assert [page[1] for page in pages] == [
        "rows.csv: 20 rows of 4 features, target price",
        "rows.npy: 20 rows of 4 features",
    ]
    assert [re.sub(r"\S*e-\d+", "", line) for line in pages[0][2:]] == [
        re.sub(r"\S*e-\d+", "", line) for line in pages[1][2:]
    ]


@pytest.mark.parametrize(
    ("options", "heading"),
    [
        ((), "Spectrum of the NTK, standard parametrisation (gram: --parametrization ntk), width 4096"),
        (("--width", "64"), "Spectrum of the NTK, standard parametrisation (gram: --parametrization ntk), width 64"),
        (
            ("--parametrization", "ntk", "--kind", "nngp"),
            "Spectrum of the NNGP, ntk parametrisation (gram: --kind ntk)",
        ),
        (("--parametrization", "ntk"), "Spectrum of the NTK, ntk parametrisation"),
    ],
)
def test_the_heading_says_which_kernel(options: tuple[str, ...], heading: str) -> None:
    assert good(*SPECTRUM, *options).splitlines()[0] == heading


@pytest.mark.parametrize("options", [(), ("--kind", "nngp"), ("--parametrization", "ntk")])
def test_gram_gives_the_same_kernel_with_the_arguments_in_the_json(options: tuple[str, ...]) -> None:
    found = json.loads(good(*SPECTRUM, *options, "--json"))
    X = draw_rows("gaussian", 20, 4, 0).X
    for item in found["networks"]:
        values = np.linalg.eigvalsh(gram(item["network"], X, **found["gram"]))[::-1]
        np.testing.assert_allclose(item["eigenvalues"][:10], values[:10], rtol=1e-10)


def test_other_commands_say_which_kernel_too() -> None:
    small = ("--n", "8", "--d", "2")
    # on the first line, of whatever networks, and within 80 columns
    for name in ("reglu", "hard_swish_glu"):
        one, other = (
            good(*words).splitlines()[0][:80]
            for words in (("dynamics", name, *small), ("phase", name, *small, "--jobs", "1"))
        )
        assert "(gram: --parametrization ntk)" in one
        assert "(gram: --kind ntk)" in other
    for command, more, wanted in (
        ("dynamics", (), {"kind": "ntk", "parametrization": "standard"}),
        ("phase", ("--jobs", "1"), {"kind": "nngp", "parametrization": "ntk"}),
        ("depth", ("--layers", "1"), {"kind": "ntk", "parametrization": "ntk"}),
    ):
        assert json.loads(good(command, *small, *more, "--json"))["gram"] == wanted


def test_sizes_at_the_edge() -> None:
    assert "2 standard normal rows of 1 feature, seed 0" in good("spectrum", "--n", "2", "--d", "1")
    assert "only a lower bound" in good("spectrum", "--n", "9", "--d", "1", "--inputs", "gaussian")
    assert "singular" in good("spectrum", "--n", "9", "--d", "1", "--inputs", "normalised")
    assert "λ_n" not in good("spectrum", "Leaky-ReLU", "--n", "3").partition("cond")[0]


def test_defaults() -> None:
    page = good("spectrum", "--n", "5")
    assert page.splitlines()[1] == "5 standard normal rows of 40 features, seed 0"
    assert page.splitlines()[3].split() == ["relu", "reglu"]
    assert "φ = relu" in good("kernel", "--points", "2")


def test_variances() -> None:
    assert "a = b = 0.5," in good(*KERNEL, "--variance", "1/2")
    assert "a = 1, b = 1e-06," in good(*KERNEL, "--variances", "1, 1e-6")
    assert parse_variances(None, None) == (1, 1)


# --- what they refuse -----------------------------------------------------------------------------------------------

MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown network": (("spectrum", "swigl"), "unknown network 'swigl': did you mean 'swiglu'"),
    "endless name": (("spectrum", "x" * 5000), "unknown network 'xxx"),
    "second network": (("kernel", "relu", "nope"), "unknown network 'nope'"),
    "one row": (("spectrum", "--n", "1"), "Invalid value for '--n': 1 is not in the range x>=2"),
    "no feature": (("spectrum", "--d", "0"), "Invalid value for '--d'"),
    "half a row": (("spectrum", "--n", "2.5"), "Invalid value for '--n'"),
    "too many rows": (("spectrum", "--n", "30000"), "glutheory.integrations.extremes"),
    "too many numbers": (("spectrum", "--n", "20000", "--d", "1000000"), "give fewer"),
    "inputs": (("spectrum", "--inputs", "uniform"), "is not one of 'gaussian', 'normalised'"),
    "kind": (("spectrum", "--kind", "rbf"), "is not one of 'ntk', 'nngp'"),
    "parametrization": (("spectrum", "--parametrization", "mup"), "is not one of 'standard', 'ntk'"),
    "width of none": (("spectrum", "--parametrization", "ntk", "--width", "9"), "has no width: leave it out"),
    "no width": (("spectrum", "--width", "0"), "Invalid value for '--width'"),
    "seed": (("spectrum", "--seed", "-1"), "Invalid value for '--seed'"),
    "jump": (("spectrum", "step", "--n", "5"), "use --kind nngp"),
    "target of none": (("spectrum", "--target", "y"), "give --data as well"),
    "data and n": (("spectrum", "--data", "no.npy", "--n", "5"), "leave out one of the two"),
    "no file": (("spectrum", "--data", "no.npy"), "no.npy does not exist"),
    "no format": (("spectrum", "--data", "no.parquet"), "of no known format"),
    "empty data": (("spectrum", "--data", ""), "of no known format"),
    "unknown option": (("spectrum", "--rows", "5"), "No such option"),
    "variance": (("kernel", "--variance", "0"), "--variance is 0: give a number from 1e-12 to 1e+06"),
    "negative variance": (("kernel", "--variance", "-1"), "--variance is -1: give a number"),
    "variance in words": (("kernel", "--variance", "one"), "--variance is 'one': give a decimal number or a fraction"),
    "infinite variance": (("kernel", "--variance", "inf"), "--variance is 'inf'"),
    "variances": (("kernel", "--variances", "1"), "--variances is '1': give two numbers, e.g. 1,4."),
    "three variances": (("kernel", "--variances", "1,2,3"), "give two numbers"),
    "both": (("kernel", "--variance", "1", "--variances", "1,2"), "give one of the two"),
    "normalised jump": (("kernel", "sign", "--normalise"), "T of 'sign' is infinite at"),
    "no points": (("kernel", "--points", "1"), "Invalid value for '--points'"),
    "shell": (("completion", "tcsh"), "is not one of 'bash', 'zsh', 'fish'"),
    "no shell": (("completion",), "Missing argument"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_sentence(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, part = MISTAKES[case]
    more = () if arguments[0] == "completion" else ("--out", "figure.svg")
    assert part in bad(*arguments, *more)
    assert not list(tmp_path.iterdir())


PLACES: dict[str, tuple[str, str]] = {
    "a folder": ("folder", "which is a folder: give the name of a file in it"),
    "a folder with a suffix": ("folder.svg", "which is a folder"),
    "no such folder": ("none/figure.svg", "but there is no such folder: make it first"),
    "another picture": ("figure.jpg", "figures end in .png, .svg or .pdf"),
    "another table": ("found.XLSX", "the table in .txt, JSON in .json with --json"),
    "a name too long": ("x" * 300 + ".svg", "--out is"),
    "a file as folder": ("file/figure.svg", "--out is"),
    "a link into no folder": ("lost", "but there is no such folder: make it first"),
    "a link to itself": ("loop", "which is no name for a file"),
}


@pytest.mark.parametrize("case", PLACES)
def test_a_bad_place_is_refused(case: str, tmp_path: Path) -> None:
    name, part = PLACES[case]
    for folder in ("folder", "folder.svg"):
        (tmp_path / folder).mkdir()
    (tmp_path / "file").write_text("kept")
    (tmp_path / "lost").symlink_to("none/figure.svg")
    (tmp_path / "loop").symlink_to("loop")
    assert part in bad(*SPECTRUM, "--out", str(tmp_path / name))
    assert part in bad(*KERNEL, "--out", str(tmp_path / name))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder", "folder.svg", "loop", "lost"]
    assert (tmp_path / "file").read_text() == "kept"


def test_bad_files_write_nothing(tmp_path: Path) -> None:
    """The whole table of bad files is in tests/commands/test_rows.py."""
    rows, figure = tmp_path / "rows.csv", tmp_path / "figure.svg"
    rows.write_text("a,b\n1,2\n3,nan\n")
    assert "which has 'nan' in line 3, column 2 (b)" in bad("spectrum", "--data", str(rows), "--out", str(figure))
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_the_place_is_checked_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glutheory.studies.spectrum.study.gram", lambda *_, **__: pytest.fail("too late"))
    monkeypatch.setattr("glutheory.studies.kernel.curves.gram", lambda *_, **__: pytest.fail("too late"))
    for command in (SPECTRUM, KERNEL):
        bad(*command, "--out", str(tmp_path / "none" / "x.svg"))
