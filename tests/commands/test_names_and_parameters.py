"""Names in any case, --param and --activation of every command that names networks; all of that network."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from glutheory import activation, gated, gram, product
from glutheory.commands.data import draw_rows
from tests.commands.command_line import POINT, bad, good

SMALL = ("--n", "12", "--d", "3")


def _record(*arguments: str) -> Any:
    return json.loads(good(*arguments, "--json"))


def test_spectrum_is_that_of_the_parameter() -> None:
    found = _record("spectrum", "SiLU", "SwiGLU", "relu", "--param", "beta=1.702", *SMALL, "--parametrization", "ntk")
    names = [item["network"] for item in found["networks"]]
    assert names == ["silu(beta=1.702)", "swiglu(beta=1.702)", "relu"]
    assert [(pair["plain"], pair["gated"]) for pair in found["pairs"]] == [tuple(names[:2])]
    X = draw_rows("gaussian", 12, 3, 0).X
    act = activation("silu", beta="1.702")
    for item, net in zip(found["networks"], (product(act), gated(act)), strict=False):
        np.testing.assert_allclose(item["eigenvalues"], np.linalg.eigvalsh(gram(net, X))[::-1], rtol=1e-10)
    usual = _record("spectrum", "silu", *SMALL, "--parametrization", "ntk")["networks"][0]
    assert usual["eigenvalues"][0] != pytest.approx(found["networks"][0]["eigenvalues"][0], rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("kernel", "SwiGLU", "--points", "3"), "silu(beta=2)"),
        (("dynamics", "silu", *SMALL, "--steps", "20"), "silu(beta=2)"),
        (("phase", "swiglu", "--n", "4", "--d", "2", "--draws", "1", "--jobs", "1"), "swiglu(beta=2)"),
        (("depth", "Swiglu", *SMALL, "--layers", "1"), "swiglu(beta=2)"),
        (("derive", "SwiGLU"), "swiglu(beta=2)"),
    ],
)
def test_every_command_takes_parameters(arguments: tuple[str, ...], name: str) -> None:
    assert name in good(*arguments, "--param", "beta=2")


def test_depth_of_an_own_activation_is_that_of_the_zoos_where_it_is_one() -> None:
    own = _record("depth", "--activation", "max(0.01*z,z)", *SMALL, "--layers", "1,3")["networks"]
    zoo = _record("depth", "leaky_relu", "leaky_relu_glu", *SMALL, "--layers", "1,3")["networks"]
    assert [item["depths"] for item in own] == [item["depths"] for item in zoo]


@pytest.mark.long
def test_the_page_says_what_a_formula_is() -> None:
    page = good("derive", "--activation", "z/(1+exp(-1.702*z))")
    assert "φ(z) = z/(1 + exp(−k₁·z))\n    with k₁ = 1.702\n" in page
    assert "φ is quick_gelu of the zoo" in page
    assert "of the zoo" not in good("derive", "--activation", "z*erf(z)")
    latex = good("derive", "quick-gelu", "--format", "latex")
    assert "1.702" in latex


@pytest.mark.parametrize(
    "command",
    [
        ("spectrum", *SMALL), ("kernel", "--points", "3"), ("dynamics", *SMALL),
        ("phase", "--n", "8", "--d", "2", "--jobs", "1"), ("depth", *SMALL, "--layers", "1"),
        ("kernel", "--points", "3", "--stack", "own x 2", "--stack", "own_glu x 2"),
        ("evaluate", "--a", "1", "--b", "1", "--c", "0.5"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_other_pages_say_so_too(command: tuple[str, ...]) -> None:
    """Once, under the page; JSON and pages of other formulas have nothing of it."""
    page = good(*command, "--activation", "Z/(1+exp(-1.702*Z))")
    assert page.endswith("\nZ/(1+exp(-1.702*Z)) is quick_gelu of the zoo.\n")
    assert page.count("of the zoo") == 1
    json.loads(good(*command, "--activation", "Z/(1+exp(-1.702*Z))", "--json"))
    assert "of the zoo" not in good(*command, "--activation", "z*erf(z)")


@pytest.mark.long
def test_names_in_any_case() -> None:
    assert good("evaluate", "SiLU", *POINT) == good("evaluate", "silu", *POINT)
    assert good("evaluate", "Hard-Swish", *POINT) == good("evaluate", "hard_swish", *POINT)
    assert good("derive", "GELU") == good("derive", "gelu")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("spectrum", "relu", "--param", "beta=2"), "--param beta is a parameter of no network here (relu)"),
        (("spectrum", "relu", "--param", "theta=2"), "name one that has it, such as jump_relu"),
        (
            ("spectrum", "--activation", "z*erf(z)", "--param", "q=2"),
            "(none is named): none of the zoo has one of that",
        ),
        (("kernel", "silu", "--param", "slope=2"), "it has beta"),
        (("depth", "--param", "beta=2"), "(relu and reglu)"),
        (("dynamics", "--activation", "z*erf(z)", "--param", "beta=2"), "write the number into the expression"),
        (("phase", "swiglu", "--param", "beta=-1"), "it must be positive"),
        (("kernel", "silu", "--param", "beta"), "write KEY=NUMBER"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], message: str) -> None:
    assert message in bad(*arguments)
