"""The everyday commands as commands: what they print and write, what they refuse, completion, progress and Ctrl-C."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.shell_completion import ShellComplete

from glutheory.commands import main, output, progress
from glutheory.commands.completion import SHELLS
from glutheory.commands.kernel import parse_variances
from glutheory.commands.options import NETWORK, gram_options
from glutheory.errors import DomainError, MissingDependencyError, UnknownNameError
from glutheory.figures import draw
from glutheory.figures.chart import Chart, Series
from glutheory.ground.files import plain
from glutheory.networks import network_names
from glutheory.studies.json_head import record
from glutheory.terminal import Terminal
from tests.commands.command_line import bad, good, run
from tests.zoo import JUMPS

SPECTRUM = ("spectrum", "relu", "reglu", "--n", "20", "--d", "4")
KERNEL = ("kernel", "relu", "--points", "3")


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
        ((), "Spectrum of the NTK, standard parametrisation, LeCun's variances, width 4096"),
        (("--width", "64"), "Spectrum of the NTK, standard parametrisation, LeCun's variances, width 64"),
        (("--parametrization", "ntk", "--kind", "nngp"), "Spectrum of the NNGP, ntk parametrisation"),
    ],
)
def test_the_heading_says_which_kernel(options: tuple[str, ...], heading: str) -> None:
    assert good(*SPECTRUM, *options).splitlines()[0] == heading


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
}


@pytest.mark.parametrize("case", PLACES)
def test_a_bad_place_is_refused(case: str, tmp_path: Path) -> None:
    name, part = PLACES[case]
    for folder in ("folder", "folder.svg"):
        (tmp_path / folder).mkdir()
    (tmp_path / "file").write_text("kept")
    assert part in bad(*SPECTRUM, "--out", str(tmp_path / name))
    assert part in bad(*KERNEL, "--out", str(tmp_path / name))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder", "folder.svg"]
    assert (tmp_path / "file").read_text() == "kept"


def test_bad_files_write_nothing(tmp_path: Path) -> None:
    """The whole table of bad files is in tests/commands/test_command_data.py."""
    rows, figure = tmp_path / "rows.csv", tmp_path / "figure.svg"
    rows.write_text("a,b\n1,2\n3,nan\n")
    assert "which has 'nan' in line 3, column 2 (b)" in bad("spectrum", "--data", str(rows), "--out", str(figure))
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_the_place_is_checked_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glutheory.studies.spectrum.study.gram", lambda *_, **__: pytest.fail("too late"))
    monkeypatch.setattr("glutheory.studies.kernel.curves.gram", lambda *_, **__: pytest.fail("too late"))
    for command in (SPECTRUM, KERNEL):
        bad(*command, "--out", str(tmp_path / "none" / "x.svg"))


def test_without_matplotlib_only_figures_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r"glutheory\[report\]"):
        output.check_output(tmp_path / "x.svg")
    output.check_output(tmp_path / "x.txt")
    assert "pip install 'glutheory[report]'" in bad(*SPECTRUM, "--out", str(tmp_path / "x.svg"))
    assert good(*SPECTRUM, "--out", str(tmp_path / "x.txt")) == ""


class _Found:
    """The smallest study."""

    def as_json(self, charts: Sequence[Chart] = ()) -> dict[str, Any]:
        return record("found", value=1.5, charts=len(charts))


class _Shown:
    def text(self, found: _Found, terminal: Terminal, /) -> str:  # noqa: ARG002 (the signature of a room)
        return f"width {terminal.width}, unicode {terminal.unicode}\n\n"

    def charts(self, found: _Found, /) -> tuple[Chart, ...]:  # noqa: ARG002
        return (Chart("title", "x", "y", [Series("", (1, 2), (3, 4))]),)


def test_what_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(draw, "save", full)
    with pytest.raises(DomainError, match="which cannot be written \\(No space left on device\\)"):
        output.emit(_Shown(), _Found(), as_json=False, out=tmp_path / "x.svg", ascii_only=False)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(DomainError, match="in a folder that may not be written to"):
        output.check_output(tmp_path / "x.svg")


def test_emit_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.txt"
    output.emit(_Shown(), _Found(), as_json=False, out=file, ascii_only=True)
    assert file.read_text() == "width 100, unicode False\n"
    output.emit(_Shown(), _Found(), as_json=True, out=None, ascii_only=True)
    shown = json.loads(capsys.readouterr().out)
    assert list(shown) == ["schema", "schema_version", "package_version", "value", "charts"]
    assert shown["charts"] == 1


def test_records_are_json() -> None:
    found = record("x", 3, values=np.array([1.0, np.inf]), flag=np.True_, pairs={1: (np.float32(0.5), float("nan"))})
    del found["package_version"]
    assert found == {
        "schema": "glutheory.x", "schema_version": 3, "values": [1.0, "inf"], "flag": True,
        "pairs": {"1": [0.5, "nan"]},
    }  # fmt: skip
    with pytest.raises(DomainError, match="a value is of type complex"):
        plain({"a": [1j]})


@pytest.mark.parametrize("name", ["SwiGLU", " relu ", "leaky-relu", "Normal_CDF"])
def test_names_of_networks_are_normalised(name: str) -> None:
    assert NETWORK.convert(name, None, None) == name.strip().lower().replace("-", "_")
    with pytest.raises(UnknownNameError):
        NETWORK.convert(name + "x!", None, None)


def test_options_of_the_gram_matrix() -> None:
    assert gram_options("standard", None) == {"parametrization": "standard", "width": 4096}
    assert gram_options("standard", 7) == {"parametrization": "standard", "width": 7}
    assert gram_options("ntk", None) == {"parametrization": "ntk", "width": None}


def commands() -> dict[str, click.Command]:
    context = click.Context(main.main)
    found = {}
    for name in main.main.list_commands(context):
        command = main.main.get_command(context, name)
        assert command is not None
        found[name] = command
    return found


def test_the_same_option_means_the_same_everywhere() -> None:
    """In the commands that share a decorator, and those that declare an option of that name themselves."""
    shared = ("--n", "--d", "--inputs", "--target", "--kind", "--parametrization", "--width", "--json", "--ascii")
    texts: dict[str, set[str | None]] = {name: set() for name in shared}
    for name in ("spectrum", "kernel"):
        for option in commands()[name].params:
            if option.opts[0] in texts and isinstance(option, click.Option):
                texts[option.opts[0]].add(option.help)
    assert all(len(found) == 1 for found in texts.values()), texts


@pytest.mark.parametrize(
    "name", ["completion", *(pytest.param(name, marks=pytest.mark.slow) for name in ("spectrum", "kernel"))]
)
def test_help_has_examples_that_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savetxt("rows.csv", np.random.default_rng(0).standard_normal((6, 3)), delimiter=",", header="a,b,y")
    page = good(name, "--help")
    assert page == good(name, "-h")
    examples = re.findall(rf"^ +glutheory ({name}.*)$", page.partition("Examples:")[2], re.MULTILINE)
    assert len(examples) >= 2
    for example in examples:
        words = example.split()
        if "1600" in words:
            words[words.index("1600")] = "60"
        elif name == "spectrum" and "--data" not in words:
            words += ["--n", "20"]
        good(*words)


def complete(words: str) -> list[str]:
    *before, last = words.split(" ")
    found = ShellComplete(main.main, {}, "glutheory", "_GLUTHEORY_COMPLETE").get_completions(before, last)
    return [item.value if item.type == "plain" else f"<{item.type}>" for item in found]


def _named(start: str) -> list[str]:
    return [name for name in network_names() if name.startswith(start)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("spe", ["spectrum"]),
        ("spectrum rel", _named("rel")),
        ("spectrum relu SwiG", ["swiglu"]),
        ("derive geg", ["geglu"]),
        ("evaluate geg", []),
        ("evaluate gel", ["gelu"]),
        ("unknown rel", []),
        ("kernel leaky-", ["leaky_relu"]),
        ("kernel zzz", []),
        ("spectrum --para", ["--parametrization"]),
        ("spectrum --parametrization ", ["standard", "ntk"]),
        ("spectrum relu --inputs n", ["normalised"]),
        ("spectrum --kind=nn", ["nngp"]),
        ("spectrum --data ", ["<file>"]),
        ("kernel --out ", ["<file>"]),
        ("completion ", list(SHELLS)),
        ("spectrum wrong-name rel", _named("rel")),
    ],
)
def test_completion(words: str, expected: list[str]) -> None:
    assert complete(words) == expected


def test_completion_offers_every_network_and_tells_what_it_is() -> None:
    assert complete("spectrum ") == list(network_names())
    found = ShellComplete(main.main, {}, "glutheory", "_GLUTHEORY_COMPLETE").get_completions(["kernel"], "")
    helps = {item.value: item.help for item in found}
    assert helps["swiglu"] == "gated by silu"
    assert helps["abs"] == "|z|"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_scripts(shell: str) -> None:
    script = good("completion", shell)
    assert "_GLUTHEORY_COMPLETE" in script
    assert f"{shell}_complete" in script
    program = shutil.which(shell)
    if program is not None:
        subprocess.run([program, "-n"], input=script, text=True, check=True, timeout=60)


def test_bash_completes(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    # the program of this environment, whether or not its script is installed
    program = tmp_path / "glutheory"
    program.write_text(f"#!{sys.executable}\nfrom glutheory.commands.main import main\nmain(prog_name='glutheory')\n")
    program.chmod(0o755)
    script = good("completion", "bash") + (
        "\nCOMP_WORDS=(glutheory spectrum sw); COMP_CWORD=2; _glutheory_completion glutheory; echo ${COMPREPLY[@]}"
    )
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        [bash, "-c", script], env=environment, text=True, capture_output=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["swiglu"]


class _Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def screen_of(monkeypatch: pytest.MonkeyPatch) -> _Screen:
    """Stderr as a terminal; to be called by the test itself, since pytest puts its own stderr in place before it."""
    found = _Screen()
    monkeypatch.setattr(sys, "stderr", found)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(progress, "DELAY", 0.0)
    return found


def waited(screen: _Screen, text: str) -> bool:
    """Whether the text appears there within ten seconds."""
    end = time.monotonic() + 10
    while text not in screen.getvalue() and time.monotonic() < end:
        time.sleep(0.01)
    return text in screen.getvalue()


def test_slow_work_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch)
    with progress.progress("Sampling", total=3) as advance:
        assert waited(screen, "0/3")
        advance(1, "[second]")
        assert waited(screen, "Sampling: [second]")
        assert waited(screen, "1/3")
    # the cursor is back and the line is empty
    assert screen.getvalue().count("\x1b[?25h") == 1
    assert screen.getvalue().endswith("\x1b[2K")


def test_quick_work_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch)
    monkeypatch.setattr(progress, "DELAY", 1.0)
    with progress.progress("Sampling", total=3) as advance:
        advance()
    assert screen.getvalue() == ""


def test_a_bar_ends_with_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch)

    def work() -> None:
        with progress.progress("Sampling"):
            assert waited(screen, "Sampling")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert screen.getvalue().count("\x1b[?25h") == 1


@pytest.mark.parametrize("term", ["dumb", None])
def test_no_bar_without_a_terminal(
    term: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = screen_of(monkeypatch)
    if term is None:
        monkeypatch.setattr(sys, "stderr", io.StringIO())
    else:
        monkeypatch.setenv("TERM", term)
    with progress.progress("Sampling", total=1) as advance:
        time.sleep(0.05)
        advance(1)
    assert screen.getvalue() == ""
    assert capsys.readouterr().out == ""


def test_track_counts_a_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch)
    found = []
    for item in progress.track((x for x in "ab"), "Parts", total=2, name=str.upper):
        assert waited(screen, f"Parts: {item.upper()}")
        found.append(item)
    assert found == ["a", "b"]
    assert list(progress.track([1, 2, 3], "Parts")) == [1, 2, 3]


# --- Ctrl-C ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "name", "where"),
    [
        (SPECTRUM, "x.svg", "matplotlib.figure.Figure.savefig"),
        (KERNEL, "x.txt", "pathlib.Path.write_text"),
    ],
    ids=["spectrum", "kernel"],
)
def test_an_interrupt_while_writing_leaves_nothing(
    command: tuple[str, ...], name: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        # half of it is there
        part = next(tmp_path.glob("*.part"))
        with part.open("w") as stream:
            stream.write("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(where, interrupted)
    result = run(*command, "--out", str(tmp_path / name))
    assert result.exit_code == 130
    # click ends the line that shows ^C
    assert (result.stdout, result.stderr.strip()) == ("", "")
    assert not list(tmp_path.iterdir())


def test_ctrl_c_at_the_terminal(tmp_path: Path) -> None:
    """A real process on a real terminal, interrupted when its bar shows that it is at work."""
    names = [name for name in network_names() if name not in JUMPS]
    main, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "glutheory", "kernel", *names, *names, "--points", "1001", "--out", "x.svg"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=side,
        env={**os.environ, "TERM": "xterm", "OMP_NUM_THREADS": "1"},
        text=True,
    )
    os.close(side)
    try:
        seen = _read(main, lambda text: "Kernels" in text)
        assert "Kernels" in seen
        process.send_signal(signal.SIGINT)
        # read on: a full terminal would block it
        seen += _read(main, lambda _: process.poll() is not None)
        # CPython ends itself with the signal where it came inside exec or eval of a string, even if it was caught
        # there; a shell says 130 of either
        assert process.wait(timeout=60) in (130, -signal.SIGINT), seen
    finally:
        process.kill()
        rest = process.communicate()[0]
        os.close(main)
    assert "Traceback" not in seen
    assert seen.rstrip().endswith("\x1b[2K")
    assert rest == ""
    assert not list(tmp_path.iterdir())


def _read(terminal: int, enough: Callable[[str], bool]) -> str:
    """What the process writes to its terminal until that is enough, or for a minute."""
    seen, end = "", time.monotonic() + 60
    while not enough(seen) and time.monotonic() < end:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                seen += os.read(terminal, 65536).decode(errors="replace")
            except OSError:  # Linux's end of file
                break
    return seen
