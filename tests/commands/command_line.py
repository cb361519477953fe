"""The command line in this process: `run` it, expect it to be `good`, or to be `bad` in one sentence on stderr.

Besides, quick calls: a point to evaluate at, and a spectrum and a kernel of small size.
"""

from __future__ import annotations

from click.testing import CliRunner, Result

from glutheory.commands import main

POINT = ("--a", "1", "--b", "1", "--c", "0.5")
SPECTRUM = ("spectrum", "relu", "reglu", "--n", "20", "--d", "4")
KERNEL = ("kernel", "relu", "--points", "3")


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main.main, list(arguments), env=env, prog_name="glutheory")


def good(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def bad(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 2, (result.output, result.exception)
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr
