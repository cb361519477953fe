"""--activation of `kernel`, `spectrum`, `dynamics` and `phase`: what is printed is right, a mistake is one sentence."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glutheory.studies.phase.cells import Task, own_gate, points
from tests.commands.command_line import bad, good
from tests.own_formulas import FORMULAS, kernels, pair

HARD, MISH, JUMP = (FORMULAS[name] for name in ("hard tanh", "mish", "jump"))
ROWS = np.array([[1.5, 0.2, 0.1], [0.3, -1.2, 0.8], [-0.9, 0.4, 1.1], [0.2, 1.1, 1.0]])


def _record(*arguments: str) -> Any:
    return json.loads(good(*arguments, "--json"))


@pytest.fixture
def rows(tmp_path: Path) -> str:
    file = tmp_path / "rows.csv"
    np.savetxt(file, np.column_stack([ROWS, ROWS.sum(axis=1)]), delimiter=",", header="a,b,c,y", comments="")
    return str(file)


def test_kernel() -> None:
    """Two formulas beside a name; at ρ = 1/2 and unit variances."""
    found = _record("kernel", "relu", "--activation", HARD.text, "--activation", JUMP.text, "--points", "5")["curves"]
    assert [item["plain"] for item in found] == ["relu", HARD.text, JUMP.text]
    for item, formula in zip(found[1:], (HARD, JUMP), strict=True):
        place = item["rho"].index(0.5)
        S, cT = pair(formula, 1.0, 1.0, 0.5)
        assert (item["S"][place], item["T"][place]) == pytest.approx((S, 2 * cT), rel=1e-12)
        assert item["K_gated"][place] == pytest.approx(S + cT / 2, rel=1e-12)


def test_spectrum_of_a_file(rows: str) -> None:
    arguments = ("--data", rows, "--target", "y", "--parametrization", "ntk")
    found = _record("spectrum", "--activation", MISH.text, *arguments)
    assert [item["network"] for item in found["networks"]] == [MISH.plain.name, MISH.gated.name]
    assert [(pair["plain"], pair["gated"]) for pair in found["pairs"]] == [(MISH.plain.name, MISH.gated.name)]
    for item, gated in zip(found["networks"], (False, True), strict=True):
        wanted = np.linalg.eigvalsh(kernels(MISH, ROWS, gated)["ntk"])[::-1]
        np.testing.assert_allclose(item["eigenvalues"], wanted, rtol=1e-11)


def test_dynamics_of_a_file(rows: str) -> None:
    found = _record("dynamics", "--activation", MISH.text, "--data", rows, "--target", "y", "--parametrization", "ntk")
    for item, gated in zip(found["networks"], (False, True), strict=True):
        K, y = kernels(MISH, ROWS, gated), ROWS.sum(axis=1)
        assert item["network"] == (MISH.gated if gated else MISH.plain).name
        assert item["initial"] == pytest.approx((np.trace(K["nngp"]) + y @ y) / 4, rel=1e-11)
        values = np.linalg.eigvalsh(K["ntk"])
        assert item["condition"]["value"] == pytest.approx(values[-1] / values[0], rel=1e-9)


def test_phase() -> None:
    found = _record("phase", "--activation", HARD.text, "--n", "5", "--d", "40", "--draws", "1", "--jobs", "1")
    X = points(Task("gaussian", own_gate(HARD.gated), "wide", 5, 40))
    ends = [np.linalg.cond(kernels(HARD, X, gated)["nngp"]) for gated in (False, True)]
    assert found["cells"][0]["ratio"] == pytest.approx(ends[0] / ends[1], rel=1e-10)
    assert (found["plain"], found["gated"]) == (HARD.plain.name, HARD.gated.name)


@pytest.mark.slow
def test_figures_and_pages_bear_long_formulas(tmp_path: Path) -> None:
    text = "max(-1,min(1,z))" + " + max(-1,min(1,z))/4" * 4
    for name, *more in (
        ("kernel", "--points", "3"),
        ("spectrum", "--n", "12", "--d", "3"),
        ("dynamics", "--n", "12", "--d", "3"),
    ):
        out = tmp_path / f"{name}.svg"
        page = good(name, "--activation", text, *more, "--out", str(out))
        assert " ".join(text.split())[:30] in page
        assert out.stat().st_size > 1000


def test_equal_opposite_and_zero_rows(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("1,2\n1,2\n-1,-2\n0,0\n3,1\n")
    for command in ("spectrum", "dynamics"):
        found = _record(command, "--activation", HARD.text, "--data", str(file))
        assert all(math.isinf(float(item["condition"]["value"])) for item in found["networks"])
        assert all("equal up to sign" in item["condition"]["reason"] for item in found["networks"])


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("spectrum", "--activation", "z*heaviside(z-"), "no complete formula"),
        (("spectrum", "--activation", ""), "it is empty"),
        (("kernel", "--activation", "3"), "does not depend on z"),
        (("kernel", "--activation", "foo(z)"), "unknown function 'foo'"),
        (("kernel", "--activation", "__import__('os')"), "expression"),
        (("phase", "--activation", "max(0,sin(z))", "--n", "4", "--d", "2", "--jobs", "1"), "roots of straight lines"),
        (("spectrum", "--activation", JUMP.text, "--n", "8", "--d", "2"), "use --kind nngp"),
        (("kernel", "--activation", JUMP.text, "--normalise"), "infinite at ρ = 1"),
        (("dynamics", "--activation", JUMP.text, "--n", "8", "--d", "2"), "since an activation jumps"),
        (("phase", "--activation", JUMP.text, "--kind", "ntk", "--n", "4", "--d", "2", "--jobs", "1"), "infinite"),
        (("dynamics", "relu", "--activation", HARD.text), "give one of the two"),
        (("phase", "reglu", "--activation", HARD.text), "give one of the two"),
        (("phase", "mish"), "is not gated: use 'mish_glu'"),
        (("dynamics", "relu", "gelu"), "both non-gated"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], message: str) -> None:
    assert message in bad(*arguments)


def test_what_grows_or_wiggles_too_fast_for_the_rows_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("1e6,2\n3,4e6\n")
    for text in (HARD.text, MISH.text):
        assert "scale the rows down" in bad(
            "spectrum", "--activation", text, "--data", str(file), "--parametrization", "ntk"
        )
