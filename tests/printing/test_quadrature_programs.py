"""Programs that integrate, in Python and C: those of the zoo and a table of what people bring, within what is stated.

The expected values are road 2's, in ball arithmetic; nearest to |ρ| = 1, where it has none beside branch points, those
of road 1's closed form of powers.
"""

from __future__ import annotations

import ctypes
import math
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import pytest

import glutheory as glu
from glutheory.activations import Activation, Z
from glutheory.commands.names import chosen_network
from glutheory.errors import DerivationError, PrecisionError
from glutheory.networks import Network, network
from glutheory.printing import render, trial
from glutheory.printing.comments import identifier
from glutheory.printing.contents import report
from glutheory.printing.panels import grid
from glutheory.printing.quadrature import python_functions
from glutheory.symbolic.duals import dual
from glutheory.terminal import Terminal
from tests.printing.exported import INTEGRATED
from tests.test_branch_points import NEEDS

Value = Callable[[float, float, float], float]
Point = tuple[float, float, float]
#: What the programs' heads state, between variances of 0.01 and 100.
TOLERANCE = 1e-12
POINTS: tuple[Point, ...] = (
    (2.0, 0.5, 0.3),
    (100.0, 0.01, 0.99),
    (0.01, 0.04, -0.005),
    (1.0, 1.0, 1.0),
    (1.0, 4.0, -2.0),
    (1.0, 1.0, 0.0),
    (0.02, 0.02, 0.019),
    (0.014, 0.014, 0.007),
    (100.0, 25.0, 20.0),
)
FAR = ((100.0, 100.0, 50.0), (100.0, 100.0, 99.9), (100.0, 100.0, -99.99999), (0.01, 100.0, 0.5))
NEAR = (
    (1.0, 1.0, 1 - 1e-4),
    (1.0, 1.0, 1 - 1e-7),
    (1.0, 1.0, 1 - 1e-13),
    (4.0, 1.0, 1.999999998),
    (1.0, 1.001, 1.0004),
)


@dataclass(frozen=True)
class Brought:
    """A function that somebody brings.

    Attributes:
        text: what is typed.
        source: of the need, in one's own words.
        slow: whether a value takes long in Python.
    """

    text: str
    source: str
    slow: bool = False


BROUGHT = (
    *(Brought(need.text, need.source) for need in NEEDS),
    Brought("max(0,z)**1.5", "a gate between ReLU and its square"),
    Brought("max(0,z)**2.5", "a smoother one"),
    Brought("abs(z)**2.5", "the same on both sides"),
    Brought("max(0,z-1)**1.5*tanh(z)", "a threshold that saturates"),
    Brought("atan(20*z)", "a soft sign, steep"),
    Brought("z*tanh(10*(z-1))", "steep elsewhere than at 0"),
    Brought("sin(10*z)*tanh(z)", "features of a high frequency", slow=True),
    Brought("z*heaviside(z-1/3)*tanh(z)", "a jump at a kink that is no decimal number"),
    Brought("max(0,z-sqrt(2))*atan(z)", "a kink that is no rational number"),
)
#: The first three take less than a second in C, the others some; the rest is left to the slow tests.
QUICK = ("hard_tanh", "max(0,z)**1.5", "shifted_relu", "threshold", "softsign", "mish", "atan(20*z)")
_FLAGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2", "-Wno-unused-function")
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
NAMES = [
    pytest.param(name, marks=() if name in QUICK[:3] else pytest.mark.long if name in QUICK else pytest.mark.slow)
    for name in (*INTEGRATED, *(need.text for need in BROUGHT))
]
_SLOW = {need.text for need in BROUGHT if need.slow}


def _network(name: str) -> Network:
    return network(name) if name in INTEGRATED else chosen_network(None, name, False, ())


@cache
def expected(name: str, point: Point) -> tuple[float, float]:
    """S and T, by road 2; of powers near |ρ| = 1, which it leaves, by road 1."""
    act = _network(name).gate
    a, b, c = point
    digits = 15
    if any(grid(act).jumps) and c * c < a * b * (1 - 1e-12):
        # T's ball is as wide as that many digits below 1, far above T where a is small and the jump far out
        digits = 60 if name in INTEGRATED else 30
    try:
        S, T = glu.enclose(act, *point, digits=digits)
    except PrecisionError:
        if name not in ("max(0,z)**1.5", "max(0,z)**2.5", "abs(z)**2.5"):
            raise
        S, T = glu.evaluate(act, *point, digits=15)
    return float(S), float(T)


def scale(name: str, point: Point, which: int) -> float:
    """√(f(a,a,a) f(b,b,b)); where a jump makes it infinite that at the same |ρ|, at |ρ| = 1 the value itself."""
    a, b, c = point
    found = _scale(name, a, which, 1.0) * _scale(name, b, which, 1.0)
    if found == float("inf"):
        rho = abs(c) / (a * b) ** 0.5
        if rho > 1 - 1e-12:
            return abs(expected(name, point)[which])
        found = _scale(name, a, which, rho) * _scale(name, b, which, rho)
    return found


@cache
def _scale(name: str, a: float, which: int, rho: float) -> float:
    return float(abs(expected(name, (a, a, a * rho))[which]) ** 0.5)


def in_python(name: str) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec(compile(render(report(_network(name), digits=6), "python", Terminal()), name, "exec"), scope)  # noqa: S102
    return scope


