"""Lines of --stack: formulas and parameters of one's own in every command, and their kernels at a point."""

from __future__ import annotations

import json
import re

import mpmath
import numpy as np
import pytest

import glutheory as glu
from glutheory.activations.parser import parse_expression
from tests.commands.command_line import POINT, bad, good

TEXT = "z*erf(z)"
ACT = glu.Activation(TEXT, parse_expression(TEXT))
OWN = ("--activation", TEXT)
PLAIN, GATED = f"{TEXT} x 2, rmsnorm, residual", f"gated {TEXT} x 2, rmsnorm, residual"
SMALL = ("--n", "12", "--d", "3", "--json")


def test_the_kernels_at_a_point_are_those_of_python() -> None:
    """Both roads, other settings than the usual ones."""
    line = "reglu x 3, no norm, variance 2"
    sizes = ("--parametrization", "standard", "--width", "7", "--d", "3", "--trained", "block*.gate", "--trained", "r*")
    text = good("evaluate", "--stack", line, *POINT, *sizes, "--road", "both", "--digits", "25")
    wanted = glu.evaluate(
        glu.layers.read_stack(line), 1, 1, "1/2", digits=30, parametrization="standard", width=7, d=3,
        trained=["block*.gate", "r*"],
    )  # fmt: skip
    assert re.fullmatch(r"(NNGP = .*\nNTK = .*\n){2}the roads agree \(NNGP: 25 digits, NTK: 25 digits\)\n", text)
    for name, value in zip(("NNGP", "NTK"), wanted, strict=True):
        for found in re.findall(rf"{name} = (\S+)", text):
            with mpmath.workdps(40):
                # half a unit of the 25th digit
                assert abs(mpmath.mpf(found) - value) <= abs(value) * mpmath.mpf(10) ** -24


def test_many_digits_of_a_point() -> None:
    text = good("evaluate", "--stack", "relu x 2", *POINT, "--digits", "80")
    short, long = (re.findall(r"= (\S+)", shown) for shown in (good("evaluate", "--stack", "relu x 2", *POINT), text))
    for one, other in zip(short, long, strict=True):
        assert len(other.replace(".", "").lstrip("0")) == 80
        # the last digit is rounded
        assert other.startswith(one[:-1])


def test_evaluate_as_json() -> None:
    record = json.loads(good("evaluate", "--stack", "own_glu x 2", *OWN, *POINT, "--digits", "10", "--json"))
    assert record["activation"] is None
    assert record["stack"]["name"] == GATED
    assert record["stack"]["parametrization"] == "ntk"
    wanted = glu.evaluate(glu.stack(glu.gated(ACT), 2), 1, 1, "1/2", digits=15)
    assert float(record["roads"]["1"]["NTK"]["value"]) == pytest.approx(float(wanted[1]), rel=1e-9)


def test_derive() -> None:
    assert good("derive", "--stack", "OWN x 2", *OWN, "--digits", "5").startswith(f"{PLAIN}: kernels of the deep")
    assert good("derive", "--stack", "leaky_relu x 2", "--param", "slope=1/5", "--digits", "5").startswith(
        "leaky_relu(slope=1/5) x 2"
    )


def test_spectrum() -> None:
    """A formula that a line names is not shown by itself; one that no line names is."""
    stacks = ("--stack", "own1 x 2", "--stack", "own1_glu x 2", "--stack", "leaky_relu x 1")
    found = json.loads(good("spectrum", *stacks, *OWN, "--activation", "z", "--param", "slope=1/5", *SMALL))
    names = [item["network"] for item in found["networks"]]
    assert names[:2] == ["z", "gated z"]
    assert names[2:] == [PLAIN, GATED, "leaky_relu(slope=1/5) x 1, rmsnorm, residual"]
    assert {"plain": PLAIN, "gated": GATED}.items() <= next(p for p in found["pairs"] if p["plain"] == PLAIN).items()


def test_kernel_dynamics_and_phase() -> None:
    found = json.loads(good("kernel", "--stack", "own_glu x 2", *OWN, "--points", "3", "--json"))
    assert found["curves"] == []
    (deep,) = found["stacks"]
    assert (deep["plain"], deep["gated"]) == (PLAIN, GATED)
    # twice x: both inputs are the same one
    K = glu.gram(glu.stack(glu.gated(ACT), 2), np.ones((1, 1)))
    assert deep["ntk_gated"][-1] == pytest.approx(K[0, 0], rel=1e-10)
    moving = json.loads(good("dynamics", "--stack", "own x 2", *OWN, "--steps", "10", *SMALL))
    assert [item["network"] for item in moving["networks"]] == [PLAIN, GATED]
    one = ("--n", "8", "--d", "3", "--draws", "1", "--jobs", "1", "--json")
    mapped = json.loads(good("phase", "--stack", "own_glu x 2", *OWN, *one))
    assert (mapped["plain"], mapped["gated"]) == (PLAIN, GATED)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("evaluate", "--stack", "own x 2", *POINT), "names 'own', the formula of --activation: give that as well."),
        (("evaluate", "--stack", "own2 x 2", *OWN, *POINT), "--activation is given once: name own."),
        (
            ("evaluate", "--stack", "relu x 2", *OWN, *POINT),
            "is not in the line of --stack: name it there, own.",
        ),
        (("evaluate", "--stack", "relu x 2", "--param", "slope=2", *POINT), "is a parameter of no network here (relu)"),
        (("evaluate", "--stack", "own x 2", *OWN, "--param", "slope=2", *POINT), "is a parameter of no network here"),
        (("evaluate", "relu", "--stack", "relu x 2", *POINT), "both NAME ('relu') and --stack"),
        (("evaluate", "relu", "--width", "3", *POINT), "--width is given, but only a --stack has one: leave it out."),
        (("evaluate", "relu", "--trained", "gate", *POINT), "--trained is given, but only a --stack has one"),
        (("evaluate", "--stack", "relu x 2", "--trained", "gate", *POINT), "which no group of trained weights has"),
        (("evaluate", "--stack", "relu x 2", "--parametrization", "standard", *POINT), "give width and d."),
        (("evaluate", "--stack", "relu x 99999", *POINT), "--stack has 99,999 blocks: give at most 10,000."),
        (("evaluate", "--stack", "mish x 2", "--digits", "60", *POINT), "is a Hermite series, give at most 50."),
        (("spectrum", "--stack", "own x 2", *OWN, *OWN), "--activation is given 2 times: name one of own1 to own2."),
        (("kernel", "--stack", "own3_glu x 2", *OWN, *OWN), "--activation is given 2 times: name one of own1 to own2."),
        (("derive", "--stack", "relu x 2", *OWN), "is not in the line of --stack"),
        (("phase", "--stack", "own_glu x 2", *OWN, "--param", "slope=1"), "is a parameter of no network here"),
        (("dynamics", "--stack", "own x 2", "--activation", "1/0"), "it divides by zero"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], said: str) -> None:
    assert said in bad(*arguments)
