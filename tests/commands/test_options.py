"""Options and names mean the same in every command, and help has examples that run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import numpy as np
import pytest

from glutheory.commands import main
from glutheory.commands.options import NETWORK, gram_options
from glutheory.errors import UnknownNameError
from tests.commands.command_line import good


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
    Path("iris.csv").write_text("a,b,species\n5,3,setosa\n6,3,virginica\n7,3,virginica\n5,4,setosa\n", "utf-8")
    page = good(name, "--help")
    assert page == good(name, "-h")
    examples = re.findall(rf"^ +glutheory ({name}.*)$", page.partition("Examples:")[2], re.MULTILINE)
    assert len(examples) >= 2
    for example in examples:
        words = shlex.split(example)
        if "1600" in words:
            words[words.index("1600")] = "60"
        elif name == "spectrum" and "--data" not in words:
            words += ["--n", "20"]
        good(*words)
