"""Stacks in the studies of kernels, of losses and of maps: the twin, the values, and what makes no sense."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import glutheory as glu
from glutheory.activations import Z
from glutheory.dynamics import expected_loss
from glutheory.errors import DomainError
from glutheory.layers import Stack, composed, dense, product, readout
from glutheory.studies.dynamics import Dynamics
from glutheory.studies.dynamics.study import dynamics_study
from glutheory.studies.kernel.study import kernel_study
from glutheory.studies.kernel.text import text as kernel_text
from glutheory.studies.pairs import stack_pair
from glutheory.studies.phase.cells import Task, evaluate, own_gate
from glutheory.studies.phase.study import phase_study
from glutheory.studies.phase.text import text as phase_text
from glutheory.terminal import Terminal

GATED, PLAIN = glu.stack("swiglu", 3), glu.stack("silu", 3)
PLAIN_TERMINAL = Terminal(100)
X = np.random.default_rng(2).standard_normal((12, 4))


@pytest.mark.parametrize("given", [[GATED], [PLAIN], [PLAIN, GATED], [GATED, PLAIN]], ids=len)
def test_the_twin(given: list[Stack]) -> None:
    plain, gated = stack_pair(given)
    assert (plain.layers, gated.layers) == (PLAIN.layers, GATED.layers)
    assert (plain.name, gated.name) == ("silu x 3, rmsnorm, residual", "swiglu x 3, rmsnorm, residual")


def test_twins_of_other_compositions() -> None:
    own = composed(dense(), product("reglu", variance=(2, 3)), readout())
    plain, gated = stack_pair([own])
    assert gated is own
    assert plain.products[0].branches[0].variance == 3
    for stacks, said in (
        ([], "0 stacks are given"),
        ([GATED] * 3, "3 stacks are given"),
        ([GATED, glu.stack("reglu", 2)], "both have gates"),
        ([PLAIN, glu.stack("relu", 2)], "both have no gates"),
    ):
        with pytest.raises(DomainError, match=said):
            stack_pair(stacks)


class TestKernel:
    def test_curves_are_grams_and_their_slopes(self) -> None:
        found = kernel_study([PLAIN, GATED, "relu"], a=1.5, b=0.5, points=5)
        (deep,) = found.stacks  # the pair counts once
        assert len(found.curves) == 1
        x = math.sqrt(4.5) * np.array([[1.0, 0.0, 0.0]])
        for k, rho in enumerate(deep.rho):
            if k % 20:
                continue
            y = math.sqrt(1.5) * np.array([[rho, math.sqrt(1 - rho * rho), 0.0]])
            for stack, nngp, ntk in ((PLAIN, deep.nngp, deep.K), (GATED, deep.nngp_gated, deep.K_gated)):
                for kind, curve in (("nngp", nngp), ("ntk", ntk)):
                    size = math.sqrt(glu.gram(stack, x, kind=kind)[0, 0] * glu.gram(stack, y, kind=kind)[0, 0])
                    # 1 − ρ² loses a digit or two of the angle next to ±1
                    assert curve[k] == pytest.approx(glu.gram(stack, x, y, kind=kind)[0, 0], abs=1e-13 * size)
        at = np.array([-1e-5, 1e-5])
        y = math.sqrt(1.5) * np.stack([at, np.sqrt(1 - at * at), 0 * at], axis=1)
        wanted = [
            float(np.diff(glu.gram(stack, x, y, kind=kind)[0])[0]) / 2e-5
            for kind in ("nngp", "ntk")
            for stack in (PLAIN, GATED)
        ]
        assert deep.slopes == pytest.approx(wanted, rel=1e-8)

    def test_normalised_and_said(self) -> None:
        found = kernel_study([GATED], points=3, normalised=True)
        (deep,) = found.stacks
        assert [float(column[-1]) for column in deep.columns] == [1, 1, 1, 1]
        page = kernel_text(found, PLAIN_TERMINAL)
        assert "swiglu x 3, rmsnorm, residual (Σ̃, K̃)" in page
        assert "S = E[" not in page
        assert found.as_json()["stacks"][0]["gated"] == GATED.name
        with pytest.raises(DomainError, match="a difference of infinite terms"):
            kernel_study([glu.stack("step", 2)], points=3, normalised=True)

    def test_a_jump_elsewhere_is_refused(self) -> None:
        jump = glu.Activation("z*heaviside(z-1/2)", Z * sp.Heaviside(Z - sp.Rational(1, 2)))
        with pytest.raises(DomainError, match="jumps elsewhere than at 0"):
            kernel_study([glu.stack(jump, 1)], points=3)


class TestDynamics:
    def test_the_loss_is_that_of_the_stacks_kernels(self) -> None:
        y = np.sin(X[:, 0])
        found = dynamics_study([GATED], X, y, rate=0.01, steps=50)
        assert isinstance(found, Dynamics)
        for side, stack in zip(found.sides, (PLAIN, GATED), strict=True):
            nngp, ntk = glu.gram(stack, X, kind="both", parametrization="standard", width=1000)
            wanted = expected_loss(ntk, nngp, y).descent(np.array([0.0, 20.0]), 2 * 0.01 / 12) / 12
            np.testing.assert_allclose(side.loss([0, 20], 0.01), wanted, rtol=1e-10)
            assert side.width == 1000  # of every layer, in both
        assert found.as_json()["networks"][1]["network"] == GATED.name

    def test_what_makes_no_sense(self) -> None:
        with pytest.raises(DomainError, match="trained with one hidden layer"):
            dynamics_study([GATED], X, seeds=1)
        with pytest.raises(DomainError, match="is a stack and 'relu' is none"):
            dynamics_study([GATED, "relu"], X)


class TestPhase:
    def test_cells_are_those_of_the_kernels(self) -> None:
        found = phase_study(GATED, sizes=[8, 16], dimensions=[3], kind="ntk", draws=1)
        assert (found.plain, found.gate, found.deep) == (PLAIN.name, GATED.name, True)
        cell = evaluate(Task("gaussian", own_gate(GATED), "ntk", 16, 3), gate=GATED)
        rows = np.random.default_rng([0, 0, 3]).standard_normal((16, 3))
        wanted = [glu.condition_number(glu.gram(stack, rows)).value for stack in (PLAIN, GATED)]
        assert [cell.plain.value, cell.gated.value] == pytest.approx(wanted, rel=1e-9)
        assert found.spots[1].ratio == pytest.approx(wanted[0] / wanted[1], rel=1e-9)
        # the theorem is about two layers
        assert math.isnan(cell.certificate)
        assert (found.crossings, found.certified) == ((), ())
        page = phase_text(found, PLAIN_TERMINAL)
        assert "no boundary is predicted, and nothing is certified" in page

    def test_finished_cells_are_of_one_stack(self, tmp_path: Path) -> None:
        options = {"sizes": [8], "dimensions": [3], "draws": 1, "folder": tmp_path}
        first = phase_study(GATED, **options)  # type: ignore[arg-type]
        other = phase_study(glu.stack("swiglu", 4), **options)  # type: ignore[arg-type]
        again = phase_study(glu.stack("swiglu", 3), **options)  # type: ignore[arg-type]
        assert first.spots[0].ratio == again.spots[0].ratio != other.spots[0].ratio

    def test_a_stack_without_gates_is_refused(self) -> None:
        with pytest.raises(DomainError, match=r"has no gates: use 'swiglu x 3, rmsnorm, residual'"):
            phase_study(PLAIN)
