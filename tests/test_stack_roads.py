"""Roads 1 and 2 to the kernels of stacks: on every composition of the table they give the same digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
import sympy as sp
from flint import arb

from glutheory.layers import Stack, composed, dense, positions, product, readout, repeat, residual, rmsnorm, stack
from glutheory.quadrature.stacks import enclose_stack
from glutheory.symbolic import composing, derivation, layer_rules
from glutheory.symbolic.layer_rules import Rule
from tests.compositions import COMPOSITIONS, DEPTHS, FAR, PAIRS, SHALLOW

DIGITS = 30
#: Quick on both roads, and between them: norms, none, gains, biases, scales, means, nesting, residuals or not.
QUICK = (
    "reglu", "bilinear", "relu chain", "relu He", "reglu no norm", "reglu biases gain", "bilinear scales",
    "relu layernormed", "relu biases layernormed", "reglu norm after", "reglu nested",
)  # fmt: skip
VECTORS = [name for name, row in COMPOSITIONS.items() if not row.sequences]
SEQUENCES = [name for name, row in COMPOSITIONS.items() if row.sequences]
#: Two sequences of two positions, d = 3.
_ROWS = ((1, 0, 2), (0, 1, 1)), ((1, 1, 0), (-1, 2, 1))


#: The second sequence beside the first: usual, 1e-12 apart at one position, opposite.
OTHERS = {
    "usual": _ROWS[1],
    "close": (_ROWS[0][0], (0, 1 + Fraction(1, 10**12), 1)),
    "opposite": tuple(tuple(-x for x in row) for row in _ROWS[0]),
}


def matrices(one: Any = _ROWS[0], other: Any = _ROWS[1]) -> list[list[list[Fraction]]]:
    """Inner products over d within the first sequence, within the second, and between them."""
    return [
        [[sum((Fraction(x) * y for x, y in zip(u, v, strict=True)), Fraction(0)) / 3 for v in second] for u in first]
        for first, second in ((one, one), (other, other), (one, other))
    ]


def agree(made: Stack, point: Any, digits: int = DIGITS) -> None:
    """Both roads' balls meet, and are as narrow as promised."""
    first = derivation(made).at(*point, digits=digits)
    second = enclose_stack(made, *point, digits=digits)
    a, b, _ = point
    ends = [derivation(made).at(side, side, side, digits=8) for side in (a, b)]
    for name in ("nngp", "ntk"):
        balls = [getattr(found, name) for found in (first, second)]
        assert balls[0].overlaps(balls[1]), (name, balls)
        sizes = [getattr(end, name) for end in ends]
        scale = (abs(sizes[0]) * abs(sizes[1])).sqrt()
        assert all(ball.rad() <= 1.01 * scale * arb(10) ** -digits for ball in balls), (name, balls)


@pytest.mark.parametrize("name", QUICK)
def test_quick_compositions(name: str) -> None:
    for pair in ("usual", "opposite", "parallel"):
        agree(COMPOSITIONS[name].build(2), PAIRS[pair])


@pytest.mark.parametrize("name", ["swiglu", "tanh edge of chaos", "swiglu sandwich"])
def test_smooth_compositions(name: str) -> None:
    agree(COMPOSITIONS[name].build(1), PAIRS["usual"], 15)


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", VECTORS)
def test_all_compositions(name: str, pair: str) -> None:
    for depth in SHALLOW:
        agree(COMPOSITIONS[name].build(depth), PAIRS[pair])


def deep(name: str, depth: int) -> Any:
    """A case, skipped where float64 does not hold the kernels any more: `test_all_compositions` has its deepest."""
    deepest = COMPOSITIONS[name].deepest
    reason = f"{name}: variances double their logarithm in a block; up to {deepest} blocks are tested"
    return pytest.param(name, depth, marks=[pytest.mark.skip(reason=reason)] if depth > deepest else [])


DEEP = [depth for depth in DEPTHS if depth not in SHALLOW]


@pytest.mark.slow
@pytest.mark.parametrize("pair", FAR)
@pytest.mark.parametrize(("name", "depth"), [deep(name, depth) for name in VECTORS for depth in DEEP])
def test_deep_compositions(name: str, depth: int, pair: str) -> None:
    agree(COMPOSITIONS[name].build(depth), PAIRS[pair])


def test_sequences() -> None:
    agree(COMPOSITIONS["reglu positions"].build(1), matrices())


@pytest.mark.slow
@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", SEQUENCES)
def test_deep_sequences(name: str, depth: int, other: str) -> None:
    agree(COMPOSITIONS[name].build(depth), matrices(other=OTHERS[other]))


@pytest.mark.long
def test_a_hundred_blocks() -> None:
    agree(stack("reglu", 100), PAIRS["usual"])


