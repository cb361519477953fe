"""`glutheory dynamics` and `glutheory phase` as commands: what they print and write, refuse, and leave behind."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest

from glutheory.commands import main
from glutheory.commands.phase import read_list
from glutheory.errors import DomainError
from glutheory.figures.chart import Chart
from tests.commands.command_line import good, run
from tests.processes import PATIENCE, Screen, ended, left_behind

DYNAMICS = ("dynamics", "reglu", "--n", "12", "--d", "3", "--width", "50")
PHASE = ("phase", "--n", "8,12", "--d", "3-6", "--draws", "1", "--jobs", "1")
ROWS = np.random.default_rng(2).standard_normal((30, 4))


@pytest.mark.parametrize("command", [DYNAMICS, PHASE], ids=["dynamics", "phase"])
def test_text_json_and_figure(command: tuple[str, ...], tmp_path: Path) -> None:
    text = good(*command)
    assert max(map(len, text.splitlines())) <= 100
    assert good(*command, "--ascii").isascii()
    file, figure = tmp_path / "found.txt", tmp_path / "found.svg"
    assert good(*command, "--out", str(file)) == ""
    assert file.read_text(encoding="utf-8") == text
    content = json.loads(good(*command, "--json", "--out", str(figure)))
    assert content["schema"] == f"glutheory.{command[0]}"
    assert all(Chart.from_json(row) for row in content["charts"])
    assert figure.read_bytes().startswith(b"<?xml")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.svg", "found.txt"]


def test_the_pair_of_one_name_is_that_of_two() -> None:
    assert good(*DYNAMICS) == good("dynamics", "ReLU", "reglu", *DYNAMICS[2:])
    assert ": ReLU and ReGLU in gradient" in " ".join(good("dynamics", *DYNAMICS[2:]).split())
    assert good("phase", "ReGLU", *PHASE[1:]) == good(*PHASE)


def test_own_data(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    np.savetxt(file, ROWS, delimiter=",", header="a,b,c,price", comments="")
    given = good("dynamics", "--data", str(file), "--target", "price", "--width", "50", "--json")
    content = json.loads(given)
    assert (content["n"], content["d"], content["targets"]) == (30, 3, "as given")
    assert content["networks"][0]["initial"] > np.mean(ROWS[:, 3] ** 2)
    scaled = json.loads(
        good("dynamics", "--data", str(file), "--target", "price", "--width", "50", "--unit-targets", "--json")
    )
    assert scaled["targets"].endswith("variance 1")
    seen = json.loads(good("phase", "--data", str(file), "--target", "price", "--draws", "2", "--json", "--jobs", "1"))
    assert (seen["n"], seen["d"], seen["inputs"]) == ([16], [2], "rows")
    assert "rows.csv (30 rows)" in seen["data"]
    normal = good("phase", "--data", str(file), "--inputs", "normalised", "--jobs", "1", "--kind", "ntk")
    assert "scaled to norm √d" in normal


def test_checkpoints_are_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = good(*PHASE, "--checkpoints", str(tmp_path / "cells"))
    assert len(list((tmp_path / "cells").iterdir())) == 4
    monkeypatch.setattr("glutheory.studies.phase.maps.evaluate", None)
    assert good(*PHASE, "--checkpoints", str(tmp_path / "cells")) == first


def test_trained_networks_beside_the_theory() -> None:
    pytest.importorskip("torch")
    content = json.loads(good(*DYNAMICS, "--train", "2", "--steps", "30", "--json"))
    assert (content["trained"]["seeds"], content["trained"]["steps"][-1]) == (2, 30)
    assert content["trained"]["networks"][0]["mean"][-1] < content["networks"][0]["loss"][0]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("16,32", [16, 32]), ("4-64", [4, 8, 16, 32, 64]), ("4-50, 3", [3, 4, 8, 16, 32, 50]), ("7-7", [7])],
)
def test_lists(text: str, numbers: list[int]) -> None:
    assert read_list("--n", text) == numbers
    assert read_list("--n", None) is None


@pytest.mark.parametrize("text", ["", "a", "1,", "-3", "5-2", "0", "0-4", "1-2-3", "2.5", "9" * 9, "²"])
def test_lists_that_are_none(text: str) -> None:
    with pytest.raises(DomainError, match="--n"):
        read_list("--n", text)
    with pytest.raises(DomainError, match="has 65 values"):
        read_list("--n", ",".join(map(str, range(1, 66))))


MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown network": (("dynamics", "relux"), "did you mean"),
    "three networks": (("dynamics", "relu", "reglu", "glu"), "3 networks are given"),
    "two of a kind": (("dynamics", "relu", "gelu"), "both non-gated"),
    "a jump": (("dynamics", "step", "reglu", "--n", "8"), "activation jumps"),
    "ntk with a width": (("dynamics", "--parametrization", "ntk", "--width", "9"), "has no --width"),
    "ntk trained": (("dynamics", "--parametrization", "ntk", "--train", "1"), "is not trained"),
    "a negative rate": (("dynamics", "--n", "8", "--rate", "-1"), "rate is -1"),
    "no number": (("dynamics", "--rate", "fast"), "not a valid float"),
    "target without data": (("dynamics", "--target", "y"), "give --data"),
    "no file": (("dynamics", "--data", "nosuch.npy"), "does not exist"),
    "too many rows": (("dynamics", "--n", "30000", "--d", "1"), "at most"),
    "not gated": (("phase", "relu"), "not gated"),
    "no list": (("phase", "--n", "many"), "ranges that double"),
    "a small n": (("phase", "--n", "3"), "n is 3"),
    "a huge n": (("phase", "--n", "4-999999"), "no more than 20000"),
    "phase, target without data": (("phase", "--target", "y"), "give --data"),
    "phase, no file": (("phase", "--data", "nosuch.csv"), "does not exist"),
    "a folder that is a file": (("phase", *PHASE[1:], "--checkpoints", "file"), "cannot be used"),
    "an unknown format": (("phase", "--out", "x.jpg"), "end in .png"),
    "no folder": (("dynamics", "--out", "nosuch/x.png"), "no such folder"),
    "an unknown option": (("phase", "--width", "4"), "No such option"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_sentence(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    arguments, hint = MISTAKES[case]
    result = run(*arguments)
    assert result.exit_code == 2, (result.output, result.exception)
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert hint in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_without_torch_only_training_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert good(*DYNAMICS)
    result = run(*DYNAMICS, "--train", "1")
    assert result.exit_code == 2
    assert "glutheory[torch]" in result.stderr


def test_shared_options_have_the_same_help() -> None:
    """Those of `glutheory spectrum`, but for the sizes that mean something else here."""
    context = click.Context(main.main)
    texts: dict[str, dict[str, str | None]] = {}
    for name in ("spectrum", "dynamics", "phase"):
        command = main.main.get_command(context, name)
        assert command is not None
        texts[name] = {item.opts[0]: item.help for item in command.params if isinstance(item, click.Option)}
    for name in ("dynamics", "phase"):
        shared = texts[name].keys() & texts["spectrum"].keys() - {"--width", "--n", "--d", "--seed"}
        assert {"--data", "--target", "--json", "--out", "--ascii", "--inputs"} <= shared
        assert {item: texts[name][item] for item in shared} == {item: texts["spectrum"][item] for item in shared}
        assert "Examples:" in good(name, "--help")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dynamics", "phase"])
def test_the_examples_of_the_help_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savetxt("table.csv", ROWS, delimiter=",", header="a,b,c,price", comments="")
    page = good(name, "--help").partition("Examples:")[2]
    examples = [shlex.split(line)[1:] for line in page.splitlines() if line.strip().startswith(f"glutheory {name}")]
    assert len(examples) >= 5
    for words in examples:
        if "--scheduler" in words:  # none is there; the tests of the cluster start one
            continue
        if "64-4096" in words:
            words[words.index("64-4096")], words[words.index("4-256")] = "16-32", "4-8"
        elif name == "phase" and "--data" not in words and "--n" not in words:
            words += ["--n", "8-32"]
        if "--train" in words:
            words += ["--steps", "50"]
        assert good(*words)


def interrupted(arguments: tuple[str, ...], folder: Path, sign: str, *, group: bool) -> tuple[int, str, str]:
    """Run on a terminal of its own, interrupt when the bar shows the sign; the status, the screen and stdout."""
    marker = f"GLUTHEORY_TEST={folder.name}-{os.getpid()}"
    name, _, value = marker.partition("=")
    with Screen() as screen:
        process = subprocess.Popen(
            [sys.executable, "-m", "glutheory", *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=screen.side,
            env={**os.environ, "TERM": "xterm", "OMP_NUM_THREADS": "1", name: value},
            text=True,
            start_new_session=True,
        )
        screen.watched()
        try:
            assert screen.shows(sign), screen.text
            (os.killpg if group else os.kill)(process.pid, signal.SIGINT)
            status = process.wait(timeout=PATIENCE)
            assert not left_behind(marker), "a process has been left behind"
        finally:
            rest = ended(process)[0]
        return status, screen.whole(), rest


@pytest.mark.long
@pytest.mark.parametrize("group", [True, False], ids=["terminal", "kill"])
def test_ctrl_c_ends_all_processes_of_a_map(tmp_path: Path, group: bool) -> None:
    """At a terminal every process of the group gets the signal; `kill -INT` reaches the first one only."""
    command = ("phase", "--n", "64-2048", "--draws", "9", "--jobs", "2", "--checkpoints", "cells", "--out", "x.png")
    status, seen, rest = interrupted(command, tmp_path, "Computing cells", group=group)
    assert status == 130, seen
    assert "Traceback" not in seen
    assert rest == ""
    assert all(path.suffix == ".json" for path in (tmp_path / "cells").iterdir())
    assert [path.name for path in tmp_path.iterdir()] == ["cells"]


@pytest.mark.long
def test_ctrl_c_ends_a_training(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    command = ("dynamics", "--train", "50", "--out", "x.svg")
    status, seen, rest = interrupted(command, tmp_path, "Training", group=True)
    assert status == 130, seen
    assert "Traceback" not in seen
    assert rest == ""
    assert not list(tmp_path.iterdir())
