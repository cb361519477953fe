"""The recursion of deep kernels against matrices of stacks, textbook constants, balls, and the levels of two layers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from checks.tools.deep_balls import enclosed, recursion
from checks.tools.deep_kernels import Block, Rule, ends, flow, image, numbers, size
from checks.tools.deep_pairs import by_pairs, cosines, partners, same
from checks.tools.deep_spectra import Cell, measured, net, predicted
from glutheory.layers import stack
from glutheory.numeric import gram, grams_by_depth
from glutheory.spectra import Equivalent, Levels, funk_hecke

DEPTHS = (1, 3, 6)


def test_the_numbers_of_relu_and_gelu() -> None:
    found = numbers("relu")
    assert (found.square, found.mean, found.slope, found.linear) == pytest.approx(
        (1 / 2, 1 / math.pi, 1, 1 / 2), rel=1e-14
    )
    gelu = numbers("gelu")
    # E gelu² = 1/3 + 1/(2π√3), E gelu = 1/(2√π), E gelu' = 1/2
    square = 1 / 3 + 1 / (2 * math.pi * math.sqrt(3))
    assert gelu.square == pytest.approx(square, rel=1e-14)
    assert gelu.mean == pytest.approx(1 / (4 * math.pi) / square, rel=1e-14)
    assert gelu.linear == pytest.approx(1 / 4 / square, rel=1e-14)


@pytest.mark.parametrize("plain", ["silu", "sigmoid", "tanh"])
def test_the_numbers_of_the_others_by_quadrature(plain: str) -> None:
    z, weights = np.polynomial.hermite_e.hermegauss(180)
    weights = weights / np.sum(weights)
    s = 1 / (1 + np.exp(-z))
    value, slope = {
        "silu": (z * s, s + z * s * (1 - s)),
        "sigmoid": (s, s * (1 - s)),
        "tanh": (np.tanh(z), 1 - np.tanh(z) ** 2),
    }[plain]
    square = float(weights @ value**2)
    found = numbers(plain)
    # poles at ±iπ/2 and ±iπ: 180 nodes leave less than 1e-8
    assert found.square == pytest.approx(square, rel=1e-8)
    assert found.mean == pytest.approx(float(weights @ value) ** 2 / square, rel=1e-7, abs=1e-14)
    assert found.slope == pytest.approx(float(weights @ slope**2) / square, rel=1e-6)
    assert found.linear == pytest.approx(float(weights @ slope) ** 2 / square, rel=1e-7)


@pytest.mark.parametrize("gate", ["reglu", "geglu", "swiglu", "glu", "gtu"])
@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("centred", [False, True])
def test_the_ends_are_those_of_the_map(gate: str, gated: bool, centred: bool) -> None:
    block = Block(gate, gated, centred)
    f, slope = image(block, np.array([0.0, 1.0]))
    assert (f[0], slope[0], slope[1]) == pytest.approx(ends(block), rel=1e-12, abs=1e-14)
    assert f[1] == pytest.approx(1, rel=1e-14)


@pytest.mark.parametrize("norm", ["rms", None])
@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize(
    "block", [Block("reglu", False), Block("reglu", True), Block("swiglu", False), Block("glu", True)]
)
def test_pairs_are_those_of_the_stack(block: Block, residual: bool, norm: str | None) -> None:
    """Rows of different norms, but for activations that are not homogeneous without norms."""
    X = np.random.default_rng(1).standard_normal((12, 5))
    if norm is None and block.gate != "reglu":
        X *= math.sqrt(5) / np.linalg.norm(X, axis=1, keepdims=True)
    q = np.mean(X * X, axis=1)
    rho = np.clip(X @ X.T / 5 / np.sqrt(np.outer(q, q)), -1, 1)
    found = dict(flow(block, rho, DEPTHS, residual=residual, norm=norm, sides=(q[:, None], q)))
    made = grams_by_depth(stack(net(block), 1, residual=residual, norm=norm), X, DEPTHS, threads=1)
    off = ~np.eye(12, dtype=bool)
    for depth in DEPTHS:
        K = found[depth].ntk if norm else found[depth].kernel
        scale = np.sqrt(np.outer(*[np.diag(made[depth][1])] * 2))
        # both carry a dozen roundings a block, and the cosine one
        assert np.max(np.abs(K - made[depth][1])[off] / scale[off]) < 1e-13


@pytest.mark.parametrize(
    "rule", [Rule(fresh=1), Rule(slope=False), Rule(degrees=0), Rule(degrees=2), Rule(stream=False)]
)
def test_wrong_rules_are_other_kernels(rule: Rule) -> None:
    block = Block("swiglu", True)
    (_, right), (_, wrong) = (next(flow(block, np.array([0.4]), (2,), rule=one)) for one in (Rule(), rule))
    assert abs(float(right.ntk[0] / wrong.ntk[0]) - 1) > 0.05


@pytest.mark.long
@pytest.mark.parametrize("gated", [False, True])
def test_centred_stacks_are_stacks_of_the_centred_activation(gated: bool) -> None:
    block, rows = Block("geglu", gated, True), Cell("gaussian", Block("geglu", gated, True), 20, 6, 3, (1, 4))
    found = grams_by_depth(stack(net(block), 1), rows.rows(), (1, 4), threads=1)
    rho, q = cosines(rows)
    for depth, deep in flow(block, rho, (1, 4), sides=(q[:, None], q)):
        assert np.max(np.abs(deep.ntk - found[depth][1])) < 1e-11 * np.max(deep.ntk)


@pytest.mark.long
def test_the_recursion_in_balls_is_that_in_floats_and_contains_the_enclosure() -> None:
    for block in (Block("reglu", False), Block("swiglu", True), Block("reglu", True, True)):
        for residual in (True, False):
            balls = recursion(block, Fraction(1, 4), 2, residual)
            floats = dict(flow(block, np.array([0.25]), (1, 2), residual=residual))
            for depth, ball in balls.items():
                assert float(ball.mid()) == pytest.approx(float(floats[depth].ntk[0]), rel=1e-12)
                assert ball.overlaps(enclosed(block, Fraction(1, 4), depth, residual))


@pytest.mark.long
@pytest.mark.parametrize("name", ["relu", "reglu"])
def test_one_block_has_the_levels_of_two_layers(name: str) -> None:
    """K_1 is 2/v of the two-layer NTK: its levels are exact rational combinations of π (Funk and Hecke)."""
    n, d = 300, 40
    levels = funk_hecke(name, d, 4)
    total = float(gram(name, np.full((1, 1), 1.0))[0, 0])
    shares = [item.value for item in levels]
    floor = total - sum(item.value * item.multiplicity for item in levels)
    sizes = tuple(item.multiplicity for item in levels[1:])
    limit = Equivalent(Levels(n, tuple(shares[1:]), sizes, floor), n * shares[0])
    (found,) = predicted(Block("reglu", name == "reglu"), n, d, (1,), False)
    claimed = [x / total for x in (limit.largest, limit.second, limit.smallest)]
    # more levels have a bulk of their own there
    assert [found.first, found.second, found.last] == pytest.approx(claimed, rel=5e-3)


def test_spectra_by_pairs_are_those_of_the_matrix_and_not_of_another() -> None:
    cell = Cell("gaussian", Block("swiglu", True), 30, 8, 2, (1, 4))
    for one, other in zip(measured(cell), by_pairs(cell, cell.block), strict=True):
        assert same(one, other, cell.n)
    for one, other in zip(measured(cell), by_pairs(cell, Block("swiglu", False)), strict=True):
        assert not same(one, other, cell.n)


def test_partners_have_one_data_set() -> None:
    cells = [Cell("sphere", Block(gate, gated), 20, 8, 1, (1,)) for gate in ("reglu", "glu") for gated in (False, True)]
    found = partners(cells)
    assert [(a.block.gate, a.block.gated, b.block.gated) for a, b in found] == [
        ("reglu", False, True),
        ("glu", False, True),
    ]
    assert all(np.array_equal(a.rows(), b.rows()) for a, b in found)


def test_the_share_that_centring_takes() -> None:
    assert size(Block("reglu", False, True)) == pytest.approx(1 / 2 - 1 / (2 * math.pi), rel=1e-14)
    # at twice the mean nothing is lost
    assert size(Block("reglu", False, True), Rule(centre=2)) == pytest.approx(1 / 2, rel=1e-14)
