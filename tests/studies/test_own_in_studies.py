"""What `kernel`, `spectrum`, `dynamics` and `phase` say of a user's own activations, against brute-force kernels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

import glutheory as glu
from glutheory.activations import Z
from glutheory.networks import Network, partner
from glutheory.studies.dynamics.study import dynamics_study
from glutheory.studies.kernel import kernel_study
from glutheory.studies.phase import charts, phase_study
from glutheory.studies.phase.cells import Task, evaluate, own_gate, points
from glutheory.studies.spectrum.predictions import _degree, predict
from glutheory.studies.spectrum.study import spectrum_study
from tests.own_formulas import CASES, FORMULAS, Formula, kernels, pair

#: Rows of moderate angles, as the brute force needs them.
X = np.array([[1.5, 0.2, 0.1], [0.3, -1.2, 0.8], [-0.9, 0.4, 1.1], [0.2, 1.1, 1.0]])
Y = np.array([1.0, -0.5, 0.3, 0.8])
#: A φ that has no evaluator made by hand, homogeneous of degree 3/2.
ROOT = glu.Activation("root", sp.Max(0, Z) ** sp.Rational(3, 2))


def _network(formula: Formula, gated: bool) -> Network:
    return formula.gated if gated else formula.plain


@CASES
def test_the_curves(formula: Formula, gated: bool) -> None:
    """At unlike variances; T is had from c·T but at ρ = 0, where it is the product of the means of φ'."""
    a, b = 0.8, 1.7
    (found,) = kernel_study([_network(formula, gated)], a=a, b=b, points=11).curves
    assert (found.plain, found.gated) == (formula.plain.name, formula.gated.name)
    root = math.sqrt(a * b)
    ends = [[abs(part) for part in pair(formula, math.sqrt(v), math.sqrt(v), 0.8)] for v in (a, b)]
    size = math.sqrt(sum(ends[0]) * sum(ends[1])) * 4
    checked = 0
    for rho, S, T, K, gate in list(zip(found.rho, *found.columns, strict=True))[::9]:
        if abs(rho) > 0.8:
            continue
        checked += 1
        wanted = pair(formula, math.sqrt(a), math.sqrt(b), float(rho))
        c = rho * root
        assert pytest.approx(wanted[0], abs=1e-12 * size) == S
        assert c * T == pytest.approx(wanted[1], abs=1e-12 * size)
        assert pytest.approx(sum(wanted), abs=1e-12 * size) == K
        assert gate == pytest.approx(c * (2 * wanted[0] + wanted[1]), abs=1e-12 * size)
    assert checked > 10
    slope = (
        pair(formula, math.sqrt(a), math.sqrt(b), 1e-3)[0] - pair(formula, math.sqrt(a), math.sqrt(b), -1e-3)[0]
    ) / 2e-3
    assert found.slopes[0] == pytest.approx(slope, abs=1e-5 * size)
    (middle,) = np.flatnonzero(found.rho == 0)
    assert found.T[middle] * root == pytest.approx(found.slopes[0], rel=1e-12, abs=1e-15)


@CASES
def test_eigenvalues(formula: Formula, gated: bool) -> None:
    """Their error bounds hold what gram promises, 1e-12 of the trace; both networks together are a pair."""
    kind = "nngp" if formula.jumps else "ntk"
    study = spectrum_study([_network(formula, gated)], X, kind=kind, parametrization="ntk", width=None)
    K = kernels(formula, X, gated)[kind]
    wanted = np.linalg.eigvalsh(K)[::-1]
    (item,) = study.networks
    assert 1e-12 * np.trace(K) <= item.error <= 1e-11 * np.trace(K)
    np.testing.assert_allclose(item.values, wanted, rtol=0, atol=item.error)
    assert item.condition.low <= wanted[0] / wanted[-1] <= item.condition.high
    assert item.plain == (formula.plain.name if gated else "")


def test_a_pair_is_found_by_its_activation() -> None:
    """Also under another name; and an activation that is called relu is not taken for the zoo's."""
    own = FORMULAS["hard tanh"].plain
    named = Network("clipped", own.branches)
    (found,) = spectrum_study([named, glu.gated(own.gate)], X, parametrization="ntk", width=None).pairs
    assert (found.plain, found.gated) == ("clipped", "gated max(-1,min(1,z))")
    twice = glu.Activation("relu", 2 * sp.Max(0, Z))
    assert spectrum_study([glu.product(twice), "reglu"], X, parametrization="ntk", width=None).pairs == ()
    with pytest.raises(glu.DomainError, match="two different networks are called 'relu'"):
        spectrum_study([glu.product(twice), "relu"], X, parametrization="ntk", width=None)
    (curves,) = kernel_study([glu.product(twice)], points=3).curves
    (usual,) = kernel_study(["relu"], points=3).curves
    np.testing.assert_allclose(curves.S, 4 * usual.S, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    ("name", "other"),
    [("silu", "swiglu"), ("mish", "mish_glu"), ("swiglu", "silu"), ("mish_glu", "mish"), ("glu", "sigmoid")],
)
def test_partners_in_the_zoo(name: str, other: str) -> None:
    assert partner(name) == glu.network(other)


