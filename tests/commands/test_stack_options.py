"""`--stack` of kernel, dynamics, phase and spectrum: typed, shown as text and JSON, refused where it has no sense."""

from __future__ import annotations

import json

import pytest

from tests.commands.command_line import bad, good

LINE = "SwiGLU x 2, rmsnorm, residual"
GATED, PLAIN = "swiglu x 2, rmsnorm, residual", "silu x 2, rmsnorm, residual"


def test_kernel() -> None:
    found = json.loads(good("kernel", "--stack", LINE, "--points", "3", "--json"))
    assert found["curves"] == []
    (deep,) = found["stacks"]
    assert (deep["plain"], deep["gated"]) == (PLAIN, GATED)
    assert set(deep) == {"plain", "gated", "rho", "nngp", "nngp_gated", "ntk", "ntk_gated", "slopes"}
    assert {len(deep[name]) for name in ("rho", "nngp", "nngp_gated", "ntk", "ntk_gated")} == {len(deep["rho"])}
    page = good("kernel", "relu", "--stack", LINE, "--points", "3")
    assert "S = E[" in page
    assert "Stacks in the limit of infinite width" in page


def test_dynamics() -> None:
    small = ("--n", "20", "--d", "4", "--steps", "10")
    found = json.loads(good("dynamics", "--stack", LINE, *small, "--json"))
    assert found["parametrization"] == "ntk"
    assert [item["network"] for item in found["networks"]] == [PLAIN, GATED]
    standard = good("dynamics", "--stack", LINE, "--stack", "relu x 1", *small, "--parametrization", "standard")
    assert "widths 1000 and 1000" in standard
    assert "--train" not in standard


def test_phase() -> None:
    found = json.loads(good("phase", "--stack", LINE, "--n", "8", "--d", "3", "--draws", "1", "--jobs", "1", "--json"))
    assert (found["plain"], found["gated"], found["kind"]) == (PLAIN, GATED, "nngp")
    assert (found["crossings"], found["certified"]) == ([], [])
    assert found["cells"][0]["draws"][0]["certificate"] == "nan"


def test_the_heading_of_a_spectrum_says_whose_variances() -> None:
    small = ("--n", "20", "--d", "4", "--parametrization", "standard", "--width", "64")

    def head(*arguments: str) -> str:
        return " ".join(good("spectrum", *arguments, *small).split()).partition("20 standard")[0]

    stack = ("--stack", "relu x 2, variance 2")
    assert head("relu").endswith(", width 64 ")
    for arguments in (stack, ("relu", *stack)):
        assert head(*arguments).endswith(", width 64, stacks' variances as their layers say, over the fan-in ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("phase", "--stack", "silu x 2"), f"has no gates: use '{GATED}'"),
        (("phase", "relu", "--stack", LINE), "are given: give one of them."),
        (("phase", "--stack", LINE, "--stack", "reglu x 2"), "and another one are given: give one of them."),
        (("phase", "--stack", LINE, "--activation", "z"), "and --activation 'z' are given: give one of them."),
        (("dynamics", "relu", "--stack", LINE), "and relu are given: give stacks alone, or none."),
        (("dynamics", "--activation", "z", "--stack", LINE), "and --activation 'z' are given"),
        (("dynamics", "--stack", LINE, "--stack", "reglu x 2"), "both have gates"),
        (("dynamics", "--stack", LINE, "--train", "2"), "trained with one hidden layer: leave it out."),
        (("dynamics", "--stack", LINE, "--width", "9"), "which has no --width"),
        (("kernel", "--stack", "step x 2", "--normalise"), "a difference of infinite terms"),
        (("kernel", "--stack", "swiglu"), "begin with a network and the number of its blocks"),
        (("kernel", "--stack", LINE, "--variance", "1e9"), "give a number from 1e-12 to 1e+06"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], said: str) -> None:
    assert said in bad(*arguments)
