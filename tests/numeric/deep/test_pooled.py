"""gram of stacks that go on behind the mean over positions, against enclosures from matrices of inner products."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import glutheory as glu
from glutheory.errors import DomainError
from glutheory.layers import Stack, composed, dense, layernorm, positions, product, readout, residual, rmsnorm, scale
from glutheory.numeric.deep.pooled import PROMISED
from glutheory.quadrature.stacks import enclose_stack
from glutheory.symbolic import derivation

#: Three sequences of two positions, and one of three, d = 3.
X = np.array([[[1, 0, 2], [0, 1, 1]], [[1, 1, 0], [-1, 2, 1]], [[2, 0, 0], [0.5, 0.5, 1]]], dtype=float)
Y = np.array([[[1, 0.25, 2], [0, 1, 1], [3, -1, 0]]])
BLOCK = residual(rmsnorm(), product("reglu"), dense())

STACKS: dict[str, Stack] = {
    "a norm": composed(dense(), positions(), rmsnorm(True), readout()),
    "a hidden layer": composed(dense(), BLOCK, positions(), product("relu"), readout()),
    "a classifier": composed(
        dense(), BLOCK, rmsnorm(), positions(), rmsnorm(), product("gelu"), dense(2, 1), readout()
    ),
    "blocks": composed(dense(), positions(), BLOCK, residual(layernorm(), product("swiglu"), dense()), readout()),
    "means": composed(product("relu"), positions(), layernorm(True, True), dense(), product("tanh"), readout()),
    "rows of several norms": composed(positions(), product("silu", bias=Fraction(1, 4)), scale(2), readout()),
}


def inner(one: np.ndarray, other: np.ndarray) -> list[list[Fraction]]:
    return [[sum((Fraction(a) * Fraction(b) for a, b in zip(u, v, strict=True)), Fraction(0)) / len(u) for v in other]
            for u in one]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("parametrization", ["ntk", "standard"])
@pytest.mark.parametrize("name", STACKS)
def test_enclosures(name: str, parametrization: str) -> None:
    made = STACKS[name]
    own: dict[str, Any] = {"parametrization": parametrization, "width": 7} if parametrization == "standard" else {}
    sizes: dict[str, Any] = {**own, "d": 3} if own else {}
    found = glu.gram(made, X, kind="both", **own)
    ends = [enclose_stack(made, *(3 * [inner(x, x)]), digits=9, **sizes) for x in X]
    for i, j in ((0, 0), (0, 1), (0, 2), (1, 2)):
        point = inner(X[i], X[i]), inner(X[j], X[j]), inner(X[i], X[j])
        wanted = enclose_stack(made, *point, digits=15, **sizes)
        for kind, part in zip(("nngp", "ntk"), found, strict=True):
            size = math.sqrt(math.prod(float(getattr(ends[k], kind)) for k in (i, j)))
            assert abs(part[i, j] - float(getattr(wanted, kind))) <= PROMISED * size, (kind, i, j)
            assert part[i, j] == part[j, i]
    derived = derivation(made, parametrization=parametrization)
    plain: dict[str, Any] = {"width": 7, "d": 3} if own else {}
    assert derived.at(*point, digits=15, **plain).ntk.overlaps(wanted.ntk)


@pytest.mark.parametrize("name", STACKS)
def test_sequences_of_one_position_are_rows(name: str) -> None:
    rows = X.reshape(6, 3)
    made = STACKS[name]
    plain = composed(*(layer for layer in made.layers if layer != positions()))
    wanted = glu.gram(plain, rows)
    root = np.sqrt(np.diagonal(wanted))
    assert np.abs((glu.gram(made, rows[:, None]) - wanted) / root[:, None] / root).max() < PROMISED


def test_two_sides_tiles_and_groups() -> None:
    made = STACKS["a classifier"]
    whole = glu.gram(made, np.concatenate([X, X[::-1]]), block=2, threads=2)
    root = np.sqrt(np.diagonal(whole))
    again = glu.gram(made, X, X[::-1])
    assert np.abs((again - whole[:3, 3:]) / root[:3, None] / root[3:]).max() < 1e-14
    # another number of positions on the other side: each of them as a sequence of its own, behind linear layers alone
    linear = composed(dense(), positions(), rmsnorm(), readout())
    means = glu.gram(composed(dense(), rmsnorm(), readout()), X.mean(axis=1), Y.mean(axis=1))
    assert glu.gram(linear, X, Y) == pytest.approx(means, rel=1e-13)
    total = sum(glu.gram(made, X, trained=group) for group in made.groups)
    assert total == pytest.approx(glu.gram(made, X), rel=1e-13, abs=1e-13)


def test_the_order_of_positions_does_not_matter() -> None:
    made = STACKS["a hidden layer"]
    K = glu.gram(made, X, X[:, ::-1])
    assert np.diagonal(K) == pytest.approx(np.diagonal(glu.gram(made, X)), rel=1e-14)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a hidden layer", np.stack([X[0], X[0] + 1e-9]), "sequence 0 of X and sequence 1 of the columns"),
        ("a norm", np.stack([X[0], [[1, 2, 3], [-1, -2, -3]]]), "the positions of sequence 1 of X (counted from 0)"),
        ("a norm", np.stack([0 * X[0], X[0]]), "X has the zero row 0"),
    ],
)  # fmt: skip
def test_what_float64_cannot_tell_is_refused(name: str, data: np.ndarray, said: str) -> None:
    with pytest.raises(DomainError) as error:
        glu.gram(STACKS[name], data)
    assert said in str(error.value)
    assert str(error.value).endswith(".")


def test_close_sequences_where_no_activation_follows() -> None:
    close = np.stack([X[0], X[0] + 1e-9])
    assert glu.gram(STACKS["a norm"], close).shape == (2, 2)