#: Another of each kind: what the first product is fed with, how the map ends, and which rule gives S and T.
HUNDRED: dict[str, tuple[Stack, tuple[Fraction, ...]]] = {
    "swiglu": (stack("swiglu", 100), PAIRS["usual"]),
    "silu, opposite": (stack("silu", 100), PAIRS["opposite"]),
    "silu, 1e-16 from parallel": (stack("silu", 100), (Fraction(1), Fraction(1), 1 - Fraction(1, 10**16))),
    "geglu, layernorm, gain, bias": (
        stack("geglu", 100, norm="layer", gain=True, bias=Fraction(1, 10)),
        PAIRS["obtuse"],
    ),
    "glu": (stack("glu", 100), PAIRS["nearly opposite"]),
    "hard_tanh": (stack("hard_tanh", 100), PAIRS["usual"]),
    "softplus chain": (stack("softplus", 100, residual=False), PAIRS["orthogonal"]),
    "relu, no norm": (stack("relu", 100, norm=None, scale=Fraction(1, 8)), PAIRS["close"]),
    "sigmoid chain": (stack("sigmoid", 60, residual=False), PAIRS["usual"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HUNDRED)
def test_a_hundred_blocks_of_every_kind(name: str) -> None:
    agree(*HUNDRED[name])


@pytest.mark.parametrize("parametrization", ["ntk", "standard"])
def test_blocks_of_groups(parametrization: str) -> None:
    """Group by group, with frozen ones; their sum is the NTK, and a choice of them its part."""
    made = COMPOSITIONS["reglu biases gain"].build(2)
    own: dict[str, Any] = {"blocks": True, "digits": 20}
    sizes: dict[str, Any] = {"width": 100, "d": 7} if parametrization == "standard" else {}
    a, b, c = PAIRS["usual"]
    first = derivation(made, parametrization=parametrization).at(a, b, c, **own, **sizes)
    second = enclose_stack(made, a, b, c, parametrization=parametrization, **own, **sizes)
    assert list(first.blocks) == list(second.blocks) == list(made.groups)
    assert all(first.blocks[group].overlaps(second.blocks[group]) for group in made.groups)
    assert sum(first.blocks.values(), arb(0)).overlaps(first.ntk)
    part = derivation(made, parametrization=parametrization).at(a, b, c, digits=20, trained="block*.gate", **sizes)
    gates = [value for group, value in first.blocks.items() if group.endswith(".gate")]
    assert len(gates) == 2
    assert sum(gates, arb(0)).overlaps(part.ntk)


def test_frozen_groups_add_nothing() -> None:
    made = COMPOSITIONS["swiglu frozen gates"].build(1)
    found = enclose_stack(made, *PAIRS["usual"], digits=10, blocks=True)
    assert list(found.blocks) == ["block1.value", "readout"]
    assert derivation(made).at(*PAIRS["usual"], digits=10).ntk.overlaps(found.ntk)


# controls: each road has rules of its own, so that a mistake in one of them shows


@contextmanager
def mutated(monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[Rule], Rule]) -> Iterator[None]:
    """A rule of road 1 with a mistake in it."""
    own = getattr(layer_rules, name)
    with monkeypatch.context() as patch:
        patch.setattr(layer_rules, name, lambda *args: change(own(*args)))
        composing.recursion.cache_clear()
        yield
    composing.recursion.cache_clear()


MISTAKES: dict[str, tuple[str, Callable[[Rule], Rule]]] = {
    "a trained gain is forgotten": ("norm_rule", lambda rule: replace(rule, own=sp.S.Zero)),
    "the layer's own weights lose their variance": (
        "dense_rule",
        lambda rule: replace(rule, own=layer_rules.SIGMA),
    ),
    "biases are not trained": ("dense_rule", lambda rule: replace(rule, own=rule.own.subs(layer_rules.BIAS, 0))),
    "the norm is not differentiated": ("norm_rule", lambda rule: replace(rule, through=(sp.S.One,))),
    "gradients through one branch only": (
        "product_rule",
        lambda rule: replace(rule, through=(rule.through[0], *(0 * factor for factor in rule.through[1:]))),
    ),
    "the variance is not applied": (
        "dense_rule",
        lambda rule: replace(rule, covariance=layer_rules.SIGMA, through=(sp.S.One,)),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_of_a_road_are_seen(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, change = MISTAKES[mistake]
    made = COMPOSITIONS["reglu biases gain"].build(1)
    agree(made, PAIRS["usual"], 10)
    with mutated(monkeypatch, name, change), pytest.raises(AssertionError, match=r"ntk|nngp"):
        agree(made, PAIRS["usual"], 10)


def test_sequences_of_one_position_are_vectors() -> None:
    block = residual(rmsnorm(), product("reglu"), dense())
    vector = composed(dense(), repeat(2, block), rmsnorm(), readout())
    sequence = composed(dense(), repeat(2, block), rmsnorm(), positions(), readout())
    point = PAIRS["usual"]
    one = derivation(vector).at(*point, digits=20).ntk
    other = derivation(sequence).at(*([[value]] for value in point), digits=20).ntk
    assert one.overlaps(other)
