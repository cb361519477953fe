"""Completion in the shell offers every name and tells what it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from glutheory.commands import main
from glutheory.commands.completion import SHELLS
from glutheory.networks import network_names
from tests.commands.command_line import good


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
        ("evaluate gel", ["gelu", "gelu_tanh"]),
        ("unknown rel", []),
        ("kernel leaky-", ["leaky_relu"]),
        ("kernel zzz", []),
        ("spectrum --parame", ["--parametrization"]),
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
        subprocess.run([program, "-n"], input=script, text=True, check=True)


def test_bash_completes(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    # the program of this environment, whether or not its script is installed
    program = tmp_path / "glutheory"
    program.write_text(f"#!{sys.executable}\nfrom glutheory.commands.main import main\nmain(prog_name='glutheory')\n")
    program.chmod(0o755)
    script = good("completion", "bash") + (
        "\nCOMP_WORDS=(glutheory spectrum swig); COMP_CWORD=2; _glutheory_completion glutheory; echo ${COMPREPLY[@]}"
    )
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([bash, "-c", script], env=environment, text=True, capture_output=True, check=True)
    assert done.stdout.split() == ["swiglu"]
