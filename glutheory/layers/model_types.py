"""What the layers of the model types of transformers do besides attention.

Each row is held against the library: `tests/layers/test_from_config.py` runs a small model of every type and reads off
it where its norms stand, what they are and have, whether its feed-forward networks are gated, and by what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

#: Where a block's norm stands: before the network; after the sum; on the network's image; before it and on its image.
BEFORE, AFTER, IMAGE, BOTH = "before", "after", "image", "both"


@dataclass(frozen=True)
class Form:
    """How a model's layers are built.

    Attributes:
        gated: whether the feed-forward networks are.
        norm: "rms" or "layer".
        place: of the norm, one of the above.
        gain, shift: whether the norm has a trained gain, and a trained shift.
        first: whether there is a norm after the embedding.
        last: whether there is one after the last layer.
        parallel: whether attention reads the same stream as the feed-forward network, beside it.
        activation: where the configuration does not name it.
    """

    gated: bool
    norm: str
    place: str = BEFORE
    gain: bool = True
    shift: bool = False
    first: bool = False
    last: bool = True
    parallel: bool = False
    activation: str = ""


_LLAMA = Form(True, "rms")
_GPT = Form(False, "layer", shift=True)
_BERT = Form(False, "layer", AFTER, shift=True, first=True, last=False)
_CLIP = replace(_GPT, first=True, last=False)

_ROWS: tuple[tuple[Form, str], ...] = (
    (
        _LLAMA,
        (
            "cwm diffllama emu3_text_model ernie4_5 eurobert gemma glm granite granite_swa helium internlm3 "
            "llama ministral3 mistral olmo_hybrid phi3 qwen2 qwen3 qwen3_5_text qwen3_vl_text recurrent_gemma seed_oss "
            "smollm3"
        ),
    ),
    (replace(_LLAMA, activation="silu"), "lfm2"),
    (replace(_LLAMA, place=BOTH), "gemma2 gemma3_text glm4 hyperclovax"),
    (replace(_LLAMA, place=IMAGE), "exaone4 olmo2 olmo3"),
    (Form(False, "rms"), "apertus arcee"),
    (Form(False, "rms", gain=False, first=True), "nanochat"),
    (Form(True, "layer", parallel=True), "cohere cohere2"),
    (Form(True, "layer", gain=False), "olmo"),
    (Form(True, "layer", shift=True), "stablelm"),
    (Form(True, "layer", first=True), "modernbert modernbert-decoder"),
    (replace(_BERT, gated=True), "gte nomic_bert"),
    (
        _GPT,
        (
            "biogpt clip_text_model deit gpt2 gpt_bigcode gpt_neo gpt_neox_japanese jais2 megatron-bert nemotron opt "
            "persimmon siglip_text_model siglip_vision_model starcoder2 vit vit_mae xglm"
        ),
    ),
    (replace(_GPT, parallel=True), "codegen falcon gpt_neox gptj phi"),
    (replace(_GPT, activation="relu"), "ctrl"),
    (replace(_GPT, first=True), "roberta-prelayernorm"),
    (replace(_GPT, first=True, activation="gelu_tanh"), "bloom"),
    (Form(False, "layer", activation="gelu"), "mpt"),
    (_CLIP, "chinese_clip_vision_model clip_vision_model"),
    (
        _BERT,
        (
            "bert bert-generation big_bird camembert convbert deberta deberta-v2 distilbert electra ernie layoutlm "
            "longformer luke markuplm mpnet nystromformer roberta roc_bert roformer splinter xlm-roberta"
        ),
    ),
    (replace(_BERT, first=False), "fnet rembert"),
    (replace(_BERT, first=False, activation="gelu_tanh"), "openai-gpt"),
)

#: Model type -> its form.
MODEL_TYPES: Mapping[str, Form] = MappingProxyType({name: form for form, names in _ROWS for name in names.split()})