def in_c(name: str, folder: Path) -> tuple[Value, Value]:
    text = render(report(_network(name), digits=6), "c", Terminal())
    prefix = identifier(_network(name).name)
    for letter in "ST":
        text += f"double own_{letter}(double a, double b, double c);\n"
        text += f"double own_{letter}(double a, double b, double c)\n{{\n    return {prefix}_{letter}(a, b, c);\n}}\n"
    (folder / "own.c").write_text(text)
    command = ("cc", *_FLAGS, "-shared", "-fPIC", "-o", str(folder / "own.so"), str(folder / "own.c"), "-lm")
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(folder / "own.so"))
    functions = library.own_S, library.own_T
    for function in functions:
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * 3
    return functions


def agree(name: str, functions: tuple[Value, Value], points: tuple[Point, ...]) -> None:
    for point in points:
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
    agree(name, (scope["S"], scope["T"]), (POINTS[2:4] if name in _SLOW else (*POINTS[:4], *POINTS[6:8])))
    assert scope["ntk"](2.0, 0.5, 0.3) == pytest.approx(scope["S"](2.0, 0.5, 0.3) + 0.3 * scope["T"](2.0, 0.5, 0.3))


@needs_compiler
@pytest.mark.parametrize("name", NAMES)
def test_c_compiles_without_a_warning_and_agrees(name: str, tmp_path: Path) -> None:
    agree(name, in_c(name, tmp_path), POINTS)


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("name", [name.values[0] for name in NAMES])
def test_c_agrees_far_out(name: str, tmp_path: Path) -> None:
    act = _network(name).gate
    # road 2's work limit, and its reach near |ρ| = 1 beside branch points
    near = name in ("softsign", "gelu_tanh") or grid(act).branches
    points = tuple(p for p in FAR if not near or abs(p[2]) < 99.99)
    agree(name, in_c(name, tmp_path), points)


@needs_compiler
@pytest.mark.long
@pytest.mark.parametrize("name", ["max(0,z)**1.5", "abs(z)**2.5", "hard_tanh", "shifted_relu", "atan(20*z)"])
def test_c_agrees_near_the_line(name: str, tmp_path: Path) -> None:
    agree(name, in_c(name, tmp_path), NEAR)


def test_a_wrong_program_is_caught() -> None:
    """Negative control: the program of another activation."""
    scope = in_python("hard_tanh")
    with pytest.raises(AssertionError):
        agree("relu6", (scope["S"], scope["T"]), POINTS[:1])


@pytest.mark.long
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


def test_the_rule_finds_what_begins_far_out() -> None:
    """(z − 1)₊ at a variance of 0.01, ten standard deviations off; S in closed form."""
    scope = in_python("shifted_relu")
    with mpmath.workdps(40):
        sigma = mpmath.mpf(0.01) ** 0.5
        k = 1 / sigma
        square = sigma**2 * ((1 + k * k) * mpmath.erfc(k / mpmath.sqrt(2)) / 2 - k * mpmath.npdf(k))
    assert scope["S"](0.01, 0.01, 0.01) == pytest.approx(float(square), rel=TOLERANCE)


@pytest.mark.long
def test_a_rounded_kink_has_real_values() -> None:
    """z² − 3 is −4e-16 at the float next to √3, on the side where its power is taken."""
    scope = in_python("max(0,z**2-3)**1.5")
    for kink in scope["_GRID"][1]:
        for z in (kink, math.nextafter(kink, 9), math.nextafter(kink, -9)):
            assert 0 <= scope["_phi"](z) < 1e-22
            assert abs(scope["_slope"](z)) < 1e-6


@pytest.mark.long
def test_panels_follow_the_function() -> None:
    """Short ones beside a steep slope, many of a wave, none that it does not need; branch points where they are."""
    steep, wave = grid(Activation("steep", "atan(20*(z-3))")), grid(Activation("wave", "sin(10*z)*tanh(z)"))
    gaps = {one: other - one for one, other in zip(steep.places, steep.places[1:], strict=False)}
    assert min(gaps, key=gaps.__getitem__) == pytest.approx(3, abs=0.2)
    assert len(wave.places) > 4 * len(steep.places)
    assert grid(glu.activation("hard_tanh")).places == (-1.0, 0.0, 1.0)
    assert [grid(need.act).branches for need in NEEDS] == [
        need.kinks if need.text != "max(0,z)+max(0,z-1)**1.5" else (1.0,) for need in NEEDS
    ]


@pytest.mark.long
def test_what_changes_too_fast_is_refused() -> None:
    with pytest.raises(DerivationError, match="it changes too fast for a quadrature of at most 400 panels"):
        render(report(_network("sin(100*z)*tanh(z)"), digits=6), "c", Terminal())


@pytest.mark.long
def test_a_formula_that_loses_its_digits_is_refused() -> None:
    """20 (1 − tanh²), as it is printed, has no digit where tanh is −1 to rounding, and T at small variances is that."""
    with pytest.raises(DerivationError, match=r"at a = 0.01, b = 0.01, c = 0.005 its quadrature would err by .* of T"):
        render(report(_network("tanh(20*(z-3))"), digits=6), "python", Terminal())


@pytest.mark.long
def test_what_overflows_far_out_is_tried_without_a_warning() -> None:
    """(1 + exp(−z))², which is in the slope, is infinite at z = −360, where the slope is 0; warnings are errors."""
    trial.tried.__wrapped__(_network("elu(z)*sigmoid(z)").gate, "C")


@pytest.mark.parametrize("name", ["max(0,z)**1.5", "atan(20*z)", "shifted_relu"])
def test_a_rule_without_its_accuracy_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: what was printed once, panels that know no branch point, no slope and no reach."""
    act = _network(name).gate
    blind = replace(grid(act), places=grid(act).kinks or (0.0,), branches=())
    monkeypatch.setattr(trial, "grid", lambda _: blind)
    monkeypatch.setattr(trial, "_reach", lambda *_: 9.0)
    with pytest.raises(DerivationError, match="its quadrature would err by"):
        trial.tried.__wrapped__(act, "C")
