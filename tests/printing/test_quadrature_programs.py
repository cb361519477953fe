"""Programs that integrate, in Python and in C: every activation of the zoo that needs one, within what is stated."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import glutheory as glu
from glutheory.activations import Activation, Z
from glutheory.networks import Network, network
from glutheory.printing import render
from glutheory.printing.contents import report
from glutheory.printing.quadrature import python_functions
from glutheory.symbolic.duals import dual
from glutheory.terminal import Terminal
from tests.printing.exported import INTEGRATED

Value = Callable[[float, float, float], float]
#: What the programs' heads state, between variances of 0.01 and 100.
TOLERANCE = 1e-12
POINTS = (
    (2.0, 0.5, 0.3),
    (100.0, 0.01, 0.99),
    (0.01, 0.04, -0.005),
    (1.0, 1.0, 1.0),
    (1.0, 4.0, -2.0),
    (1.0, 1.0, 0.0),
)
FAR = ((100.0, 100.0, 50.0), (100.0, 100.0, 99.9), (100.0, 100.0, -99.99999), (0.01, 100.0, 0.5))
QUICK = ("hard_tanh", "threshold", "softsign", "mish")
_FLAGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2", "-Wno-unused-function")
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
NAMES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in INTEGRATED]


@cache
def expected(name: str, point: tuple[float, float, float]) -> tuple[float, float]:
    S, T = glu.enclose(name, *point, digits=15)
    return float(S), float(T)


def scale(name: str, point: tuple[float, float, float], which: int) -> float:
    """√(f(a,a,a) f(b,b,b)); the value itself where a jump makes it infinite."""
    ends = [expected(name, (v, v, v))[which] for v in point[:2]]
    product = abs(ends[0] * ends[1]) ** 0.5
    return product if product < float("inf") else abs(expected(name, point)[which])


def in_python(name: str) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec(compile(render(report(network(name), digits=6), "python", Terminal()), name, "exec"), scope)  # noqa: S102
    return scope


def in_c(name: str, folder: Path) -> tuple[Value, Value]:
    text = render(report(network(name), digits=6), "c", Terminal())
    for letter in "ST":
        text += f"double own_{letter}(double a, double b, double c);\n"
        text += f"double own_{letter}(double a, double b, double c)\n{{\n    return {name}_{letter}(a, b, c);\n}}\n"
    (folder / "own.c").write_text(text)
    command = ("cc", *_FLAGS, "-shared", "-fPIC", "-o", str(folder / "own.so"), str(folder / "own.c"), "-lm")
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(folder / "own.so"))
    functions = library.own_S, library.own_T
    for function in functions:
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * 3
    return functions


#: Zero below 1, which is 10 standard deviations at a variance of 0.01: beyond the programs' reach.
DISTANT = ("jump_relu", "threshold", "shifted_relu")


def agree(name: str, functions: tuple[Value, Value], points: tuple[tuple[float, float, float], ...]) -> None:
    for point in (p for p in points if name not in DISTANT or min(p[:2]) > 0.05):
        for which, function in enumerate(functions):
            wanted, found = expected(name, point)[which], function(*point)
            if wanted == float("inf"):
                assert found == wanted
            else:
                assert abs(found - wanted) <= TOLERANCE * scale(name, point, which), (point, which)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_python_agrees(name: str) -> None:
    scope = in_python(name)
    agree(name, (scope["S"], scope["T"]), POINTS[:4])
    assert scope["ntk"](2.0, 0.5, 0.3) == pytest.approx(scope["S"](2.0, 0.5, 0.3) + 0.3 * scope["T"](2.0, 0.5, 0.3))


@needs_compiler
@pytest.mark.parametrize("name", NAMES)
def test_c_compiles_without_a_warning_and_agrees(name: str, tmp_path: Path) -> None:
    agree(name, in_c(name, tmp_path), POINTS)


@needs_compiler
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "snake" else pytest.mark.slow) for name in INTEGRATED]
)
def test_c_agrees_far_out(name: str, tmp_path: Path) -> None:
    points = tuple(p for p in FAR if name not in ("softsign", "gelu_tanh") or abs(p[2]) < 99.99)  # road 2's work limit
    agree(name, in_c(name, tmp_path), points)


def test_a_wrong_program_is_caught() -> None:
    """Negative control: the program of another activation."""
    scope = in_python("hard_tanh")
    with pytest.raises(AssertionError):
        agree("relu6", (scope["S"], scope["T"]), POINTS[:1])


def test_a_users_own_function_and_a_product() -> None:
    """An activation of one's own; and a product of branches, one of which has a short formula."""
    act = Activation("own", Z / (1 + Z**2))
    text = render(report(Network("own * relu", (act, glu.activation("relu"))), digits=6), "python", Terminal())
    scope: dict[str, Any] = {}
    exec(compile(text, "own", "exec"), scope)  # noqa: S102 (what is printed is tested)
    S, T = (float(ball) for ball in glu.enclose(act, 2, "0.5", "0.3", digits=15))
    first = scope["S_branch1"](2.0, 0.5, 0.3), scope["T_branch1"](2.0, 0.5, 0.3)
    assert first == (pytest.approx(S, rel=1e-12), pytest.approx(T, rel=1e-12))
    assert scope["nngp"](2.0, 0.5, 0.3) == pytest.approx(S * scope["S_branch2"](2.0, 0.5, 0.3), rel=1e-12)
    assert "_phi_branch1" in python_functions(dual(act), "_branch1")
