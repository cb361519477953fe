"""`glutheory derive --stack`: deep networks from one line."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from glutheory.derive import derive
from tests.commands.command_line import good, run


def test_a_stack_is_derived() -> None:
    shown = good("derive", "--stack", "reglu x 12, rmsnorm, residual", "--digits", "6")
    assert "reglu x 12, rmsnorm, residual: kernels of the deep network" in shown
    assert "12 times, at first with" in shown
    assert "digits agree" in shown
    assert CliRunner().invoke(derive, ["--stack", "reglu x 12, rmsnorm, residual", "--digits", "6"]).stdout == shown


def test_options_of_the_line_and_of_the_command() -> None:
    text = "relu x 3, no norm, no residual, variance 2"
    record = json.loads(good("derive", "--stack", text, "--format", "json", "--digits", "4"))
    assert record["parametrization"] == "ntk"
    assert (
        record["stack"]["layers"] == "dense(variance 2), 3 x [relu(variance 2), dense(variance 2)], readout(variance 2)"
    )
    standard = good("derive", "--stack", text, "--format", "json", "--digits", "4", "--parametrization", "standard")
    assert json.loads(standard)["parametrization"] == "standard"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--stack", "reglu x 0"), "depth is 0: give an integer >= 1."),
        (("--stack", "reglu"), "begin with a network and the number of its blocks"),
        (("--stack", "reglux x 2"), "unknown network 'reglux'"),
        (("--stack", "reglu x 2, attention"), "stack has the word 'attention'"),
        (("--stack", "reglu x 2, variance -1"), "variance is '-1'"),
        (("relu", "--stack", "reglu x 2"), "--stack goes without NAME"),
        (("--stack", "reglu x 2", "--gated"), "--stack goes without --gated"),
        (("--stack", "reglu x 2", "--format", "sympy"), "a stack is written as"),
        (("relu", "--parametrization", "ntk"), "--parametrization goes with --stack"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], sentence: str) -> None:
    done = run("derive", *arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
