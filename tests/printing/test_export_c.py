"""Exports to C: compiled without a warning, values as certified."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import mpmath
import pytest
from click.testing import CliRunner

from glutheory.activations import Activation
from glutheory.derive import derive
from glutheory.networks import network_names
from glutheory.printing.comments import identifier
from glutheory.printing.contents import report
from glutheory.printing.program import program
from glutheory.symbolic.duals import MIXTURE, dual
from tests.printing.exported import _UNIT, CLOSED, NETWORKS, OWN, compiled, exact, in_python, text

#: (a, b, c): ordinary ones; ρ = ±1 and near; small, large and very different variances.
POINTS = (
    (1.0, 1.0, 0.5),
    (2.0, 0.5, -0.25),
    (1.0, 1.0, 1.0),
    (4.0, 0.25, -1.0),
    (4.0, 0.25, 1 - 2.0**-30),
    (4.0, 0.25, -1 + 2.0**-40),
    (2.0**-40, 2.0**-41, 2.0**-42),
    (2.0**18, 2.0**18, 2.0**18 - 2.0**-6),
    (2.0**-60, 2.0**60, -0.5),
)
QUICK = POINTS[:1] + POINTS[3:5] + POINTS[6::2]
WIDE = tuple(
    (a, b, float(f"{rho}") * (a * b) ** 0.5)
    for a, b in ((2.0**-158, 2.0**-158), (2.0**158, 2.0**158), (2.0**-158, 2.0**158), (2.0**-158, 1.0))
    for rho in (1, -1, 0.5, 1 - 2.0**-30)
)


def scales(act: Activation, a: float, b: float) -> list[mpmath.mpf]:
    """√(f(a,a,a) f(b,b,b)) for f = S, T: the size of what a rounding error is relative to."""
    return [mpmath.sqrt(first * second) for first, second in zip(exact(act, a, a, a), exact(act, b, b, b), strict=True)]


def assert_close(name: str, point: tuple[float, float, float], values: tuple[float, float], roundings: int) -> None:
    """S and T within this many roundings of their scale; of the value itself where T is infinite at ρ = 1."""
    act = NETWORKS[name].branches[-1]
    a, b, _ = point
    for value, true, scale in zip(values, exact(act, *point), scales(act, a, b), strict=True):
        if mpmath.isinf(true) or true > 1e308:
            assert value == float("inf")
            continue
        size = abs(true) if mpmath.isinf(scale) or scale > 1e308 else scale
        # an exponent of size x is rounded to x·2⁻⁵³, which is a relative error of the exponential
        exponents = a + b if name in ("sin", "cos", "exp") else 0
        assert abs(value - true) <= roundings * _UNIT * (1 + exponents) * size, (name, point, value, true)


_DRIVER = """
#include <stdio.h>
%s
static const double points[][3] = {%s};
int main(void)
{
    unsigned int k;
    for (k = 0; k < sizeof points / sizeof *points; k++) {
        const double a = points[k][0], b = points[k][1], c = points[k][2];
        %s
    }
    return 0;
}
"""
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler (cc) is installed")


def run_in_c(folder: Path, names: list[str], points: tuple[tuple[float, ...], ...]) -> dict[str, list[list[float]]]:
    """[S, T, nngp, ntk] of each network at each point, all networks compiled at once."""
    includes, calls = [], []
    for i, name in enumerate(names):
        (folder / f"kernel{i}.c").write_text(text(name, "c"), encoding="ascii")
        includes.append(f'#include "kernel{i}.c"')
        prefix = identifier(NETWORKS[name].name)
        values = ", ".join(f"{prefix}_{f}(a, b, c)" for f in ("S", "T", "nngp", "ntk"))
        calls.append(f'printf("%.17g %.17g %.17g %.17g\\n", {values});')
    rows = ", ".join("{" + ", ".join(map(repr, point)) + "}" for point in points)
    (folder / "all.c").write_text(_DRIVER % ("\n".join(includes), rows, "\n        ".join(calls)), encoding="ascii")
    done = subprocess.run([compiled(folder, folder / "all.c")], capture_output=True, text=True, check=True)
    lines = iter(done.stdout.splitlines())
    table: dict[str, list[list[float]]] = {name: [] for name in names}
    for _ in points:
        for name in names:
            table[name].append([float(word) for word in next(lines).split()])
    return table


def compare(folder: Path, names: list[str], points: tuple[tuple[float, float, float], ...], mixed: int) -> None:
    """C against Python and against the derived formula in ball arithmetic; a mixture at this many points only."""
    table = run_in_c(folder, names, points)
    for name, rows in table.items():
        scope, own_gate = in_python(name), dual(NETWORKS[name].branches[-1])
        careful = "subtractions" not in program(report(NETWORKS[name], digits=6), "C").accuracy
        few = mixed if own_gate.method == MIXTURE else None if careful else 4
        for point, (S, T, nngp, ntk) in list(zip(points, rows, strict=True))[:few]:
            c = point[2]
            whole = (c * S, 2 * c * S + c**2 * T) if NETWORKS[name].gated else (S, S + c * T)
            assert (nngp, ntk) == pytest.approx(whole, rel=4 * _UNIT, nan_ok=True)
            if max(point) > 1000 and name in ("exp", "combined erf + exp", "combined cosh(z/2)"):
                continue  # beyond the range of floats, where Python raises OverflowError
            # the same operations in the same order; constants such as erf(1) are the compiler's in C
            assert pytest.approx((scope["S"](*point), scope["T"](*point)), rel=4 * _UNIT) == (S, T)
            # c·angle, the root term, their sum, the quotient and the angle's own error; where like terms are
            # subtracted, the points are ordinary and a few hundred roundings are allowed
            assert_close(name, point, (S, T), 4 if careful else 400)


@pytest.mark.long
@needs_compiler
def test_c_compiles_without_a_warning_and_agrees(tmp_path: Path) -> None:
    compare(
        tmp_path,
        [
            *(name for name in network_names() if name in NETWORKS),
            *(name for name in OWN if name in CLOSED),
            "slope",
            "huge",
        ],
        QUICK,
        mixed=1,
    )


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("points", [POINTS, WIDE], ids=["near and far", "norms from 1e-24 to 1e24"])
def test_c_agrees_everywhere(points: tuple[tuple[float, float, float], ...], tmp_path: Path) -> None:
    compare(tmp_path, list(NETWORKS), points, mixed=len(points))


@needs_compiler
def test_the_example_in_c_runs(tmp_path: Path) -> None:
    target = tmp_path / "swiglu.c"
    done = CliRunner().invoke(derive, ["swiglu", "--format", "c", "--out", str(target)])
    assert (done.exit_code, done.output) == (0, "")
    command = [compiled(tmp_path, target, "-DGLUTHEORY_EXAMPLE")]
    head, first, *_ = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert head.split() == ["a", "b", "c", "nngp", "ntk"]
    scope = in_python("swiglu")
    values = [scope["nngp"](1.0, 1.0, 0.5), scope["ntk"](1.0, 1.0, 0.5)]
    assert [float(word) for word in first.split()[3:]] == pytest.approx(values, rel=4 * _UNIT)


@needs_compiler
def test_a_covariance_that_rounding_made_too_large_is_taken_for_the_largest(tmp_path: Path) -> None:
    point = (2.0, 2.0, 2.0 + 2.0**-51)
    ((S, T, _, _),) = run_in_c(tmp_path, ["relu"], (point,))["relu"]
    assert pytest.approx((1.0, 0.5), rel=4 * _UNIT) == (S, T)
    assert in_python("relu")["T"](*point) == T