def test_partners_of_others() -> None:
    own, leaky = FORMULAS["mish"].plain, glu.product(glu.activation("leaky_relu", slope="0.2"))
    for net in (own, leaky):
        assert partner(net) == glu.gated(net.gate)
        assert partner(partner(net)) == net
    with pytest.raises(glu.DomainError, match="a product of 2 branches"):
        partner(glu.product("relu", "gelu"))
    with pytest.raises(glu.DomainError, match="a product of 2 branches"):
        kernel_study([glu.product("relu", "gelu")])


@CASES
def test_expected_losses(formula: Formula, gated: bool) -> None:
    """E = y'P y + tr(P Σ) over n with P = (1 − 2·rate/n K)^(2t), from brute-force kernels."""
    run: Any = lambda: dynamics_study(  # noqa: E731
        [_network(formula, gated)], X, Y, parametrization="ntk", rate=0.05, steps=40
    )
    if formula.jumps:
        with pytest.raises(glu.DomainError, match="an activation jumps"):
            run()
        return
    found = run()
    assert [side.network for side in found.sides] == [formula.plain, formula.gated]
    for side, gate in zip(found.sides, (False, True), strict=True):
        K = kernels(formula, X, gate)
        step = np.eye(4) - 2 * 0.05 / 4 * K["ntk"]
        for t in (0, 1, 7, 40):
            power = np.linalg.matrix_power(step, 2 * t)
            wanted = (np.trace(power @ K["nngp"]) + Y @ power @ Y) / 4
            assert side.loss(t, 0.05) == pytest.approx(wanted, rel=1e-11)
        assert side.error == 1e-12


@CASES
def test_a_cell_of_the_map(formula: Formula, gated: bool) -> None:
    """cond(K)/cond(K̃) of rows in 40 dimensions, whose angles are moderate; only gated networks have a map."""
    if not gated:
        with pytest.raises(glu.DomainError, match="is not gated: use 'gated"):
            phase_study(formula.plain)
        return
    found = phase_study(formula.gated, sizes=[5], dimensions=[40], draws=1)
    (spot,) = found.spots
    rows = points(Task("gaussian", own_gate(formula.gated), "wide", 5, 40))
    conditions = [np.linalg.cond(kernels(formula, rows, gate)["nngp"]) for gate in (False, True)]
    assert spot.ratio == pytest.approx(conditions[0] / conditions[1], rel=1e-10)
    assert (found.gate, found.plain) == (formula.gated.name, formula.plain.name)
    # what is predicted of the zoo's gates is not promised of others
    assert found.certified == found.crossings == ()
    assert len(charts(found)) == 1


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_map_goes_on_where_it_was_and_knows_its_gate(processes: int, tmp_path: Path) -> None:
    one, other = FORMULAS["hard tanh"].gated, FORMULAS["mish"].gated
    known: dict[str, list[float]] = {}
    for gate in (one, other, one):
        found = phase_study(gate, sizes=[4, 6], dimensions=[8], draws=1, folder=tmp_path, processes=processes)
        ratios = [spot.ratio for spot in found.spots]
        assert known.setdefault(gate.name, ratios) == ratios
    assert known[one.name] != known[other.name]
    assert len(list(tmp_path.iterdir())) == 4
    task = Task("gaussian", own_gate(one), "wide", 4, 8)
    for wrong in (None, other):
        with pytest.raises(glu.DomainError, match="the user's own: give it"):
            evaluate(task, None, wrong)


def test_what_a_linear_gate_cannot_resolve_is_said() -> None:
    """Of rank d and d(d+1)/2, as the bilinear network is."""
    found = phase_study(glu.gated(glu.Activation("twice", 2 * Z)), sizes=[8], dimensions=[3], draws=1)
    (cell,) = found.spots[0].draws
    assert math.isinf(cell.plain.value)
    assert math.isinf(cell.gated.value)


def test_degrees_of_kernels() -> None:
    assert _degree(glu.product("relu2")) == 2
    assert _degree(FORMULAS["hard tanh"].plain) is None
    # nothing of it is within reach at a variance of 1
    assert _degree(glu.product(glu.Activation("far", sp.Max(0, Z - 100)))) is None


@pytest.mark.slow
def test_a_degree_need_not_be_an_integer() -> None:
    """max(0, z)^1.5: the diagonal is ‖x‖³, by which rows are normalised; another power misses by far."""
    assert _degree(glu.product(ROOT)) == sp.Rational(3, 2)
    rows = 2.0 * np.random.default_rng(0).standard_normal((300, 30))
    found = predict(glu.product(ROOT), rows, "nngp", "ntk", None)
    measured = np.linalg.eigvalsh(glu.gram(glu.product(ROOT), rows, kind="nngp"))
    assert not isinstance(found, str)
    # limits for n, d → ∞: the largest fluctuates by 1/√n, the ends of the bulk by some n^(−2/3) beside terms in 1/d
    assert found.largest == pytest.approx(measured[-1], rel=0.06)
    assert found.second == pytest.approx(measured[-2], rel=0.2)
    assert found.smallest == pytest.approx(measured[0], rel=0.2)
    (curves,) = kernel_study([glu.product(ROOT)], points=3).curves
    # E[max(0, u)³] = √(2/π) and E[9/4 max(0, u)] = 9/4 /√(2π)
    assert curves.S[-1] == pytest.approx(math.sqrt(2 / math.pi), rel=1e-12)
    assert curves.T[-1] == pytest.approx(2.25 / math.sqrt(2 * math.pi), rel=1e-12)
