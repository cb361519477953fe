"""The layers as records: what the functions make of their arguments, and one sentence for each bad one."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from glutheory import activation, network
from glutheory.errors import GlutheoryError
from glutheory.layers import (
    dense,
    layernorm,
    parallel,
    positions,
    product,
    readout,
    repeat,
    residual,
    rmsnorm,
    scale,
    serial,
)
from glutheory.layers import records as layers
from glutheory.layers.text import written

BLOCK = (rmsnorm(), product("swiglu"), dense())


def test_numbers_are_exact() -> None:
    assert dense("1/3", 0.5) == layers.Dense(Fraction(1, 3), Fraction(1, 2))
    assert dense(0.1).variance == Fraction(0.1)
    assert readout(2, trained=False, name="head") == layers.Dense(Fraction(2), Fraction(0), False, True, "head")
    assert scale("-2/3").factor == Fraction(-2, 3)
    assert residual(BLOCK, scale=2).scale == 2


def test_a_product_is_of_a_network_or_of_activations() -> None:
    assert product("swiglu").network == network("swiglu")
    assert product("mish_glu").groups == ("value", "gate")
    assert product("relu").groups == ("hidden",)
    assert product(network("geglu"), name="ffn").groups == ("ffn.value", "ffn.gate")
    assert product("identity", activation("silu"), "tanh").groups == ("branch1", "branch2", "branch3")
    assert product("silu").activations == product(activation("silu")).activations == (activation("silu"),)
    own = product("swiglu", variance=(1, "1/2"), bias=(0, 3), trained=(False, True))
    assert own.branches == (dense(1, 0, trained=False), dense("1/2", 3))


def test_blocks_are_laid_flat() -> None:
    assert serial(dense(), [BLOCK, [readout()]]) == (dense(), *BLOCK, readout())
    assert residual(*BLOCK).block == residual(BLOCK).block == BLOCK
    assert parallel(dense(), BLOCK).blocks == ((dense(),), BLOCK)
    assert repeat(3, BLOCK, name="layer") == layers.Repeat(BLOCK, 3, "layer")
    # a sequence nested so deeply that recursion would end
    deep: Any = dense()
    for _ in range(10_000):
        deep = [deep]
    assert serial(deep) == (dense(),)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: dense(-1), "variance is -1: give a positive rational number (int, float, Fraction, str)."),
        (lambda: dense(0), "variance is 0: give a positive rational number"),
        (lambda: dense("many"), "variance is 'many': give a finite real number"),
        (lambda: dense(None), "variance is None: give a finite real number"),
        (lambda: dense(float("nan")), "variance is nan: give a finite real number"),
        (lambda: dense("1e400"), "variance is '1e400': give a positive rational number between 1e-300 and 1e300"),
        (lambda: dense("1e-400"), "variance is '1e-400': give a positive rational number between 1e-300 and 1e300"),
        (lambda: dense(1, -1), "bias is -1: give a rational number >= 0 (int, float, Fraction, str)."),
        (lambda: dense(name=None), "name is None: give a word, or leave it out."),  # type: ignore[arg-type]
        (lambda: rmsnorm(name=3), "name is 3: give a word, or leave it out."),  # type: ignore[arg-type]
        (lambda: readout("1/0"), "variance is '1/0': give a finite real number"),
        (product, "branches is empty: a hidden unit needs at least one activation."),
        (lambda: product("swiglux"), "unknown network 'swiglux': did you mean 'swiglu'"),
        (lambda: product("identity", "silux"), "unknown activation 'silux': did you mean 'silu'"),
        (lambda: product(3), "network is 3, of type int: give a name"),  # type: ignore[arg-type]
        (lambda: product("swiglu", variance=(1, 2, 3)), "variance has 3 entries: give one number, or one for each of"),
        (
            lambda: product("swiglu", trained=(True,)),
            "trained has 1 entries: give one number, or one for each of the 2",
        ),
        (lambda: product("swiglu", bias=(0, -1)), "bias is -1: give a rational number >= 0"),
        (lambda: scale(0), "factor is 0: give a rational number that is not 0"),
        (lambda: scale("1e999"), "factor is '1e999': give a rational number that is not 0 between"),
        (lambda: residual(dense(), scale=0), "scale is 0: give a rational number that is not 0"),
        (residual, "layers is empty: give at least one layer, such as dense() or product('swiglu')."),
        (lambda: residual("dense"), "layers holds 'dense': give layers, such as dense() or product('swiglu')."),
        (parallel, "blocks is empty: give parallel at least one block of layers."),
        (lambda: parallel(()), "layers is empty: give at least one layer"),
        (lambda: repeat(0, dense()), "times is 0: give an integer >= 1."),
        (lambda: repeat(1.5, dense()), "times is 1.5: give an integer >= 1."),  # type: ignore[arg-type]
        (lambda: repeat(2), "layers is empty: give at least one layer"),
        (lambda: serial([dense, dense()]), "layers holds <function dense at"),
    ],
)
def test_a_bad_argument_gets_a_sentence(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(GlutheoryError) as caught:
        make()
    message = str(caught.value)
    assert words in message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (dense(), "dense"),
        (dense(2, "1/3", trained=False), "dense(variance 2, bias 1/3, frozen)"),
        (dense(0.1), "dense(variance 0.1)"),
        (readout(), "readout"),
        (product("swiglu"), "identity * silu(beta=1)"),
        (product("relu", bias=1), "relu(bias 1)"),
        (product("reglu", variance=(1, 2)), "identity * relu(variance 1 | variance 2)"),
        (rmsnorm(True), "rmsnorm(gain)"),
        (layernorm(True, True), "layernorm(gain, shift)"),
        (scale("1/2"), "scale(1/2)"),
        (residual(rmsnorm(), dense(), scale=3), "residual(rmsnorm, dense; scale 3)"),
        (parallel(dense(), (scale(2), dense())), "parallel(dense + scale(2), dense)"),
        (repeat(12, dense(), rmsnorm()), "12 x [dense, rmsnorm]"),
        (positions(), "positions"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_layers_in_words_and_as_data(layer: layers.Layer, text: str) -> None:
    assert written([layer]) == text
    assert written([layer, dense()]) == f"{text}, dense"
    again = pickle.loads(pickle.dumps(layer))
    assert again == layer
    assert hash(again) == hash(layer)
