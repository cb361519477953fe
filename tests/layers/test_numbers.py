"""The numbers of a stack by name: which there are, and what other values make of the stack."""

from __future__ import annotations

from fractions import Fraction

import pytest

from glutheory.errors import DomainError
from glutheory.layers import composed, dense, parallel, product, readout, repeat, residual, rmsnorm, scale, stack
from glutheory.layers.numbers import places_of

HALF = Fraction(1, 2)


def test_a_repeated_block_has_them_once() -> None:
    made = stack("swiglu", 12, scale=HALF, variance=2)
    assert made.numbers == {
        "embedding": 2, "block.value": 2, "block.gate": 2, "block.down": 2, "block.residual": HALF, "readout": 2,
    }  # fmt: skip
    assert stack("relu", 10_000, bias=1).numbers["block.hidden.bias"] == 1


def test_every_kind_of_layer_and_names_that_stand_twice() -> None:
    block = residual(rmsnorm(True), parallel((product("relu", bias=1), dense()), (dense(), scale(-2), dense())))
    made = composed(
        dense(), product("geglu", variance=(1, 3), name="first"), dense(), repeat(2, repeat(3, block)), readout()
    )
    assert list(made.numbers) == [
        "dense", "first.value", "first.gate", "dense2", "block.block.hidden", "block.block.hidden.bias",
        "block.block.dense", "block.block.dense2", "block.block.scale", "block.block.dense3", "block.block.residual",
        "readout",
    ]  # fmt: skip
    assert made.numbers["block.block.scale"] == -2


def test_other_values_are_other_layers() -> None:
    made = stack("swiglu", 3)
    assert made.with_numbers({}) == composed(made.layers)
    changed = made.with_numbers({"block.gate": "1/3", "block.residual": 0.5, "readout": 2}, "mine")
    block = residual(rmsnorm(), product("swiglu", variance=(1, Fraction(1, 3))), dense(name="down"), scale=HALF)
    wanted = composed(dense(name="embedding"), repeat(3, block), rmsnorm(), readout(2), name="mine")
    assert changed == wanted
    assert changed.groups == made.groups
    with pytest.raises(DomainError, match=r"variances has the key 'block1.gate': did you mean 'block.gate'"):
        made.with_numbers({"block1.gate": 2})


def test_places_are_objects_of_their_own() -> None:
    """One record at two places is two numbers, and every residual has its factor, 1 or not, as a layer."""
    same = dense(2)
    places = places_of(composed(same, same, residual(same), readout()).layers)
    assert sorted(places.names.values()) == [("dense",), ("dense2",), ("dense3",), ("readout",), ("residual",)]
    assert places.layers[2] == residual(same, scale(1))
