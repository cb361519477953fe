"""Every mistake at the command line is one sentence; help and version."""

import re
import time

import click
import pytest

from glutheory.commands import evaluate
from glutheory.errors import PrecisionError
from glutheory.printing import contents
from tests.commands.command_line import POINT, good, run

MISTAKES = [
    ((), "no command is given"),
    (("deriv", "relu"), "did you mean 'derive'?"),
    (("frobnicate",), "the known names are derive, evaluate, list"),
    (("--nonsense",), "No such option '--nonsense'"),
    (("--version=3",), "does not take a value; see 'glutheory --help'"),
    (("depth", "--n"), "'--n' requires an argument; see 'glutheory depth --help'"),
    (("evaluate", "silu", "--json=3"), "does not take a value; see 'glutheory evaluate --help'"),
    (("derive",), "nothing is named"),
    (("derive", "swigl"), "did you mean 'swiglu'"),
    (("derive", "x" * 100_000), "unknown network 'xxx"),
    (("derive", "relu", "--activation", "z"), "both NAME ('relu') and --activation ('z')"),
    (("derive", "swiglu", "--gated"), "gated already"),
    (("derive", "relu", "extra"), "extra"),
    (("derive", "relu", "--format", "pdf"), "is not one of 'text', 'latex', 'python', 'json'"),
    (("derive", "relu", "--digits", "0"), "digits is '0': give an integer from 1 to 200"),
    (("derive", "relu", "--digits", "1" * 5000), "--digits"),
    (("derive", "relu", "--digits", "many"), "not a valid integer"),
    (("derive", "relu", "--out", "/nonexistent/file"), "--out is '/nonexistent/file'"),
    (("derive", "silu", "--param", "beta"), "write KEY=NUMBER"),
    (("derive", "silu", "--param", "beta=nan"), "--param beta is 'nan'"),
    (("derive", "silu", "--param", "beta=1e999999999"), "--param beta is '1e999999999'"),
    (("derive", "silu", "--param", "beta=-1"), "must be positive"),
    (("derive", "silu", "--param", "beta=1", "--param", "beta=2"), "given twice"),
    (("derive", "silu", "--param", "gamma=1"), "no parameter 'gamma'"),
    (("derive", "--activation", "z", "--param", "beta=1"), "write the number into the expression"),
    (("derive", "--activation", "3"), "does not depend on z"),
    (("derive", "--activation", "__import__('os').system('id')"), "not allowed"),
    (("derive", "--activation", "z.real"), "attributes are not allowed"),
    (("derive", "--activation", "z**(10**9)"), "exponent"),
    (("derive", "--activation", "exp(exp(exp(z)))"), "cannot bound"),
    (("derive", "--activation", "exp(z**2)"), "cannot bound"),
    (("derive", "--activation", "z" * 10**6), "shorten it"),
    (("derive", "--activation", "z*atan(z)", "--format", "sympy"), "infinite Hermite series"),
    (("evaluate", "silu"), "Missing option '--a'"),
    (("evaluate", *POINT), "nothing is named"),
    (("evaluate", "nope", *POINT), "unknown activation 'nope'"),
    (("evaluate", "silu", "--a", "nan", "--b", "1", "--c", "0"), "--a is 'nan': give a decimal number"),
    (("evaluate", "silu", "--a", "inf", "--b", "1", "--c", "0"), "--a is 'inf'"),
    (("evaluate", "silu", "--a", "1/0", "--b", "1", "--c", "0"), "--a is '1/0'"),
    (("evaluate", "silu", "--a", "1e9000", "--b", "1", "--c", "0"), "at most 4000 digits"),
    (("evaluate", "silu", "--a", "7" * 4500, "--b", "1", "--c", "0"), "--a is '777"),
    (("evaluate", "silu", "--a", "-1", "--b", "1", "--c", "0"), "a is -1: it is a variance"),
    (("evaluate", "silu", "--a", "1", "--b", "1", "--c", "2"), "a covariance obeys |c| ≤ √(ab)"),
    (("evaluate", "silu", "--a", "0", "--b", "1", "--c", "1"), "must be 0 when a or b is 0"),
    (("evaluate", "silu", *POINT, "--digits", "-3"), "digits is '-3'"),
    (("evaluate", "gelu", *POINT, "--digits", "10001"), "give an integer from 1 to 10000"),
    (("evaluate", "silu", *POINT, "--digits", "5000"), "give at most 300"),
    (("evaluate", "silu", *POINT, "--road", "3"), "'1', '2', 'both'"),
    (("evaluate", "silu", *POINT, "--c", "1/3"), "--c is given 2 times and takes one value: give it once"),
    (("evaluate", "--activation", "z", "--activation", "z**2", *POINT), "--activation is given 2 times"),
    (("spectrum", "--stack", "relu x 2", "--stack", "silu x 2", "--n", "9", "--n", "9"), "--n is given 2 times"),
    (("list", "extra"), "extra"),
]


@pytest.mark.parametrize(("arguments", "fragment"), MISTAKES)
def test_a_mistake_is_one_sentence(arguments: tuple[str, ...], fragment: str) -> None:
    start = time.process_time()
    result = run(*arguments)
    assert time.process_time() - start < 60  # a hang, not a benchmark
    assert result.exit_code == 2
    assert result.stdout == ""
    assert fragment in result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) < 700
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_precision_out_of_reach_hands_over_what_was_reached(monkeypatch) -> None:
    from flint import arb

    def tired(act, point, digits, road):  # noqa: ARG001
        raise PrecisionError("digits is 30: too many.", (arb(1), arb(2)))

    monkeypatch.setattr(evaluate, "road_values", tired)
    result = run("evaluate", "relu", *POINT)
    assert result.exit_code == 2
    assert result.stderr == "error: digits is 30: too many. Reached: S in 1.00000000000, T in 2.00000000000.\n"


@pytest.mark.parametrize("failure", [KeyboardInterrupt, click.Abort])
def test_an_interrupt_is_quiet(monkeypatch, failure: type[BaseException]) -> None:
    def interrupted(*_args: object, **_named: object) -> None:
        raise failure

    monkeypatch.setattr(contents, "report", interrupted)
    result = run("derive", "relu")
    assert result.exit_code == 130
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_other_click_errors_are_sentences_too(monkeypatch) -> None:
    def broken(*_args: object, **_named: object) -> None:
        raise click.ClickException("the disk is full")

    monkeypatch.setattr(contents, "report", broken)
    result = run("derive", "relu")
    assert (result.exit_code, result.stderr) == (2, "error: the disk is full\n")


@pytest.mark.parametrize("command", [(), ("derive",), ("evaluate",), ("list",)])
def test_help_has_examples(command: tuple[str, ...]) -> None:
    for flag in ("--help", "-h"):
        text = good(*command, flag)
        assert "Examples:" in text
        assert "Usage:" in text


def test_version() -> None:
    assert re.fullmatch(r"glutheory \d+\.\d+\.\d+\n", good("--version"))
