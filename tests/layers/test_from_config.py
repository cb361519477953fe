"""Stacks from configurations: every known model type does what its stack does, and bad ones get a sentence."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sympy as sp

from glutheory.activations import Z, activation, activation_names
from glutheory.activations.names import LIBRARY_NAMES
from glutheory.errors import GlutheoryError, UnknownNameError
from glutheory.layers import Stack, composed, dense, layernorm, product, readout, repeat, residual, rmsnorm, stack
from glutheory.layers import records as layers
from glutheory.layers.model_types import BOTH, MODEL_TYPES
from glutheory.layers.names import library_activation

LLAMA = {"model_type": "llama", "num_hidden_layers": 3, "hidden_act": "silu", "rms_norm_eps": 1e-6}


def gained(network: str, depth: int) -> tuple[layers.Layer, ...]:
    block = residual(rmsnorm(True), product(network), dense(name="down"))
    return (dense(name="embedding"), repeat(depth, block), rmsnorm(True), readout())


def test_a_llama_is_a_stack_of_swiglu_blocks() -> None:
    made = stack.from_config(LLAMA)
    assert made.layers == gained("swiglu", 3)
    assert made.layers == stack("swiglu", 3, gain=True).layers
    assert made.name == "llama x 3"
    assert made.notes[0].startswith("attention is left out")
    assert stack.from_config(SimpleNamespace(**LLAMA)) == made
    assert stack.from_config({"model_type": "any", "text_config": LLAMA}) == made
    assert stack.from_config(LLAMA, depth=7).layers == gained("swiglu", 7)
    assert stack.from_config(LLAMA, gated=False).layers == gained("silu", 3)
    assert stack.from_config({**LLAMA, "hidden_act": "gelu_new"}).layers[1].block[0].block[1] == product(  # type: ignore[union-attr]
        "gelu_tanh_glu"
    )
    assert stack.from_config(LLAMA, norm="layer").layers[2] == layernorm(True, True)


def test_every_place_of_a_norm() -> None:
    def made(kind: str, **fields: Any) -> Stack:
        return stack.from_config({"model_type": kind, "num_hidden_layers": 2, "hidden_act": "relu", **fields})

    rms, layer, down = rmsnorm(True), layernorm(True, True), dense(name="down")
    gate, plain = product("reglu"), product("relu")
    first, last = dense(name="embedding"), readout()
    assert made("gemma2").layers == (first, repeat(2, residual(rms, gate, down, rms)), rms, last)
    assert made("olmo2").layers == (first, repeat(2, residual(gate, down, rms)), rms, last)
    assert made("bert").layers == (first, layer, repeat(2, residual(plain, down), layer), last)
    assert made("olmo").layers == (first, repeat(2, residual(layernorm(), gate, down)), layernorm(), last)
    assert made("granite", residual_multiplier=0.25).layers == (
        first, repeat(2, residual(rms, gate, down, scale="1/4")), rms, last,
    )  # fmt: skip
    assert made("opt", do_layer_norm_before=False).layers == (first, repeat(2, residual(plain, down), layer), last)
    assert "residual_multiplier" in made("granite", residual_multiplier=0.25).notes[-1]
    for kind, word in (("bert", "after the sums"), ("olmo2", "on the images"), ("gemma2", "and on"), ("phi", "beside")):
        assert word in made(kind).notes[-1]


def test_an_unknown_type_is_what_the_caller_says() -> None:
    fields = {**LLAMA, "model_type": "mine"}
    made = stack.from_config(fields, gated=True, norm="rms")
    assert made.layers == gained("swiglu", 3)
    assert made.notes[-1].startswith("mine is not known here")


@pytest.mark.parametrize(
    ("fields", "options", "words"),
    [
        ({"model_type": "lama"}, {}, "config is of the type 'lama', of which it is not known here what its layers do"),
        ({"model_type": "mine"}, {"gated": True}, "give gated=True or False and norm='rms' or 'layer'"),
        ({"num_hidden_layers": None}, {}, "config is of the type 'llama' and has none of num_hidden_layers, n_layer"),
        ({"num_hidden_layers": 0}, {}, "depth is 0: give an integer >= 1."),
        ({}, {"depth": -1}, "depth is -1: give an integer >= 1."),
        ({}, {"norm": "batch"}, "norm is 'batch': use 'rms' or 'layer'."),
        ({"hidden_act": None}, {}, "has none of hidden_act, hidden_activation, activation_function, activation, afn"),
        ({"hidden_act": "prelu"}, {}, "config has the activation 'prelu', which is not of the zoo: build the stack"),
        ({"num_local_experts": 8}, {}, "config is of the type 'llama', whose blocks choose experts: audit it, or"),
        ({"is_encoder_decoder": True}, {}, "with an encoder and a decoder: build the stack of one of them"),
        ({"residual_multiplier": -0.0}, {}, ""),
    ],
    ids=str,
)
def test_a_bad_configuration_gets_a_sentence(fields: dict[str, Any], options: dict[str, Any], words: str) -> None:
    if not words:  # −0 is no multiplier at all
        assert stack.from_config({**LLAMA, **fields}, **options).layers == gained("swiglu", 3)
        return
    with pytest.raises(GlutheoryError) as caught:
        stack.from_config({**LLAMA, **fields}, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("config", [None, 3, "llama", object(), [], {}], ids=lambda config: type(config).__name__)
def test_what_is_no_configuration_gets_a_sentence(config: Any) -> None:
    with pytest.raises(GlutheoryError, match="of which it is not known here what its layers do"):
        stack.from_config(config)


# ---- against transformers

#: Constants that the library keeps in bfloat16.
ROUGH = {"apertus": 0.05}
#: Types that are looked at in the default suite; all others are slow.
QUICK = ("llama", "gpt2", "bert", "gemma2", "olmo2", "cohere")


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in MODEL_TYPES]
)
def test_the_model_does_what_its_stack_does(kind: str) -> None:
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from glutheory.sampling.differentiable import differentiable
    from tests.layers.model_streams import GRID, Stream, stream

    made = stack.from_config(transformers.CONFIG_MAPPING[kind]())
    form = MODEL_TYPES[kind]
    seen = [stream(kind, at) for at in (0, 1)]
    for own in seen:
        assert isinstance(own, Stream), own
        assert (own.gated, own.norm, own.place) == (form.gated, form.norm, form.place)
        assert (own.gain, own.shift, own.parallel) == (form.gain, form.shift, form.parallel)
        assert own.last == form.last
        assert own.scale == 1
        block = made.layers[2 if form.first else 1]
        assert isinstance(block, layers.Repeat)
        (net,) = (layer.network for layer in block.block[0].block if isinstance(layer, layers.Product))  # type: ignore[union-attr]
        assert net.gated == own.gated
        values = differentiable(net.gate)(GRID).numpy()
        assert np.allclose(own.activation, values, rtol=1e-6, atol=ROUGH.get(kind, 1e-6))
    # only the first layer's input shows what stands before it
    assert isinstance(seen[0], Stream)
    assert seen[0].first == form.first


@pytest.mark.slow
def test_another_form_is_seen() -> None:
    """What the test above reads is not what it expects: types of other forms are told apart."""
    pytest.importorskip("transformers")
    from tests.layers.model_streams import Stream, stream

    found = {kind: stream(kind) for kind in ("beit", "minicpm3", "gemma3_text", "bitnet", "mixtral")}
    assert isinstance(found["beit"], Stream)
    assert found["beit"].scale == 0.1
    assert isinstance(found["minicpm3"], Stream)
    assert found["minicpm3"].scale == 0.989949
    assert isinstance(found["gemma3_text"], Stream)
    assert found["gemma3_text"].place == BOTH
    # a norm between the product and the dense layer behind it; experts
    assert found["bitnet"] == "its feed-forward network computes something else"
    assert found["mixtral"] == "it has no feed-forward network in its layers"


@pytest.mark.slow
def test_the_names_of_activations_are_those_of_transformers() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from transformers.activations import ACT2FN

    from glutheory.sampling.differentiable import differentiable

    z = torch.linspace(-6, 6, 241, dtype=torch.float64)
    # clipped, a root, trained: none of the zoo
    others = {"gelu_10", "sqrtsoftplus", "prelu"}
    for name in ACT2FN:
        if name in others:
            with pytest.raises(UnknownNameError):
                library_activation(name)
            continue
        module = ACT2FN[name]
        with torch.no_grad():
            expected = module.double()(z).double()
        found = differentiable(library_activation(name))(z)
        assert torch.allclose(found, expected, rtol=0, atol=0.05 if name == "xielu" else 1e-9), name


def test_names_of_libraries_lead_into_the_zoo() -> None:
    assert set(LIBRARY_NAMES.values()) <= set(activation_names())
    assert not set(LIBRARY_NAMES) & set(activation_names())
    assert activation("swish").expr == activation("silu").expr
    assert library_activation("swish") == activation("silu")
    tanh = library_activation("gelu_pytorch_tanh").expr
    assert sp.N(tanh.subs(Z, 1)) == pytest.approx(0.8411919906082768)
    assert composed(product(library_activation("linear"))).groups == ("hidden",)


def test_what_is_done_with_widths_is_said() -> None:
    notes = stack.from_config(LLAMA | {"hidden_size": 64, "intermediate_size": 172}).notes
    assert any("stream is 64 wide and its hidden layers 172: all layers are infinitely wide" in note for note in notes)
    assert not any("wide" in note for note in stack.from_config(LLAMA).notes)
