"""Compositions: which layers fit together, how their weights are called, and stacks as values."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from glutheory.activations import activation
from glutheory.errors import DomainError, GlutheoryError, UnknownNameError
from glutheory.layers import (
    Stack,
    composed,
    dense,
    layernorm,
    parallel,
    positions,
    product,
    readout,
    repeat,
    residual,
    rmsnorm,
    run,
    scale,
    stack,
)
from glutheory.layers.records import MOST_NESTED, Layer, Repeat, Residual
from glutheory.networks import gated

OWN = "does not end with dense weights of its own"


# ---- what fits together


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ((), "layers is empty: give at least one layer"),
        ((3,), "layers holds 3: give layers"),
        ((readout(), dense()), "dense stands after the readout, which must be the last layer: use dense() within"),
        ((readout(), product("relu")), "relu stands after the readout"),
        ((readout(), rmsnorm()), "rmsnorm stands after the readout"),
        ((readout(), residual(dense())), "stands after the readout"),
        ((readout(), scale(2), layernorm()), "layernorm stands after the readout"),
        ((layernorm(),), "layernorm stands on the inputs, whose mean is no matter of their inner products: centre"),
        ((rmsnorm(), scale(2), layernorm()), "layernorm stands on the inputs"),
        ((residual(dense()),), "a sum with the inputs themselves: put a dense layer (the embedding) before it."),
        ((rmsnorm(), residual(dense())), "a sum with the inputs themselves"),
        ((dense(), residual(product("relu"))), OWN),
        ((dense(), residual(rmsnorm())), OWN),
        ((dense(), residual(scale(2))), OWN),
        ((dense(), residual(residual(dense()))), OWN),
        ((dense(), residual(dense(), product("relu"), rmsnorm())), OWN),
        ((dense(), residual(repeat(2, rmsnorm()))), OWN),
        ((dense(), residual(repeat(2, residual(rmsnorm())))), OWN),
        ((dense(), residual(parallel(rmsnorm(), dense()))), OWN),
        ((dense(), parallel(dense(), product("relu"))), OWN),
        ((dense(), parallel(dense(), rmsnorm())), OWN),
        ((dense(), residual(dense(), readout())), "the readout stands within a block: put it after the residual"),
        ((parallel(readout(), dense()),), "the readout stands within a block"),
        ((dense(), repeat(1, readout())), "the readout stands within a block"),
        ((dense(), repeat(2, residual(readout()))), "the readout stands within a block"),
        ((dense(), residual(positions(), dense())), "positions stands within a block: put the mean over positions"),
        ((dense(), repeat(3, positions())), "positions stands within a block"),
        ((positions(), dense(), positions()), "positions stands twice: after the first mean there are no positions"),
    ],
    ids=str,
)  # fmt: skip
def test_layers_that_do_not_fit_are_refused(layers: Any, words: str) -> None:
    with pytest.raises(DomainError) as caught:
        composed(*layers)
    message = str(caught.value)
    assert words in message
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize(
    "layers",
    [
        (readout(),),
        (rmsnorm(True),),
        (product("swiglu"),),
        (readout(), scale(2)),
        (readout(), positions(), scale(2)),
        (positions(), dense()),
        (dense(), layernorm(), readout()),
        (product("relu"), layernorm()),
        (dense(), residual(dense(), rmsnorm(), scale(2))),
        (dense(), residual(rmsnorm(), dense(), residual(product("relu"), dense()))),
        (dense(), residual(parallel(dense(), (product("relu"), dense())))),
        (dense(), residual(repeat(3, residual(dense())), dense())),
        (dense(), parallel(rmsnorm(), dense())),
        (dense(), parallel(product("relu"), dense())),
        (product("relu"), residual(dense())),
        (parallel(dense(), dense()), readout()),
    ],
    ids=str,
)
def test_layers_that_fit(layers: tuple[Layer, ...]) -> None:
    made = composed(*layers)
    assert made.layers == layers
    assert made.sequences == (positions() in layers)
    assert made.centred == (layernorm() in layers)


# ---- names of weights


def test_every_group_has_its_own_name() -> None:
    made = composed(
        dense(), product("swiglu"), product("swiglu", name="ffn"), product("relu"), parallel(dense(), dense()),
        residual(layernorm(shift=True), dense(trained=False)), rmsnorm(), rmsnorm(True), dense(name="mine"), readout(),
    )  # fmt: skip
    assert made.groups == (
        "dense", "value", "gate", "ffn.value", "ffn.gate", "hidden", "dense2", "dense3", "norm", "norm2", "mine",
        "readout",
    )  # fmt: skip


@pytest.mark.parametrize(
    "names",
    [("a", "a", "a"), ("a2", "a", "a"), ("a", "a", "a2"), ("a", "a2", "a", "a2"), ("a22", "a2", "a", "a", "a2")],
)
def test_names_are_unique_whatever_the_user_calls_them(names: tuple[str, ...]) -> None:
    groups = composed(*(dense(name=name) for name in names)).groups
    assert len(set(groups)) == len(names)
    assert groups[0] == names[0]


def test_blocks_are_numbered() -> None:
    assert stack("swiglu", 2, gain=True).groups == (
        "embedding", "block1.norm", "block1.value", "block1.gate", "block1.down", "block2.norm", "block2.value",
        "block2.gate", "block2.down", "norm", "readout",
    )  # fmt: skip
    nested = composed(repeat(2, repeat(2, dense(name="w"), name="inner"), name="outer"))
    assert nested.groups == ("outer1.inner1.w", "outer1.inner2.w", "outer2.inner1.w", "outer2.inner2.w")
    # a second row of blocks does not take the names of the first
    twice = composed(repeat(2, dense()), repeat(1, dense()))
    assert twice.groups == ("block1.dense", "block2.dense", "block1.dense2")


def test_names_follow_the_walk() -> None:
    """`run` gives every road the names that the stack has."""
    made = composed(
        dense(trained=False, name="fixed"), repeat(2, residual(rmsnorm(True), product("geglu"), dense())), readout()
    )
    seen: list[str] = []

    class Rules:
        def dense(self, state: int, layer: Any, group: str) -> int:  # noqa: ARG002
            seen.append(group)
            return state + 1

        def product(self, state: int, layer: Any, groups: tuple[str, ...]) -> int:  # noqa: ARG002
            seen.extend(groups)
            return state + 1

        def norm(self, state: int, layer: Any, group: str) -> int:  # noqa: ARG002
            seen.append(group)
            return state + 1

        def scale(self, state: int, layer: Any) -> int:  # noqa: ARG002
            return state

        def add(self, state: int, other: int) -> int:
            assert other == state + 3
            return state

        def positions(self, state: int, layer: Any) -> int:  # noqa: ARG002
            return state

    assert run(made.layers, 0, Rules()) == 2
    assert tuple(name for name in seen if name != "fixed") == made.groups
    assert "fixed" in seen


def test_groups_are_chosen_by_names_and_patterns() -> None:
    made = stack("swiglu", 3)
    assert made.chosen(None) == set(made.groups)
    assert made.chosen("embedding") == {"embedding"}
    assert made.chosen("block*.gate") == {"block1.gate", "block2.gate", "block3.gate"}
    assert made.chosen(["block2.*", "readout"]) == {"block2.value", "block2.gate", "block2.down", "readout"}
    assert made.chosen(()) == frozenset()
    for bad, words in (
        ("gate", "trained has the name 'gate', which no group of trained weights has: did you mean"),
        ("", "trained has the name ''"),
        ("[", "trained has the name '['"),
        ([None], "trained has the name 'None'"),
    ):
        with pytest.raises(UnknownNameError) as caught:
            made.chosen(bad)  # type: ignore[arg-type]
        assert words in str(caught.value)
    with pytest.raises(DomainError, match="trained is 3: give the name of a group of weights, or a list of names"):
        made.chosen(3)  # type: ignore[arg-type]


# ---- depth


@contextmanager
def calls() -> Iterator[list[str]]:
    """The functions that are called: what work there is, on machines of any speed."""
    found: list[str] = []

    def noted(frame: Any, event: str, _: Any) -> None:
        if event == "call":
            found.append(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(noted)
    try:
        yield found
    finally:
        sys.setprofile(before)


def test_depth_costs_nothing() -> None:
    with calls() as count:
        deep = stack("swiglu", 10_000, gain=True)
        assert composed(dense(), repeat(10**6, residual(dense()))).layers[1] == repeat(10**6, residual(dense()))
    # a walk through all layers takes more
    assert len(count) < 5_000
    assert len(deep.groups) == 4 * 10_000 + 3
    assert deep.groups[-3] == "block10000.down"


def test_repetitions_of_repetitions_are_checked_in_no_time() -> None:
    layer: Layer = residual(dense())
    for _ in range(MOST_NESTED - 2):
        layer = repeat(2, layer)
    with calls() as count:
        made = composed(dense(), layer)
    # each level once; all layers would be 2^MOST_NESTED times as many
    assert len(count) < 1_000 * MOST_NESTED
    with pytest.raises(DomainError, match="more than 1000000 layers, too many to name: give it less depth"):
        _ = made.groups
    # and still each is seen in the state that the one before leaves
    with pytest.raises(DomainError, match="layernorm stands on the inputs"):
        composed(repeat(3, repeat(3, layernorm(), dense())))


@pytest.mark.parametrize("wrap", [lambda inner: residual(inner, dense()), lambda inner: repeat(2, inner)])
def test_nesting_has_a_limit_and_no_traceback(wrap: Callable[[Layer], Residual | Repeat]) -> None:
    layer: Layer = dense()
    for _ in range(MOST_NESTED - 1):
        layer = wrap(layer)
    made = composed(dense(), layer)
    assert pickle.loads(pickle.dumps(made)) == made
    assert len(repr(made)) < 1000
    for more in (1, 1000, 5000):
        deeper = layer
        for _ in range(more):
            deeper = wrap(deeper)
        with pytest.raises(DomainError, match=f"nested more than {MOST_NESTED} blocks deep: lay blocks out one after"):
            composed(dense(), deeper)


def test_a_long_row_has_a_short_name() -> None:
    made = composed(*[dense()] * 20_000)
    assert len(made.name) < 320
    assert made.name.startswith("dense, dense, ")
    assert made.name.endswith("… (20000 layers)")


# ---- as values


def test_stacks_are_values() -> None:
    one, same, other = stack("swiglu", 3), stack("swiglu", 3), stack("swiglu", 4)
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    for again in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one)):
        assert again == one
        assert hash(again) == hash(one)
        assert again.groups == one.groups
    assert Stack([dense()], notes=["said"]) == Stack((dense(),), notes=("said",))  # type: ignore[arg-type]


def test_stacks_show_what_they_are() -> None:
    assert repr(composed(dense(), readout())) == "<Stack dense, readout>"
    assert repr(composed(dense(), readout(), name="two")) == "<Stack two: dense, readout>"
    assert repr(stack("relu", 2)) == (
        "<Stack relu x 2, rmsnorm, residual: dense, 2 x [residual(rmsnorm, relu, dense)], rmsnorm, readout>"
    )


def test_ungated_is_the_twin() -> None:
    plain = stack("swiglu", 3, gain=True).ungated()
    assert plain.layers == stack("silu", 3, gain=True).layers
    assert plain.ungated() == plain
    assert composed(product("identity", "tanh", "silu")).ungated().groups == ("branch1", "branch2", "branch3")
    own = composed(dense(), product("swiglu", variance=(1, 2), bias=(3, 4), trained=(True, False)))
    assert own.ungated("bare") == composed(dense(), product("silu", variance=2, bias=4, trained=False), name="bare")


def test_a_layernorm_is_found_within_blocks() -> None:
    assert composed(dense(), repeat(2, residual(parallel((layernorm(), dense()))))).centred
    assert not composed(dense(), repeat(2, residual(parallel((rmsnorm(), dense()))))).centred


def test_changed_reaches_every_product() -> None:
    made = composed(
        product("swiglu"),
        parallel(dense(), (product("swiglu"), dense())),
        repeat(2, residual(product("swiglu"), dense())),
    )
    relu = made.changed(lambda net: net.with_gate(activation("relu"), "reglu"))
    assert relu.layers == composed(
        product("reglu"), parallel(dense(), (product("reglu"), dense())), repeat(2, residual(product("reglu"), dense()))
    ).layers  # fmt: skip
    again = stack("relu", 2, variance=3).changed(lambda net: gated(net.gate))
    assert again.groups == stack("reglu", 2).groups
    assert again.ungated().layers == stack("relu", 2, variance=3).layers
    with pytest.raises(DomainError, match="change returns 3: return a Network"):
        made.changed(lambda _: 3)  # type: ignore[arg-type,return-value]


# ---- the usual ones


def test_the_usual_stack_is_what_it_says() -> None:
    block = residual(rmsnorm(), product("swiglu"), dense(name="down"))
    assert stack("swiglu", 12).layers == (dense(name="embedding"), repeat(12, block), rmsnorm(), readout())
    bare = stack("relu", 2, norm=None, residual=False, variance=2, bias="1/10")
    assert bare.layers == (
        dense(2, "1/10", name="embedding"),
        repeat(2, product("relu", variance=2, bias="1/10"), dense(2, "1/10", name="down")),
        readout(2, "1/10"),
    )
    layer = stack("relu", 1, norm="layer", gain=True, scale="1/2")
    assert layer.layers[1] == repeat(1, residual(layernorm(True), product("relu"), dense(name="down"), scale="1/2"))
    assert layer.layers[2] == layernorm(True)
    own = stack(activation("silu", beta=2), 1)
    assert own.layers[1] == repeat(1, residual(rmsnorm(), product(activation("silu", beta=2)), dense(name="down")))
    assert stack("relu", 1, name="mine").name == "mine"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"network": "swiglu x 2", "depth": None}, "depth is left out: give the number of blocks"),
        ({"depth": 0}, "depth is 0: give an integer >= 1."),
        ({"depth": "2"}, "depth is '2': give an integer >= 1."),
        ({"depth": True}, "depth is True: give an integer >= 1."),
        ({"network": "swiglux"}, "unknown network 'swiglux': did you mean 'swiglu'"),
        ({"norm": "batch"}, "norm is 'batch': use 'rms', 'layer' or None."),
        ({"norm": ["rms"]}, "norm is ['rms']: use 'rms', 'layer' or None."),
        ({"variance": 0}, "variance is 0: give a positive rational number"),
        ({"variance": (1, 2)}, "variance is (1, 2): give a finite real number"),
        ({"bias": -1}, "bias is -1: give a rational number >= 0"),
        ({"scale": 0}, "scale is 0: give a rational number that is not 0"),
        ({"gain": True, "norm": None}, "gain is True with norm=None: there is no norm to have one"),
        ({"scale": 2, "residual": False}, "scale is 2 with residual=False: only what is added has one, leave it out."),
    ],
    ids=str,
)
def test_a_bad_argument_gets_a_sentence(given: dict[str, Any], words: str) -> None:
    options = {"network": "swiglu", "depth": 2, **given}
    with pytest.raises(GlutheoryError) as caught:
        stack(**options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
