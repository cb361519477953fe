"""Means over positions that are exactly parallel, opposite or zero: what is decided, and both certified roads there."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import glutheory as glu
from glutheory.errors import DomainError
from glutheory.ground.symmetry import Ray
from glutheory.layers import Stack, composed, dense, layernorm, positions, product, readout, residual, rmsnorm
from glutheory.layers.means import _moment, _pairings, means
from glutheory.layers.pairs import inputs_of
from glutheory.quadrature.stacks import enclose_stack

#: Two sequences of two positions each.
SEQUENCES: dict[str, tuple[Any, Any]] = {
    "one line": ([[1, 0], [1, 0]], [[1, 0], [2, 0]]),
    "permuted": ([[2, 1], [0, 1]], [[0, 2], [4, 2]]),
    "permuted opposite": ([[2, 1], [0, 1]], [[0, -2], [-4, -2]]),
    "one sum": ([[2, 0], [0, 2]], [[2, 2], [0, 0]]),
    "cancel": ([[2, 1], [-2, -1]], [[0, 1], [1, 1]]),
    "both cancel": ([[2, 1], [-2, -1]], [[0, 1], [0, -1]]),
    "rotated": ([[5, 0], [0, 5]], [[3, 4], [-4, 3]]),
    "a row of zeros": ([[1, 2], [0, 0]], [[2, 4], [0, 0]]),
    "neither": ([[1, 2], [3, 1]], [[2, 4], [0, 1]]),
}
LINEAR, TANH = (dense(),), (product("tanh"),)
SQUARE, ABS, RELU = (product(glu.Activation("z**2")),), (product("abs"),), (product("relu"),)
ONE, HALF = Ray(1, Fraction(1)), Fraction(1, 2)
#: Layers before the mean, sequences: the ray and which means are zero, found by hand.
DECIDED = [
    (LINEAR, "one line", Ray(1, Fraction(3, 2)), (False, False)),
    (RELU, "one line", Ray(1, Fraction(3, 2)), (False, False)),
    (TANH, "one line", None, (False, False)),  # tanh(2h) is no multiple of tanh(h)
    (RELU, "permuted", Ray(1, Fraction(2)), (False, False)),
    (RELU, "permuted opposite", None, (False, False)),
    (LINEAR, "permuted opposite", Ray(-1, Fraction(2)), (False, False)),
    (ABS, "permuted opposite", Ray(1, Fraction(2)), (False, False)),
    (LINEAR, "one sum", ONE, (False, False)),
    (RELU, "one sum", None, (False, False)),
    ((dense(bias=HALF),), "one sum", ONE, (False, False)),
    ((dense(bias=HALF),), "one line", None, (False, False)),
    (LINEAR, "cancel", None, (True, False)),
    (TANH, "cancel", None, (True, False)),
    (RELU, "cancel", None, (False, False)),
    (TANH, "both cancel", ONE, (True, True)),
    # a² + b² does not change when a and b are rotated
    (SQUARE, "rotated", ONE, (False, False)),
    (ABS, "rotated", None, (False, False)),
    ((dense(), rmsnorm(), *SQUARE), "rotated", ONE, (False, False)),
    ((dense(), residual(*SQUARE, dense())), "rotated", None, (False, False)),
    ((product("bilinear"),), "permuted", Ray(1, Fraction(4)), (False, False)),
    (RELU, "a row of zeros", Ray(1, Fraction(2)), (False, False)),
    ((product("sigmoid"),), "a row of zeros", None, (False, False)),
    (RELU, "neither", None, (False, False)),
]


def inner(x: Any, y: Any) -> list[list[Fraction]]:
    return [[Fraction(int(value), 2) for value in row] for row in np.array(x) @ np.array(y).T]


def point(name: str) -> tuple[Any, Any, Any]:
    x, y = SEQUENCES[name]
    return inner(x, x), inner(y, y), inner(x, y)


def after(head: tuple[Any, ...], *tail: Any) -> Stack:
    return composed(*head, positions(), *tail, readout())


@pytest.mark.parametrize(("head", "name", "ray", "zero"), DECIDED)
def test_what_is_decided(head: tuple[Any, ...], name: str, ray: Ray | None, zero: tuple[bool, bool]) -> None:
    made = after(head)
    found = means(made.layers, inputs_of(made, *point(name)))
    assert (found.ray, found.zero) == (ray, zero)


# norms and residuals are those of wide layers
@pytest.mark.parametrize(("head", "name", "ray"), [row[:3] for row in DECIDED if row[2] and len(row[0]) == 1])
def test_what_is_decided_is_so_of_drawn_networks(head: tuple[Any, ...], name: str, ray: Ray) -> None:
    """The means of one layer of eight units with random weights, in numpy: equal up to the roundings of some sums."""
    rng = np.random.default_rng(0)
    x, y = (np.array(side, dtype=float) for side in SEQUENCES[name])
    layer = head[0]
    names = [act.name for act in layer.activations] if hasattr(layer, "activations") else ["identity"]
    functions: dict[str, Any] = {
        "identity": lambda u: u,
        "relu": lambda u: np.maximum(u, 0),
        "abs": np.abs,
        "tanh": np.tanh,
        "z**2": np.square,
    }
    bias = rng.standard_normal(8) if getattr(layer, "bias", 0) else 0.0
    made = []
    weights = [rng.standard_normal((2, 8)) for _ in names]
    for side in (x, y):
        branches = [functions[own](side @ w + bias) for own, w in zip(names, weights, strict=True)]
        made.append(np.mean(math.prod(branches[1:], start=branches[0]), axis=0))
    assert ray.ratio is not None
    assert made[1] == pytest.approx(ray.sign * float(ray.ratio) * made[0], abs=1e-13)


@pytest.mark.parametrize("tail", [product("relu"), product("reglu"), product("gelu")])
@pytest.mark.parametrize(("head", "name"), [row[:2] for row in DECIDED if row[2] is not None and len(row[0]) == 1])
def test_both_roads_have_a_value_where_means_are_multiples(head: tuple[Any, ...], name: str, tail: Any) -> None:
    """What road 1 and 2 say; K(x, x') = sign·ratio^degree·K(x, x) of its NNGP behind a homogeneous layer."""
    made = after(head, tail)
    first = glu.derivation(made).at(*point(name), digits=20)
    second = enclose_stack(made, *point(name), digits=20)
    assert first.nngp.overlaps(second.nngp)
    assert first.ntk.overlaps(second.ntk)
    ray = means(made.layers, inputs_of(made, *point(name))).ray
    assert ray is not None
    assert ray.ratio is not None
    if tail.activations[-1].name != "gelu":
        x = SEQUENCES[name][0]
        own = enclose_stack(made, *(inner(x, x),) * 3, digits=20).nngp
        degree = len(tail.activations)
        # relu(h) relu(-h) = 0
        factor = 0 if ray.sign < 0 else ray.ratio**degree
        assert float(first.nngp) == pytest.approx(float(factor) * float(own), rel=1e-14)


def test_a_norm_behind_a_mean_that_is_zero_is_refused_by_name() -> None:
    made = after(TANH, rmsnorm(), product("relu"))
    for road in (lambda *at: glu.derivation(made).at(*at), lambda *at: enclose_stack(made, *at)):
        with pytest.raises(DomainError, match="the mean over positions of a sequence is zero where a norm"):
            road(*point("cancel"))
    step = after(TANH, product("step"))
    with pytest.raises(DomainError, match="the mean over positions of a sequence is zero, where step jumps"):
        enclose_stack(step, *point("cancel"))


@pytest.mark.parametrize("tail", [(rmsnorm(), product("reglu")), (layernorm(), product("gelu"))])
def test_behind_a_norm_means_of_one_line_are_one(tail: tuple[Any, ...]) -> None:
    """The kernel at both is the one at each: a norm takes the length away."""
    made = after(RELU, *tail)
    x = SEQUENCES["permuted"][0]
    for road in (lambda *at: glu.derivation(made).at(*at, digits=20), lambda *at: enclose_stack(made, *at, digits=20)):
        assert road(*point("permuted")).nngp.overlaps(road(*(inner(x, x),) * 3).nngp)


def test_moments_of_polynomials() -> None:
    """E[u²v²] = ab + 2c², E[uv³] = 3bc, E[(1 + u)(v² − v)] = b − c, by Isserlis' theorem done by hand."""
    a, b, c = Fraction(2), Fraction(3), Fraction(1, 2)
    one, square, cube = (0, 1), (0, 0, 1), (0, 0, 0, 1)
    mixed = ((1, 1), (0, -1, 1))
    for (f, g), value in {(square, square): a * b + 2 * c * c, (one, cube): 3 * b * c, mixed: b - c}.items():
        assert _moment(tuple(map(Fraction, f)), tuple(map(Fraction, g)), a, b, c) == value
    assert [_pairings(count) for count in (0, 2, 4, 6)] == [1, 1, 3, 15]
